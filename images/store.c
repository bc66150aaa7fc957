#include "images/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/store_int.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static const char layout_text[] = "{\"imageLayoutVersion\": \"1.0.0\"}\n";

/* Opens a folder of the store, making it if it is missing. */
static int open_dir(int at, const char *name, struct cs_err *err)
{
	int fd = openat(at, name, DIR_FLAGS);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder %s of the image store", name);
		fd = openat(at, name, DIR_FLAGS);
	}
	if (fd < 0)
		return cs_err_sys(err, "open folder %s of the image store", name);
	return fd;
}

/* Opens the store's own folder, with the folders above it. */
static int open_root(const char *path, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;
	cs_auto_fd int dir = -EBADF;
	int fd = open(path, DIR_FLAGS);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return cs_err_sys(err, "open image store %s", path);
	root = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return cs_err_sys(err, "open image store %s", path);
	dir = cs_path_mkdirs(root, path, 0700, err);
	if (dir < 0)
		return cs_err_wrap(err, "image store %s", path);
	fd = openat(dir, ".", DIR_FLAGS);
	if (fd < 0)
		return cs_err_sys(err, "open image store %s", path);
	return fd;
}

static int open_parts(struct img_store *st, struct cs_err *err)
{
	static const char *const more[] = { "layers", "staging" };
	cs_auto_fd int blobs = -EBADF;
	int ret;

	blobs = open_dir(st->fd, "blobs", err);
	if (blobs < 0)
		return blobs;
	st->blobs = open_dir(blobs, "sha256", err);
	if (st->blobs < 0)
		return st->blobs;
	st->locks = open_dir(st->fd, "locks", err);
	if (st->locks < 0)
		return st->locks;
	st->partial = open_dir(st->fd, "partial", err);
	if (st->partial < 0)
		return st->partial;
	for (size_t i = 0; i < CS_LEN(more); i++) {
		cs_auto_fd int fd = -EBADF;

		fd = open_dir(st->fd, more[i], err);
		if (fd < 0)
			return fd;
	}
	if (faccessat(st->fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	ret = cs_file_replace(st->fd, "oci-layout", layout_text, sizeof(layout_text) - 1, 0600,
			      true, err);
	return ret < 0 ? cs_err_wrap(err, "image store") : 0;
}

int img_store_open(const char *path, struct img_store **out, struct cs_err *err)
{
	struct img_store *st = malloc(sizeof(*st));
	int ret;

	if (!st)
		return cs_err_set(err, ENOMEM, "out of memory");
	*st = (struct img_store){ -EBADF, -EBADF, -EBADF, -EBADF };
	st->fd = open_root(path, err);
	ret = st->fd < 0 ? st->fd : open_parts(st, err);
	if (ret < 0) {
		img_store_close(st);
		return ret;
	}
	*out = st;
	return 0;
}

void img_store_close(struct img_store *st)
{
	if (!st)
		return;
	cs_close_fd(&st->fd);
	cs_close_fd(&st->blobs);
	cs_close_fd(&st->locks);
	cs_close_fd(&st->partial);
	free(st);
}

int img_store_fd(const struct img_store *st)
{
	return st->fd;
}

int img_store_partial_fd(const struct img_store *st)
{
	return st->partial;
}

int img_store_gate(const struct img_store *st, enum img_gate how, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	int ret;

	fd = openat(st->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return cs_err_sys(err, "open the image store's lock");
	do
		ret = flock(fd, how == IMG_GATE_REMOVE ? LOCK_EX : LOCK_SH);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return cs_err_sys(err, "lock the image store");
	return cs_take_fd(&fd);
}

int img_store_blob_stat(const struct img_store *st, const struct img_digest *d, uint64_t *size,
			struct cs_err *err)
{
	struct stat sb;

	if (fstatat(st->blobs, d->hex, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "stat blob %.12s", d->hex);
	if (!S_ISREG(sb.st_mode))
		return cs_err_set(err, EBADMSG, "blob %.12s is no regular file", d->hex);
	if (size)
		*size = (uint64_t)sb.st_size;
	return 1;
}

int img_store_blob_open(const struct img_store *st, const char *digest, uint64_t size,
			struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct img_digest d;
	struct stat sb;
	int ret = img_digest_parse(digest, "blob", &d, err);

	if (ret < 0)
		return ret;
	fd = openat(st->blobs, d.hex, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return cs_err_sys(err, "open blob %.12s of the image store", d.hex);
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat blob %.12s", d.hex);
	if (!S_ISREG(sb.st_mode) || (size != UINT64_MAX && (uint64_t)sb.st_size != size))
		return cs_err_set(err, EBADMSG,
				  "blob %.12s of the image store has the wrong type or size",
				  d.hex);
	return cs_take_fd(&fd);
}

int img_store_blob_read(const struct img_store *st, const char *digest, char **out, size_t *len,
			struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	struct img_digest want, is;
	size_t n = 0;
	int ret = img_digest_parse(digest, "blob", &want, err);

	if (ret < 0)
		return ret;
	ret = cs_file_read(st->blobs, want.hex, IMG_MANIFEST_MAX, &buf, &n, err);
	if (ret < 0)
		return cs_err_wrap(err, "blob of the image store");
	ret = img_sha_buf(buf, n, &is, err);
	if (ret < 0)
		return ret;
	if (!img_digest_equal(&want, &is))
		return cs_err_set(err, EBADMSG, "blob %.12s of the image store is damaged",
				  want.hex);
	*out = cs_take_ptr(&buf);
	*len = n;
	return 0;
}

void img_image_fini(struct img_image *im)
{
	img_list_fini(&im->list);
	img_manifest_fini(&im->manifest);
	img_config_fini(&im->config);
	free(im->manifest_text);
	free(im->config_text);
	*im = IMG_IMAGE_INIT;
}

/* Manifest and config of im->rec. */
static int read_image(const struct img_store *st, struct img_image *im, struct cs_err *err)
{
	const struct img_record *r = im->rec;
	int ret = img_store_blob_read(st, r->digest, &im->manifest_text, &im->manifest_len, err);

	if (ret == 0)
		ret = img_manifest_parse(im->manifest_text, im->manifest_len, r->media_type,
					 "manifest", &im->manifest, err);
	if (ret < 0)
		return ret;
	if (im->manifest.kind != IMG_MEDIA_MANIFEST)
		return cs_err_set(err, EINVAL, "is an index, not an image");
	ret = img_store_blob_read(st, im->manifest.config.digest, &im->config_text, &im->config_len,
				  err);
	if (ret < 0 || im->manifest.artifact)
		return ret;
	return img_config_parse(im->config_text, im->config_len, "config", &im->config, err);
}

int img_store_image(const struct img_store *st, const char *text, struct img_image *out,
		    struct cs_err *err)
{
	struct img_image im = IMG_IMAGE_INIT;
	int ret = img_store_list(st, &im.list, err);

	if (ret == 0)
		ret = img_list_find(&im.list, text, &im.rec, err);
	if (ret == 0) {
		ret = read_image(st, &im, err);
		if (ret < 0)
			cs_err_wrap(err, "image %s", *im.rec->name ? im.rec->name : im.rec->id);
	}
	if (ret < 0) {
		img_image_fini(&im);
		return ret;
	}
	*out = im;
	return 0;
}
