#include "kvm/virtio/blk.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/config.h"
#include "kvm/virtio/rng.h"
#include "tests/unit/kvm/vio_driver.h"
#include "tests/unit/unit.h"

enum {
	SECTORS = 256,
	SIZE = SECTORS * 512,
};

static struct vio_blk blk;
static struct drv d;
static int fd;
static uint64_t hdr, data, status;
static const uint64_t all = 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_DISCARD |
			    1ULL << VIRTIO_BLK_F_WRITE_ZEROES;

static void setup(int mode, struct vm_blk_config *conf)
{
	struct cs_err err = CS_ERR_INIT;

	drv_init(&d, mode);
	fd = memfd_create("disk", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, SIZE + 100), 0);
	conf->fd = fd;
	ck_assert_msg(vio_blk_init(&blk, conf, &d.env, &err) == 0, "%s", err.msg);
	drv_attach(&d, &blk.dev);
	drv_start(&d, conf->readonly ? 0 : all);
	hdr = drv_alloc(&d, 16);
	data = drv_alloc(&d, SIZE);
	status = drv_alloc(&d, 1);
}

static void teardown(void)
{
	drv_fini(&d);
	close(fd);
}

/* One request; returns its status. */
static int request(uint32_t type, uint64_t sector, uint32_t len)
{
	const struct virtio_blk_outhdr h = { type, 0, sector };
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	uint32_t half = len / 3;
	struct drv_piece p[] = { { hdr, 7, false },
				 { hdr + 7, 9, false },
				 { data, half, in },
				 { data + half, len - half, in },
				 { status, 1, true } };
	uint8_t *st = drv_ptr(&d, status, 1);

	*st = 0xee;
	memcpy(drv_ptr(&d, hdr, 16), &h, 16);
	drv_round(&d, 0, p, 5);
	return *st;
}

START_TEST(reads_and_writes)
{
	static uint8_t model[SIZE], have[SIZE];
	uint8_t *buf;

	setup(_i, &(struct vm_blk_config){ 0 });
	buf = drv_ptr(&d, data, SIZE);
	srandom(7);
	for (int i = 0; i < 300; i++) {
		uint32_t at = (uint32_t)random() % SECTORS;
		uint32_t n = (uint32_t)random() % (SECTORS - at + 1);

		if (n > 40)
			n = 40;
		if (random() % 2) {
			for (uint32_t k = 0; k < n * 512; k++)
				buf[k] = (uint8_t)random();
			memcpy(model + (size_t)at * 512, buf, (size_t)n * 512);
			ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, at, n * 512), VIRTIO_BLK_S_OK);
		} else {
			memset(buf, 0x5a, (size_t)n * 512);
			ck_assert_int_eq(request(VIRTIO_BLK_T_IN, at, n * 512), VIRTIO_BLK_S_OK);
			ck_assert(memcmp(model + (size_t)at * 512, buf, (size_t)n * 512) == 0);
		}
	}
	ck_assert_int_eq(request(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(pread(fd, have, SIZE, 0), SIZE);
	ck_assert(memcmp(have, model, SIZE) == 0);
	teardown();
}
END_TEST

START_TEST(refuses_what_leaves_the_disk)
{
	setup(_i, &(struct vm_blk_config){ 0 });
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, SECTORS, 512), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, UINT64_MAX, 512), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, UINT64_MAX / 512, 512), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, 0, 511), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(77, 0, 512), VIRTIO_BLK_S_UNSUPP);
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, SECTORS - 1, 512), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(blk.n_errors, 6);
	/* the file is cut behind our back */
	ck_assert_int_eq(ftruncate(fd, 1024), 0);
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, 1, 1024), VIRTIO_BLK_S_IOERR);
	ck_assert(!drv_broken(&d));
	teardown();
}
END_TEST

START_TEST(is_broken_by_what_cannot_be_answered)
{
	struct drv_piece p[] = { { 0, 15, false }, { 0, 1, true }, { 0, 16, false } };

	setup(_i, &(struct vm_blk_config){ 0 });
	p[0].gpa = p[2].gpa = hdr;
	p[1].gpa = status;
	for (int i = 0; i < 2; i++) {
		time_t end = time(NULL) + 20;

		drv_add(&d, 0, i ? p + 2 : p, i ? 1 : 2);
		drv_kick(&d, 0);
		while (!drv_broken(&d) && time(NULL) < end)
			;
		ck_assert(drv_broken(&d));
		drv_start(&d, all);
	}
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	teardown();
}
END_TEST

START_TEST(is_read_only)
{
	struct virtio_blk_discard_write_zeroes z = { 0, 1, 0 };

	setup(_i, &(struct vm_blk_config){ .readonly = true });
	ck_assert(drv_offered(&d) & 1ULL << VIRTIO_BLK_F_RO);
	ck_assert(!(drv_offered(&d) & 1ULL << VIRTIO_BLK_F_DISCARD));
	memset(drv_ptr(&d, data, 512), 1, 512);
	ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
	memcpy(drv_ptr(&d, data, 16), &z, 16);
	ck_assert_int_eq(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 16), VIRTIO_BLK_S_IOERR);
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(((uint8_t *)drv_ptr(&d, data, 1))[0], 0);
	ck_assert_int_eq(request(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	teardown();
}
END_TEST

START_TEST(discards_and_zeroes)
{
	struct virtio_blk_discard_write_zeroes z[2] = { { 2, 3, 0 } };
	uint8_t *buf, have[16 * 512];

	setup(_i, &(struct vm_blk_config){ 0 });
	for (int discard = 0; discard < 2; discard++) {
		uint32_t type = discard ? VIRTIO_BLK_T_DISCARD : VIRTIO_BLK_T_WRITE_ZEROES;

		buf = drv_ptr(&d, data, SIZE);
		memset(buf, 0x33, sizeof(have));
		ck_assert_int_eq(request(VIRTIO_BLK_T_OUT, 0, sizeof(have)), VIRTIO_BLK_S_OK);
		z[1] = (struct virtio_blk_discard_write_zeroes){ 10, 1, !discard };
		memcpy(buf, z, sizeof(z));
		ck_assert_int_eq(request(type, 0, sizeof(z)), VIRTIO_BLK_S_OK);
		ck_assert_int_eq(pread(fd, have, sizeof(have), 0), sizeof(have));
		for (size_t i = 0; i < sizeof(have); i++)
			ck_assert_int_eq(have[i],
					 (i / 512 >= 2 && i / 512 < 5) || i / 512 == 10 ? 0 : 0x33);
		z[1].flags = 2;
		memcpy(buf, z, sizeof(z));
		ck_assert_int_eq(request(type, 0, sizeof(z)), VIRTIO_BLK_S_UNSUPP);
		z[1] = (struct virtio_blk_discard_write_zeroes){ SECTORS, 1, 0 };
		memcpy(buf, z, sizeof(z));
		ck_assert_int_eq(request(type, 0, sizeof(z)), VIRTIO_BLK_S_IOERR);
		ck_assert_int_eq(request(type, 0, 15), VIRTIO_BLK_S_IOERR);
		ck_assert_int_eq(request(type, 0, 17 * 16), VIRTIO_BLK_S_IOERR);
		ck_assert_int_eq(request(type, 0, 0), VIRTIO_BLK_S_IOERR);
	}
	teardown();
}
END_TEST

START_TEST(has_an_id_and_a_size)
{
	struct virtio_blk_config conf;

	setup(_i, &(struct vm_blk_config){ .serial = "root", .queues = 3 });
	memset(drv_ptr(&d, data, 20), 0x77, 20);
	ck_assert_int_eq(request(VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	ck_assert(memcmp(drv_ptr(&d, data, 20), "root\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20) == 0);
	for (uint32_t i = 0; i < sizeof(conf); i += 4)
		drv_config(&d, i, (uint8_t *)&conf + i, 4);
	ck_assert_uint_eq(conf.capacity, SECTORS);
	ck_assert_uint_eq(conf.blk_size, 512);
	ck_assert_uint_eq(conf.num_queues, 3);
	ck_assert_uint_eq(conf.seg_max, 254);
	ck_assert(drv_offered(&d) & 1ULL << VIRTIO_BLK_F_MQ);
	teardown();
}
END_TEST

START_TEST(keeps_to_its_rate)
{
	struct vm_blk_config conf = { .ops = { .per_second = 100, .burst = 5 } };
	struct timespec a, b;
	double s;

	setup(_i, &conf);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 25; i++)
		ck_assert_int_eq(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	ck_assert_msg(s > 0.18, "25 requests in %f s", s);
	teardown();
}
END_TEST

START_TEST(counts_zeroes_as_bytes)
{
	const struct virtio_blk_discard_write_zeroes z = { 0, 16, 0 };
	struct vm_blk_config conf = { .bytes = { .per_second = 80 * 512, .burst = 512 } };
	struct timespec a, b;
	double s;

	setup(_i, &conf);
	memcpy(drv_ptr(&d, data, sizeof(z)), &z, sizeof(z));
	clock_gettime(CLOCK_MONOTONIC, &a);
	/* the second waits for the first's sixteen sectors, a fifth of a second's */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(request(VIRTIO_BLK_T_WRITE_ZEROES, 0, sizeof(z)), VIRTIO_BLK_S_OK);
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	ck_assert_msg(s > 0.15, "two requests in %f s", s);
	teardown();
}
END_TEST

START_TEST(survives_resets_at_work)
{
	setup(_i, &(struct vm_blk_config){ 0 });
	for (int i = 0; i < 200; i++) {
		struct drv_piece p[] = { { hdr, 16, false },
					 { data, 4096, true },
					 { status, 1, true } };

		memset(drv_ptr(&d, hdr, 16), 0, 16);
		for (int k = 0; k < 4; k++)
			drv_add(&d, 0, p, 3);
		drv_write(&d, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		if (i % 3 == 0)
			sched_yield();
		drv_start(&d, all);
	}
	ck_assert_int_eq(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	teardown();
}
END_TEST

START_TEST(rng_gives_bytes)
{
	static struct vio_rng rng;
	struct cs_err err = CS_ERR_INIT;
	struct drv_piece p = { 0, 64, true };
	uint8_t zero[64] = { 0 };

	drv_init(&d, _i);
	ck_assert_int_eq(vio_rng_init(&rng, &d.env, &err), 0);
	drv_attach(&d, &rng.dev);
	drv_start(&d, 0);
	p.gpa = drv_alloc(&d, 64);
	ck_assert_uint_eq(drv_round(&d, 0, &p, 1), 64);
	ck_assert(memcmp(drv_ptr(&d, p.gpa, 64), zero, 64) != 0);
	/* one with nothing to write to, one with more than anybody asks for */
	p.in = false;
	ck_assert_uint_eq(drv_round(&d, 0, &p, 1), 0);
	p = (struct drv_piece){ 1 << 20, 1 << 20, true };
	ck_assert_uint_eq(drv_round(&d, 0, &p, 1), 4096);
	drv_fini(&d);
}
END_TEST

DRV_MAIN("kvm/virtio/blk", reads_and_writes, refuses_what_leaves_the_disk,
	 is_broken_by_what_cannot_be_answered, is_read_only, discards_and_zeroes,
	 has_an_id_and_a_size, keeps_to_its_rate, counts_zeroes_as_bytes, survives_resets_at_work,
	 rng_gives_bytes)
