#include "kvm/x86/bzimage.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"

/* Offsets in the file: boot.rst, "The Real-Mode Kernel Header". */
enum {
	SETUP_SECTS = 0x1f1,
	JUMP_LEN = 0x201,
	MAGIC = 0x202,
	PROTOCOL = 0x206,
	LOADFLAGS = 0x211,
	INITRD_ADDR_MAX = 0x22c,
	RELOCATABLE = 0x234,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_END = 0x264,

	LOADED_HIGH = 1,      /* of LOADFLAGS */
	XLF_KERNEL_64 = 1,    /* of XLOADFLAGS */
	ENTRY_64_OFF = 0x200, /* boot.rst, "64-bit Boot Protocol" */
	MIN_VERSION = 0x20c,
};

static uint64_t get(const uint8_t *buf, size_t at, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, buf + at, len);
	return v;
}

static int check_magic(const uint8_t *buf, size_t len, struct cs_err *err)
{
	if (len < HEADER_END || memcmp(buf + MAGIC, "HdrS", 4) != 0)
		return cs_err_set(err, ENOEXEC, "kernel: not a bzImage");
	if (get(buf, PROTOCOL, 2) < MIN_VERSION)
		return cs_err_set(err, EINVAL, "kernel: boot protocol %#llx is older than 2.12",
				  (unsigned long long)get(buf, PROTOCOL, 2));
	if (!(buf[LOADFLAGS] & LOADED_HIGH))
		return cs_err_set(err, EINVAL, "kernel: a zImage, to be loaded below 1 MiB");
	return 0;
}

int vm_bzimage_parse(const uint8_t *buf, size_t len, uint64_t file_len, struct vm_bzimage *out,
		     struct cs_err *err)
{
	struct vm_bzimage z = { 0 };
	uint64_t sects, payload_off, payload_end, end;
	int rc = check_magic(buf, len, err);

	if (rc < 0)
		return rc;
	sects = buf[SETUP_SECTS] ? buf[SETUP_SECTS] : 4;
	z.kernel_at = (sects + 1) * 512;
	if (z.kernel_at >= file_len)
		return cs_err_set(err, EINVAL, "kernel: the bzImage is cut short");
	z.kernel_len = file_len - z.kernel_at;
	payload_off = get(buf, PAYLOAD_OFFSET, 4);
	z.payload_len = get(buf, PAYLOAD_LENGTH, 4);
	if (__builtin_add_overflow(payload_off, z.payload_len, &payload_end) ||
	    payload_end > z.kernel_len)
		return cs_err_set(err, EINVAL, "kernel: the bzImage's payload is cut short");
	z.payload_at = z.kernel_at + payload_off;
	z.load_gpa = get(buf, PREF_ADDRESS, 8);
	z.init_size = get(buf, INIT_SIZE, 4);
	if (z.load_gpa < VM_KERNEL_MIN || z.init_size < z.kernel_len ||
	    __builtin_add_overflow(z.load_gpa, z.init_size, &end))
		return cs_err_set(err, EINVAL, "kernel: it wants %#llx bytes at %#llx",
				  (unsigned long long)z.init_size, (unsigned long long)z.load_gpa);
	if ((get(buf, XLOADFLAGS, 2) & XLF_KERNEL_64) && z.kernel_len > ENTRY_64_OFF)
		z.entry_off = ENTRY_64_OFF;
	z.initrd_max = get(buf, INITRD_ADDR_MAX, 4);
	z.cmdline_max = (uint32_t)get(buf, CMDLINE_SIZE, 4);
	z.setup_len = (uint32_t)JUMP_LEN + 1 + buf[JUMP_LEN] - VM_BZIMAGE_SETUP_AT;
	if (z.setup_len > VM_BZIMAGE_SETUP_MAX)
		z.setup_len = VM_BZIMAGE_SETUP_MAX;
	if (z.setup_len > len - VM_BZIMAGE_SETUP_AT)
		z.setup_len = (uint32_t)(len - VM_BZIMAGE_SETUP_AT);
	memcpy(z.setup, buf + VM_BZIMAGE_SETUP_AT, z.setup_len);
	*out = z;
	return 0;
}

const char *vm_bzimage_packing(const uint8_t *payload, size_t len)
{
	static const struct {
		const char *name;
		uint8_t len;
		uint8_t magic[6];
	} known[] = {
		{ "gzip", 2, { 0x1f, 0x8b } },
		{ "lz4", 4, { 0x02, 0x21, 0x4c, 0x18 } },
		{ "zstd", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ "xz", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ "lzma", 3, { 0x5d, 0x00, 0x00 } },
		{ "bzip2", 3, { 'B', 'Z', 'h' } },
		{ "lzo", 4, { 0x89, 'L', 'Z', 'O' } },
	};

	for (size_t i = 0; i < CS_LEN(known); i++)
		if (len >= known[i].len && memcmp(payload, known[i].magic, known[i].len) == 0)
			return known[i].name;
	return NULL;
}
