#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/changes.h"
#include "images/digest.h"
#include "images/layer.h"
#include "images/rootfs.h"
#include "images/source.h"
#include "images/store_int.h"
#include "images/tarw.h"
#include "images/txn.h"

#define LAYER_FILE "layer"

enum { CHUNK = 1 << 18 };

struct importer {
	const struct img_import *im;
	struct img_txn *txn;
	struct img_layer *layer;
	struct img_sha sha; /* of the tar as it comes */
	struct img_layer_info info;
	char blob[IMG_DIGEST_TEXT];
	uint64_t blob_size;
	unsigned char first[8]; /* what the tar begins with: its compression */
	size_t n_first;
};

static int feed(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	struct importer *p = ctx;

	if (p->n_first < sizeof(p->first)) {
		size_t n = sizeof(p->first) - p->n_first;

		n = len < n ? len : n;
		memcpy(p->first + p->n_first, buf, n);
		p->n_first += n;
	}
	img_sha_update(&p->sha, buf, len);
	return img_layer_write(p->layer, buf, len, err);
}

static int feed_file(struct importer *p, int fd, struct cs_err *err)
{
	cs_auto_free char *buf = malloc(CHUNK);
	int ret = 0;

	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	while (ret == 0) {
		ssize_t n = read(fd, buf, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read");
		if (n == 0)
			break;
		ret = feed(p, buf, (size_t)n, err);
	}
	return ret;
}

/* The tar, or the folder as a tar, into the layer. */
static int feed_source(struct importer *p, struct cs_err *err)
{
	struct img_tarw w = { .fn = feed, .ctx = p };
	cs_auto_fd int opened = -EBADF;
	int fd = p->im->fd, ret;
	struct stat sb;

	if (fd < 0) {
		fd = opened = open(p->im->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return cs_err_sys(err, "open");
	}
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "stat");
	if (!S_ISDIR(sb.st_mode))
		return feed_file(p, fd, err);
	ret = img_tarw_folder(&w, fd, false, err);
	return ret < 0 ? ret : img_tarw_end(&w, err);
}

static int make_layer(struct importer *p, struct cs_err *err)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	cs_auto_fd int keep = -EBADF;
	struct img_digest is;
	int ret;

	keep = openat(img_txn_dirfd(p->txn), LAYER_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0600);
	if (keep < 0)
		return cs_err_sys(err, "make a file in the image store");
	o.root = img_txn_store(p->txn)->fd;
	o.keep_fd = keep;
	img_rootfs_layer_opts(&o);
	ret = img_sha_init(&p->sha, err);
	if (ret == 0)
		ret = img_layer_open(&o, &p->layer, err);
	if (ret == 0)
		ret = feed_source(p, err);
	p->blob_size = p->sha.size;
	if (ret == 0)
		ret = img_sha_done(&p->sha, &is, err);
	if (ret == 0)
		ret = img_layer_commit(p->layer, &p->info, err);
	if (ret < 0)
		return ret;
	if (p->info.entries == 0 || p->blob_size == 0)
		return cs_err_set(err, EINVAL, "holds no files");
	img_digest_text(&is, p->blob);
	return img_txn_blob_commit(p->txn, LAYER_FILE, p->blob, err);
}

static void time_text(char out[32])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = time(NULL);
	struct tm tm;
	int64_t v;

	if (epoch && cs_str_i64(epoch, &v) == 0)
		now = v;
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static int make_config(struct importer *p, char *digest, size_t *len, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	char created[32], diff_id[IMG_DIGEST_SIZE];
	struct img_platform_text buf;
	struct img_platform platform;
	int ret = img_platform_parse(p->im->platform, &buf, &platform, err);

	if (ret < 0)
		return ret;
	time_text(created);
	img_digest_text(&p->info.diff_id, diff_id);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "created", created);
	cs_jw_str(&w, "architecture", platform.arch);
	if (*platform.variant)
		cs_jw_str(&w, "variant", platform.variant);
	cs_jw_str(&w, "os", platform.os);
	ret = img_changes_put(&w, p->im->changes, p->im->n_changes, err);
	if (ret < 0)
		return ret;
	cs_jw_obj(&w, "rootfs");
	cs_jw_str(&w, "type", "layers");
	cs_jw_arr(&w, "diff_ids");
	cs_jw_str(&w, NULL, diff_id);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	cs_jw_arr(&w, "history");
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "created", created);
	cs_jw_str(&w, "created_by", "caisson import");
	cs_jw_str(&w, "comment", p->im->message ? p->im->message : "imported");
	cs_jw_obj_end(&w);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, len, err);
	return ret < 0 ? ret : img_txn_put_blob(p->txn, text, *len, NULL, digest, err);
}

static int make_image(struct importer *p, char *id, struct cs_err *err)
{
	char config[IMG_DIGEST_TEXT], manifest[IMG_DIGEST_TEXT];
	enum img_comp comp = img_comp_sniff(p->first, p->n_first);
	struct img_new_image im = { .name = p->im->name, .digest = manifest };
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = make_config(p, config, &len, err);

	if (ret < 0)
		return ret;
	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "schemaVersion", 2);
	cs_jw_str(&w, "mediaType", IMG_MT_OCI_MANIFEST);
	img_desc_put(&w, "config", IMG_MT_OCI_CONFIG, config, len);
	cs_jw_arr(&w, "layers");
	img_desc_put(&w, NULL,
		     comp == IMG_COMP_GZIP   ? IMG_MT_OCI_LAYER_GZIP
		     : comp == IMG_COMP_ZSTD ? IMG_MT_OCI_LAYER_ZSTD
					     : IMG_MT_OCI_LAYER,
		     p->blob, p->blob_size);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, err);
	if (ret == 0)
		ret = img_txn_put_blob(p->txn, text, len, NULL, manifest, err);
	return ret < 0 ? ret : img_txn_image(p->txn, &im, id, err);
}

int img_import(struct img_store *st, const struct img_import *im, char *id, struct cs_err *err)
{
	cs_auto_jw struct cs_jw trial = CS_JW_INIT;
	struct importer p = { .im = im, .sha = IMG_SHA_INIT };
	int ret;

	/* What is wrong with the instructions is said before the work. */
	cs_jw_obj(&trial, NULL);
	ret = img_changes_put(&trial, im->changes, im->n_changes, err);
	if (ret == 0)
		ret = img_txn_begin(st, &p.txn, err);
	if (ret < 0)
		return ret;
	ret = make_layer(&p, err);
	if (ret < 0)
		cs_err_wrap(err, "%.200s", im->path);
	else
		ret = make_image(&p, id, err);
	img_layer_free(p.layer);
	img_txn_end(p.txn);
	return ret;
}
