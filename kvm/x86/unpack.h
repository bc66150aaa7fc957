#ifndef CS_KVM_X86_UNPACK_H
#define CS_KVM_X86_UNPACK_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* Gets the vmlinux ELF file out of the @len bytes of a bzImage, packed by gzip, lz4 or zstd; other
 * packings are refused by their name. The caller frees *@out. Host tools use it: the VMM itself
 * does not, nor does it link the libraries. EINVAL, ENOTSUP, EFBIG (unpacked it is larger than 1
 * GiB). */
int vm_unpack_kernel(const uint8_t *buf, size_t len, uint8_t **out, size_t *out_len,
		     struct cs_err *err);

/* Unpacks LZ4's legacy frame (lz4 -l), whose last four bytes may be the unpacked size as the kernel
 * puts it. *@used: bytes of @out. EINVAL: malformed, or more than @size. Pure. */
int vm_unpack_lz4(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
		  struct cs_err *err);

#endif
