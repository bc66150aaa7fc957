#include "images/gc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/staging.h"
#include "images/store_int.h"

enum { LEASE_MAX = 16 << 20 };

/* What is in use: digests, sorted once all are there. */
struct marks {
	struct img_digest *v; /* owned */
	size_t n, cap;
};

static int mark_hex(struct marks *m, const char *hex, struct cs_err *err)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 256;
		struct img_digest *v = reallocarray(m->v, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		m->v = v;
		m->cap = cap;
	}
	memcpy(m->v[m->n].hex, hex, IMG_SHA_HEX);
	m->v[m->n++].hex[IMG_SHA_HEX] = '\0';
	return 0;
}

static int mark(struct marks *m, const char *digest, struct cs_err *err)
{
	return img_ref_digest_ok(digest) ? mark_hex(m, digest + 7, err) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct img_digest *x = a, *y = b;

	return memcmp(x->hex, y->hex, IMG_SHA_HEX);
}

/* Is a file's name a digest, and in use? */
static bool marked(const struct marks *m, const char *name)
{
	struct img_digest d = IMG_DIGEST_NONE;

	if (strlen(name) < IMG_SHA_HEX)
		return false;
	memcpy(d.hex, name, IMG_SHA_HEX);
	return m->n > 0 && bsearch(&d, m->v, m->n, sizeof(d), compare);
}

/* An image whose manifest or config is gone or damaged refers to nothing; what else goes wrong ends
 * the cleaning. */
static int forgive(int ret, struct cs_err *err)
{
	if (ret != -ENOENT && ret != -EBADMSG && ret != -EINVAL && ret != -EFBIG &&
	    ret != -EOPNOTSUPP)
		return ret;
	cs_err_clear(err);
	return 0;
}

static int mark_config(const struct img_store *st, struct marks *m, const char *digest,
		       struct cs_err *err)
{
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = img_store_blob_read(st, digest, &text, &len, err);

	if (ret == 0)
		ret = img_config_parse(text, len, "config", &c, err);
	if (ret < 0)
		return forgive(ret, err);
	for (size_t i = 0; i < c.n_diff_ids && ret == 0; i++)
		ret = mark(m, c.diff_ids[i], err);
	return ret;
}

static int mark_image(const struct img_store *st, struct marks *m, const struct img_record *r,
		      struct cs_err *err)
{
	img_auto_manifest struct img_manifest mf = IMG_MANIFEST_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = mark(m, r->digest, err);

	if (ret == 0)
		ret = mark(m, r->source, err);
	if (ret == 0)
		ret = mark(m, r->fix, err);
	if (ret < 0)
		return ret;
	ret = img_store_blob_read(st, r->digest, &text, &len, err);
	if (ret == 0)
		ret = img_manifest_parse(text, len, NULL, "manifest", &mf, err);
	if (ret < 0)
		return forgive(ret, err);
	if (mf.kind != IMG_MEDIA_MANIFEST)
		return 0;
	ret = mark(m, mf.config.digest, err);
	for (size_t i = 0; i < mf.n_layers && ret == 0; i++)
		ret = mark(m, mf.layers[i].digest, err);
	if (ret < 0 || mf.artifact)
		return ret;
	return mark_config(st, m, mf.config.digest, err);
}

static int mark_images(const struct img_store *st, struct marks *m, struct cs_err *err)
{
	img_auto_list struct img_list l = IMG_LIST_INIT;
	int ret = img_store_list(st, &l, err);

	for (size_t i = 0; i < l.n && ret == 0; i++)
		ret = mark_image(st, m, &l.v[i], err);
	return ret;
}

/* The list of one transaction, if it lives. */
static int mark_lease(int staging, const char *name, struct marks *m, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	dir = openat(staging, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : cs_err_sys(err, "open %s", name);
	if (flock(dir, LOCK_EX | LOCK_NB) == 0)
		return 0; /* its owner is dead */
	ret = cs_file_read(dir, IMG_LEASE, LEASE_MAX, &text, &len, err);
	if (ret == -ENOENT) { /* it leans on nothing */
		cs_err_clear(err);
		return 0;
	}
	for (size_t at = 0; ret == 0 && at + IMG_SHA_HEX <= len; at += IMG_SHA_HEX + 1)
		ret = mark_hex(m, text + at, err);
	return ret;
}

/* A folder of the store, to be read. */
static DIR *open_list(const struct img_store *st, const char *name, struct cs_err *err)
{
	int fd = openat(st->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		cs_err_sys(err, "read folder %s of the image store", name);
		if (fd >= 0)
			close(fd);
	}
	return d;
}

static int mark_leases(const struct img_store *st, struct marks *m, struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	int ret = 0;

	d = open_list(st, "staging", err);
	if (!d)
		return -err->code;
	while (ret == 0 && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			ret = mark_lease(dirfd(d), e->d_name, m, err);
	}
	return ret;
}

/* Moves what is not in use to the trash. */
static int sweep_dir(const struct img_store *st, const char *name, const struct marks *m, int trash,
		     struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	char to[NAME_MAX + 8];

	d = open_list(st, name, err);
	if (!d)
		return -err->code;
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    marked(m, e->d_name))
			continue;
		snprintf(to, sizeof(to), "%c.%s", name[0], e->d_name);
		if (renameat(dirfd(d), e->d_name, trash, to) < 0 && errno != ENOENT)
			return cs_err_sys(err, "remove %.12s from the image store", e->d_name);
	}
	return 0;
}

static uint64_t blocks_of(int dirfd, const char *name)
{
	struct stat sb;

	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)sb.st_blocks * 512;
}

/* Bytes in the trash: files, and those of the folders of layers. */
static uint64_t weigh(int trash)
{
	int fd = openat(trash, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	uint64_t sum = 0;

	while (d && (e = readdir(d))) {
		char path[NAME_MAX + 32];

		if (e->d_name[0] == '.')
			continue;
		sum += blocks_of(trash, e->d_name);
		snprintf(path, sizeof(path), "%s/layer.erofs", e->d_name);
		sum += blocks_of(trash, path);
	}
	return sum;
}

/* Locks nobody holds, and what is left of downloads that are old. */
static int sweep_partial(const struct img_store *st, int64_t age, struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	struct stat sb;

	d = open_list(st, "partial", err);
	if (!d)
		return -err->code;
	while ((e = readdir(d))) {
		cs_auto_fd int lock = -EBADF;
		char hex[IMG_SHA_HEX + 1];

		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &sb, 0) < 0)
			continue;
		snprintf(hex, sizeof(hex), "%.64s", e->d_name);
		lock = openat(st->locks, hex, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
			continue;
		if (age == 0 || sb.st_mtime < time(NULL) - age)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	return 0;
}

static int sweep_locks(const struct img_store *st, struct cs_err *err)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;

	d = open_list(st, "locks", err);
	if (!d)
		return -err->code;
	while ((e = readdir(d))) {
		cs_auto_fd int lock = -EBADF;

		if (e->d_name[0] == '.')
			continue;
		lock = openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	return 0;
}

/* The part that nobody else may run beside: reading what is in use, and renames. */
static int sweep(const struct img_store *st, int trash, int64_t age, struct cs_err *err)
{
	cs_auto_fd int gate = -EBADF;
	struct marks m = { 0 };
	int ret;

	gate = img_store_gate(st, IMG_GATE_REMOVE, err);
	if (gate < 0)
		return gate;
	ret = mark_images(st, &m, err);
	if (ret == 0)
		ret = mark_leases(st, &m, err);
	if (m.n > 0)
		qsort(m.v, m.n, sizeof(*m.v), compare);
	if (ret == 0)
		ret = sweep_dir(st, "blobs/sha256", &m, trash, err);
	if (ret == 0)
		ret = sweep_dir(st, "layers", &m, trash, err);
	if (ret == 0)
		ret = sweep_partial(st, age, err);
	if (ret == 0)
		ret = sweep_locks(st, err);
	free(m.v);
	return ret;
}

int img_gc(struct img_store *st, int64_t partial_age, uint64_t *freed, struct cs_err *err)
{
	img_auto_staging struct img_staging trash = IMG_STAGING_INIT;
	int ret = img_staging_sweep(st->fd, err);

	if (ret == 0)
		ret = img_staging_make(st->fd, &trash, err);
	if (ret == 0)
		ret = sweep(st, trash.fd, partial_age, err);
	if (trash.fd >= 0 && freed)
		*freed = weigh(trash.fd);
	return ret < 0 ? cs_err_wrap(err, "clean the image store") : 0;
}
