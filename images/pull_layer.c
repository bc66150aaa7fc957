#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "images/diffid.h"
#include "images/layer.h"
#include "images/parallel.h"
#include "images/pull.h"
#include "images/pull_int.h"
#include "images/rootfs.h"

enum { CHUNK = 256 * 1024 };

/* A layer being fetched. */
struct fetch {
	struct img_pull *p;
	const struct img_pull_layer *l;
	char digest[IMG_DIGEST_SIZE];
	char part[IMG_SHA_HEX + sizeof(".part")]; /* its name in partial/ */
	int fd;					  /* that file; owned */
	bool unpack;				  /* else the bytes are only kept */
	bool prove; /* the layer is there, made from another blob: is this one it, too? */
	struct img_layer *layer; /* owned */
	struct img_sha sha;	 /* of bytes that are only kept */
};

static void set_state(const struct fetch *f, enum img_part_state state)
{
	const struct img_watch *w = f->p->watch;

	if (atomic_exchange(&f->l->part->state, (int)state) != (int)state && w && w->changed)
		w->changed(w->ctx, f->l->part);
}

static int root_of(const struct img_pull *p)
{
	return img_store_fd(img_txn_store(p->txn));
}

/* Bytes in order, from an earlier pull's part or from the registry. */
static int take(struct fetch *f, const void *buf, size_t len, struct cs_err *err)
{
	int ret;

	if (f->unpack) {
		ret = img_layer_write(f->layer, buf, len, err);
	} else {
		img_sha_update(&f->sha, buf, len);
		ret = cs_fd_write_all(f->fd, buf, len, err);
	}
	if (ret >= 0)
		atomic_fetch_add(&f->l->part->done, len);
	return ret;
}

static int on_data(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	const struct fetch *f = ctx;

	set_state(f, IMG_PART_MOVING);
	return take(ctx, buf, len, err);
}

static void on_again(void *ctx, const struct cs_err *why)
{
	(void)why;
	set_state(ctx, IMG_PART_RETRYING);
}

/* Reads what an earlier pull left, which goes through the same hands again. @size becomes how much
 * it was. */
static int resume(struct fetch *f, uint64_t *size, struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	uint64_t at = 0;
	struct stat sb;
	int ret = 0;

	if (fstat(f->fd, &sb) < 0)
		return cs_err_sys(err, "look at partial/%s", f->part);
	if ((uint64_t)sb.st_size > f->l->part->size && ftruncate(f->fd, 0) < 0)
		return cs_err_sys(err, "empty partial/%s", f->part);
	if ((uint64_t)sb.st_size > f->l->part->size)
		sb.st_size = 0;
	if (sb.st_size)
		set_state(f, IMG_PART_RESUMING);
	buf = malloc(CHUNK);
	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	/* What is read is written again by take(), to the same place: nothing changes. */
	while (!ret && at < (uint64_t)sb.st_size) {
		uint64_t left = (uint64_t)sb.st_size - at;
		ssize_t n = pread(f->fd, buf, left < CHUNK ? (size_t)left : CHUNK, (off_t)at);

		if (n < 0)
			return cs_err_sys(err, "read partial/%s", f->part);
		if (n == 0)
			break;
		ret = take(f, buf, (size_t)n, err);
		at += (uint64_t)n;
	}
	*size = at;
	return ret;
}

static int begin(struct fetch *f, struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	int partial = img_store_partial_fd(img_txn_store(f->p->txn));

	f->fd = openat(partial, f->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return cs_err_sys(err, "open partial/%s", f->part);
	if (!f->unpack)
		return img_sha_init(&f->sha, err);
	img_rootfs_layer_opts(&o);
	o.root = root_of(f->p);
	o.blob = f->l->blob;
	o.blob_size = f->l->part->size;
	o.diff_id = f->l->diff_id;
	o.keep_fd = f->fd;
	return img_layer_open(&o, &f->layer, err);
}

/* All bytes are there: are they the right ones? */
static int check(struct fetch *f, struct cs_err *err)
{
	struct img_digest have;
	char text[IMG_DIGEST_SIZE];
	int ret;

	set_state(f, IMG_PART_UNPACKING);
	if (f->unpack)
		return img_layer_commit(f->layer, NULL, err);
	ret = img_sha_done(&f->sha, &have, err);
	if (ret < 0)
		return ret;
	img_digest_text(&have, text);
	if (!img_digest_equal(&have, &f->l->blob))
		return cs_err_set(err, EBADMSG, "what came has the digest %s", text);
	return f->prove ? img_diffid_check(f->fd, &f->l->diff_id, err) : 0;
}

/* The part, whole and checked, becomes a blob. */
static int keep(const struct fetch *f, struct cs_err *err)
{
	int partial = img_store_partial_fd(img_txn_store(f->p->txn));

	if (renameat(partial, f->part, img_txn_dirfd(f->p->txn), f->part) < 0)
		return cs_err_sys(err, "move partial/%s", f->part);
	return img_txn_blob_commit(f->p->txn, f->part, f->digest, err);
}

/* Is it for what the bytes are that it failed? Then no further pull can go on from them. */
static bool bad_bytes(int ret)
{
	return ret == -EBADMSG || ret == -EINVAL || ret == -EFBIG || ret == -EOPNOTSUPP ||
	       ret == -ENAMETOOLONG || ret == -E2BIG;
}

/* Fetches the blob, from where an earlier pull stopped. @resumed: so much came from that. */
static int fetch_once(struct fetch *f, uint64_t *resumed, struct cs_err *err)
{
	struct img_reg_blob b = {
		.digest = f->digest,
		.size = f->l->part->size,
		.data = on_data,
		.again = on_again,
		.ctx = f,
	};
	int ret = begin(f, err);

	atomic_store(&f->l->part->done, 0);
	if (!ret)
		ret = resume(f, &b.offset, err);
	*resumed = b.offset;
	if (!ret)
		ret = img_repo_blob(f->p->repo, &b, err);
	if (!ret)
		ret = check(f, err);
	if (!ret)
		ret = keep(f, err);
	img_layer_free(f->layer);
	f->layer = NULL;
	f->sha = IMG_SHA_INIT;
	cs_close_fd(&f->fd);
	if (ret < 0 && bad_bytes(ret))
		unlinkat(img_store_partial_fd(img_txn_store(f->p->txn)), f->part, 0);
	return ret;
}

static int fetch(struct fetch *f, struct cs_err *err)
{
	uint64_t resumed = 0;
	int ret = fetch_once(f, &resumed, err);

	/* A part may have lost bytes in a power cut: then all of it again, once. */
	if (ret == -EBADMSG && resumed) {
		cs_err_clear(err);
		ret = fetch_once(f, &resumed, err);
	}
	return ret;
}

/* The blob is there and its layer is not: from a store where layers were taken out. */
static int unpack_blob(const struct fetch *f, struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	cs_auto_fd int fd =
		img_store_blob_open(img_txn_store(f->p->txn), f->digest, f->l->part->size, err);

	if (fd < 0)
		return fd;
	set_state(f, IMG_PART_UNPACKING);
	img_rootfs_layer_opts(&o);
	o.root = root_of(f->p);
	o.blob = f->l->blob;
	o.blob_size = f->l->part->size;
	o.diff_id = f->l->diff_id;
	return img_layer_import(&o, fd, NULL, err);
}

/* Both are there, but not by one another. */
static int prove_blob(const struct fetch *f, struct cs_err *err)
{
	cs_auto_fd int fd =
		img_store_blob_open(img_txn_store(f->p->txn), f->digest, f->l->part->size, err);

	if (fd < 0)
		return fd;
	set_state(f, IMG_PART_UNPACKING);
	return img_diffid_check(fd, &f->l->diff_id, err);
}

/* What of a layer is in the store. */
static int look(struct fetch *f, bool *blob, struct cs_err *err)
{
	int ret = img_txn_blob(f->p->txn, f->digest, f->l->part->size, err);

	if (ret < 0)
		return ret;
	*blob = ret > 0;
	f->unpack = f->prove = false;
	if (!f->l->diff_id.hex[0])
		return 0;
	ret = img_layer_have(root_of(f->p), &f->l->diff_id, err);
	f->unpack = ret == 0;
	if (ret <= 0)
		return ret;
	ret = img_diffid_known(root_of(f->p), &f->l->diff_id, &f->l->blob, err);
	f->prove = ret == 0;
	return ret < 0 ? ret : 0;
}

static int layer(struct img_pull *p, const struct img_pull_layer *l, struct cs_err *err)
{
	struct fetch f = { .p = p, .l = l, .fd = -EBADF, .sha = IMG_SHA_INIT };
	cs_auto_fd int lock = -EBADF;
	bool blob = false;
	int ret;

	img_digest_text(&l->blob, f.digest);
	snprintf(f.part, sizeof(f.part), "%s.part", l->blob.hex);
	ret = look(&f, &blob, err);
	if (!ret && (!blob || f.unpack)) {
		lock = img_txn_trylock(p->txn, f.digest, err);
		if (lock == -EWOULDBLOCK) {
			cs_err_clear(err);
			set_state(&f, IMG_PART_ELSEWHERE);
			lock = img_txn_lock(p->txn, f.digest, err);
		}
		ret = lock < 0 ? lock : look(&f, &blob, err);
	}
	if (ret < 0)
		return ret;
	if (blob && f.prove)
		ret = prove_blob(&f, err);
	if (!ret && blob && !f.unpack) {
		atomic_store(&l->part->done, l->part->size);
		set_state(&f, IMG_PART_THERE);
		return 0;
	}
	if (!ret)
		ret = blob ? unpack_blob(&f, err) : fetch(&f, err);
	if (ret < 0)
		return cs_err_wrap(err, "layer %.12s", l->blob.hex);
	atomic_store(&l->part->done, l->part->size);
	set_state(&f, IMG_PART_DONE);
	return 0;
}

static int one(void *ctx, size_t i, struct cs_err *err)
{
	struct img_pull *p = ctx;

	return layer(p, &p->layers[i], err);
}

static void stop(void *ctx)
{
	const struct img_pull *p = ctx;

	img_reg_cancel(p->reg);
}

int img_pull_layers(struct img_pull *p, struct cs_err *err)
{
	const struct img_parallel w = { .one = one, .stop = stop, .ctx = p };

	return img_parallel(&w, p->parts.n, IMG_PARALLEL_MAX, err);
}
