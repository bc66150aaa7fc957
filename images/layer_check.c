#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/erofs_read.h"
#include "images/layer_int.h"

enum { COMPARE = 128 * 1024 };

static int layer_err(const struct img_digest *d, struct cs_err *err)
{
	return cs_err_wrap(err, "layer %.12s", d->hex);
}

/* The layer's image, and its size. */
static int open_image(int root, const struct img_digest *diff_id, uint64_t *size,
		      struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	bool folder = false;
	struct stat sb;

	fd = img_layer_open_data(root, diff_id, &folder, err);
	if (fd < 0)
		return fd;
	if (folder)
		return cs_err_set(err, ENOTSUP, "layer %.12s is a folder, which cannot be checked",
				  diff_id->hex);
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat layer %.12s", diff_id->hex);
	*size = (uint64_t)sb.st_size;
	return cs_take_fd(&fd);
}

int img_layer_check(int root, const struct img_digest *diff_id, struct cs_err *err)
{
	struct img_layer_info info;
	cs_auto_fd int fd = -EBADF;
	uint64_t size = 0;
	struct img_er im;
	int ret = img_layer_info_read(root, diff_id, &info, err);

	if (ret < 0)
		return ret;
	fd = open_image(root, diff_id, &size, err);
	if (fd < 0)
		return fd;
	if (size != info.size)
		return cs_err_set(err, EBADMSG, "layer %.12s is damaged: it has %llu of %llu bytes",
				  diff_id->hex, (unsigned long long)size,
				  (unsigned long long)info.size);
	ret = img_er_open(&im, fd, size, err);
	if (ret == 0)
		ret = img_er_check(&im, err);
	return ret < 0 ? layer_err(diff_id, err) : 0;
}

static int compare(int a, int b, uint64_t size, struct cs_err *err)
{
	cs_auto_free char *x = malloc(COMPARE), *y = malloc(COMPARE);

	if (!x || !y)
		return cs_err_set(err, ENOMEM, "compare: out of memory");
	for (uint64_t off = 0; off < size;) {
		size_t want = size - off < COMPARE ? (size_t)(size - off) : COMPARE;
		ssize_t n = pread(a, x, want, (off_t)off);

		if (n <= 0 || pread(b, y, (size_t)n, (off_t)off) != n)
			return cs_err_set(err, EBADMSG, "it cannot be read wholly");
		if (memcmp(x, y, (size_t)n) != 0)
			return cs_err_set(err, EBADMSG,
					  "it is damaged: it differs from its blob's content at "
					  "byte %llu or soon after",
					  (unsigned long long)off);
		off += (uint64_t)n;
	}
	return 0;
}

/* Compares what @l has made with what is there. */
static int compare_layer(int root, struct img_layer *l, const struct img_layer_info *made,
			 struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	uint64_t size = 0;
	int ret;

	fd = open_image(root, &made->diff_id, &size, err);
	if (fd < 0)
		return fd;
	if (size != made->size)
		ret = cs_err_set(err, EBADMSG, "it is damaged: it has %llu of %llu bytes",
				 (unsigned long long)size, (unsigned long long)made->size);
	else
		ret = compare(fd, img_layer_data_fd(l), size, err);
	return ret < 0 ? layer_err(&made->diff_id, err) : 0;
}

int img_layer_check_blob(int root, const struct img_digest *diff_id, int fd, struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	struct img_layer_info made;
	struct img_layer *l = NULL;
	int ret;

	o.root = root;
	o.diff_id = *diff_id;
	ret = img_layer_open(&o, &l, err);
	if (ret == 0)
		ret = img_layer_write_fd(l, fd, err);
	if (ret == 0)
		ret = img_layer_settle(l, &made, err);
	if (ret == 0)
		ret = compare_layer(root, l, &made, err);
	img_layer_free(l);
	return ret;
}
