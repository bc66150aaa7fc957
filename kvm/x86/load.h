#ifndef CS_KVM_X86_LOAD_H
#define CS_KVM_X86_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "kvm/config.h"
#include "kvm/x86/bzimage.h"

struct cs_err;
struct vm_mem;

/* A kernel in guest memory, and how to begin it. */
struct vm_kernel {
	enum vm_entry entry; /* VM_ENTRY_PVH or VM_ENTRY_LINUX64 */
	uint64_t entry_gpa;
	uint64_t low, end;    /* what it occupies, with what it unpacks itself into */
	struct vm_bzimage bz; /* setup_len 0: it was an ELF file */
};

/* Loads the kernel in the file @fd (ELF: its segments; bzImage: what is to unpack itself) for the
 * entry @want. The file's text is not trusted. EINVAL, ENOEXEC (neither), EFBIG (memory too small).
 */
int vm_kernel_load(const struct vm_mem *mem, int fd, enum vm_entry want, struct vm_kernel *out,
		   struct cs_err *err);

/* Where an initramfs may be, and where it is. */
struct vm_initramfs {
	uint64_t floor, max; /* given: not below, not at or above */
	uint64_t at, len;
};

/* Puts the @n files behind one another, each at a multiple of 4: into the rest of the huge page
 * that r->floor is in where they fit, else as high in the first RAM as r->max allows. Without
 * files, at and len stay. */
int vm_initramfs_load(const struct vm_mem *mem, const int *fds, uint32_t n, struct vm_initramfs *r,
		      struct cs_err *err);

#endif
