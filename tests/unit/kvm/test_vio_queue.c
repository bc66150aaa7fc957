#include "kvm/virtio/queue.h"

#include "tests/unit/kvm/vio_echo.h"
#include "tests/unit/unit.h"

static struct echo e;
static struct drv d;
static uint64_t src, dst;

static void setup(int mode)
{
	echo_init(&e, &d, mode);
	drv_start(&d, 0);
	src = drv_alloc(&d, 4096);
	dst = drv_alloc(&d, 4096);
	for (int i = 0; i < 4096; i++)
		((uint8_t *)drv_ptr(&d, src, 4096))[i] = (uint8_t)(i * 7 + 1);
}

static void check_copied(uint32_t len)
{
	ck_assert(memcmp(drv_ptr(&d, src, len), drv_ptr(&d, dst, len), len) == 0);
}

START_TEST(moves_data)
{
	setup(_i);
	/* often enough to go round the ring several times, in chains of 2 to 6 */
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t cut = 1 + i % 100, len = 200 + i;
		struct drv_piece p[] = {
			{ src, cut, false },	      { src + cut, len - cut - 1, false },
			{ src + len - 1, 1, false },  { dst, 10, true },
			{ dst + 10, len - 10, true }, { dst + 2048, 77, true }
		};

		memset(drv_ptr(&d, dst, 4096), 0, 4096);
		ck_assert_uint_eq(drv_round(&d, 0, p, 6), len);
		check_copied(len);
		ck_assert_uint_eq(((uint8_t *)drv_ptr(&d, dst, 4096))[len], 0);
		ck_assert_uint_eq(drv_round(&d, 1, p, 3), 0);
		ck_assert_uint_eq(drv_round(&d, 0, p + 3, 1), 0);
	}
	ck_assert_uint_eq(e.dev.q[0].s.held, 0);
	ck_assert_uint_eq(e.dev.q[0].popped, 400);
	drv_fini(&d);
}
END_TEST

START_TEST(moves_data_indirect)
{
	struct drv_piece p[100];
	uint16_t id, want;
	uint32_t len;

	setup(_i);
	for (uint32_t i = 0; i < 50; i++) {
		p[i] = (struct drv_piece){ src + i * 3, 3, false };
		p[50 + i] = (struct drv_piece){ dst + i * 3, 3, true };
	}
	for (int i = 0; i < 40; i++) {
		memset(drv_ptr(&d, dst, 4096), 0, 4096);
		want = drv_add_indirect(&d, 0, p, 100);
		drv_kick(&d, 0);
		ck_assert(drv_used(&d, 0, &id, &len));
		ck_assert_uint_eq(id, want);
		ck_assert_uint_eq(len, 150);
		check_copied(150);
		ck_assert_uint_eq(drv_round(&d, 0, p + 49, 2), 3);
	}
	ck_assert_int_eq(e.n_handled, 80);
	drv_fini(&d);
}
END_TEST

START_TEST(empty_pieces_count_for_nothing)
{
	struct drv_piece p[] = { { 0xffffffffffff0000ULL, 0, false }, { src, 0, false } };

	setup(_i);
	p[1] = (struct drv_piece){ src, 0, false };
	ck_assert_uint_eq(drv_round(&d, 0, p, 2), 0);
	ck_assert(!drv_broken(&d));
	drv_fini(&d);
}
END_TEST

/* Adds one bad buffer and expects the device to stop, and to work again after a reset. */
static void expect_broken(const char *why)
{
	struct drv_piece good[] = { { src, 64, false }, { dst, 64, true } };
	uint16_t id;
	uint32_t len;
	int handled = e.n_handled;

	drv_interrupts(&d);
	drv_kick(&d, 0);
	ck_assert_msg(drv_broken(&d), "%s: not broken", why);
	ck_assert_str_eq(e.dev.q[0].why, why);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG,
			  VIRTIO_MMIO_INT_CONFIG);
	ck_assert_uint_ge(drv_interrupts(&d), 1);
	ck_assert(!drv_used(&d, 0, &id, &len));
	/* nothing more is taken, from the other queue neither */
	drv_add(&d, 1, good, 2);
	drv_kick(&d, 1);
	drv_kick(&d, 0);
	ck_assert_int_eq(e.n_handled, handled);
	ck_assert(!drv_used(&d, 1, &id, &len));
	drv_start(&d, 0);
	ck_assert_uint_eq(drv_round(&d, 0, good, 2), 64);
	ck_assert_ptr_null(e.dev.q[0].why);
}

START_TEST(breaks_on_bad_pieces)
{
	const struct drv_piece bad[] = {
		{ DRV_MEM - 10, 11, false },	{ DRV_MEM, 1, true },
		{ UINT64_MAX - 10, 11, false }, { UINT64_MAX - 10, 100, false },
		{ 0, UINT32_MAX, true },	{ VM_HOLE_START, 16, true },
	};

	setup(_i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		drv_add(&d, 0, &bad[i], 1);
		expect_broken("a descriptor outside of memory");
		drv_add_indirect(&d, 0, &bad[i], 1);
		expect_broken("a descriptor outside of memory");
	}
	drv_fini(&d);
}
END_TEST

START_TEST(breaks_on_bad_chains)
{
	struct drv_piece p[] = { { 0, 16, true }, { 0, 16, false }, { 0, 16, true } };
	struct drv_piece many[257];

	setup(_i);
	p[0].gpa = p[1].gpa = p[2].gpa = dst;
	drv_add(&d, 0, p, 3);
	expect_broken("a readable descriptor after a writable one");
	drv_add_indirect(&d, 0, p, 2);
	expect_broken("a readable descriptor after a writable one");
	for (int i = 0; i < 257; i++)
		many[i] = p[0];
	drv_add_indirect(&d, 0, many, 257);
	expect_broken("an indirect table of a wrong size");
	drv_fini(&d);
}
END_TEST

/* An indirect descriptor for @table, which itself is in an indirect table or not. */
static void add_table(uint64_t table, uint32_t len, bool twice)
{
	struct drv_piece p = { table, len, false };
	struct drv_queue *q = &d.q[0];

	if (twice) {
		uint64_t outer = drv_alloc(&d, 16);

		if (d.mode & DRV_PACKED) {
			const struct vring_packed_desc v = { table, len, 0, VRING_DESC_F_INDIRECT };

			memcpy(drv_ptr(&d, outer, 16), &v, 16);
		} else {
			drv_desc(&d, outer, 0, p, VRING_DESC_F_INDIRECT, 0);
		}
		p = (struct drv_piece){ outer, 16, false };
	}
	if (d.mode & DRV_PACKED) {
		q->n_desc[0] = 1;
		drv_put_packed(&d, 0, p, 0, VRING_DESC_F_INDIRECT, NULL);
	} else {
		drv_desc(&d, q->desc, 0, p, VRING_DESC_F_INDIRECT, 0);
		drv_avail_split(&d, 0, 0);
	}
}

START_TEST(breaks_on_bad_tables)
{
	setup(_i);
	add_table(dst, 0, false);
	expect_broken("an indirect table of a wrong size");
	add_table(dst, 17, false);
	expect_broken("an indirect table of a wrong size");
	add_table(dst, 0xfffffff0, false);
	expect_broken("an indirect table of a wrong size");
	add_table(dst + 1, 16, false);
	expect_broken("an indirect table of a wrong size");
	add_table(DRV_MEM - 16, 32, false);
	expect_broken("an indirect table outside of memory");
	add_table(dst, 16, true);
	expect_broken("an indirect descriptor in an indirect table");
	drv_fini(&d);
}
END_TEST

START_TEST(breaks_on_split_rings_own)
{
	struct drv_piece p = { 0, 16, true };
	struct drv_queue *q = &d.q[0];

	setup(_i & DRV_EVENT_IDX);
	p.gpa = dst;
	/* a loop, in the ring's table and in an indirect one */
	drv_desc(&d, q->desc, 0, p, VRING_DESC_F_NEXT, 1);
	drv_desc(&d, q->desc, 1, p, VRING_DESC_F_NEXT, 0);
	drv_avail_split(&d, 0, 0);
	expect_broken("a loop of descriptors");
	drv_desc(&d, dst, 0, p, VRING_DESC_F_NEXT, 0);
	add_table(dst, 16, false);
	expect_broken("a loop of descriptors");
	/* indexes past the table */
	drv_avail_split(&d, 0, q->size);
	expect_broken("a descriptor index past the table");
	drv_desc(&d, q->desc, 0, p, VRING_DESC_F_NEXT, 0xffff);
	drv_avail_split(&d, 0, 0);
	expect_broken("a descriptor index past the table");
	drv_desc(&d, dst, 0, p, VRING_DESC_F_NEXT, 2);
	add_table(dst, 32, false);
	expect_broken("a descriptor index past the table");
	drv_desc(&d, q->desc, 0, p, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	drv_avail_split(&d, 0, 0);
	expect_broken("an indirect descriptor with a next");
	/* the index jumps */
	q->avail = (uint16_t)(q->avail + q->size);
	drv_avail_split(&d, 0, 0);
	expect_broken("the available index jumped");
	q->avail = (uint16_t)(q->avail - 2);
	drv_avail_split(&d, 0, 0);
	expect_broken("the available index jumped");
	drv_fini(&d);
}
END_TEST

START_TEST(breaks_on_packed_rings_own)
{
	struct drv_piece p = { 0, 16, true };

	setup(DRV_PACKED | (_i & DRV_EVENT_IDX));
	p.gpa = dst;
	/* every entry has a next */
	for (int i = 0; i < d.q[0].size; i++)
		drv_put_packed(&d, 0, p, 0, VRING_DESC_F_NEXT, NULL);
	expect_broken("a chain longer than the queue has free entries");
	drv_put_packed(&d, 0, p, 0, VRING_DESC_F_NEXT, NULL);
	p.in = false;
	drv_put_packed(&d, 0, p, 0, VRING_DESC_F_INDIRECT, NULL);
	expect_broken("an indirect descriptor in a chain");
	drv_fini(&d);
}
END_TEST

START_TEST(breaks_on_too_many_buffers)
{
	struct drv_piece p[] = { { src, 8, false }, { dst, 8, true } };

	setup(_i & DRV_EVENT_IDX);
	p[0].gpa = src;
	p[1].gpa = dst;
	/* the device holds all it was given, and is given more */
	e.keep = 16;
	e.n_kept = 0;
	for (int i = 0; i < 15; i++)
		drv_add(&d, 0, p + 1, 1);
	drv_kick(&d, 0);
	ck_assert_uint_eq(e.dev.q[0].s.held, 15);
	e.keep = 100;
	drv_add(&d, 0, p + 1, 1);
	drv_kick(&d, 0);
	ck_assert(!drv_broken(&d));
	drv_add(&d, 0, p + 1, 1);
	e.keep = 0;
	e.n_kept = 0;
	expect_broken("more buffers than the queue has entries");
	drv_fini(&d);
}
END_TEST

START_TEST(gives_back_many_at_once)
{
	struct drv_piece p[] = { { 0, 8, false }, { 0, 8, true } };
	uint16_t id, want[3];
	uint32_t len;

	setup(_i);
	p[0].gpa = src;
	p[1].gpa = dst;
	e.keep = 3;
	for (int round = 0; round < 30; round++) {
		want[0] = drv_add(&d, 0, p, 2);
		want[1] = drv_add(&d, 0, p, 2);
		drv_kick(&d, 0);
		ck_assert(!drv_used(&d, 0, &id, &len));
		want[2] = drv_add(&d, 0, p, 2);
		drv_kick(&d, 0);
		for (int i = 0; i < 3; i++) {
			ck_assert(drv_used(&d, 0, &id, &len));
			ck_assert_uint_eq(id, want[i]);
			ck_assert_uint_eq(len, 8);
		}
	}
	drv_fini(&d);
}
END_TEST

START_TEST(puts_back)
{
	struct drv_piece p[] = { { 0, 8, false }, { 0, 8, true } };
	uint16_t id, want;
	uint32_t len;

	setup(_i);
	p[0].gpa = src;
	p[1].gpa = dst;
	for (int round = 0; round < 30; round++) {
		e.stop = true;
		want = drv_add(&d, 0, p, 2);
		for (int i = 0; i < 3; i++)
			drv_kick(&d, 0);
		ck_assert(!drv_used(&d, 0, &id, &len));
		ck_assert_uint_eq(e.dev.q[0].s.held, 0);
		e.stop = false;
		drv_kick(&d, 0);
		ck_assert(drv_used(&d, 0, &id, &len));
		ck_assert_uint_eq(id, want);
	}
	drv_fini(&d);
}
END_TEST

/* Tells the device when the driver wants to hear of used buffers. */
static void want_event(uint16_t n_more)
{
	struct drv_queue *q = &d.q[0];
	uint16_t *a = drv_ptr(&d, q->driver, 6 + q->size * 2ULL);

	if (!(d.mode & DRV_PACKED)) {
		a[2 + q->size] = (uint16_t)(q->used + n_more);
		return;
	}
	a[0] = (uint16_t)((q->used + n_more) % q->size);
	if ((q->used + n_more >= q->size) != q->used_wrap)
		a[0] |= 1 << VRING_PACKED_EVENT_F_WRAP_CTR;
	a[1] = VRING_PACKED_EVENT_FLAG_DESC;
}

START_TEST(raises_at_the_event_index)
{
	struct drv_piece p = { 0, 8, true };
	uint16_t id;
	uint32_t len;

	setup(_i | DRV_EVENT_IDX);
	p.gpa = dst;
	for (int round = 0; round < 40; round++) {
		want_event(2); /* the third */
		drv_interrupts(&d);
		for (int i = 0; i < 5; i++) {
			drv_add(&d, 0, &p, 1);
			drv_kick(&d, 0);
			ck_assert_msg(drv_interrupts(&d) == (i == 2), "round %d, buffer %d", round,
				      i);
		}
		want_event(6);
		drv_add(&d, 0, &p, 1);
		drv_add(&d, 0, &p, 1);
		drv_kick(&d, 0);
		ck_assert_uint_eq(drv_interrupts(&d), 1);
		for (int i = 0; i < 7; i++)
			ck_assert(drv_used(&d, 0, &id, &len));
	}
	drv_fini(&d);
}
END_TEST

START_TEST(raises_unless_told_not_to)
{
	struct drv_piece p = { 0, 8, true };
	uint16_t *a;

	setup(_i & DRV_PACKED);
	p.gpa = dst;
	a = drv_ptr(&d, d.q[0].driver, 4);
	drv_add(&d, 0, &p, 1);
	drv_kick(&d, 0);
	ck_assert_uint_eq(drv_interrupts(&d), 1);
	a[d.mode & DRV_PACKED ? 1 : 0] = 1; /* the same bit for both */
	drv_add(&d, 0, &p, 1);
	drv_kick(&d, 0);
	ck_assert_uint_eq(drv_interrupts(&d), 0);
	drv_kick(&d, 0);
	ck_assert_uint_eq(drv_interrupts(&d), 0);
	drv_fini(&d);
}
END_TEST

/* Does the device ask to be kicked for the next buffer? */
static bool wants_kick(void)
{
	const uint16_t *u = drv_ptr(&d, d.q[0].device, 6 + d.q[0].size * 8ULL);

	switch (d.mode) {
	case DRV_SPLIT:
		return !(u[0] & VRING_USED_F_NO_NOTIFY);
	case DRV_PACKED:
		return u[1] == VRING_PACKED_EVENT_FLAG_ENABLE;
	case DRV_EVENT_IDX:
		return u[2 + 4 * d.q[0].size] == d.q[0].avail;
	default:
		return u[1] == VRING_PACKED_EVENT_FLAG_DESC && (u[0] & 0x7fff) == d.q[0].avail &&
		       u[0] >> 15 == d.q[0].avail_wrap;
	}
}

START_TEST(asks_for_kicks)
{
	struct drv_piece p = { 0, 8, true };
	uint16_t id;
	uint32_t len;

	setup(_i);
	p.gpa = dst;
	for (int i = 0; i < 40; i++) {
		drv_add(&d, 0, &p, 1);
		drv_kick(&d, 0);
		ck_assert(drv_used(&d, 0, &id, &len));
		ck_assert(wants_kick());
	}
	drv_fini(&d);
}
END_TEST

START_TEST(state_goes_on_elsewhere)
{
	struct drv_piece p[] = { { 0, 8, false }, { 0, 8, true } };
	struct cs_err err = CS_ERR_INIT;
	struct vio_queue_state s;

	setup(_i);
	p[0].gpa = src;
	p[1].gpa = dst;
	for (int i = 0; i < 21; i++) {
		drv_round(&d, 0, p, 2);
		s = e.dev.q[0].s;
		memset(&e.dev.q[0].s, 0x55, sizeof(s));
		ck_assert_int_eq(vio_queue_restore(&e.dev.q[0], &d.mem, &s, &err), 0);
	}
	s.version++;
	ck_assert_int_eq(vio_queue_restore(&e.dev.q[0], &d.mem, &s, &err), -EINVAL);
	cs_err_clear(&err);
	s.version--;
	s.held = (uint16_t)(s.size + 1);
	ck_assert_int_eq(vio_queue_restore(&e.dev.q[0], &d.mem, &s, &err), -EINVAL);
	ck_assert(!e.dev.q[0].s.ready);
	drv_fini(&d);
}
END_TEST

DRV_MAIN("kvm/virtio/queue", moves_data, moves_data_indirect, empty_pieces_count_for_nothing,
	 breaks_on_bad_pieces, breaks_on_bad_chains, breaks_on_bad_tables,
	 breaks_on_split_rings_own, breaks_on_packed_rings_own, breaks_on_too_many_buffers,
	 gives_back_many_at_once, puts_back, raises_at_the_event_index, raises_unless_told_not_to,
	 asks_for_kicks, state_goes_on_elsewhere)
