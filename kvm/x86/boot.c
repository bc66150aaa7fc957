#include "kvm/x86/boot.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"
#include "kvm/mem.h"
#include "kvm/x86/load.h"

enum {
	E820_RAM = 1,
	E820_RESERVED = 2,
	E820_ENTRIES = 5,
	LINUX_CMDLINE = 2047, /* COMMAND_LINE_SIZE less the NUL */
};

struct range {
	uint64_t at;
	uint64_t len;
	uint32_t type;
};

/* --- PVH: Xen's public/arch-x86/hvm/start_info.h -----------------------------------------------
 */

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct start_module {
	uint64_t at;
	uint64_t len;
	uint64_t cmdline;
	uint64_t reserved;
};

struct start_range {
	uint64_t at;
	uint64_t len;
	uint32_t type;
	uint32_t reserved;
};

struct start_page {
	struct start_info info;
	struct start_module module;
	struct start_range map[E820_ENTRIES];
};

#define START_MAGIC UINT32_C(0x336ec578)

static uint32_t memory_map(const struct vm_mem *mem, struct range *r)
{
	uint32_t n = 0;

	r[n++] = (struct range){ 0, VM_LOW_RAM_END, E820_RAM };
	r[n++] = (struct range){ VM_LOW_RAM_END, 0xa0000 - VM_LOW_RAM_END, E820_RESERVED };
	r[n++] = (struct range){ VM_ACPI_ADDR, VM_KERNEL_MIN - VM_ACPI_ADDR, E820_RESERVED };
	r[n++] = (struct range){ VM_KERNEL_MIN, mem->r[0].len - VM_KERNEL_MIN, E820_RAM };
	if (mem->n > 1 && !mem->r[1].file)
		r[n++] = (struct range){ mem->r[1].gpa, mem->r[1].len, E820_RAM };
	return n;
}

static int write_start_info(const struct vm_mem *mem, const struct vm_boot *b)
{
	struct start_page page = {
		.info = {
			.magic = START_MAGIC,
			.version = 1,
			.cmdline = VM_CMDLINE_ADDR,
			.rsdp = b->rsdp,
			.memmap = VM_START_INFO_ADDR + offsetof(struct start_page, map),
		},
		.module = { .at = b->initramfs_at, .len = b->initramfs_len },
	};
	struct range map[E820_ENTRIES];
	const uint32_t n = memory_map(mem, map);

	if (b->initramfs_len) {
		page.info.nr_modules = 1;
		page.info.modlist = VM_START_INFO_ADDR + offsetof(struct start_page, module);
	}
	for (uint32_t i = 0; i < n; i++)
		page.map[i] = (struct start_range){ map[i].at, map[i].len, map[i].type, 0 };
	page.info.memmap_entries = n;
	return vm_mem_write(mem, VM_START_INFO_ADDR, &page, sizeof(page));
}

/* --- Linux: Documentation/arch/x86/zero-page.rst ------------------------------------------------
 */

enum {
	ZP_RSDP = 0x70,
	ZP_RAMDISK_HIGH = 0xc0,
	ZP_RAMDISK_LEN_HIGH = 0xc4,
	ZP_E820_ENTRIES = 0x1e8,
	ZP_BOOT_FLAG = 0x1fe,
	ZP_MAGIC = 0x202,
	ZP_VERSION = 0x206,
	ZP_LOADER = 0x210,
	ZP_LOADFLAGS = 0x211,
	ZP_RAMDISK = 0x218,
	ZP_RAMDISK_LEN = 0x21c,
	ZP_CMDLINE = 0x228,
	ZP_ALIGNMENT = 0x230,
	ZP_CMDLINE_LEN = 0x238,
	ZP_E820 = 0x2d0,
	ZP_E820_SIZE = 20,
	ZP_SIZE = 4096,
};

static void put(uint8_t *page, uint32_t at, uint64_t value, size_t len)
{
	memcpy(page + at, &value, len);
}

/* Without the NUL. */
static void put_text(uint8_t *p, const char *text, size_t len)
{
	memcpy(p, text, len);
}

static int write_zero_page(const struct vm_mem *mem, const struct vm_kernel *k,
			   const struct vm_boot *b)
{
	uint8_t page[ZP_SIZE] = { 0 };
	struct range map[E820_ENTRIES];
	const uint32_t n = memory_map(mem, map);

	if (k->bz.setup_len) {
		memcpy(page + VM_BZIMAGE_SETUP_AT, k->bz.setup, k->bz.setup_len);
	} else {
		put(page, ZP_BOOT_FLAG, 0xaa55, 2);
		put_text(page + ZP_MAGIC, "HdrS", 4);
		put(page, ZP_VERSION, 0x20c, 2);
		put(page, ZP_ALIGNMENT, 0x1000000, 4);
		put(page, ZP_LOADFLAGS, 1, 1);
	}
	put(page, ZP_LOADER, 0xff, 1);
	put(page, ZP_RSDP, b->rsdp, 8);
	put(page, ZP_RAMDISK, b->initramfs_at, 4);
	put(page, ZP_RAMDISK_HIGH, b->initramfs_at >> 32, 4);
	put(page, ZP_RAMDISK_LEN, b->initramfs_len, 4);
	put(page, ZP_RAMDISK_LEN_HIGH, b->initramfs_len >> 32, 4);
	put(page, ZP_CMDLINE, VM_CMDLINE_ADDR, 4);
	put(page, ZP_CMDLINE_LEN, LINUX_CMDLINE, 4);
	put(page, ZP_E820_ENTRIES, n, 1);
	for (uint32_t i = 0; i < n; i++) {
		put(page, ZP_E820 + i * ZP_E820_SIZE, map[i].at, 8);
		put(page, ZP_E820 + i * ZP_E820_SIZE + 8, map[i].len, 8);
		put(page, ZP_E820 + i * ZP_E820_SIZE + 16, map[i].type, 4);
	}
	return vm_mem_write(mem, VM_ZERO_PAGE_ADDR, page, sizeof(page));
}

/* The first 4 GiB as they are, in pages of 2 MiB; code segment 0x10 and data segment 0x18, as the
 * protocol wants them. */
static int write_tables(const struct vm_mem *mem)
{
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
	const uint64_t flags = 3, huge = 0x83;
	uint64_t *t = vm_mem_ptr(mem, VM_PAGE_TABLE_ADDR, UINT64_C(6) * 4096, true);

	if (!t)
		return -EFAULT;
	t[0] = (VM_PAGE_TABLE_ADDR + 4096) | flags;
	for (uint64_t i = 0; i < 4; i++)
		t[512 + i] = (VM_PAGE_TABLE_ADDR + (2 + i) * 4096) | flags;
	for (uint64_t i = 0; i < 2048; i++)
		t[1024 + i] = i << 21 | huge;
	return vm_mem_write(mem, VM_GDT_ADDR, gdt, sizeof(gdt));
}

int vm_boot_write(const struct vm_mem *mem, const struct vm_kernel *k, const struct vm_boot *b,
		  struct cs_err *err)
{
	const size_t len = strlen(b->cmdline);
	uint32_t max = LINUX_CMDLINE;
	int rc;

	if (k->bz.setup_len && k->bz.cmdline_max < max)
		max = k->bz.cmdline_max;
	if (len > max)
		return cs_err_set(err, E2BIG, "the command line has %zu bytes, the kernel takes %u",
				  len, max);
	rc = vm_mem_write(mem, VM_CMDLINE_ADDR, b->cmdline, len + 1);
	if (rc == 0 && k->entry == VM_ENTRY_PVH)
		rc = write_start_info(mem, b);
	else if (rc == 0)
		rc = write_zero_page(mem, k, b);
	if (rc == 0 && k->entry != VM_ENTRY_PVH)
		rc = write_tables(mem);
	if (rc < 0)
		return cs_err_errno(err, -rc, "write what the kernel is told into its memory");
	return 0;
}

/* --- registers ---------------------------------------------------------------------------------
 */

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code64)
{
	return (struct kvm_segment){
		.selector = selector,
		.type = type,
		.limit = 0xffffffff,
		.present = 1,
		.s = 1,
		.g = 1,
		.db = !code64,
		.l = code64,
	};
}

static void long_mode(struct kvm_sregs *s)
{
	s->gdt.base = VM_GDT_ADDR;
	s->gdt.limit = 31;
	s->cr3 = VM_PAGE_TABLE_ADDR;
	s->cr4 |= 0x20;	      /* PAE */
	s->cr0 |= 0x80000000; /* PG */
	s->efer |= 0x500;     /* LME, LMA */
}

int vm_boot_regs(int vcpu_fd, const struct vm_kernel *k, struct cs_err *err)
{
	const bool linux64 = k->entry == VM_ENTRY_LINUX64;
	struct kvm_regs regs = { .rip = k->entry_gpa, .rflags = 2 };
	struct kvm_sregs s;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &s) < 0)
		return cs_err_sys(err, "read the first vCPU's registers");
	s.cs = segment(0x10, 0xb, linux64);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(0x18, 0x3, false);
	s.tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
	s.gdt.limit = s.idt.limit = 0;
	s.cr0 = 0x11; /* PE, ET */
	if (linux64) {
		long_mode(&s);
		regs.rsi = VM_ZERO_PAGE_ADDR;
	} else {
		regs.rbx = VM_START_INFO_ADDR;
	}
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &s) < 0 || ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return cs_err_sys(err, "set the first vCPU's registers");
	return 0;
}

int vm_boot_msrs(int vcpu_fd, struct cs_err *err)
{
	struct {
		uint32_t nmsrs, pad; /* as struct kvm_msrs */
		struct kvm_msr_entry e[2];
	} m = {
		.nmsrs = 2,
		.e = {
			{ .index = 0x1a0, .data = 1 },	   /* MISC_ENABLE: fast strings */
			{ .index = 0x2ff, .data = 0x806 }, /* MTRRdefType: on, write-back */
		},
	};

	if (ioctl(vcpu_fd, KVM_SET_MSRS, &m) < 0)
		return cs_err_sys(err, "set up a vCPU's memory types");
	return 0;
}
