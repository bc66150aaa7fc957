#include "kvm/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"

enum {
	PAGE = 4096,
};

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* Maps @len bytes at a huge page's boundary: reserves more and cuts off what is too much. */
static uint8_t *map_aligned(uint64_t len, int prot, int flags, int fd, uint64_t at)
{
	const uint64_t whole = len + VM_HUGE_PAGE;
	uint8_t *area =
		mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t skip;
	void *p;

	if (area == MAP_FAILED)
		return NULL;
	skip = round_up((uintptr_t)area, VM_HUGE_PAGE) - (uintptr_t)area;
	p = mmap(area + skip, len, prot, flags | MAP_FIXED, fd, (off_t)at);
	if (p == MAP_FAILED) {
		int saved = errno;

		munmap(area, whole);
		errno = saved;
		return NULL;
	}
	if (skip)
		munmap(area, skip);
	if (whole - skip - len)
		munmap(area + skip + len, whole - skip - len);
	return p;
}

static int add_ram(struct vm_mem *m, uint64_t gpa, uint64_t len, uint64_t at, struct cs_err *err)
{
	int flags = MAP_NORESERVE | (m->memfd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
	uint8_t *host = map_aligned(len, PROT_READ | PROT_WRITE, flags, m->memfd, at);

	if (!host)
		return cs_err_sys(err, "map %llu MiB of guest memory",
				  (unsigned long long)(len >> 20));
	/* a refusal of either costs speed, or a bigger core file */
	(void)madvise(host, len, MADV_HUGEPAGE);
	(void)madvise(host, len, MADV_DONTDUMP);
	m->r[m->n++] = (struct vm_mem_region){
		.gpa = gpa,
		.len = len,
		.host = host,
		.fd_at = at,
	};
	return 0;
}

/* Sealed, so that nobody it is handed to can take the memory away beneath us. */
static int make_memfd(uint64_t size, struct cs_err *err)
{
	cs_auto_fd int fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return cs_err_sys(err, "make a memfd for the guest's memory");
	if (ftruncate(fd, (off_t)size) < 0)
		return cs_err_sys(err, "make the guest's memory %llu MiB long",
				  (unsigned long long)(size >> 20));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return cs_err_sys(err, "seal the guest's memory");
	return cs_take_fd(&fd);
}

int vm_mem_init(struct vm_mem *m, const struct vm_mem_opts *o, struct cs_err *err)
{
	const uint64_t low = o->size < VM_HOLE_START ? o->size : VM_HOLE_START;
	int rc;

	*m = VM_MEM_INIT;
	if (o->size < VM_HUGE_PAGE || o->size % VM_HUGE_PAGE || o->size > VM_MEM_MAX)
		return cs_err_set(
			err, EINVAL,
			"guest memory must be a multiple of 2 MiB up to 1 TiB, not %llu bytes",
			(unsigned long long)o->size);
	if (o->shared) {
		m->memfd = make_memfd(o->size, err);
		if (m->memfd < 0)
			return m->memfd;
	}
	rc = add_ram(m, 0, low, 0, err);
	if (rc == 0 && o->size > low)
		rc = add_ram(m, VM_HOLE_END, o->size - low, low, err);
	if (rc < 0) {
		vm_mem_fini(m);
		return rc;
	}
	m->size = o->size;
	return 0;
}

void vm_mem_fini(struct vm_mem *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		munmap(m->r[i].host, m->r[i].len);
	m->n = 0;
	m->size = 0;
	cs_close_fd(&m->memfd);
}

int vm_mem_add_file(struct vm_mem *m, int fd, uint64_t len, bool readonly, uint64_t *gpa,
		    struct cs_err *err)
{
	const int prot = PROT_READ | (readonly ? 0 : PROT_WRITE);
	struct vm_mem_region *r = &m->r[m->n];
	uint64_t at = VM_HOLE_END, whole;
	struct stat sb;
	uint8_t *host;

	if (m->n == VM_MEM_REGIONS)
		return cs_err_set(err, ENOSPC,
				  "map a file as guest memory: %u regions is the limit",
				  (unsigned int)VM_MEM_REGIONS);
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat a file that is to be guest memory");
	if (len == 0 || len % PAGE || len > VM_MEM_MAX ||
	    (S_ISREG(sb.st_mode) && round_up((uint64_t)sb.st_size, PAGE) < len))
		return cs_err_set(err, EINVAL,
				  "map %llu bytes of a file of %lld as guest memory: must be whole "
				  "pages that are in the file",
				  (unsigned long long)len, (long long)sb.st_size);
	if (m->n && m->r[m->n - 1].gpa + m->r[m->n - 1].len > at)
		at = m->r[m->n - 1].gpa + m->r[m->n - 1].len;
	whole = readonly ? round_up(len, VM_HUGE_PAGE) : len;
	host = map_aligned(whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	/* cppcheck-suppress leakReturnValNotUsed ; MAP_FIXED: it is host */
	if (!host || mmap(host, len, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int rc = cs_err_sys(err, "map a file of %llu bytes as guest memory",
				    (unsigned long long)len);

		if (host)
			munmap(host, whole);
		return rc;
	}
	*r = (struct vm_mem_region){
		.gpa = round_up(at, VM_FILE_ALIGN),
		.len = whole,
		.host = host,
		.readonly = readonly,
		.file = true,
	};
	*gpa = r->gpa;
	m->n++;
	return 0;
}

static const struct vm_mem_region *find(const struct vm_mem *m, uint64_t gpa, uint64_t len)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const struct vm_mem_region *r = &m->r[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->len)
			return len <= r->len - (gpa - r->gpa) ? r : NULL;
	}
	return NULL;
}

void *vm_mem_ptr(const struct vm_mem *m, uint64_t gpa, uint64_t len, bool write)
{
	const struct vm_mem_region *r = len ? find(m, gpa, len) : NULL;

	if (!r || (write && r->readonly))
		return NULL;
	return r->host + (gpa - r->gpa);
}

int vm_mem_read(const struct vm_mem *m, uint64_t gpa, void *buf, size_t len)
{
	const void *p = vm_mem_ptr(m, gpa, len, false);

	if (!p)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int vm_mem_write(const struct vm_mem *m, uint64_t gpa, const void *buf, size_t len)
{
	void *p = vm_mem_ptr(m, gpa, len, true);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}

/* The part [*from, *to) of the RAM region @r that lies in [gpa, end), in whole pages. */
static bool overlap(const struct vm_mem_region *r, uint64_t gpa, uint64_t end, uint64_t *from,
		    uint64_t *to)
{
	*from = gpa > r->gpa ? gpa : r->gpa;
	*to = end < r->gpa + r->len ? end : r->gpa + r->len;
	if (r->file || *from >= *to)
		return false;
	*from = round_up(*from, PAGE);
	*to &= ~(uint64_t)(PAGE - 1);
	return *from < *to;
}

uint64_t vm_mem_discard(const struct vm_mem *m, uint64_t gpa, uint64_t len)
{
	uint64_t end, from, to, given = 0;

	if (__builtin_add_overflow(gpa, len, &end))
		end = UINT64_MAX;
	for (uint32_t i = 0; i < m->n; i++) {
		const struct vm_mem_region *r = &m->r[i];

		if (!overlap(r, gpa, end, &from, &to))
			continue;
		/* a memfd's pages are only gone when there is a hole in it */
		if (madvise(r->host + (from - r->gpa), to - from,
			    m->memfd >= 0 ? MADV_REMOVE : MADV_DONTNEED) == 0)
			given += to - from;
	}
	return given;
}
