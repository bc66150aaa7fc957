#ifndef CS_KVM_BUS_H
#define CS_KVM_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct vm_loop;

/*
 * What answers at an I/O port or in a stretch of guest-physical memory without RAM. Two buses, one
 * for ports and one for memory. Ranges are added before the guest's first instruction and stay.
 */

enum {
	VM_BUS_RANGES = 32,
};

/*
 * One access of the guest's: @len bytes (1, 2, 4 or 8) at @off within the range, little-endian in
 * @data. It lies within the range as a whole, but has any width and alignment. A write finds its
 * bytes in @data; a read starts with all ones there, the answer for what is not there. Runs on the
 * thread of the vCPU that did the access, with the loop's lock held (vm_loop_lock()) when the range
 * has a loop. Must not block.
 */
typedef void (*vm_bus_fn)(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write);

struct vm_bus_range {
	const char *name; /* borrowed: "serial", "blk0" */
	uint64_t base;
	uint64_t len;
	void *owner;
	vm_bus_fn do_io;
	struct vm_loop *loop; /* whose lock @do_io wants; NULL: none */
	uint64_t hits;	      /* accesses so far; approximate when vCPUs race */
};

struct vm_bus {
	uint32_t n;
	struct vm_bus_range r[VM_BUS_RANGES]; /* by ascending base */
};

/* Adds a copy of @r. EBUSY when it overlaps another, ENOSPC when the bus is full, EINVAL when it
 * is empty or wraps. */
int vm_bus_add(struct vm_bus *bus, const struct vm_bus_range *r, struct cs_err *err);

/* Does the access. False when no range holds all of it; a read is then all ones. */
bool vm_bus_io(struct vm_bus *bus, uint64_t addr, uint8_t *data, uint32_t len, bool write);

/* Little-endian numbers of @len (1, 2, 4, 8) bytes, for do_io functions. */
uint64_t vm_bus_get(const uint8_t *data, uint32_t len);
void vm_bus_put(uint8_t *data, uint32_t len, uint64_t value);

#endif
