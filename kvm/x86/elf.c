#include "kvm/x86/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

enum {
	XEN_ELFNOTE_PHYS32_ENTRY = 18, /* xen/interface/elfnote.h */
	MAX_HEADERS = 64,
};

static int check_header(const Elf64_Ehdr *eh, size_t len, struct cs_err *err)
{
	uint64_t end;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_X86_64)
		return cs_err_set(err, EINVAL, "kernel: not an ELF file for x86-64");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum > MAX_HEADERS)
		return cs_err_set(err, EINVAL, "kernel: %u ELF program headers of %u bytes",
				  eh->e_phnum, eh->e_phentsize);
	if (__builtin_add_overflow(eh->e_phoff, eh->e_phnum * sizeof(Elf64_Phdr), &end) ||
	    end > len)
		return cs_err_set(err, EINVAL,
				  "kernel: ELF program headers at %#llx, not at the beginning",
				  (unsigned long long)eh->e_phoff);
	return 0;
}

static int add_segment(const Elf64_Phdr *ph, uint64_t file_len, struct vm_elf *out,
		       struct cs_err *err)
{
	uint64_t file_end, end;

	if (ph->p_memsz == 0)
		return 0;
	if (out->n == VM_ELF_SEGMENTS)
		return cs_err_set(err, EINVAL, "kernel: more than %u ELF segments",
				  (unsigned int)VM_ELF_SEGMENTS);
	if (ph->p_filesz > ph->p_memsz ||
	    __builtin_add_overflow(ph->p_offset, ph->p_filesz, &file_end) || file_end > file_len ||
	    __builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end))
		return cs_err_set(err, EINVAL,
				  "kernel: ELF segment %u is not in the file, or wraps: cut short?",
				  out->n);
	for (uint32_t i = 0; i < out->n; i++)
		if (ph->p_paddr < out->seg[i].gpa + out->seg[i].mem_len && out->seg[i].gpa < end)
			return cs_err_set(err, EINVAL, "kernel: ELF segments overlap");
	out->seg[out->n++] = (struct vm_elf_segment){
		.at = ph->p_offset,
		.len = ph->p_filesz,
		.gpa = ph->p_paddr,
		.mem_len = ph->p_memsz,
	};
	if (ph->p_paddr < out->low)
		out->low = ph->p_paddr;
	if (end > out->end)
		out->end = end;
	return 0;
}

static int add_notes(const Elf64_Phdr *ph, uint64_t file_len, struct vm_elf *out,
		     struct cs_err *err)
{
	uint64_t end;

	if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end) || end > file_len)
		return cs_err_set(err, EINVAL, "kernel: ELF notes are not in the file: cut short?");
	out->notes_at = ph->p_offset;
	out->notes_len = ph->p_filesz;
	return 0;
}

int vm_elf_parse(const uint8_t *buf, size_t len, uint64_t file_len, struct vm_elf *out,
		 struct cs_err *err)
{
	struct vm_elf elf = { .low = UINT64_MAX };
	Elf64_Ehdr eh;
	int rc;

	if (len < sizeof(eh) || memcmp(buf, ELFMAG, SELFMAG) != 0)
		return cs_err_set(err, ENOEXEC, "kernel: not an ELF file");
	memcpy(&eh, buf, sizeof(eh));
	rc = check_header(&eh, len, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, buf + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD)
			rc = add_segment(&ph, file_len, &elf, err);
		else if (ph.p_type == PT_NOTE)
			rc = add_notes(&ph, file_len, &elf, err);
		if (rc < 0)
			return rc;
	}
	if (elf.n == 0)
		return cs_err_set(err, EINVAL, "kernel: the ELF file has nothing to load");
	if (eh.e_entry < elf.low || eh.e_entry >= elf.end)
		return cs_err_set(err, EINVAL, "kernel: its entry %#llx is outside of it",
				  (unsigned long long)eh.e_entry);
	elf.entry = eh.e_entry;
	*out = elf;
	return 0;
}

/* Finds the next note of the name @name, @size bytes with its NUL, from *@at on. Returns what it
 * says and sets *@nh to its head and *@at behind it; NULL: there is none. */
static const uint8_t *next_note(const uint8_t *notes, size_t len, size_t *at, const char *name,
				size_t size, Elf64_Nhdr *nh)
{
	while (len - *at >= sizeof(*nh)) {
		size_t name_at = *at + sizeof(*nh), name_len, desc_len;

		memcpy(nh, notes + *at, sizeof(*nh));
		name_len = ((size_t)nh->n_namesz + 3) & ~(size_t)3;
		desc_len = ((size_t)nh->n_descsz + 3) & ~(size_t)3;
		if (name_len > len - name_at || desc_len > len - name_at - name_len)
			return NULL;
		*at = name_at + name_len + desc_len;
		if (nh->n_namesz == size && memcmp(notes + name_at, name, size) == 0)
			return notes + name_at + name_len;
	}
	return NULL;
}

bool vm_elf_pvh_entry(const uint8_t *notes, size_t len, uint32_t *entry)
{
	const uint8_t *desc;
	Elf64_Nhdr nh;
	size_t at = 0;

	while ((desc = next_note(notes, len, &at, "Xen", sizeof("Xen"), &nh)) != NULL) {
		if (nh.n_type != XEN_ELFNOTE_PHYS32_ENTRY || nh.n_descsz < sizeof(*entry))
			continue;
		memcpy(entry, desc, sizeof(*entry));
		return true;
	}
	return false;
}

bool vm_elf_is_linux(const uint8_t *notes, size_t len)
{
	Elf64_Nhdr nh;
	size_t at = 0;

	return next_note(notes, len, &at, "Linux", sizeof("Linux"), &nh) != NULL;
}
