#ifndef CS_KVM_X86_BZIMAGE_H
#define CS_KVM_X86_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

enum {
	VM_BZIMAGE_HEAD = 4096, /* what vm_bzimage_parse() wants to see of the file */
	VM_BZIMAGE_SETUP_AT = 0x1f1,
	VM_BZIMAGE_SETUP_MAX = 0x8f, /* bytes of the header that go into the zero page */
};

/* A bzImage (Linux' Documentation/arch/x86/boot.rst), boot protocol 2.12 or later. */
struct vm_bzimage {
	uint64_t kernel_at; /* the protected-mode kernel in the file, to its end */
	uint64_t kernel_len;
	uint64_t payload_at; /* the packed vmlinux in the file */
	uint64_t payload_len;
	uint64_t load_gpa;   /* where it wants to be */
	uint64_t init_size;  /* memory it needs there */
	uint64_t entry_off;  /* of the 64-bit entry within the kernel; 0: it has none */
	uint64_t initrd_max; /* highest address of an initramfs */
	uint32_t cmdline_max;
	uint8_t setup[VM_BZIMAGE_SETUP_MAX]; /* the setup header as it is in the file */
	uint32_t setup_len;
};

/* Reads the header in the first @len bytes of a file of @file_len bytes. What it says of the file
 * lies within it. ENOEXEC: no bzImage at all; EINVAL. Pure. */
int vm_bzimage_parse(const uint8_t *buf, size_t len, uint64_t file_len, struct vm_bzimage *out,
		     struct cs_err *err);

/* How a payload is packed, by its first bytes: "gzip", "lz4", "zstd", "xz", "lzma", "bzip2", "lzo",
 * or NULL. Pure. */
const char *vm_bzimage_packing(const uint8_t *payload, size_t len);

#endif
