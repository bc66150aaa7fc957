
#include "kvm/x86/unpack.h"

#define ZLIB_CONST /* makes what it reads const */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/x86/bzimage.h"
#include "kvm/x86/elf.h"

enum {
	UNPACKED_MAX = 1 << 30,
	GZIP_WINDOW = 15 + 16,
};

typedef int (*unpack_fn)(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
			 struct cs_err *err);

static int unpack_gzip(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
		       struct cs_err *err)
{
	z_stream z = {
		.next_in = in,
		.avail_in = (uInt)len,
		.next_out = out,
		.avail_out = (uInt)size,
	};
	int rc;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return cs_err_set(err, ENOMEM, "out of memory");
	rc = inflate(&z, Z_FINISH);
	*used = z.total_out;
	(void)inflateEnd(&z);
	if (rc != Z_STREAM_END)
		return cs_err_set(err, EINVAL, "gzip: malformed or cut short");
	return 0;
}

/* The frame does not tell where it ends, and the kernel's size stands behind it: as a stream. */
static int unpack_zstd(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
		       struct cs_err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = { in, len, 0 };
	ZSTD_outBuffer dst = { out, size, 0 };
	size_t rc = 1, before;

	if (!z)
		return cs_err_set(err, ENOMEM, "out of memory");
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 30);
	do {
		before = src.pos + dst.pos;
		rc = ZSTD_decompressStream(z, &dst, &src);
	} while (rc != 0 && !ZSTD_isError(rc) && src.pos + dst.pos != before);
	ZSTD_freeDStream(z);
	if (rc != 0)
		return cs_err_set(err, EINVAL, "zstd: malformed or cut short");
	*used = dst.pos;
	return 0;
}

static int unpack(const uint8_t *in, size_t len, uint8_t *out, size_t size, size_t *used,
		  struct cs_err *err)
{
	static const struct {
		const char *name;
		unpack_fn fn;
	} known[] = {
		{ "gzip", unpack_gzip },
		{ "lz4", vm_unpack_lz4 },
		{ "zstd", unpack_zstd },
	};
	const char *name = vm_bzimage_packing(in, len);

	if (!name)
		return cs_err_set(err, EINVAL, "kernel: packed in an unknown way");
	for (size_t i = 0; i < CS_LEN(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].fn(in, len, out, size, used, err);
	return cs_err_set(err, ENOTSUP, "kernel: packed by %s; gzip, lz4 and zstd can be unpacked",
			  name);
}

int vm_unpack_kernel(const uint8_t *buf, size_t len, uint8_t **out, size_t *out_len,
		     struct cs_err *err)
{
	cs_auto_free uint8_t *p = NULL;
	struct vm_bzimage z;
	struct vm_elf elf;
	uint32_t size;
	size_t used = 0;
	int rc = vm_bzimage_parse(buf, len, len, &z, err);

	if (rc < 0)
		return rc;
	if (z.payload_len < 8)
		return cs_err_set(err, EINVAL, "kernel: the bzImage has no payload");
	/* gzip's own trailer, and what the kernel's build puts behind the others */
	memcpy(&size, buf + z.payload_at + z.payload_len - 4, sizeof(size));
	if (size == 0 || size > UNPACKED_MAX)
		return cs_err_set(err, EFBIG, "kernel: unpacked it would have %u bytes", size);
	p = malloc(size);
	if (!p)
		return cs_err_set(err, ENOMEM, "out of memory: %u bytes", size);
	rc = unpack(buf + z.payload_at, z.payload_len, p, size, &used, err);
	if (rc == 0)
		rc = vm_elf_parse(p, used < VM_ELF_HEAD ? used : VM_ELF_HEAD, used, &elf, err);
	if (rc < 0)
		return rc;
	*out_len = used;
	*out = cs_take_ptr(&p);
	return 0;
}
