#ifndef CS_KVM_X86_ELF_H
#define CS_KVM_X86_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

enum {
	VM_ELF_SEGMENTS = 16,
	/* The kernel file's beginning that vm_elf_parse() wants to see: headers. */
	VM_ELF_HEAD = 16384,
};

/* A kernel as an x86-64 ELF file ("vmlinux"): what goes where. */
struct vm_elf {
	uint64_t entry;		      /* of the 64-bit boot protocol, physical */
	uint64_t low;		      /* the lowest address it occupies */
	uint64_t end;		      /* one past the highest, with its zeroed part */
	uint64_t notes_at, notes_len; /* in the file; len 0: none */
	uint32_t n;
	struct vm_elf_segment {
		uint64_t at;  /* in the file */
		uint64_t len; /* bytes in the file */
		uint64_t gpa;
		uint64_t mem_len; /* bytes in memory, the rest zeroed */
	} seg[VM_ELF_SEGMENTS];
};

/* Reads the headers in the first @len bytes of a file of @file_len bytes. Everything in @out lies
 * within the file, does not wrap, and its segments do not overlap. EINVAL (ENOEXEC: no ELF file at
 * all). Pure. */
int vm_elf_parse(const uint8_t *buf, size_t len, uint64_t file_len, struct vm_elf *out,
		 struct cs_err *err);

/* Looks in the notes (PT_NOTE, as they are in the file) for the 32-bit PVH entry
 * (XEN_ELFNOTE_PHYS32_ENTRY). False: there is none. Pure. */
bool vm_elf_pvh_entry(const uint8_t *notes, size_t len, uint32_t *entry);

/* Whether the notes are a Linux kernel's: one of them is of the name "Linux", as in all since 4.19.
 * Pure. */
bool vm_elf_is_linux(const uint8_t *notes, size_t len);

#endif
