/* When a vCPU counts as dead: kvm/hang. */
#include "kvm/hang.h"

#include "tests/unit/unit.h"

enum { MS = 1000 * 1000 };

/* A tight loop with interrupts off that had the processor for itself. */
static const struct vm_hang_sample first = {
	.now_ns = 1000 * MS,
	.busy_ns = 500 * MS,
	.exits = 7,
	.rip = 0xffffffff81000000,
};

static uint64_t after(struct vm_hang_sample s)
{
	struct vm_hang h = { 0 };

	vm_hang_note(&h, &first);
	ck_assert_uint_eq(h.dead_ns, 0);
	vm_hang_note(&h, &s);
	return h.dead_ns;
}

static struct vm_hang_sample later(uint64_t wall, uint64_t busy)
{
	struct vm_hang_sample s = first;

	s.now_ns += wall;
	s.busy_ns += busy;
	return s;
}

START_TEST(test_loop)
{
	struct vm_hang h = { 0 };

	for (uint64_t i = 0; i <= 5; i++) {
		struct vm_hang_sample s = later(i * 100 * MS, i * 90 * MS);

		s.rip += i % 2 * 64;
		vm_hang_note(&h, &s);
		ck_assert_uint_eq(h.dead_ns, i * 90 * MS);
	}
}
END_TEST

/* The host gave it next to no time: that is what counts, not how long it took. */
START_TEST(test_starved)
{
	ck_assert_uint_eq(after(later(60000ULL * MS, 20)), 20);
}
END_TEST

START_TEST(test_alive)
{
	struct vm_hang_sample s = later(100 * MS, 100 * MS);

	ck_assert_uint_eq(after(s), 100 * MS);
	s.interrupts = true;
	ck_assert_uint_eq(after(s), 0);
	s = later(100 * MS, 100 * MS);
	s.exits++;
	ck_assert_uint_eq(after(s), 0);
	s = later(100 * MS, 100 * MS);
	s.rip += VM_HANG_NEAR;
	ck_assert_uint_eq(after(s), 0);
	s.rip = first.rip - VM_HANG_NEAR;
	ck_assert_uint_eq(after(s), 0);
}
END_TEST

START_TEST(test_halted)
{
	struct vm_hang h = { 0 };
	struct vm_hang_sample s = first;

	s.halted = true;
	vm_hang_note(&h, &s);
	s.now_ns += 300 * MS;
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 300 * MS);
	/* a moment with interrupts on, and it starts again */
	s.interrupts = true;
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 0);
	s.interrupts = false;
	s.now_ns += 300 * MS;
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 0);
	s.now_ns += 300 * MS;
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 300 * MS);
}
END_TEST

START_TEST(test_not_started)
{
	struct vm_hang h = { 0 };
	struct vm_hang_sample s = first;

	s.wait_for_sipi = true;
	vm_hang_note(&h, &s);
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, UINT64_MAX);
	s = later(100 * MS, 100 * MS);
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 0);
	s = later(200 * MS, 200 * MS);
	vm_hang_note(&h, &s);
	ck_assert_uint_eq(h.dead_ns, 100 * MS);
}
END_TEST

UNIT_MAIN("kvm/hang", test_loop, test_starved, test_alive, test_halted, test_not_started)
