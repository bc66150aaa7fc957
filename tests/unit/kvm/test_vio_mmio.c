#include "kvm/virtio/mmio.h"

#include "tests/unit/kvm/vio_echo.h"
#include "tests/unit/unit.h"

static struct echo e;
static struct drv d;

START_TEST(says_who_it_is)
{
	echo_init(&e, &d, 0);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_VERSION), 2);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_DEVICE_ID), 42);
	ck_assert_uint_eq(drv_offered(&d), 1ULL << 5 | 1ULL << VIRTIO_F_VERSION_1 |
						   1ULL << VIRTIO_F_RING_PACKED |
						   1ULL << VIRTIO_RING_F_INDIRECT_DESC |
						   1ULL << VIRTIO_RING_F_EVENT_IDX);
	drv_write(&d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	drv_write(&d, VIRTIO_MMIO_QUEUE_NUM, 8);
	drv_write(&d, VIRTIO_MMIO_QUEUE_READY, 1);
	drv_write(&d, VIRTIO_MMIO_QUEUE_NOTIFY, 77);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_SHM_BASE_HIGH), UINT32_MAX);
	e.dev.shm = (struct vio_shm){ 0x123456789000, 0x200000000 };
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_SHM_LEN_HIGH), 2);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_SHM_BASE_LOW), 0x56789000);
	ck_assert(!drv_broken(&d));
	drv_fini(&d);
}
END_TEST

START_TEST(settles_features)
{
	echo_init(&e, &d, 0);
	/* what was not offered */
	drv_features(&d, 1ULL << 6);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_STATUS),
			  VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	drv_features(&d, 1ULL << 50);
	ck_assert(!(drv_read(&d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	/* a legacy driver */
	drv_write(&d, VIRTIO_MMIO_STATUS, 0);
	drv_write(&d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_STATUS), 0);
	drv_write(&d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(drv_broken(&d));
	drv_features(&d, 1ULL << 5);
	ck_assert(drv_read(&d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	ck_assert(vio_dev_has(&e.dev, 5));
	drv_write(&d, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	ck_assert(drv_broken(&d));
	ck_assert_int_eq(e.n_activated, 0);
	drv_fini(&d);
}
END_TEST

START_TEST(takes_no_odd_accesses)
{
	uint8_t data[8];

	echo_init(&e, &d, 0);
	for (uint32_t len = 1; len <= 8; len *= 2) {
		for (uint64_t off = 0; off <= 0x100 - len; off++) {
			if (len == 4 && off % 4 == 0)
				continue;
			memset(data, 0xff, 8);
			drv_io(&d, off, data, len, true);
			drv_io(&d, off, data, len, false);
			for (uint32_t i = 0; i < len; i++)
				ck_assert_uint_eq(data[i], 0);
		}
	}
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_STATUS), 0);
	drv_fini(&d);
}
END_TEST

START_TEST(has_a_config_space_of_any_width)
{
	uint8_t data[8];
	uint32_t gen;

	echo_init(&e, &d, 0);
	drv_config(&d, 1, data, 1);
	ck_assert_int_eq(data[0], 'b');
	drv_config(&d, 3, data, 2);
	ck_assert(memcmp(data, "de", 2) == 0);
	drv_config(&d, 0, data, 8);
	ck_assert(memcmp(data, "abcdef\0\0", 8) == 0);
	drv_config(&d, 4, data, 4);
	ck_assert(memcmp(data, "ef\0\0", 4) == 0);
	drv_config(&d, 6, data, 8);
	drv_config(&d, 0xef0, data, 8);
	ck_assert_uint_eq(data[0], 0);
	memcpy(data, "XYZW", 4);
	drv_io(&d, VIRTIO_MMIO_CONFIG + 4, data, 2, true);
	drv_io(&d, VIRTIO_MMIO_CONFIG + 4, data, 4, true); /* past its end: nothing */
	drv_io(&d, VIRTIO_MMIO_CONFIG, data, 4, true);
	ck_assert(memcmp(e.config, "abcdXY", 6) == 0);
	gen = drv_read(&d, VIRTIO_MMIO_CONFIG_GENERATION);
	vio_dev_config_changed(&e.dev);
	ck_assert_uint_ne(drv_read(&d, VIRTIO_MMIO_CONFIG_GENERATION), gen);
	ck_assert_uint_eq(drv_interrupts(&d), 0); /* nobody is there to hear of it */
	drv_start(&d, 0);
	vio_dev_config_changed(&e.dev);
	ck_assert_uint_eq(drv_interrupts(&d), 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	drv_write(&d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	drv_fini(&d);
}
END_TEST

static void expect_refused(uint64_t desc, uint64_t driver, uint64_t device, uint16_t size)
{
	drv_features(&d, 0);
	d.q[0] = (struct drv_queue){ .size = size };
	drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, 0);
	drv_write(&d, VIRTIO_MMIO_QUEUE_NUM, size);
	drv_write(&d, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)desc);
	drv_write(&d, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(desc >> 32));
	drv_write(&d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)driver);
	drv_write(&d, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(driver >> 32));
	drv_write(&d, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)device);
	drv_write(&d, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(device >> 32));
	drv_write(&d, VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert(drv_broken(&d));
}

START_TEST(refuses_bad_queues)
{
	echo_init(&e, &d, _i);
	expect_refused(0x1000, 0x2000, 0x3000, 0);
	expect_refused(0x1000, 0x2000, 0x3000, 128);
	if (!(_i & DRV_PACKED))
		expect_refused(0x1000, 0x2000, 0x3000, 48);
	expect_refused(0x1004, 0x2000, 0x3000, 16);
	expect_refused(0x1000, 0x2001, 0x3000, 16);
	expect_refused(0x1000, 0x2000, 0x3002, 16);
	expect_refused(DRV_MEM - 16, 0x2000, 0x3000, 16);
	expect_refused(0x1000, DRV_MEM - 2, 0x3000, 16);
	expect_refused(0x1000, 0x2000, VM_HOLE_START, 16);
	expect_refused(UINT64_MAX - 15, 0x2000, 0x3000, 16);
	drv_fini(&d);
}
END_TEST

START_TEST(queues_in_use_stay)
{
	static const uint32_t regs[] = { VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_DESC_LOW,
					 VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_MMIO_QUEUE_USED_LOW };

	echo_init(&e, &d, _i);
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		struct vio_queue_state before;

		drv_start(&d, 0);
		drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, 0);
		drv_write(&d, VIRTIO_MMIO_QUEUE_READY, 1);
		ck_assert(!drv_broken(&d));
		before = e.dev.q[0].s;
		drv_write(&d, regs[i], 8);
		ck_assert(drv_broken(&d));
		ck_assert_uint_eq(e.dev.q[0].s.size, before.size);
		ck_assert_uint_eq(e.dev.q[0].s.desc, before.desc);
		ck_assert_uint_eq(e.dev.q[0].s.driver, before.driver);
		ck_assert_uint_eq(e.dev.q[0].s.device, before.device);
	}
	drv_start(&d, 0);
	drv_write(&d, VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert(drv_broken(&d));
	/* not before features are settled, not after the start */
	drv_write(&d, VIRTIO_MMIO_STATUS, 0);
	drv_set_queue(&d, 0);
	ck_assert(drv_broken(&d));
	drv_features(&d, 0);
	drv_write(&d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	drv_set_queue(&d, 0);
	ck_assert(drv_broken(&d));
	drv_fini(&d);
}
END_TEST

START_TEST(forgets_all_at_reset)
{
	struct drv_piece p = { 0, 8, true };
	uint16_t id;
	uint32_t len;

	echo_init(&e, &d, _i);
	p.gpa = drv_alloc(&d, 8);
	drv_kick(&d, 0);
	for (int i = 0; i < 5; i++) {
		drv_start(&d, 0);
		ck_assert_int_eq(e.n_activated, i + 1);
		/* a reset between the kick and its service */
		drv_add(&d, 0, &p, 1);
		drv_write(&d, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		drv_write(&d, VIRTIO_MMIO_STATUS, 0);
		ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_STATUS), 0);
		ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
		drv_write(&d, VIRTIO_MMIO_QUEUE_SEL, 0);
		ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_QUEUE_READY), 0);
		drv_kick(&d, 0);
		ck_assert_int_eq(e.n_handled, 0);
		ck_assert(!drv_used(&d, 0, &id, &len));
	}
	drv_fini(&d);
}
END_TEST

START_TEST(breaks_when_it_cannot_start)
{
	echo_init(&e, &d, _i);
	e.fail = true;
	drv_features(&d, 0);
	drv_write(&d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(drv_broken(&d));
	e.fail = false;
	drv_start(&d, 0);
	drv_fini(&d);
}
END_TEST

DRV_MAIN("kvm/virtio/mmio", says_who_it_is, settles_features, takes_no_odd_accesses,
	 has_a_config_space_of_any_width, refuses_bad_queues, queues_in_use_stay,
	 forgets_all_at_reset, breaks_when_it_cannot_start)
