/*
 * images/tar and images/erofs: any bytes are refused with a message or become an image that can be
 * read back whole, whatever pieces they come in, and is the same each time; what stands in it is
 * what the tar's entries said.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/apply.h"
#include "images/erofs.h"
#include "images/erofs_read.h"
#include "images/limits.h"
#include "images/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

enum { BLOCK = 512, MAX = 64 * 1024 };

/* Small, so that no input costs much. */
static const struct img_limits limits = {
	.max_tar = 1 << 20,
	.max_image = 1 << 20,
	.max_entries = 300,
	.max_sparse = 300,
};

/* A fuzzer does not find checksums: every block that looks like a header gets the right one. */
static void mend(uint8_t *buf, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		uint8_t *h = buf + at;
		unsigned int sum = 0;

		if (memcmp(h + 257, "ustar", 5) != 0)
			continue;
		memset(h + 148, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += h[i];
		for (int i = 5; i >= 0; i--, sum >>= 3)
			h[148 + i] = (uint8_t)('0' + (sum & 7));
	}
}

/* The data a file was given, to compare with what is read back: a sum that holes don't change. */
struct spy {
	struct img_erofs *w;
	struct img_inode *inode; /* the last regular file */
	struct img_inode *files[8];
	uint64_t sums[8];
	unsigned int n;
	uint64_t sum;
};

static uint64_t add_bytes(uint64_t sum, uint64_t off, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += p[i] * ((off + i) * 2654435761U + 1);
	return sum;
}

static int spy_make(void *ctx, struct img_dir *dir, const char *name, const struct img_inode *was,
		    const struct img_entry *e, struct img_inode *inode, struct cs_err *err)
{
	struct spy *s = ctx;

	s->inode = inode;
	s->sum = 0;
	return img_erofs_sink.make(s->w, dir, name, was, e, inode, err);
}

static int spy_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	struct spy *s = ctx;

	s->sum = add_bytes(s->sum, off, buf, len);
	return img_erofs_sink.data(s->w, off, buf, len, err);
}

static int spy_end(void *ctx, struct cs_err *err)
{
	struct spy *s = ctx;

	if (s->n < 8) {
		s->files[s->n] = s->inode;
		s->sums[s->n++] = s->sum;
	}
	return img_erofs_sink.end(s->w, err);
}

static const struct img_sink_ops spy_sink = { .make = spy_make, .data = spy_data, .end = spy_end };

static int feed(struct img_apply *a, const uint8_t *data, size_t size, size_t step,
		struct cs_err *err)
{
	struct img_tar *t = NULL;
	int ret = img_tar_new(&img_apply_tar, a, &limits, &t, err);

	for (size_t i = 0; ret == 0 && i < size; i += step)
		ret = img_tar_write(t, data + i, size - i < step ? size - i : step, err);
	if (ret == 0)
		ret = img_tar_end(t, err);
	img_tar_free(t);
	return ret;
}

static void compare(const struct img_er *im, const struct spy *s)
{
	struct cs_err err = CS_ERR_INIT;
	static uint8_t buf[MAX];

	for (unsigned int k = 0; k < s->n; k++) {
		struct img_er_inode i;
		uint64_t sum = 0, off = 0;

		check(img_er_inode(im, s->files[k]->nid, &i, &err) == 0 && S_ISREG(i.mode));
		while (off < i.size && off < (1U << 18)) {
			ssize_t n = img_er_read(im, &i, off, buf, sizeof(buf), &err);

			check(n > 0);
			sum = add_bytes(sum, off, buf, (size_t)n);
			off += (uint64_t)n;
		}
		check(off < i.size || sum == s->sums[k]);
	}
}

/* Makes the image in @fd; returns its size, 0 when the tar was refused. */
static uint64_t make(const uint8_t *data, size_t size, size_t step, int fd)
{
	static const uint8_t uuid[16] = { 1 };
	struct img_apply a = { .skip = false };
	struct cs_err err = CS_ERR_INIT;
	struct spy s = { .n = 0 };
	uint64_t made = 0;
	int ret;

	if (img_erofs_new(fd, &limits, &s.w, &err) < 0)
		return 0;
	ret = img_apply_init(&a, &spy_sink, &s, &limits, &err);
	if (ret == 0)
		ret = feed(&a, data, size, step, &err);
	if (ret == 0)
		ret = img_erofs_finish(s.w, &a.tree, uuid, &made, &err);
	check(ret == 0 || (err.code == -ret && *err.msg));
	if (ret == 0) {
		struct img_er im;

		check(img_er_open(&im, fd, made, &err) == 0);
		check(img_er_check(&im, &err) == 0);
		compare(&im, &s);
	}
	img_apply_fini(&a);
	img_erofs_free(s.w);
	return ret == 0 ? made : 0;
}

static bool same(int a, int b, uint64_t size)
{
	uint8_t x[4096], y[4096];

	for (uint64_t off = 0; off < size; off += sizeof(x)) {
		check(pread(a, x, sizeof(x), (off_t)off) == (ssize_t)sizeof(x));
		check(pread(b, y, sizeof(y), (off_t)off) == (ssize_t)sizeof(y));
		if (memcmp(x, y, sizeof(x)) != 0)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[MAX];
	cs_auto_fd int a = -EBADF, b = -EBADF;
	uint64_t made;

	if (size > sizeof(buf))
		return 0;
	if (size > 0)
		memcpy(buf, data, size);
	mend(buf, size);
	a = memfd_create("a", MFD_CLOEXEC);
	b = memfd_create("b", MFD_CLOEXEC);
	check(a >= 0 && b >= 0);
	made = make(buf, size, size + 1, a);
	check(make(buf, size, 100, b) == made);
	check(same(a, b, made));
	return 0;
}
