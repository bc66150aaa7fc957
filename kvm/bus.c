#include "kvm/bus.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kvm/loop.h"

int vm_bus_add(struct vm_bus *bus, const struct vm_bus_range *r, struct cs_err *err)
{
	uint64_t last;
	uint32_t at = 0;

	if (r->len == 0 || __builtin_add_overflow(r->base, r->len - 1, &last))
		return cs_err_set(err, EINVAL, "bus: %s: the range is empty or wraps", r->name);
	if (bus->n == VM_BUS_RANGES)
		return cs_err_set(err, ENOSPC, "bus: %s: there are %u ranges already", r->name,
				  (unsigned int)VM_BUS_RANGES);
	while (at < bus->n && bus->r[at].base + (bus->r[at].len - 1) < r->base)
		at++;
	if (at < bus->n && bus->r[at].base <= last)
		return cs_err_set(err, EBUSY, "bus: %s overlaps %s", r->name, bus->r[at].name);
	memmove(&bus->r[at + 1], &bus->r[at], (bus->n - at) * sizeof(bus->r[0]));
	bus->r[at] = *r;
	bus->r[at].hits = 0;
	bus->n++;
	return 0;
}

static struct vm_bus_range *find(struct vm_bus *bus, uint64_t addr, uint32_t len)
{
	uint32_t lo = 0, hi = bus->n;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		struct vm_bus_range *r = &bus->r[mid];

		if (addr < r->base)
			hi = mid;
		else if (addr - r->base >= r->len)
			lo = mid + 1;
		else
			return len <= r->len - (addr - r->base) ? r : NULL;
	}
	return NULL;
}

bool vm_bus_io(struct vm_bus *bus, uint64_t addr, uint8_t *data, uint32_t len, bool write)
{
	struct vm_bus_range *r = find(bus, addr, len);

	if (!write)
		memset(data, 0xff, len);
	if (!r)
		return false;
	__atomic_fetch_add(&r->hits, 1, __ATOMIC_RELAXED);
	if (r->loop)
		vm_loop_lock(r->loop);
	r->do_io(r->owner, addr - r->base, data, len, write);
	if (r->loop)
		vm_loop_unlock(r->loop);
	return true;
}

uint64_t vm_bus_get(const uint8_t *data, uint32_t len)
{
	uint64_t v = 0;

	memcpy(&v, data, len < sizeof(v) ? len : sizeof(v));
	return v;
}

void vm_bus_put(uint8_t *data, uint32_t len, uint64_t value)
{
	memcpy(data, &value, len < sizeof(value) ? len : sizeof(value));
}
