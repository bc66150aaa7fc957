#include "images/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "images/apply.h"
#include "images/erofs.h"
#include "images/layer_int.h"
#include "images/limits.h"
#include "images/ring.h"
#include "images/unpack.h"

enum {
	TAR_QUEUE = 512 * 1024,
	READ_SIZE = 128 * 1024,
	STACK_SIZE = 1024 * 1024,
};

struct img_layer {
	struct img_layer_opts o;
	struct img_limits lim;
	struct img_staging staging;
	atomic_uint_least64_t taken;
	pthread_t unzip, build;
	bool has_unzip, has_build;

	/* the first thread's: sha of the blob, inflate */
	struct img_ring in;
	struct img_sha blob_sha;
	struct img_inflate *inflate;
	struct cs_err unzip_err;

	/* the second one's: sha of the tar, the image */
	struct img_ring tar_ring;
	struct img_sha tar_sha;
	struct img_tar *tar;
	struct img_apply apply;
	struct img_erofs *erofs;
	struct img_unpack *unpack;
	int data_fd; /* layer.erofs; owned */
	struct img_layer_info info;
	struct cs_buf implied;
	struct cs_err build_err;
};

/* --- the first thread --- */

static int to_tar(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct img_layer *l = ctx;

	if (img_ring_write(&l->tar_ring, buf, len) < 0)
		return cs_err_set(err, EPIPE, "the layer could not be made");
	return 0;
}

static int unzip_piece(struct img_layer *l, const uint8_t *buf, size_t len, struct cs_err *err)
{
	if (l->blob_sha.size + len > l->o.blob_size)
		return cs_err_set(err, EBADMSG,
				  "the layer's blob is longer than the %llu bytes it "
				  "is said to have",
				  (unsigned long long)l->o.blob_size);
	if (l->o.keep_fd >= 0 && cs_fd_write_all(l->o.keep_fd, buf, len, err) < 0)
		return cs_err_wrap(err, "keep the layer's blob");
	img_sha_update(&l->blob_sha, buf, len);
	return img_inflate_write(l->inflate, buf, len, err);
}

static int unzip_all(struct img_layer *l, struct cs_err *err)
{
	for (;;) {
		const uint8_t *p = NULL;
		ssize_t n = img_ring_peek(&l->in, &p);
		int ret;

		if (n < 0)
			return cs_err_set(err, ECANCELED, "the layer was given up");
		if (n == 0)
			break;
		if (n > READ_SIZE) /* so the writer has room again soon */
			n = READ_SIZE;
		ret = unzip_piece(l, p, (size_t)n, err);
		if (ret < 0)
			return ret;
		img_ring_consume(&l->in, (size_t)n);
	}
	if (l->o.blob_size != IMG_SIZE_ANY && l->blob_sha.size != l->o.blob_size)
		return cs_err_set(err, EBADMSG, "the layer's blob ends after %llu of %llu bytes",
				  (unsigned long long)l->blob_sha.size,
				  (unsigned long long)l->o.blob_size);
	return img_inflate_end(l->inflate, err);
}

static void *unzip_main(void *arg)
{
	struct img_layer *l = arg;

	if (unzip_all(l, &l->unzip_err) < 0) {
		img_ring_break(&l->tar_ring);
		img_ring_break(&l->in);
	} else {
		img_ring_close(&l->tar_ring);
	}
	return NULL;
}

/* --- the second thread --- */

static int build_all(struct img_layer *l, struct cs_err *err)
{
	for (;;) {
		const uint8_t *p = NULL;
		ssize_t n = img_ring_peek(&l->tar_ring, &p);
		int ret;

		if (n < 0)
			return cs_err_set(err, ECANCELED, "the layer was given up");
		if (n == 0)
			break;
		if (n > READ_SIZE)
			n = READ_SIZE;
		img_sha_update(&l->tar_sha, p, (size_t)n);
		ret = img_tar_write(l->tar, p, (size_t)n, err);
		if (ret < 0)
			return ret;
		img_ring_consume(&l->tar_ring, (size_t)n);
	}
	return img_tar_end(l->tar, err);
}

static int finish_data(struct img_layer *l, struct cs_err *err)
{
	uint8_t uuid[16];

	if (l->unpack)
		return img_unpack_finish(l->unpack, &l->apply.tree, &l->info.size, err);
	img_layer_uuid(&l->info.diff_id, uuid);
	return img_erofs_finish(l->erofs, &l->apply.tree, uuid, &l->info.size, err);
}

static int build_end(struct img_layer *l, struct cs_err *err)
{
	int64_t n;
	int ret;

	l->info.tar_size = l->tar_sha.size;
	ret = img_sha_done(&l->tar_sha, &l->info.diff_id, err);
	if (ret == 0)
		ret = finish_data(l, err);
	if (ret < 0)
		return ret;
	n = img_layer_list_implied(&l->apply.tree, l->lim.max_implied, &l->implied, err);
	if (n < 0)
		return (int)n;
	l->info.implied = (uint64_t)n;
	l->info.entries = l->apply.tree.n;
	l->info.opaque_root = l->apply.tree.root->opaque;
	l->info.folder = l->o.folder;
	return 0;
}

static void *build_main(void *arg)
{
	struct img_layer *l = arg;

	if (build_all(l, &l->build_err) < 0 || build_end(l, &l->build_err) < 0) {
		img_ring_break(&l->tar_ring);
		img_ring_break(&l->in);
	}
	return NULL;
}

/* --- the caller's side --- */

static int open_data(struct img_layer *l, struct cs_err *err)
{
	int ret;

	if (l->o.folder) {
		ret = img_unpack_new(l->staging.fd, IMG_LAYER_FS, l->o.userxattr, &l->lim,
				     &l->unpack, err);
		return ret < 0 ? ret
			       : img_apply_init(&l->apply, &img_unpack_sink, l->unpack, &l->lim,
						err);
	}
	l->data_fd =
		openat(l->staging.fd, IMG_LAYER_EROFS, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (l->data_fd < 0)
		return cs_err_sys(err, "make " IMG_LAYER_EROFS);
	ret = img_erofs_new(l->data_fd, &l->lim, &l->erofs, err);
	return ret < 0 ? ret : img_apply_init(&l->apply, &img_erofs_sink, l->erofs, &l->lim, err);
}

static int open_parts(struct img_layer *l, struct cs_err *err)
{
	struct img_inflate_opts io = { .max_out = l->lim.max_tar };
	int ret = img_staging_make(l->o.root, &l->staging, err);

	if (ret == 0)
		ret = open_data(l, err);
	if (ret == 0)
		ret = img_sha_init(&l->blob_sha, err);
	if (ret == 0)
		ret = img_sha_init(&l->tar_sha, err);
	if (ret == 0)
		ret = img_tar_new(&img_apply_tar, &l->apply, &l->lim, &l->tar, err);
	if (ret == 0)
		ret = img_inflate_new(&io, to_tar, l, &l->inflate, err);
	if (ret == 0)
		ret = img_ring_init(&l->in, IMG_LAYER_QUEUE, true, err);
	if (ret == 0)
		ret = img_ring_init(&l->tar_ring, TAR_QUEUE, false, err);
	return ret;
}

/* Threads that no signal goes to. */
static int start(struct img_layer *l, struct cs_err *err)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&l->build, &attr, build_main, l);
	l->has_build = ret == 0;
	if (ret == 0) {
		ret = pthread_create(&l->unzip, &attr, unzip_main, l);
		l->has_unzip = ret == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret ? cs_err_errno(err, ret, "start a thread for a layer") : 0;
}

int img_layer_open(const struct img_layer_opts *o, struct img_layer **out, struct cs_err *err)
{
	struct img_layer *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return cs_err_set(err, ENOMEM, "begin a layer: out of memory");
	l->o = *o;
	l->lim = img_limits_fill(o->limits);
	l->staging = IMG_STAGING_INIT;
	l->data_fd = -EBADF;
	ret = open_parts(l, err);
	if (ret == 0)
		ret = start(l, err);
	if (ret < 0) {
		img_layer_free(l);
		return ret;
	}
	*out = l;
	return 0;
}

static void join(struct img_layer *l)
{
	if (l->has_unzip)
		pthread_join(l->unzip, NULL);
	if (l->has_build)
		pthread_join(l->build, NULL);
	l->has_unzip = l->has_build = false;
}

/* What went wrong first: one thread's failure ends the other with EPIPE or ECANCELED. */
static int failure(struct img_layer *l, struct cs_err *err)
{
	const struct cs_err *e = &l->unzip_err;

	join(l);
	if (!e->code || ((e->code == EPIPE || e->code == ECANCELED) && l->build_err.code &&
			 l->build_err.code != ECANCELED))
		e = &l->build_err;
	if (!e->code)
		return 0;
	*err = *e;
	return -e->code;
}

static int gave_up(struct img_layer *l, struct cs_err *err)
{
	int ret = failure(l, err);

	return ret ? ret : cs_err_set(err, EPIPE, "the layer could not be made");
}

int img_layer_write(struct img_layer *l, const void *buf, size_t len, struct cs_err *err)
{
	if (img_ring_write(&l->in, buf, len) < 0)
		return gave_up(l, err);
	atomic_fetch_add(&l->taken, len);
	return 0;
}

ssize_t img_layer_try_write(struct img_layer *l, const void *buf, size_t len, struct cs_err *err)
{
	ssize_t n = img_ring_try_write(&l->in, buf, len);

	if (n < 0)
		return gave_up(l, err);
	atomic_fetch_add(&l->taken, (uint64_t)n);
	return n;
}

int img_layer_event_fd(const struct img_layer *l)
{
	return l->in.event;
}

uint64_t img_layer_taken(const struct img_layer *l)
{
	return atomic_load(&l->taken);
}

static int check(struct img_layer *l, struct cs_err *err)
{
	struct img_layer_info *i = &l->info;
	int ret;

	i->blob_size = l->blob_sha.size;
	i->comp = img_inflate_comp(l->inflate);
	ret = img_sha_done(&l->blob_sha, &i->blob, err);
	if (ret < 0)
		return ret;
	if (l->o.blob.hex[0] && !img_digest_equal(&l->o.blob, &i->blob))
		return cs_err_set(
			err, EBADMSG,
			"the layer's blob is damaged: its digest is sha256:%s, not sha256:%s",
			i->blob.hex, l->o.blob.hex);
	if (l->o.diff_id.hex[0] && !img_digest_equal(&l->o.diff_id, &i->diff_id))
		return cs_err_set(
			err, EBADMSG,
			"the layer is not the image's: its diffID is sha256:%s, not sha256:%s",
			i->diff_id.hex, l->o.diff_id.hex);
	return 0;
}

/* Everything to disk, then into view. */
static int publish(struct img_layer *l, struct cs_err *err)
{
	char path[IMG_LAYER_PATH];
	int ret = 0;

	if (l->o.keep_fd >= 0 && fdatasync(l->o.keep_fd) < 0)
		return cs_err_sys(err, "sync the layer's blob");
	img_layer_path(&l->info.diff_id, path);
	ret = img_layer_have(l->o.root, &l->info.diff_id, err);
	if (ret != 0)
		return ret < 0 ? ret
			       : img_layer_info_read(l->o.root, &l->info.diff_id, &l->info, err);
	if (l->o.folder && syncfs(l->staging.fd) < 0)
		return cs_err_sys(err, "sync the layer");
	if (!l->o.folder && fdatasync(l->data_fd) < 0)
		return cs_err_sys(err, "sync " IMG_LAYER_EROFS);
	ret = img_layer_write_info(l->staging.fd, &l->info, &l->implied, err);
	if (ret == 0)
		ret = img_staging_publish(&l->staging, path, err);
	if (ret == -EEXIST) {
		cs_err_clear(err);
		ret = img_layer_info_read(l->o.root, &l->info.diff_id, &l->info, err);
	}
	return ret;
}

int img_layer_settle(struct img_layer *l, struct img_layer_info *info, struct cs_err *err)
{
	int ret;

	img_ring_close(&l->in);
	ret = failure(l, err);
	if (ret == 0)
		ret = check(l, err);
	if (ret == 0)
		*info = l->info;
	return ret;
}

int img_layer_data_fd(const struct img_layer *l)
{
	return l->data_fd;
}

int img_layer_commit(struct img_layer *l, struct img_layer_info *info, struct cs_err *err)
{
	struct img_layer_info made;
	int ret = img_layer_settle(l, &made, err);

	if (ret == 0)
		ret = publish(l, err);
	if (ret == 0 && info)
		*info = l->info;
	return ret;
}

void img_layer_free(struct img_layer *l)
{
	if (!l)
		return;
	if (l->in.buf)
		img_ring_break(&l->in);
	if (l->tar_ring.buf)
		img_ring_break(&l->tar_ring);
	join(l);
	img_ring_fini(&l->in);
	img_ring_fini(&l->tar_ring);
	img_inflate_free(l->inflate);
	img_tar_free(l->tar);
	img_apply_fini(&l->apply);
	img_erofs_free(l->erofs);
	img_unpack_free(l->unpack);
	cs_close_fd(&l->data_fd);
	cs_buf_fini(&l->implied);
	img_staging_fini(&l->staging);
	free(l);
}

int img_layer_write_fd(struct img_layer *l, int fd, struct cs_err *err)
{
	cs_auto_free uint8_t *buf = malloc(READ_SIZE);

	if (!buf)
		return cs_err_set(err, ENOMEM, "read the layer's blob: out of memory");
	for (;;) {
		ssize_t n = read(fd, buf, READ_SIZE);
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read the layer's blob");
		if (n == 0)
			return 0;
		ret = img_layer_write(l, buf, (size_t)n, err);
		if (ret < 0)
			return ret;
	}
}

int img_layer_import(const struct img_layer_opts *o, int fd, struct img_layer_info *info,
		     struct cs_err *err)
{
	struct img_layer *l = NULL;
	int ret = img_layer_open(o, &l, err);

	if (l)
		ret = img_layer_write_fd(l, fd, err);
	if (l && ret == 0)
		ret = img_layer_commit(l, info, err);
	img_layer_free(l);
	return ret;
}
