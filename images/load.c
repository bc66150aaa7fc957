#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "images/diffid.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/load_int.h"
#include "images/parallel.h"
#include "images/rootfs.h"
#include "images/store_int.h"

enum { CHUNK = 1 << 18 };

/* What store_layers() hands to its threads. */
struct many {
	struct img_loader *ld;
	struct img_loader_layer *v;
};

/* The name of a layer's bytes in the transaction's folder; whoever holds its lock uses it. */
static const char *layer_file(const struct img_loader_layer *y)
{
	return (y->diff_id ? y->diff_id : y->digest) + sizeof("sha256:") - 1;
}

static void blob_name(const struct img_loader *ld, const char *digest, char out[128])
{
	snprintf(out, 128, "%s%.64s", ld->blob_prefix, digest + 7);
}

int img_loader_blob(struct img_loader *ld, const struct img_desc *d, char **out, size_t *len,
		    struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	struct img_digest want, is;
	char name[128];
	size_t n = 0;
	int ret = img_digest_parse(d->digest, "blob", &want, err);

	if (ret < 0)
		return ret;
	blob_name(ld, d->digest, name);
	if (ld->dir_manifest && !img_bag_has(&ld->bag, name))
		snprintf(name, sizeof(name), "manifest.json");
	ret = img_bag_read(&ld->bag, name, IMG_MANIFEST_MAX, &buf, &n, err);
	if (ret == 0)
		ret = img_sha_buf(buf, n, &is, err);
	if (ret < 0)
		return ret;
	if (n != d->size || !img_digest_equal(&want, &is))
		return cs_err_set(err, EBADMSG, "%s is not what its digest and size say", name);
	*out = cs_take_ptr(&buf);
	*len = n;
	return 0;
}

/* Copies the piece through the layer's making (NULL: just the blob) into @keep, and its digest. */
static int pump(const struct img_piece *p, struct img_layer *l, int keep, struct img_digest *is,
		struct cs_err *err)
{
	cs_auto_free char *buf = malloc(CHUNK);
	struct img_sha sha = IMG_SHA_INIT;
	uint64_t at = 0;
	int ret = img_sha_init(&sha, err);

	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	while (ret == 0) {
		int64_t n = img_piece_read(p, at, buf, CHUNK, err);

		if (n <= 0) {
			ret = (int)n;
			break;
		}
		at += (uint64_t)n;
		if (is)
			img_sha_update(&sha, buf, (size_t)n);
		ret = l ? img_layer_write(l, buf, (size_t)n, err)
			: cs_fd_write_all(keep, buf, (size_t)n, err);
	}
	if (ret == 0 && is)
		ret = img_sha_done(&sha, is, err);
	return ret;
}

/* Makes the layer out of the piece, keeping its bytes. */
static int make_layer(struct img_loader *ld, struct img_loader_layer *y, const struct img_piece *p,
		      struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	struct img_store *st = img_txn_store(ld->txn);
	struct img_digest is = IMG_DIGEST_NONE;
	struct img_layer *l = NULL;
	cs_auto_fd int keep = -EBADF;
	int ret = img_digest_parse(y->diff_id, "layer", &o.diff_id, err);

	if (ret == 0 && y->blob)
		ret = img_digest_parse(y->blob->digest, "layer", &o.blob, err);
	if (ret < 0)
		return ret;
	keep = openat(img_txn_dirfd(ld->txn), layer_file(y),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (keep < 0)
		return cs_err_sys(err, "make a file in the image store");
	o.root = st->fd;
	o.blob_size = p->size;
	o.keep_fd = keep;
	img_rootfs_layer_opts(&o);
	ret = img_layer_open(&o, &l, err);
	if (ret == 0)
		ret = pump(p, l, keep, y->blob ? NULL : &is, err);
	if (ret == 0)
		ret = img_layer_commit(l, NULL, err);
	img_layer_free(l);
	if (ret == 0 && !y->blob)
		img_digest_text(&is, y->digest);
	return ret < 0 ? ret : img_txn_blob_commit(ld->txn, layer_file(y), y->digest, err);
}

/* Without a descriptor: the form of it that the store has, if it has one. 1: taken. */
static int take_stored(struct img_loader *ld, struct img_loader_layer *y, struct cs_err *err)
{
	struct img_store *st = img_txn_store(ld->txn);
	struct img_layer_info info;
	struct img_digest d;
	uint64_t size = 0;
	int ret = img_digest_parse(y->diff_id, "layer", &d, err);

	if (ret == 0)
		ret = img_layer_have(st->fd, &d, err);
	if (ret <= 0)
		return ret;
	ret = img_layer_info_read(st->fd, &d, &info, err);
	if (ret < 0 || !info.blob.hex[0])
		return ret;
	img_digest_text(&info.blob, y->digest);
	ret = img_txn_pin(ld->txn, y->digest, err);
	if (ret == 0)
		ret = img_store_blob_stat(st, &info.blob, &size, err);
	if (ret <= 0)
		return ret;
	y->size = size;
	y->media_type = info.comp == IMG_COMP_GZIP   ? IMG_MT_OCI_LAYER_GZIP
			: info.comp == IMG_COMP_ZSTD ? IMG_MT_OCI_LAYER_ZSTD
						     : IMG_MT_OCI_LAYER;
	return 1;
}

/* The layer and the blob of its descriptor are in the store: do they belong together? 1: yes. */
static int prove(struct img_loader *ld, const struct img_loader_layer *y, int blob,
		 struct cs_err *err)
{
	struct img_digest diff_id, d;
	int ret = img_digest_parse(y->diff_id, "layer", &diff_id, err);

	if (ret == 0)
		ret = img_digest_parse(y->digest, "layer", &d, err);
	if (ret == 0)
		ret = img_diffid_known(img_txn_store(ld->txn)->fd, &diff_id, &d, err);
	if (ret == 0)
		ret = img_diffid_check(blob, &diff_id, err);
	return ret < 0 ? ret : 1;
}

static int prove_stored(struct img_loader *ld, const struct img_loader_layer *y, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	fd = img_store_blob_open(img_txn_store(ld->txn), y->digest, y->blob->size, err);
	return fd < 0 ? fd : prove(ld, y, fd, err);
}

static int have_layer(struct img_loader *ld, const char *diff_id, struct cs_err *err)
{
	struct img_digest d;
	int ret = img_digest_parse(diff_id, "layer", &d, err);

	return ret < 0 ? ret : img_layer_have(img_txn_store(ld->txn)->fd, &d, err);
}

/* 1 when nothing is to be done. */
static int is_there(struct img_loader *ld, struct img_loader_layer *y, struct cs_err *err)
{
	int ret;

	if (!y->blob)
		return take_stored(ld, y, err);
	ret = img_txn_blob(ld->txn, y->blob->digest, y->blob->size, err);
	if (ret > 0)
		ret = have_layer(ld, y->diff_id, err);
	return ret > 0 ? prove_stored(ld, y, err) : ret;
}

/* The blob alone: the layer is there, made from another form of its tar. */
static int copy_blob(struct img_loader *ld, struct img_loader_layer *y, const struct img_piece *p,
		     struct cs_err *err)
{
	struct img_digest want, is;
	cs_auto_fd int keep = -EBADF;
	int ret = img_digest_parse(y->digest, "layer", &want, err);

	if (ret < 0)
		return ret;
	keep = openat(img_txn_dirfd(ld->txn), layer_file(y), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
		      0600);
	if (keep < 0)
		return cs_err_sys(err, "make a file in the image store");
	ret = pump(p, NULL, keep, &is, err);
	if (ret < 0)
		return ret;
	if (!img_digest_equal(&want, &is))
		return cs_err_set(err, EBADMSG, "is not what its digest says");
	if (y->diff_id)
		ret = prove(ld, y, keep, err);
	return ret < 0 ? ret : img_txn_blob_commit(ld->txn, layer_file(y), y->digest, err);
}

static int sniff(const struct img_piece *p, const char **media_type, struct cs_err *err)
{
	unsigned char first[8];
	int64_t n = img_piece_read(p, 0, first, sizeof(first), err);

	if (n < 0)
		return (int)n;
	switch (img_comp_sniff(first, (size_t)n)) {
	case IMG_COMP_GZIP:
		*media_type = IMG_MT_OCI_LAYER_GZIP;
		break;
	case IMG_COMP_ZSTD:
		*media_type = IMG_MT_OCI_LAYER_ZSTD;
		break;
	case IMG_COMP_PLAIN:
	case IMG_COMP_UNKNOWN:
	default:
		*media_type = IMG_MT_OCI_LAYER;
	}
	return 0;
}

static int bring_layer(struct img_loader *ld, struct img_loader_layer *y, struct cs_err *err)
{
	img_auto_piece struct img_piece p = IMG_PIECE_INIT;
	int ret = img_bag_get(&ld->bag, y->name, &p, err);

	if (ret < 0)
		return ret;
	y->size = p.size;
	if (y->blob && p.size != y->blob->size)
		return cs_err_set(err, EBADMSG, "has %llu bytes, its manifest says %llu",
				  (unsigned long long)p.size, (unsigned long long)y->blob->size);
	if (!y->blob)
		ret = sniff(&p, &y->media_type, err);
	if (ret == 0 && y->blob)
		ret = have_layer(ld, y->diff_id, err);
	if (ret < 0)
		return ret;
	return ret > 0 ? copy_blob(ld, y, &p, err) : make_layer(ld, y, &p, err);
}

int img_loader_layer(struct img_loader *ld, struct img_loader_layer *y, struct cs_err *err)
{
	cs_auto_fd int lock = -EBADF;
	int ret = img_txn_pin(ld->txn, y->diff_id, err);

	if (ret == 0 && y->blob) {
		memcpy(y->digest, y->blob->digest, sizeof(y->digest));
		y->size = y->blob->size;
	}
	if (ret == 0)
		ret = is_there(ld, y, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	lock = img_txn_lock(ld->txn, y->diff_id, err);
	if (lock < 0)
		return lock;
	ret = is_there(ld, y, err);
	if (ret == 0)
		ret = bring_layer(ld, y, err);
	if (ret < 0)
		return cs_err_wrap(err, "layer %.150s", y->name);
	return 0;
}

static int one_layer(void *ctx, size_t i, struct cs_err *err)
{
	struct many *m = ctx;

	return img_loader_layer(m->ld, &m->v[i], err);
}

int img_loader_layers(struct img_loader *ld, struct img_loader_layer *v, size_t n,
		      struct cs_err *err)
{
	struct many m = { .ld = ld, .v = v };
	const struct img_parallel w = { .one = one_layer, .ctx = &m };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return img_parallel(&w, n, cpus > 1 ? (size_t)cpus : 1, err);
}

int img_loader_enter(struct img_loader *ld, const char *digest, const char *source,
		     const char *name, struct cs_err *err)
{
	struct img_new_image im = { .name = name, .digest = digest, .source = source };
	char id[IMG_DIGEST_TEXT];
	int ret = img_txn_image(ld->txn, &im, id, err);

	if (ret < 0)
		return ret;
	ld->n++;
	if (ld->l->loaded)
		ld->l->loaded(ld->l->ctx, name ? name : "", id);
	return 0;
}

/* Blobs of an artifact are stored as they are. */
static int store_parts(struct img_loader *ld, const struct img_manifest *m, struct cs_err *err)
{
	for (size_t i = 0; i < m->n_layers; i++) {
		img_auto_piece struct img_piece p = IMG_PIECE_INIT;
		struct img_loader_layer y = { .blob = &m->layers[i] };
		char name[128];
		int ret;

		memcpy(y.digest, m->layers[i].digest, sizeof(y.digest));
		ret = img_txn_blob(ld->txn, y.digest, m->layers[i].size, err);
		if (ret > 0)
			continue;
		blob_name(ld, y.digest, name);
		if (ret == 0)
			ret = img_bag_get(&ld->bag, name, &p, err);
		if (ret == 0)
			ret = copy_blob(ld, &y, &p, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int store_layers(struct img_loader *ld, const struct img_manifest *m, const char *config,
			size_t len, struct cs_err *err)
{
	img_auto_config struct img_config c = IMG_CONFIG_INIT;
	cs_auto_free struct img_loader_layer *v = calloc(m->n_layers + 1, sizeof(*v));
	cs_auto_free char(*names)[128] = calloc(m->n_layers + 1, sizeof(*names));
	int ret = img_config_parse(config, len, "config", &c, err);

	if (ret == 0 && c.n_diff_ids != m->n_layers)
		ret = cs_err_set(err, EINVAL, "the manifest has %zu layers, the config %zu",
				 m->n_layers, c.n_diff_ids);
	if (ret == 0 && (!v || !names))
		ret = cs_err_set(err, ENOMEM, "out of memory");
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < m->n_layers; i++) {
		blob_name(ld, m->layers[i].digest, names[i]);
		v[i] = (struct img_loader_layer){
			.name = names[i],
			.diff_id = c.diff_ids[i],
			.blob = &m->layers[i],
		};
	}
	return img_loader_layers(ld, v, m->n_layers, err);
}

/* The image of a manifest whose text is at hand. */
static int load_manifest(struct img_loader *ld, const struct img_manifest *m,
			 const struct img_desc *d, const char *source, const char *name,
			 struct cs_err *err)
{
	cs_auto_free char *config = NULL;
	size_t len = 0;
	int ret = img_loader_blob(ld, &m->config, &config, &len, err);

	if (ret == 0)
		ret = img_txn_put_blob(ld->txn, config, len, m->config.digest, NULL, err);
	if (ret == 0)
		ret = m->artifact ? store_parts(ld, m, err) : store_layers(ld, m, config, len, err);
	return ret < 0 ? ret : img_loader_enter(ld, d->digest, source, name, err);
}

int img_loader_image(struct img_loader *ld, const struct img_desc *d, const char *name,
		     struct cs_err *err)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT, sub = IMG_MANIFEST_INIT;
	cs_auto_free char *text = NULL, *sub_text = NULL;
	const struct img_desc *chosen = NULL;
	struct img_platform_text buf;
	struct img_platform want;
	size_t len = 0;
	int ret = img_loader_blob(ld, d, &text, &len, err);

	if (ret == 0)
		ret = img_txn_put_blob(ld->txn, text, len, d->digest, NULL, err);
	if (ret == 0)
		ret = img_manifest_parse(text, len, *d->media_type ? d->media_type : NULL,
					 "manifest", &m, err);
	if (ret < 0)
		return ret;
	if (m.kind == IMG_MEDIA_MANIFEST)
		return load_manifest(ld, &m, d, NULL, name, err);
	ret = img_platform_parse(ld->l->platform, &buf, &want, err);
	if (ret == 0)
		ret = img_manifest_select(&m, &want, &chosen, err);
	if (ret == 0)
		ret = img_loader_blob(ld, chosen, &sub_text, &len, err);
	if (ret == 0)
		ret = img_txn_put_blob(ld->txn, sub_text, len, chosen->digest, NULL, err);
	if (ret == 0)
		ret = img_manifest_parse(sub_text, len,
					 *chosen->media_type ? chosen->media_type : NULL,
					 "manifest", &sub, err);
	if (ret == 0 && sub.kind != IMG_MEDIA_MANIFEST)
		ret = cs_err_set(err, EOPNOTSUPP, "an index in an index is not supported");
	return ret < 0 || !chosen ? ret : load_manifest(ld, &sub, chosen, d->digest, name, err);
}

static int dispatch(struct img_loader *ld, struct cs_err *err)
{
	switch (ld->l->from->transport) {
	case IMG_T_OCI:
	case IMG_T_OCI_ARCHIVE:
		return img_load_oci(ld, err);
	case IMG_T_DOCKER_ARCHIVE:
		return img_load_docker(ld, err);
	case IMG_T_DIR:
		return img_load_dir(ld, err);
	case IMG_T_NONE:
		break;
	case IMG_T_REGISTRY:
	case IMG_T_TAR:
	default:
		return cs_err_set(err, EINVAL, "this is no image archive");
	}
	/* Docker writes both kinds into one archive: the names are in manifest.json. */
	if (!ld->bag.folder && img_bag_has(&ld->bag, "manifest.json"))
		return img_load_docker(ld, err);
	if (img_bag_has(&ld->bag, "index.json"))
		return img_load_oci(ld, err);
	if (img_bag_has(&ld->bag, "manifest.json"))
		return img_load_dir(ld, err);
	return cs_err_set(err, EINVAL,
			  "holds no image: neither manifest.json nor index.json is in it (a root "
			  "filesystem is for `caisson import`)");
}

int img_load(struct img_store *st, const struct img_load *l, struct cs_err *err)
{
	struct img_loader ld = { .l = l, .bag = IMG_BAG_INIT, .blob_prefix = "blobs/sha256/" };
	int ret = img_txn_begin(st, &ld.txn, err);

	if (ret == 0)
		ret = img_bag_open(l->from->path, l->fd, img_txn_dirfd(ld.txn), &ld.bag, err);
	if (ret == 0) {
		ret = dispatch(&ld, err);
		if (ret == 0 && ld.n == 0)
			ret = cs_err_set(err, EINVAL, "holds no image");
		if (ret < 0)
			cs_err_wrap(err, "%.200s",
				    *l->from->path ? l->from->path : "standard input");
	}
	img_bag_fini(&ld.bag);
	img_txn_end(ld.txn);
	return ret;
}
