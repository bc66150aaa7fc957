/*
 * Kernels as the monitor and unpack-kernel read them: ELF headers and notes, bzImage headers, LZ4
 * frames. What a header promises must lie within the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "kvm/x86/bzimage.h"
#include "kvm/x86/compact.h"
#include "kvm/x86/elf.h"
#include "kvm/x86/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_elf(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct vm_elf elf;
	uint32_t entry;

	if (vm_elf_parse(data, size < VM_ELF_HEAD ? size : VM_ELF_HEAD, size, &elf, &err) < 0)
		return;
	if (elf.notes_len > size || elf.notes_at > size - elf.notes_len)
		abort();
	(void)vm_elf_pvh_entry(data + elf.notes_at, elf.notes_len, &entry);
	for (uint32_t i = 0; i < elf.n; i++) {
		const struct vm_elf_segment *s = &elf.seg[i];

		if (s->len > size || s->at > size - s->len || s->mem_len < s->len ||
		    s->gpa < elf.low || s->gpa + s->mem_len > elf.end)
			abort();
	}
}

/* Whatever is loaded from the compact file is what was loaded from the file itself. */
static void try_compact(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct vm_elf a, b;
	uint64_t sum_a = 0, sum_b = 0;
	uint8_t *out = NULL;
	size_t len = 0;

	if (vm_elf_compact(data, size, &out, &len, &err) < 0)
		return;
	if (vm_elf_parse(data, size < VM_ELF_HEAD ? size : VM_ELF_HEAD, size, &a, &err) < 0 ||
	    vm_elf_parse(out, len < VM_ELF_HEAD ? len : VM_ELF_HEAD, len, &b, &err) < 0)
		abort();
	for (uint32_t i = 0; i < a.n; i++)
		for (uint64_t k = 0; k < a.seg[i].len; k++)
			sum_a += data[a.seg[i].at + k] * (a.seg[i].gpa + k);
	for (uint32_t i = 0; i < b.n; i++)
		for (uint64_t k = 0; k < b.seg[i].len; k++)
			sum_b += out[b.seg[i].at + k] * (b.seg[i].gpa + k);
	if (sum_a != sum_b || a.low != b.low || a.end != b.end || a.entry != b.entry ||
	    a.notes_len != b.notes_len ||
	    memcmp(data + a.notes_at, out + b.notes_at, a.notes_len) != 0)
		abort();
	free(out);
}

static void try_bzimage(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct vm_bzimage z;

	if (vm_bzimage_parse(data, size < VM_BZIMAGE_HEAD ? size : VM_BZIMAGE_HEAD, size, &z,
			     &err) < 0)
		return;
	if (z.payload_len > size || z.payload_at > size - z.payload_len ||
	    z.kernel_at + z.kernel_len != size || z.setup_len > VM_BZIMAGE_SETUP_MAX)
		abort();
	(void)vm_bzimage_packing(data + z.payload_at, z.payload_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	const size_t room = 1 << 16;
	uint8_t *out = malloc(room);
	size_t used = 0;

	if (!out)
		return 0;
	try_elf(data, size);
	try_compact(data, size);
	try_bzimage(data, size);
	if (vm_unpack_lz4(data, size, out, room, &used, &err) == 0 && used > room)
		abort();
	free(out);
	return 0;
}
