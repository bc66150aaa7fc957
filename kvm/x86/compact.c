#include "kvm/x86/compact.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/x86/elf.h"

enum {
	PAGE = 4096,
	ALIGN = 16,
};

struct pieces {
	uint32_t n, max;
	struct vm_elf_segment p[VM_ELF_SEGMENTS];
};

static size_t round_up(size_t v)
{
	return (v + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static bool zero(const uint8_t *p, size_t len)
{
	return len == 0 || (*p == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* The next run of zero pages at or after @from that is long enough; [*hole, *end), both @len when
 * there is none. Zeroes at the end count whatever their length. */
static void find_hole(const uint8_t *p, size_t len, size_t from, size_t *hole, size_t *end)
{
	size_t at = from;

	while (at < len) {
		size_t n = 0;

		while (at + n < len && zero(p + at + n, len - at - n < PAGE ? len - at - n : PAGE))
			n += PAGE;
		if (n > len - at)
			n = len - at;
		if (n >= VM_COMPACT_HOLE || (n && at + n == len)) {
			*hole = at;
			*end = at + n;
			return;
		}
		at += n + PAGE;
	}
	*hole = *end = len;
}

/* Each piece is what comes before a hole, with the hole as its zeroed part. */
static void cut(const uint8_t *buf, const struct vm_elf_segment *s, uint32_t keep,
		struct pieces *out)
{
	const uint8_t *p = buf + s->at;
	size_t from = 0, hole = s->len, end = s->len;

	while (out->n + 1 + keep < out->max) {
		find_hole(p, s->len, from, &hole, &end);
		if (end == s->len)
			break;
		out->p[out->n++] = (struct vm_elf_segment){ .at = s->at + from,
							    .len = hole - from,
							    .gpa = s->gpa + from,
							    .mem_len = end - from };
		from = end;
		hole = end = s->len;
	}
	out->p[out->n++] = (struct vm_elf_segment){
		.at = s->at + from,
		.len = hole - from,
		.gpa = s->gpa + from,
		.mem_len = s->mem_len - from,
	};
}

static void put_header(uint8_t *to, size_t i, const Elf64_Phdr *ph)
{
	memcpy(to + sizeof(Elf64_Ehdr) + i * sizeof(*ph), ph, sizeof(*ph));
}

static void write_out(const uint8_t *buf, const struct vm_elf *elf, const struct pieces *ps,
		      uint8_t *to)
{
	const Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = elf->entry,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(ps->n + (elf->notes_len ? 1 : 0)),
	};
	size_t at = round_up(sizeof(eh) + eh.e_phnum * sizeof(Elf64_Phdr));

	memcpy(to, &eh, sizeof(eh));
	for (uint32_t i = 0; i < ps->n; i++) {
		const struct vm_elf_segment *s = &ps->p[i];
		const Elf64_Phdr ph = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = at,
			.p_vaddr = s->gpa,
			.p_paddr = s->gpa,
			.p_filesz = s->len,
			.p_memsz = s->mem_len,
		};

		put_header(to, i, &ph);
		memcpy(to + at, buf + s->at, s->len);
		at = round_up(at + s->len);
	}
	if (elf->notes_len) {
		const Elf64_Phdr ph = {
			.p_type = PT_NOTE,
			.p_flags = PF_R,
			.p_offset = at,
			.p_filesz = elf->notes_len,
			.p_memsz = elf->notes_len,
			.p_align = 4,
		};

		put_header(to, ps->n, &ph);
		memcpy(to + at, buf + elf->notes_at, elf->notes_len);
	}
}

int vm_elf_compact(const uint8_t *buf, size_t len, uint8_t **out, size_t *out_len,
		   struct cs_err *err)
{
	struct pieces ps = { .max = VM_ELF_SEGMENTS };
	struct vm_elf elf;
	size_t size;
	int rc = vm_elf_parse(buf, len < VM_ELF_HEAD ? len : VM_ELF_HEAD, len, &elf, err);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < elf.n; i++)
		cut(buf, &elf.seg[i], elf.n - 1 - i, &ps);
	size = round_up(sizeof(Elf64_Ehdr) + (ps.n + 1) * sizeof(Elf64_Phdr));
	for (uint32_t i = 0; i < ps.n; i++)
		if (__builtin_add_overflow(size, round_up(ps.p[i].len), &size))
			return cs_err_set(err, EFBIG, "kernel: too large");
	if (__builtin_add_overflow(size, elf.notes_len, &size))
		return cs_err_set(err, EFBIG, "kernel: too large");
	*out = calloc(1, size);
	if (!*out)
		return cs_err_set(err, ENOMEM, "out of memory: %zu bytes", size);
	write_out(buf, &elf, &ps, *out);
	*out_len = size;
	return 0;
}
