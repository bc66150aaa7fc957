#include "kvm/bus.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/loop.h"
#include "tests/unit/unit.h"

struct dev {
	struct vm_loop *loop;
	uint64_t off;
	uint32_t len;
	uint64_t value;
	int calls;
};

static void dev_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct dev *d = owner;

	d->calls++;
	d->off = off;
	d->len = len;
	if (d->loop)
		ck_assert_int_eq(pthread_mutex_trylock(&d->loop->lock), EBUSY);
	if (write)
		d->value = vm_bus_get(data, len);
	else if (off != 2)
		vm_bus_put(data, len, 0x1122334455667788);
}

static int add(struct vm_bus *bus, uint64_t base, uint64_t len, struct dev *d)
{
	struct cs_err err = CS_ERR_INIT;

	return vm_bus_add(bus,
			  &(struct vm_bus_range){ .name = "dev",
						  .base = base,
						  .len = len,
						  .owner = d,
						  .do_io = dev_io,
						  .loop = d->loop },
			  &err);
}

START_TEST(test_dispatch)
{
	struct vm_bus bus = { 0 };
	struct vm_loop loop;
	struct cs_err err = CS_ERR_INIT;
	struct dev a = { 0 }, b = { 0 }, c = { .loop = &loop };
	uint8_t data[8] = { 0x34, 0x12 };

	ck_assert_int_eq(vm_loop_init(&loop, &err), 0);
	ck_assert_int_eq(add(&bus, 0x3f8, 8, &a), 0);
	ck_assert_int_eq(add(&bus, 0x60, 1, &b), 0);
	ck_assert_int_eq(add(&bus, 0x400, 16, &c), 0);

	ck_assert(vm_bus_io(&bus, 0x3fa, data, 2, true));
	ck_assert_uint_eq(a.off, 2);
	ck_assert_uint_eq(a.len, 2);
	ck_assert_uint_eq(a.value, 0x1234);
	ck_assert(vm_bus_io(&bus, 0x408, data, 4, false));
	ck_assert_uint_eq(vm_bus_get(data, 4), 0x55667788);
	ck_assert_int_eq(c.calls, 1);
	/* a device that says nothing reads as all ones */
	ck_assert(vm_bus_io(&bus, 0x3fa, data, 1, false));
	ck_assert_uint_eq(data[0], 0xff);
	/* half in a range, and between ranges */
	memset(data, 0, sizeof(data));
	ck_assert(!vm_bus_io(&bus, 0x3ff, data, 2, false));
	ck_assert_uint_eq(vm_bus_get(data, 2), 0xffff);
	ck_assert(!vm_bus_io(&bus, 0x61, data, 1, true));
	ck_assert(!vm_bus_io(&bus, UINT64_MAX, data, 8, false));
	ck_assert_int_eq(b.calls, 0);
	ck_assert_uint_eq(bus.r[1].hits, 2);
	vm_loop_fini(&loop);
}
END_TEST

START_TEST(test_refused)
{
	struct vm_bus bus = { 0 };
	struct dev d = { 0 };

	ck_assert_int_eq(add(&bus, 100, 10, &d), 0);
	ck_assert_int_eq(add(&bus, 109, 1, &d), -EBUSY);
	ck_assert_int_eq(add(&bus, 90, 11, &d), -EBUSY);
	ck_assert_int_eq(add(&bus, 0, UINT64_MAX, &d), -EBUSY);
	ck_assert_int_eq(add(&bus, 90, 10, &d), 0);
	ck_assert_int_eq(add(&bus, 110, 1, &d), 0);
	ck_assert_int_eq(add(&bus, 5, 0, &d), -EINVAL);
	ck_assert_int_eq(add(&bus, 5, UINT64_MAX, &d), -EINVAL);
	for (uint64_t i = bus.n; i < VM_BUS_RANGES; i++)
		ck_assert_int_eq(add(&bus, 1000 + i, 1, &d), 0);
	ck_assert_int_eq(add(&bus, 5000, 1, &d), -ENOSPC);
}
END_TEST

UNIT_MAIN("kvm/bus", test_dispatch, test_refused)
