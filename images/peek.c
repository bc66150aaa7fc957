#include "images/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/layer.h"

#define OPAQUE "overlay.opaque"

int img_peek_init(struct img_peek *p, int root, const struct img_digest *layer, struct cs_err *err)
{
	struct stat sb;
	int ret;

	p->fd = img_layer_open_data(root, layer, &p->folder, err);
	if (p->fd < 0)
		return p->fd;
	if (p->folder)
		return 0;
	if (fstat(p->fd, &sb) < 0)
		return cs_err_sys(err, "stat layer %.12s", layer->hex);
	ret = img_er_open(&p->im, p->fd, (uint64_t)sb.st_size, err);
	return ret < 0 ? cs_err_wrap(err, "layer %.12s", layer->hex) : 0;
}

void img_peek_fini(struct img_peek *p)
{
	cs_close_fd(&p->fd);
}

void img_peeked_fini(struct img_peeked *x)
{
	for (size_t i = 0; i < x->n_xattrs; i++) {
		free((void *)(uintptr_t)x->xattrs[i].name);
		free((void *)(uintptr_t)x->xattrs[i].value);
	}
	free(x->xattrs);
	x->xattrs = NULL;
	x->n_xattrs = 0;
}

static bool is_mark(const char *name)
{
	return cs_str_starts(name, "trusted.overlay.") || cs_str_starts(name, "user.overlay.");
}

/* Copies an attribute that is not overlayfs' own. */
static int take_xattr(void *ctx, const char *name, const void *value, size_t len,
		      struct cs_err *err)
{
	struct img_peeked *out = ctx;
	struct img_xattr x = { .len = len }, *v;
	char *copy;

	if (is_mark(name)) /* what it hides is in it; it is still the folder below */
		return 0;
	v = reallocarray(out->xattrs, out->n_xattrs + 1, sizeof(*v));
	if (v)
		out->xattrs = v;
	x.name = strdup(name);
	copy = malloc(len + 1);
	if (!v || !x.name || !copy) {
		free((void *)(uintptr_t)x.name);
		free(copy);
		/* cppcheck-suppress memleak ; freed through a cast */
		return cs_err_set(err, ENOMEM, "read extended attributes: out of memory");
	}
	memcpy(copy, value, len);
	x.value = copy;
	out->xattrs[out->n_xattrs++] = x;
	return 0;
}

/* --- images --- */

/* Only the mark. */
static int see_mark(void *ctx, const char *name, const void *value, size_t len, struct cs_err *err)
{
	(void)err;
	if (is_mark(name) && strstr(name, OPAQUE) && len == 1 && *(const char *)value == 'y')
		*(bool *)ctx = true;
	return 0;
}

static int fill_from_inode(const struct img_peek *p, const struct img_er_inode *i,
			   struct img_peeked *out, struct cs_err *err)
{
	out->found = true;
	out->is_dir = S_ISDIR(i->mode);
	out->mode = i->mode;
	out->uid = i->uid;
	out->gid = i->gid;
	out->mtime = i->mtime;
	out->mtime_nsec = i->mtime_nsec;
	return out->is_dir ? img_er_xattrs(&p->im, i, take_xattr, out, err) : 0;
}

static int peek_image(const struct img_peek *p, const char *path, struct img_peeked *out,
		      struct cs_err *err)
{
	struct img_er_inode i;
	int ret = img_er_inode(&p->im, p->im.root, &i, err);

	while (ret >= 0 && *path) {
		size_t len = strcspn(path, "/");

		ret = img_er_xattrs(&p->im, &i, see_mark, &out->hides, err);
		if (ret == 0)
			ret = img_er_lookup(&p->im, &i, path, len, &i, err);
		if (ret == 0)
			return 0; /* it is not there */
		path += len;
		path += *path == '/';
		if (ret > 0 && *path && !S_ISDIR(i.mode)) {
			out->found = true;
			return 0;
		}
	}
	return ret < 0 ? ret : fill_from_inode(p, &i, out, err);
}

/* --- folders --- */

static int fd_xattrs(int fd, img_er_xattr_fn fn, void *ctx, struct cs_err *err)
{
	char path[40];
	cs_auto_free char *names = malloc(XATTR_LIST_MAX), *value = malloc(XATTR_SIZE_MAX);
	ssize_t len;

	if (!names || !value)
		return cs_err_set(err, ENOMEM, "read extended attributes: out of memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = listxattr(path, names, XATTR_LIST_MAX);
	if (len < 0)
		return errno == ENOTSUP ? 0 : cs_err_sys(err, "list extended attributes");
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t n = getxattr(path, names + at, value, XATTR_SIZE_MAX);
		int ret;

		if (n < 0)
			return cs_err_sys(err, "read extended attribute %.100s", names + at);
		ret = fn(ctx, names + at, value, (size_t)n, err);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int fill_from_fd(int fd, const struct stat *sb, struct img_peeked *out, struct cs_err *err)
{
	out->found = true;
	out->is_dir = S_ISDIR(sb->st_mode);
	out->mode = sb->st_mode;
	out->uid = sb->st_uid;
	out->gid = sb->st_gid;
	out->mtime = sb->st_mtim.tv_sec;
	out->mtime_nsec = (uint32_t)sb->st_mtim.tv_nsec;
	return out->is_dir ? fd_xattrs(fd, take_xattr, out, err) : 0;
}

/* One component at a time and nothing followed: the folder is ours, its content is not. */
static int peek_folder(const struct img_peek *p, const char *path, struct img_peeked *out,
		       struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return cs_err_sys(err, "open layer");
	while (*path) {
		size_t len = strcspn(path, "/");
		char name[NAME_MAX + 1];
		int next, ret = fd_xattrs(fd, see_mark, &out->hides, err);

		if (ret == 0)
			ret = cs_str_fmt(name, sizeof(name), err, "%.*s", (int)len, path);
		if (ret < 0)
			return ret;
		next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return errno == ENOENT ? 0 : cs_err_sys(err, "open %s", name);
		cs_close_fd(&fd);
		fd = next;
		path += len;
		path += *path == '/';
		if (fstat(fd, &sb) < 0)
			return cs_err_sys(err, "stat %s", name);
		if (*path && !S_ISDIR(sb.st_mode)) {
			out->found = true;
			return 0;
		}
	}
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat layer");
	return fill_from_fd(fd, &sb, out, err);
}

int img_peek(const struct img_peek *p, const char *path, struct img_peeked *out, struct cs_err *err)
{
	int ret = p->folder ? peek_folder(p, path, out, err) : peek_image(p, path, out, err);

	if (ret < 0)
		img_peeked_fini(out);
	return ret;
}
