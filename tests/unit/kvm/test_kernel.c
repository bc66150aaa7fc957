/* Kernels as files and in memory: kvm/x86/{elf,bzimage,lz4,unpack,load,boot}. */
#include "kvm/x86/load.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/mem.h"
#include "kvm/x86/boot.h"
#include "kvm/x86/compact.h"
#include "kvm/x86/elf.h"
#include "kvm/x86/unpack.h"
#include "tests/unit/unit.h"

#define MIB (1ULL << 20)

/* An ELF file of a segment and notes. */
struct kernel {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	struct {
		Elf64_Nhdr nh;
		char name[4];
		uint32_t entry;
	} note;
	char text[64];
};

static struct kernel make_kernel(void)
{
	struct kernel k = {
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			.e_machine = EM_X86_64,
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
			.e_phoff = offsetof(struct kernel, ph),
			.e_entry = 0x1000010 },
		.ph = { { .p_type = PT_LOAD,
			  .p_offset = offsetof(struct kernel, text),
			  .p_filesz = 64,
			  .p_paddr = 0x1000000,
			  .p_memsz = 8192 },
			{ .p_type = PT_NOTE,
			  .p_offset = offsetof(struct kernel, note),
			  .p_filesz = sizeof(k.note) } },
		.note = { .nh = { .n_namesz = 4, .n_descsz = 4, .n_type = 18 },
			  .name = "Xen",
			  .entry = 0x1000020 },
		.text = "kernel text",
	};

	return k;
}

static int parse(const struct kernel *k, struct vm_elf *elf)
{
	struct cs_err err = CS_ERR_INIT;

	return vm_elf_parse((const uint8_t *)k, sizeof(*k), sizeof(*k), elf, &err);
}

START_TEST(test_elf)
{
	struct kernel k = make_kernel();
	struct vm_elf elf;
	uint32_t entry = 0;

	ck_assert_int_eq(parse(&k, &elf), 0);
	ck_assert_uint_eq(elf.n, 1);
	ck_assert_uint_eq(elf.low, 0x1000000);
	ck_assert_uint_eq(elf.end, 0x1002000);
	ck_assert(vm_elf_pvh_entry((const uint8_t *)&k.note, sizeof(k.note), &entry));
	ck_assert_uint_eq(entry, 0x1000020);
	ck_assert(!vm_elf_pvh_entry((const uint8_t *)&k.note, sizeof(k.note) - 4, &entry));
	k.note.nh.n_descsz = 0xffffffff;
	ck_assert(!vm_elf_pvh_entry((const uint8_t *)&k.note, sizeof(k.note), &entry));
}
END_TEST

START_TEST(test_linux)
{
	const struct {
		Elf64_Nhdr nh1;
		char name1[4];
		uint32_t desc1;
		Elf64_Nhdr nh2;
		char name2[8];
	} notes = {
		.nh1 = { .n_namesz = 4, .n_descsz = 4, .n_type = 18 },
		.name1 = "Xen",
		.desc1 = 0x1000020,
		.nh2 = { .n_namesz = 6, .n_type = 0x100 },
		.name2 = "Linux",
	};

	ck_assert(vm_elf_is_linux((const uint8_t *)&notes, sizeof(notes)));
	ck_assert(!vm_elf_is_linux((const uint8_t *)&notes, sizeof(notes) - 4));
	ck_assert(!vm_elf_is_linux((const uint8_t *)&notes, offsetof(typeof(notes), nh2)));
}
END_TEST

#define BAD(change)                                         \
	do {                                                \
		struct kernel k = make_kernel();            \
		struct vm_elf elf;                          \
		change;                                     \
		ck_assert_int_eq(parse(&k, &elf), -EINVAL); \
	} while (0)

START_TEST(test_elf_bad)
{
	BAD(k.eh.e_machine = EM_386);
	BAD(k.eh.e_ident[EI_CLASS] = ELFCLASS32);
	BAD(k.eh.e_phentsize = 32);
	BAD(k.eh.e_phnum = 0);
	BAD(k.eh.e_phnum = 65535);
	BAD(k.eh.e_phoff = UINT64_MAX - 8);
	BAD(k.eh.e_phoff = sizeof(k) - 8);
	BAD(k.eh.e_entry = 0x2000000);
	BAD(k.ph[0].p_filesz = 8193);
	BAD(k.ph[0].p_offset = UINT64_MAX);
	BAD(k.ph[0].p_offset = sizeof(k));
	BAD(k.ph[0].p_paddr = UINT64_MAX - 4096);
	BAD(k.ph[0].p_type = PT_NULL);
	BAD(k.ph[1].p_filesz = sizeof(k));
	BAD(k.ph[2] = k.ph[0]; k.eh.e_phnum = 3);
}
END_TEST

/* A bzImage with @payload. Returns its length. */
static size_t make_bzimage(uint8_t *z, const void *payload, size_t len)
{
	const size_t at = 1024;
	const uint32_t payload_len = (uint32_t)len, init_size = 1 << 20, off = 0x400;
	const uint64_t pref = 0x1000000;

	memset(z, 0, at + off);
	z[0x1f1] = 1;
	z[0x201] = 0x6a;
	memcpy(z + 0x202, "HdrS", 4);
	memcpy(z + 0x206, &(const uint16_t){ 0x20f }, 2);
	z[0x211] = 1;
	memcpy(z + 0x22c, &(const uint32_t){ 0x7fffffff }, 4);
	z[0x236] = 1;
	memcpy(z + 0x238, &(const uint32_t){ 2047 }, 4);
	memcpy(z + 0x248, &off, 4);
	memcpy(z + 0x24c, &payload_len, 4);
	memcpy(z + 0x258, &pref, 8);
	memcpy(z + 0x260, &init_size, 4);
	memcpy(z + at + off, payload, len);
	return at + off + len;
}

START_TEST(test_bzimage)
{
	uint8_t z[8192];
	struct vm_bzimage b;
	struct cs_err err = CS_ERR_INIT;
	const size_t len = make_bzimage(z, "payload!", 8);

	ck_assert_int_eq(vm_bzimage_parse(z, len, len, &b, &err), 0);
	ck_assert_uint_eq(b.kernel_at, 1024);
	ck_assert_uint_eq(b.payload_at, 2048);
	ck_assert_uint_eq(b.payload_len, 8);
	ck_assert_uint_eq(b.entry_off, 0x200);
	ck_assert_uint_le(b.setup_len, VM_BZIMAGE_SETUP_MAX);
	ck_assert_int_eq(vm_bzimage_parse(z, len, len - 1, &b, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(vm_bzimage_parse(z, 512, len, &b, &err), -ENOEXEC);
	cs_err_clear(&err);
	memset(z + 0x258, 0xff, 8);
	ck_assert_int_eq(vm_bzimage_parse(z, len, len, &b, &err), -EINVAL);
}
END_TEST

/* "abcabcabcabcX": three literals, a copy that overlaps itself, a literal. */
static const uint8_t lz4[] = { 0x02, 0x21, 0x4c, 0x18, 8,    0,	  0,   0,   0x35, 'a',
			       'b',  'c',  3,	 0,    0x10, 'X', 'i', 's', 'z',  'e' };

START_TEST(test_lz4)
{
	uint8_t in[sizeof(lz4)], out[64];
	struct cs_err err = CS_ERR_INIT;
	size_t used = 0;

	ck_assert_int_eq(vm_unpack_lz4(lz4, sizeof(lz4), out, sizeof(out), &used, &err), 0);
	ck_assert_uint_eq(used, 13);
	ck_assert_int_eq(memcmp(out, "abcabcabcabcX", 13), 0);
	ck_assert_int_eq(vm_unpack_lz4(lz4, sizeof(lz4), out, 12, &used, &err), -EINVAL);
	cs_err_clear(&err);
	/* too far back, cut short, no room, no magic */
	for (size_t i = 0; i < 4; i++) {
		static const struct {
			uint8_t at, v;
		} change[] = { { 12, 9 }, { 4, 200 }, { 8, 0xf0 }, { 0, 0 } };

		memcpy(in, lz4, sizeof(lz4));
		in[change[i].at] = change[i].v;
		ck_assert_int_eq(vm_unpack_lz4(in, sizeof(in), out, sizeof(out), &used, &err),
				 -EINVAL);
		cs_err_clear(&err);
	}
}
END_TEST

START_TEST(test_unpack)
{
	struct kernel k = make_kernel();
	uint8_t packed[1024], z[8192], *elf = NULL;
	z_stream s = { .next_in = (uint8_t *)&k,
		       .avail_in = sizeof(k),
		       .next_out = packed,
		       .avail_out = sizeof(packed) };
	struct cs_err err = CS_ERR_INIT;
	size_t len, elf_len = 0;

	ck_assert_int_eq(deflateInit2(&s, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	deflateEnd(&s);
	len = make_bzimage(z, packed, s.total_out);
	ck_assert_msg(vm_unpack_kernel(z, len, &elf, &elf_len, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(elf_len, sizeof(k));
	ck_assert_int_eq(memcmp(elf, (const uint8_t *)&k, sizeof(k)), 0);
	free(elf);

	memcpy(packed, "\xfd\x37zXZ\0 and more", 16);
	len = make_bzimage(z, packed, 16);
	ck_assert_int_eq(vm_unpack_kernel(z, len, &elf, &elf_len, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "packed by xz"));
	cs_err_clear(&err);
	packed[15] = 0x70; /* the size it says it has */
	len = make_bzimage(z, packed, 16);
	ck_assert_int_eq(vm_unpack_kernel(z, len, &elf, &elf_len, &err), -EFBIG);
}
END_TEST

static int file_of(const void *p, size_t len)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	ck_assert_int_eq((int)write(fd, p, len), (int)len);
	return fd;
}

START_TEST(test_load)
{
	static const char zeros[5000];
	struct kernel k = make_kernel();
	cs_auto_fd int fd = file_of(&k, sizeof(k));
	cs_auto_fd int ir1 = file_of("first", 5), ir2 = file_of("second", 6);
	cs_auto_fd int large = file_of(zeros, sizeof(zeros));
	const int irs[] = { ir1, ir2 };
	struct vm_initramfs ir = { .max = 1ULL << 31 };
	struct vm_mem mem;
	struct vm_kernel out;
	struct vm_boot b = { .cmdline = "some words", .rsdp = 0xe0000 };
	struct cs_err err = CS_ERR_INIT;
	uint32_t magic = 0;
	uint64_t v = 0;
	char text[16] = "";

	ck_assert_int_eq(vm_mem_init(&mem, &(struct vm_mem_opts){ .size = 32 * MIB }, &err), 0);
	ck_assert_msg(vm_kernel_load(&mem, fd, VM_ENTRY_AUTO, &out, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(out.entry, VM_ENTRY_PVH);
	ck_assert_uint_eq(out.entry_gpa, 0x1000020);
	ck_assert_int_eq(vm_mem_read(&mem, 0x1000000, text, 12), 0);
	ck_assert_str_eq(text, "kernel text");

	ir.floor = out.end;
	ck_assert_int_eq(vm_initramfs_load(&mem, irs, 2, &ir, &err), 0);
	b.initramfs_at = ir.at;
	b.initramfs_len = ir.len;
	ck_assert_uint_eq(b.initramfs_at, out.end); /* in the kernel's huge page */
	ir.floor = 0x1200000 - 4096;		    /* no room in it */
	ck_assert_int_eq(vm_initramfs_load(&mem, &large, 1, &ir, &err), 0);
	ck_assert_uint_eq(ir.at, 32 * MIB - 8192);
	ir.floor = 0;
	ck_assert_int_eq(vm_initramfs_load(&mem, irs, 2, &ir, &err), 0);
	b.initramfs_at = ir.at;
	b.initramfs_len = ir.len;
	ck_assert_uint_eq(b.initramfs_at, 32 * MIB - 4096);
	ck_assert_uint_eq(b.initramfs_len, 16);
	ck_assert_int_eq(vm_mem_read(&mem, b.initramfs_at, text, 16), 0);
	ck_assert_int_eq(memcmp(text, "first\0\0\0second\0", 16), 0);
	ir.floor = 32 * MIB - 8;
	ck_assert_int_eq(vm_initramfs_load(&mem, irs, 2, &ir, &err), -EFBIG);
	cs_err_clear(&err);

	ck_assert_int_eq(vm_boot_write(&mem, &out, &b, &err), 0);
	ck_assert_int_eq(vm_mem_read(&mem, VM_START_INFO_ADDR, &magic, 4), 0);
	ck_assert_uint_eq(magic, 0x336ec578);
	ck_assert_int_eq(vm_mem_read(&mem, VM_START_INFO_ADDR + 24, &v, 8), 0);
	ck_assert_int_eq(vm_mem_read(&mem, v, text, 11), 0);
	ck_assert_str_eq(text, "some words");

	ck_assert_int_eq(vm_kernel_load(&mem, fd, VM_ENTRY_LINUX64, &out, &err), 0);
	ck_assert_uint_eq(out.entry_gpa, 0x1000010);
	ck_assert_int_eq(vm_boot_write(&mem, &out, &b, &err), 0);
	ck_assert_int_eq(vm_mem_read(&mem, VM_ZERO_PAGE_ADDR + 0x218, &magic, 4), 0);
	ck_assert_uint_eq(magic, b.initramfs_at);
	vm_mem_fini(&mem);

	/* not where memory is, and no kernel at all */
	ck_assert_int_eq(vm_mem_init(&mem, &(struct vm_mem_opts){ .size = 16 * MIB }, &err), 0);
	ck_assert_int_eq(vm_kernel_load(&mem, fd, VM_ENTRY_AUTO, &out, &err), -EFBIG);
	cs_err_clear(&err);
	ck_assert_int_eq(vm_kernel_load(&mem, ir1, VM_ENTRY_AUTO, &out, &err), -ENOEXEC);
	vm_mem_fini(&mem);
}
END_TEST

/* Two segments, the first with holes at its beginning, inside and at its end. */
START_TEST(test_compact)
{
	const size_t hole = VM_COMPACT_HOLE, size = 8 * hole;
	cs_auto_free uint8_t *file = calloc(1, size), *out = NULL;
	struct kernel k = make_kernel();
	struct cs_err err = CS_ERR_INIT;
	struct vm_elf elf;
	size_t len = 0;
	uint32_t entry = 0;

	ck_assert_ptr_nonnull(file);
	k.ph[0].p_offset = hole;
	k.ph[0].p_filesz = 6 * hole;
	k.ph[0].p_memsz = 7 * hole;
	k.ph[2] = k.ph[0];
	k.ph[2].p_offset = 7 * hole;
	k.ph[2].p_filesz = k.ph[2].p_memsz = 100;
	k.ph[2].p_paddr = 0x2000000;
	k.eh.e_phnum = 3;
	memcpy(file, &k, sizeof(k));
	file[2 * hole] = 1;	       /* after a hole */
	file[4 * hole + 4096 + 9] = 2; /* after another, and before a short run of zeroes */
	file[4 * hole + 3 * 4096] = 3;
	file[7 * hole + 50] = 4;
	ck_assert_msg(vm_elf_compact(file, size, &out, &len, &err) == 0, "%s", err.msg);
	ck_assert_uint_lt(len, 2 * hole);
	ck_assert_int_eq(vm_elf_parse(out, len, len, &elf, &err), 0);
	ck_assert_uint_eq(elf.n, 4);
	ck_assert_uint_eq(elf.seg[0].len, 0);
	ck_assert_uint_eq(elf.seg[0].mem_len, hole);
	ck_assert_uint_eq(elf.seg[1].gpa, 0x1000000 + hole);
	ck_assert_uint_eq(elf.seg[1].len, 4096);
	ck_assert_uint_eq(out[elf.seg[1].at], 1);
	ck_assert_uint_eq(elf.seg[2].gpa, 0x1000000 + 3 * hole + 4096);
	ck_assert_uint_eq(elf.seg[2].len, 3 * 4096);
	ck_assert_uint_eq(out[elf.seg[2].at + 9], 2);
	ck_assert_uint_eq(out[elf.seg[2].at + 2 * 4096], 3);
	ck_assert_uint_eq(elf.seg[2].mem_len, 4 * hole - 4096);
	ck_assert_uint_eq(elf.seg[3].len, 100);
	ck_assert_uint_eq(elf.end, 0x2000064);
	ck_assert_uint_eq(elf.entry, 0x1000010);
	ck_assert(vm_elf_pvh_entry(out + elf.notes_at, elf.notes_len, &entry));
	ck_assert_uint_eq(entry, 0x1000020);
}
END_TEST

START_TEST(test_load_below)
{
	/* a segment over the first MiB, where boot data stands */
	struct kernel k = make_kernel();
	struct vm_mem mem;
	struct vm_kernel out;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int fd = -EBADF;

	k.ph[0].p_paddr = 0x6000;
	k.eh.e_entry = 0x6000;
	fd = file_of(&k, sizeof(k));
	ck_assert_int_eq(vm_mem_init(&mem, &(struct vm_mem_opts){ .size = 16 * MIB }, &err), 0);
	ck_assert_int_eq(vm_kernel_load(&mem, fd, VM_ENTRY_AUTO, &out, &err), -EFBIG);
	vm_mem_fini(&mem);
}
END_TEST

UNIT_MAIN("kvm/x86/load", test_elf, test_elf_bad, test_bzimage, test_lz4, test_unpack, test_load,
	  test_linux, test_compact, test_load_below)
