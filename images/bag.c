#include "images/bag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "images/bag_tar.h"
#include "images/inflate.h"

enum { CHUNK = 1 << 17, LINKS_MAX = 8 };

void img_bag_fini(struct img_bag *b)
{
	cs_close_fd(&b->fd);
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].name);
		free(b->v[i].link);
	}
	free(b->v);
	*b = IMG_BAG_INIT;
}

void img_piece_fini(struct img_piece *p)
{
	cs_close_fd(&p->fd);
}

static int put_bytes(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	return cs_fd_write_all(*(const int *)ctx, buf, len, err);
}

/* Writes the archive, inflated, to a file without a name. Returns its fd. */
static int spool(int in, int tmp, struct cs_err *err)
{
	struct img_inflate_opts opts = { 0 };
	cs_auto_free char *buf = malloc(CHUNK);
	struct img_inflate *z = NULL;
	cs_auto_fd int fd = -EBADF;
	ssize_t n;
	int ret;

	fd = openat(tmp, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 || !buf)
		return cs_err_sys(err, "make a temporary file for the archive");
	ret = img_inflate_new(&opts, put_bytes, &fd, &z, err);
	while (ret == 0 && (n = read(in, buf, CHUNK)) != 0) {
		if (n < 0 && errno != EINTR)
			ret = cs_err_sys(err, "read the archive");
		else if (n > 0)
			ret = img_inflate_write(z, buf, (size_t)n, err);
	}
	if (ret == 0)
		ret = img_inflate_end(z, err);
	img_inflate_free(z);
	return ret < 0 ? ret : cs_take_fd(&fd);
}

/* Is it a regular file that can be read as it is? */
static int is_plain(int fd, bool *plain, struct cs_err *err)
{
	unsigned char first[8];
	struct stat sb;
	ssize_t n;

	*plain = false;
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat the archive");
	if (!S_ISREG(sb.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
		return 0;
	n = pread(fd, first, sizeof(first), 0);
	if (n < 0)
		return cs_err_sys(err, "read the archive");
	*plain = img_comp_sniff(first, (size_t)n) == IMG_COMP_PLAIN;
	return 0;
}

static int open_archive(int fd, int tmp, struct img_bag *b, struct cs_err *err)
{
	bool plain = false;
	int ret = is_plain(fd, &plain, err);

	if (ret < 0)
		return ret;
	if (plain)
		b->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else
		b->fd = spool(fd, tmp, err);
	if (b->fd < 0)
		return err->code ? -err->code : cs_err_sys(err, "open the archive");
	return img_bag_scan(b, err);
}

int img_bag_open(const char *path, int fd, int tmp, struct img_bag *out, struct cs_err *err)
{
	struct img_bag b = IMG_BAG_INIT;
	cs_auto_fd int opened = -EBADF;
	struct stat sb;
	int ret;

	if (fd < 0) {
		fd = opened = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return cs_err_sys(err, "open %s", path);
	}
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat %s", path);
	if (S_ISDIR(sb.st_mode)) {
		b.folder = true;
		b.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		ret = b.fd < 0 ? cs_err_sys(err, "open %s", path) : 0;
	} else {
		ret = open_archive(fd, tmp, &b, err);
		if (ret < 0)
			cs_err_wrap(err, "%s", path ? path : "standard input");
	}
	if (ret < 0) {
		img_bag_fini(&b);
		return ret;
	}
	*out = b;
	return 0;
}

static int compare_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct img_bag_entry *)entry)->name);
}

static const struct img_bag_entry *find(const struct img_bag *b, const char *name)
{
	const struct img_bag_entry *e;

	for (int i = 0; i < LINKS_MAX && b->n > 0; i++) {
		e = bsearch(name, b->v, b->n, sizeof(*b->v), compare_name);
		if (!e)
			return NULL;
		while (e > b->v && strcmp(e[-1].name, name) == 0)
			e--;
		if (!e->link)
			return e;
		name = e->link;
	}
	return NULL;
}

static int get_file(const struct img_bag *b, const char *name, struct img_piece *out,
		    struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	fd = cs_path_open(b->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat %s", name);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EINVAL, "%s is no regular file", name);
	*out = (struct img_piece){ .fd = cs_take_fd(&fd), .size = (uint64_t)sb.st_size };
	return 0;
}

int img_bag_get(const struct img_bag *b, const char *name, struct img_piece *out,
		struct cs_err *err)
{
	const struct img_bag_entry *e;
	int fd;

	if (b->folder)
		return get_file(b, name, out, err);
	while (cs_str_starts(name, "./"))
		name += 2;
	e = find(b, name);
	if (!e)
		return cs_err_set(err, ENOENT, "%.200s is not in the archive", name);
	fd = fcntl(b->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	*out = (struct img_piece){ .fd = fd, .off = e->off, .size = e->size };
	return 0;
}

bool img_bag_has(const struct img_bag *b, const char *name)
{
	struct cs_err ignored = CS_ERR_INIT;
	img_auto_piece struct img_piece p = IMG_PIECE_INIT;

	return img_bag_get(b, name, &p, &ignored) == 0;
}

int64_t img_piece_read(const struct img_piece *p, uint64_t at, void *buf, size_t len,
		       struct cs_err *err)
{
	ssize_t n;

	if (at >= p->size)
		return 0;
	if (len > p->size - at)
		len = (size_t)(p->size - at);
	do
		n = pread(p->fd, buf, len, (off_t)(p->off + at));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cs_err_sys(err, "read");
	if (n == 0)
		return cs_err_set(err, EBADMSG, "the file became shorter while it was read");
	return n;
}

int img_bag_read(const struct img_bag *b, const char *name, size_t max, char **out, size_t *len,
		 struct cs_err *err)
{
	img_auto_piece struct img_piece p = IMG_PIECE_INIT;
	cs_auto_free char *buf = NULL;
	size_t got = 0;
	int ret = img_bag_get(b, name, &p, err);

	if (ret < 0)
		return ret;
	if (p.size > max)
		return cs_err_set(err, EFBIG, "%.200s: more than %zu bytes", name, max);
	buf = malloc((size_t)p.size + 1);
	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	while (got < p.size) {
		int64_t n = img_piece_read(&p, got, buf + got, (size_t)p.size - got, err);

		if (n < 0)
			return cs_err_wrap(err, "%.200s", name);
		got += (size_t)n;
	}
	buf[got] = '\0';
	*out = cs_take_ptr(&buf);
	*len = got;
	return 0;
}
