#ifndef CS_KVM_X86_COMPACT_H
#define CS_KVM_X86_COMPACT_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

enum {
	VM_COMPACT_HOLE = 64 * 1024, /* zeroes that are worth a segment of their own */
};

/* Makes of a kernel's ELF file one without its long runs of zeroes: a third of a distribution's
 * kernel, which would be copied to zeroed memory at each start. What is loaded where stays the same
 * to the byte, and so do the entry and the notes; sections, which nobody loads, are left out. The
 * caller frees *@out. EINVAL (ENOEXEC: no ELF file). */
int vm_elf_compact(const uint8_t *buf, size_t len, uint8_t **out, size_t *out_len,
		   struct cs_err *err);

#endif
