#ifndef CS_KVM_MEM_H
#define CS_KVM_MEM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * Guest memory: the only code that makes a host pointer of a guest-physical address. What stands in
 * guest memory changes at any time, between two reads of the same field: copy a thing once, check
 * the copy, use the copy. Ask for a pointer only to move bulk data, or for a ring's index with an
 * atomic access.
 *
 * Regions are set up before the guest's first instruction and stay as they are: looking up needs no
 * lock. Nothing here knows of KVM (kvm/vm.h gives the regions to it), so tests and fuzzers use it
 * as it is.
 */

enum {
	VM_MEM_REGIONS = 24,
};

struct vm_mem_region {
	uint64_t gpa;
	uint64_t len;	/* bytes, a multiple of the page size */
	uint8_t *host;	/* aligned as @gpa is, to 2 MiB */
	bool readonly;	/* the guest cannot write it, and nobody may for it */
	bool file;	/* somebody's file (virtio-pmem), not RAM */
	uint64_t fd_at; /* RAM of a memfd: offset in it */
};

struct vm_mem {
	uint64_t size; /* RAM, bytes */
	int memfd;     /* owned; -EBADF where the RAM is private */
	uint32_t n;
	struct vm_mem_region r[VM_MEM_REGIONS]; /* by ascending gpa */
};
#define VM_MEM_INIT ((struct vm_mem){ .memfd = -EBADF })

struct vm_mem_opts {
	uint64_t size; /* bytes, a multiple of 2 MiB, at least 2 MiB */
	/* In a memfd, which can be handed to another process (vhost-user) and stays shared over a
	 * fork(). Else private memory of this process, which gets huge pages on any host: for a
	 * memfd a host has to allow them (/sys/kernel/mm/transparent_hugepage/shmem_enabled). */
	bool shared;
};

/* Reserves @o->size bytes of RAM: [0, size), less the hole below 4 GiB (kvm/layout.h). Zeroed, at
 * 2 MiB boundaries, huge pages advised. Nothing is touched before it is used. EINVAL, ENOMEM. */
int vm_mem_init(struct vm_mem *m, const struct vm_mem_opts *o, struct cs_err *err);
/* Unmaps all; idempotent, also after a failed init. */
void vm_mem_fini(struct vm_mem *m);

/* Maps the first @len bytes (a multiple of the page size) of the file @fd as guest memory behind
 * all other, at a multiple of VM_FILE_ALIGN: *@gpa. A read-only mapping is the host's page cache
 * itself, with zeroes behind it up to a multiple of 2 MiB, which is what Linux takes as memory of
 * its own; a writable one is shared with the file as well, and as long as it is said to be. The fd
 * is borrowed. Only before the guest runs. ENOSPC when there is no region left. */
int vm_mem_add_file(struct vm_mem *m, int fd, uint64_t len, bool readonly, uint64_t *gpa,
		    struct cs_err *err);

/* The host's address of the guest's [gpa, gpa + len), or NULL unless all of it is in one region
 * that can be written if @write. Any gpa and len may be asked for; @len 0 is NULL. */
void *vm_mem_ptr(const struct vm_mem *m, uint64_t gpa, uint64_t len, bool write);

/* Copies @len bytes. Returns 0, or -EFAULT when not all of it is memory of one region (nothing is
 * copied then). */
int vm_mem_read(const struct vm_mem *m, uint64_t gpa, void *buf, size_t len);
int vm_mem_write(const struct vm_mem *m, uint64_t gpa, const void *buf, size_t len);

/* Gives the RAM of [gpa, gpa + len) back to the host (balloon): reads as zero afterwards. The range
 * may be any the guest named: it is rounded inwards to pages and cut to the RAM in it. Returns the
 * bytes given back, 0 when there was nothing to give. */
uint64_t vm_mem_discard(const struct vm_mem *m, uint64_t gpa, uint64_t len);

#endif
