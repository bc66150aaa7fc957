#include "kvm/x86/load.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"
#include "kvm/mem.h"
#include "kvm/x86/elf.h"

enum {
	PAGE = 4096,
	NOTES_MAX = 65536,
};

/* Reads exactly @len bytes at @at of the file. */
static int read_at(int fd, void *buf, uint64_t len, uint64_t at, struct cs_err *err)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read at %llu", (unsigned long long)at);
		if (n == 0)
			return cs_err_set(err, EINVAL, "the file has become shorter");
		p += n;
		len -= (uint64_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int file_size(int fd, uint64_t *out, struct cs_err *err)
{
	struct stat sb;

	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat fd %d", fd);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EINVAL, "fd %d is no regular file", fd);
	*out = (uint64_t)sb.st_size;
	return 0;
}

/* Memory that a kernel may be loaded at: RAM above the first MiB. */
static void *kernel_ram(const struct vm_mem *mem, uint64_t gpa, uint64_t len)
{
	if (gpa < VM_KERNEL_MIN || gpa >= mem->size || len > mem->size)
		return NULL;
	return vm_mem_ptr(mem, gpa, len, true);
}

static int too_small(const struct vm_mem *mem, uint64_t gpa, uint64_t len, struct cs_err *err)
{
	return cs_err_set(
		err, EFBIG,
		"kernel: wants %#llx bytes at %#llx, where the %llu MiB of memory are not",
		(unsigned long long)len, (unsigned long long)gpa,
		(unsigned long long)(mem->size >> 20));
}

/* Returns 1 for the PVH entry, which is *@entry then, and 0 for the other, which every Linux has:
 * it searches for Xen when it comes by PVH, 256 exits. */
static int choose_entry(const struct vm_elf *elf, int fd, enum vm_entry want, uint64_t *entry,
			struct cs_err *err)
{
	uint8_t notes[4096];
	uint64_t left = elf->notes_len < NOTES_MAX ? elf->notes_len : NOTES_MAX;
	uint32_t value;
	int rc;

	if (left > sizeof(notes))
		left = sizeof(notes);
	rc = read_at(fd, notes, left, elf->notes_at, err);
	if (rc < 0)
		return rc;
	if (want == VM_ENTRY_AUTO && vm_elf_is_linux(notes, left))
		return 0;
	if (!vm_elf_pvh_entry(notes, left, &value) || value < elf->low || value >= elf->end)
		return 0;
	*entry = value;
	return 1;
}

/* Memory is zeroed as it comes: what a segment has beyond the file needs no writing. */
static int load_elf(const struct vm_mem *mem, int fd, const struct vm_elf *elf, enum vm_entry want,
		    struct vm_kernel *k, struct cs_err *err)
{
	int rc = 0;

	k->low = elf->low;
	k->end = elf->end;
	k->entry = VM_ENTRY_LINUX64;
	k->entry_gpa = elf->entry;
	if (want != VM_ENTRY_LINUX64)
		rc = choose_entry(elf, fd, want, &k->entry_gpa, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && want == VM_ENTRY_PVH)
		return cs_err_set(err, EINVAL, "kernel: it has no PVH entry (CONFIG_PVH)");
	if (rc)
		k->entry = VM_ENTRY_PVH;
	for (uint32_t i = 0; i < elf->n; i++) {
		const struct vm_elf_segment *s = &elf->seg[i];
		void *p = kernel_ram(mem, s->gpa, s->mem_len);

		if (!p)
			return too_small(mem, s->gpa, s->mem_len, err);
		rc = read_at(fd, p, s->len, s->at, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_bzimage(const struct vm_mem *mem, int fd, enum vm_entry want, struct vm_kernel *k,
			struct cs_err *err)
{
	void *p = kernel_ram(mem, k->bz.load_gpa, k->bz.init_size);

	if (want == VM_ENTRY_PVH)
		return cs_err_set(
			err, EINVAL,
			"kernel: a bzImage has no PVH entry; unpack it with unpack-kernel");
	if (!k->bz.entry_off)
		return cs_err_set(err, EINVAL, "kernel: the bzImage has no 64-bit entry");
	if (!p)
		return too_small(mem, k->bz.load_gpa, k->bz.init_size, err);
	k->entry = VM_ENTRY_LINUX64;
	k->low = k->bz.load_gpa;
	k->end = k->bz.load_gpa + k->bz.init_size;
	k->entry_gpa = k->bz.load_gpa + k->bz.entry_off;
	return read_at(fd, p, k->bz.kernel_len, k->bz.kernel_at, err);
}

int vm_kernel_load(const struct vm_mem *mem, int fd, enum vm_entry want, struct vm_kernel *out,
		   struct cs_err *err)
{
	uint8_t head[VM_ELF_HEAD];
	struct vm_kernel k = { 0 };
	struct vm_elf elf;
	uint64_t size, n;
	int rc = file_size(fd, &size, err);

	if (rc < 0)
		return cs_err_wrap(err, "kernel");
	n = size < sizeof(head) ? size : sizeof(head);
	rc = read_at(fd, head, n, 0, err);
	if (rc < 0)
		return cs_err_wrap(err, "kernel");
	rc = vm_elf_parse(head, n, size, &elf, err);
	if (rc == 0) {
		rc = load_elf(mem, fd, &elf, want, &k, err);
	} else if (rc == -ENOEXEC) {
		cs_err_clear(err);
		rc = vm_bzimage_parse(head, n, size, &k.bz, err);
		if (rc == -ENOEXEC) {
			cs_err_clear(err);
			return cs_err_set(err, ENOEXEC, "kernel: neither ELF nor bzImage");
		}
		if (rc == 0)
			rc = load_bzimage(mem, fd, want, &k, err);
	}
	if (rc < 0)
		return rc;
	*out = k;
	return 0;
}

static int sum_sizes(const int *fds, uint32_t n, uint64_t *size, uint64_t *sum, struct cs_err *err)
{
	*sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		int rc = file_size(fds[i], &size[i], err);

		if (rc < 0)
			return cs_err_wrap(err, "initramfs");
		if (size[i] > VM_HOLE_START)
			return cs_err_set(err, EFBIG, "initramfs: %llu bytes are too much",
					  (unsigned long long)size[i]);
		*sum += (size[i] + 3) & ~UINT64_C(3);
	}
	return 0;
}

int vm_initramfs_load(const struct vm_mem *mem, const int *fds, uint32_t n, struct vm_initramfs *r,
		      struct cs_err *err)
{
	const uint64_t ram_end = mem->n ? mem->r[0].len : 0;
	const uint64_t end = r->max < ram_end ? r->max : ram_end;
	uint64_t size[VM_INITRAMFS_MAX], sum, gpa;
	uint64_t low = (r->floor + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	uint8_t *p;
	int rc = n <= VM_INITRAMFS_MAX ? sum_sizes(fds, n, size, &sum, err)
				       : cs_err_set(err, EINVAL, "initramfs: %u files", n);

	if (rc < 0 || sum == 0)
		return rc;
	gpa = sum < end ? (end - sum) & ~(uint64_t)(PAGE - 1) : 0;
	/* what the kernel's last huge page has room for makes no other one */
	if (low >= VM_KERNEL_MIN && low / VM_HUGE_PAGE == (low + sum - 1) / VM_HUGE_PAGE &&
	    low < gpa)
		gpa = low;
	p = gpa >= r->floor && gpa >= VM_KERNEL_MIN ? vm_mem_ptr(mem, gpa, sum, true) : NULL;
	if (!p)
		return cs_err_set(err, EFBIG,
				  "initramfs: %llu KiB do not fit beside the kernel into %llu MiB",
				  (unsigned long long)(sum >> 10),
				  (unsigned long long)(mem->size >> 20));
	for (uint32_t i = 0; i < n; i++) {
		rc = read_at(fds[i], p, size[i], 0, err);
		if (rc < 0)
			return cs_err_wrap(err, "initramfs");
		p += (size[i] + 3) & ~UINT64_C(3);
	}
	r->at = gpa;
	r->len = sum;
	return 0;
}
