#include "images/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

enum { CHUNK = 1 << 18 };

static int write_tar(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	const struct img_sink *s = ctx;
	int ret = cs_fd_write_all(s->fd, buf, len, err);

	return ret < 0 ? cs_err_wrap(err, "write the archive") : 0;
}

void img_sink_tar(struct img_sink *s, int fd)
{
	*s = (struct img_sink){ .fd = fd, .file = -EBADF };
	s->tar = (struct img_tarw){ .fn = write_tar, .ctx = s };
}

void img_sink_folder(struct img_sink *s, int fd)
{
	*s = (struct img_sink){ .folder = true, .fd = fd, .file = -EBADF };
}

void img_sink_fini(struct img_sink *s)
{
	cs_close_fd(&s->file);
	for (size_t i = 0; i < s->n; i++)
		free(s->names[i]);
	free(s->names);
	s->names = NULL;
	s->n = 0;
}

bool img_sink_has(const struct img_sink *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->names[i], name) == 0)
			return true;
	}
	return false;
}

static int note(struct img_sink *s, const char *name, struct cs_err *err)
{
	char **v = reallocarray(s->names, s->n + 1, sizeof(*v));

	if (v)
		s->names = v;
	if (!v || !(v[s->n] = strdup(name)))
		return cs_err_set(err, ENOMEM, "out of memory");
	s->n++;
	return 0;
}

/* Makes the folders above a file. The names are ours. */
static int make_parents(int dir, const char *name, struct cs_err *err)
{
	char path[256];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - name);

		if (n >= sizeof(path))
			return cs_err_set(err, ENAMETOOLONG, "%s: too long", name);
		memcpy(path, name, n);
		path[n] = '\0';
		if (mkdirat(dir, path, 0755) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder %s", path);
	}
	return 0;
}

int img_sink_begin(struct img_sink *s, const char *name, uint64_t size, struct cs_err *err)
{
	const struct img_tarw_entry e = { .path = name, .mode = S_IFREG | 0644, .size = size };
	int ret = note(s, name, err);

	if (ret < 0)
		return ret;
	s->left = size;
	if (!s->folder)
		return img_tarw_entry(&s->tar, &e, err);
	ret = make_parents(s->fd, name, err);
	if (ret < 0)
		return ret;
	cs_close_fd(&s->file);
	s->file = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (s->file < 0)
		return cs_err_sys(err, "make %s", name);
	return 0;
}

int img_sink_data(struct img_sink *s, const void *buf, size_t len, struct cs_err *err)
{
	if (len > s->left)
		return cs_err_set(err, EBADMSG, "a file is longer than it was said to be");
	s->left -= len;
	if (!s->folder)
		return img_tarw_data(&s->tar, buf, len, err);
	return cs_fd_write_all(s->file, buf, len, err);
}

int img_sink_put(struct img_sink *s, const char *name, const void *buf, size_t len,
		 struct cs_err *err)
{
	int ret = img_sink_begin(s, name, len, err);

	return ret < 0 || len == 0 ? ret : img_sink_data(s, buf, len, err);
}

int img_sink_copy(struct img_sink *s, const char *name, int fd, uint64_t size, struct cs_err *err)
{
	cs_auto_free char *buf = malloc(CHUNK);
	int ret = img_sink_begin(s, name, size, err);

	if (!buf)
		return err->code ? ret : cs_err_set(err, ENOMEM, "out of memory");
	while (ret == 0) {
		ssize_t n = read(fd, buf, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read %s", name);
		if (n == 0)
			break;
		ret = img_sink_data(s, buf, (size_t)n, err);
	}
	if (ret == 0 && s->left)
		ret = cs_err_set(err, EBADMSG, "%s is shorter than it was said to be", name);
	return ret;
}

int img_sink_end(struct img_sink *s, struct cs_err *err)
{
	if (!s->folder)
		return img_tarw_end(&s->tar, err);
	cs_close_fd(&s->file);
	if (syncfs(s->fd) < 0)
		return cs_err_sys(err, "sync the folder");
	return 0;
}
