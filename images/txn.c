#include "images/txn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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
#include "images/digest.h"
#include "images/staging.h"
#include "images/store_int.h"

struct img_txn {
	struct img_store *st;
	struct img_staging staging;
	int lease;	    /* owned: the list, append-only */
	atomic_uint number; /* of the next temporary file */
};

int img_txn_begin(struct img_store *st, struct img_txn **out, struct cs_err *err)
{
	cs_auto_fd int gate = -EBADF;
	struct img_txn *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return cs_err_set(err, ENOMEM, "out of memory");
	*t = (struct img_txn){ .st = st, .staging = IMG_STAGING_INIT, .lease = -EBADF };
	gate = img_store_gate(st, IMG_GATE_USE, err);
	ret = gate < 0 ? gate : img_staging_make(st->fd, &t->staging, err);
	if (ret == 0) {
		t->lease = openat(t->staging.fd, IMG_LEASE,
				  O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
		if (t->lease < 0)
			ret = cs_err_sys(err, "make a list in the image store");
	}
	if (ret < 0) {
		img_txn_end(t);
		return ret;
	}
	*out = t;
	return 0;
}

void img_txn_end(struct img_txn *t)
{
	if (!t)
		return;
	cs_close_fd(&t->lease);
	img_staging_fini(&t->staging);
	free(t);
}

int img_txn_dirfd(const struct img_txn *t)
{
	return t->staging.fd;
}

struct img_store *img_txn_store(const struct img_txn *t)
{
	return t->st;
}

/* Notes the @n digests, in one piece. The gate: who removes has either seen them on the list, or is
 * done before we look whether they are there. */
static int pin(struct img_txn *t, const struct img_digest *v, size_t n, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_fd int gate = -EBADF;
	int ret;

	for (size_t i = 0; i < n; i++)
		cs_buf_addf(&b, "%s\n", v[i].hex);
	ret = cs_buf_ok(&b, err);
	if (ret < 0 || n == 0)
		return ret;
	gate = img_store_gate(t->st, IMG_GATE_USE, err);
	if (gate < 0)
		return gate;
	ret = cs_fd_write_all(t->lease, b.s, b.len, err);
	return ret < 0 ? cs_err_wrap(err, "note what is used in the image store") : 0;
}

int img_txn_pin(struct img_txn *t, const char *digest, struct cs_err *err)
{
	struct img_digest d;
	int ret = img_digest_parse(digest, "pin", &d, err);

	return ret < 0 ? ret : pin(t, &d, 1, err);
}

int img_txn_pin_all(struct img_txn *t, const struct img_digest *v, size_t n, struct cs_err *err)
{
	return pin(t, v, n, err);
}

/* Is the locked file still the one of that name? A removal may have come between. */
static bool still_named(int dir, const char *name, int fd)
{
	struct stat a, b;

	return fstatat(dir, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int lock_digest(struct img_txn *t, const char *digest, int how, struct cs_err *err)
{
	struct img_digest d;
	int ret = img_digest_parse(digest, "lock", &d, err);

	if (ret < 0)
		return ret;
	for (;;) {
		cs_auto_fd int fd = -EBADF;

		fd = openat(t->st->locks, d.hex, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return cs_err_sys(err, "open the lock of %.12s", d.hex);
		do
			ret = flock(fd, how);
		while (ret < 0 && errno == EINTR);
		if (ret < 0)
			return cs_err_sys(err, "lock %.12s", d.hex);
		if (still_named(t->st->locks, d.hex, fd))
			return cs_take_fd(&fd);
	}
}

int img_txn_lock(struct img_txn *t, const char *digest, struct cs_err *err)
{
	return lock_digest(t, digest, LOCK_EX, err);
}

int img_txn_trylock(struct img_txn *t, const char *digest, struct cs_err *err)
{
	return lock_digest(t, digest, LOCK_EX | LOCK_NB, err);
}

int img_txn_blob(struct img_txn *t, const char *digest, uint64_t size, struct cs_err *err)
{
	struct img_digest d;
	uint64_t is = 0;
	int ret = img_digest_parse(digest, "blob", &d, err);

	if (ret == 0)
		ret = pin(t, &d, 1, err);
	if (ret == 0)
		ret = img_store_blob_stat(t->st, &d, &is, err);
	if (ret > 0 && size != UINT64_MAX && is != size)
		ret = 0; /* not the one; it will be replaced */
	return ret;
}

/* Moves a synced file of the transaction's folder to the blobs. */
static int publish_blob(struct img_txn *t, const char *name, const struct img_digest *d,
			struct cs_err *err)
{
	if (renameat(t->staging.fd, name, t->st->blobs, d->hex) < 0)
		return cs_err_sys(err, "move blob %.12s into the image store", d->hex);
	if (fsync(t->st->blobs) < 0)
		return cs_err_sys(err, "sync the blobs of the image store");
	return 0;
}

/* Does the blob of that name have these bytes? What a power cut or somebody left may not: then it
 * is replaced. */
static bool has_bytes(const struct img_txn *t, const struct img_digest *d, const void *buf,
		      size_t len)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_free char *have = NULL;
	size_t n = 0;

	return cs_file_read(t->st->blobs, d->hex, len + 1, &have, &n, &ignored) == 0 && n == len &&
	       memcmp(have, buf, len) == 0;
}

int img_txn_put_blob(struct img_txn *t, const void *buf, size_t len, const char *digest, char *made,
		     struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct img_digest d, want;
	char name[32];
	int ret = img_sha_buf(buf, len, &d, err);

	if (ret == 0 && digest)
		ret = img_digest_parse(digest, "blob", &want, err);
	if (ret < 0)
		return ret;
	if (digest && !img_digest_equal(&d, &want))
		return cs_err_set(err, EBADMSG, "%.19s...: the content has another digest, %.12s",
				  digest, d.hex);
	ret = pin(t, &d, 1, err);
	if (ret == 0)
		ret = img_store_blob_stat(t->st, &d, NULL, err);
	if (ret < 0)
		return ret;
	if (ret == 0 || !has_bytes(t, &d, buf, len)) {
		snprintf(name, sizeof(name), ".blob.%u", atomic_fetch_add(&t->number, 1));
		fd = openat(t->staging.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return cs_err_sys(err, "make a file in the image store");
		ret = cs_fd_write_all(fd, buf, len, err);
		if (ret < 0)
			return cs_err_wrap(err, "write to the image store");
		if (fdatasync(fd) < 0)
			return cs_err_sys(err, "sync a file in the image store");
		ret = publish_blob(t, name, &d, err);
		if (ret < 0)
			return ret;
	}
	if (made)
		img_digest_text(&d, made);
	return 0;
}

int img_txn_blob_commit(struct img_txn *t, const char *name, const char *digest, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct img_digest d;
	int ret = img_digest_parse(digest, "blob", &d, err);

	if (ret == 0)
		ret = pin(t, &d, 1, err);
	if (ret < 0)
		return ret;
	fd = openat(t->staging.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	if (fdatasync(fd) < 0)
		return cs_err_sys(err, "sync blob %.12s", d.hex);
	return publish_blob(t, name, &d, err);
}
