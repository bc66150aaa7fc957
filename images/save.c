#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "images/digest.h"
#include "images/index.h"
#include "images/inflate.h"
#include "images/layer.h"
#include "images/sink.h"
#include "images/source.h"
#include "images/store_int.h"

enum { CHUNK = 1 << 18 };

struct saver {
	struct img_store *st;
	const struct img_save *s;
	struct img_sink sink;
	struct cs_jw json; /* manifest.json, or index.json */
};

/* --- docker's archive --------------------------------------------------------------------------
 */

static int inflated(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	return img_sink_data(ctx, buf, len, err);
}

/* The layer's tar, uncompressed: its digest was checked when it came. */
static int put_tar(struct saver *v, const struct img_desc *d, const char *name, uint64_t size,
		   struct cs_err *err)
{
	const struct img_inflate_opts opts = { 0 };
	cs_auto_free char *buf = malloc(CHUNK);
	struct img_inflate *z = NULL;
	cs_auto_fd int fd = -EBADF;
	ssize_t n;
	int ret;

	fd = img_store_blob_open(v->st, d->digest, d->size, err);
	if (fd < 0)
		return fd;
	ret = img_sink_begin(&v->sink, name, size, err);
	if (ret == 0)
		ret = img_inflate_new(&opts, inflated, &v->sink, &z, err);
	if (ret == 0 && !buf)
		ret = cs_err_set(err, ENOMEM, "out of memory");
	while (ret == 0 && (n = read(fd, buf, CHUNK)) != 0) {
		if (n < 0 && errno != EINTR)
			ret = cs_err_sys(err, "read");
		else if (n > 0)
			ret = img_inflate_write(z, buf, (size_t)n, err);
	}
	if (ret == 0)
		ret = img_inflate_end(z, err);
	img_inflate_free(z);
	if (ret == 0 && v->sink.left)
		ret = cs_err_set(err, EBADMSG, "is shorter than it should be");
	return ret;
}

static int docker_layer(struct saver *v, const struct img_desc *d, const char *diff_id,
			struct cs_err *err)
{
	struct img_layer_info info;
	struct img_digest digest;
	char name[80];
	int ret;

	snprintf(name, sizeof(name), "%.64s.tar", diff_id + 7);
	cs_jw_str(&v->json, NULL, name);
	if (img_sink_has(&v->sink, name))
		return 0;
	ret = img_digest_parse(diff_id, "layer", &digest, err);
	if (ret == 0)
		ret = img_layer_info_read(v->st->fd, &digest, &info, err);
	if (ret == 0)
		ret = put_tar(v, d, name, info.tar_size, err);
	return ret < 0 ? cs_err_wrap(err, "layer %.12s", diff_id + 7) : 0;
}

/* Was this image given before, by another of its names? */
static bool given_before(const struct saver *v, size_t i, const char *id)
{
	for (size_t k = 0; k < i; k++) {
		img_auto_image struct img_image im = IMG_IMAGE_INIT;
		struct cs_err ignored = CS_ERR_INIT;

		if (img_store_image(v->st, v->s->names[k], &im, &ignored) == 0 &&
		    strcmp(im.rec->id, id) == 0)
			return true;
	}
	return false;
}

/* Names that were given of the image. */
static void docker_tags(struct saver *v, const struct img_image *im)
{
	cs_jw_arr(&v->json, "RepoTags");
	for (size_t i = 0; i < v->s->n_names; i++) {
		const struct img_record *r = NULL;
		struct cs_err ignored = CS_ERR_INIT;
		bool by_id = true;

		if (img_list_resolve(&im->list, v->s->names[i], &r, &by_id, &ignored) == 0 &&
		    !by_id && strcmp(r->id, im->rec->id) == 0 && !strchr(r->name, '@'))
			cs_jw_str(&v->json, NULL, r->name);
	}
	cs_jw_arr_end(&v->json);
}

static int save_docker(struct saver *v, const struct img_image *im, struct cs_err *err)
{
	char config[80];
	int ret = 0;

	if (im->manifest.artifact)
		return cs_err_set(err, EOPNOTSUPP,
				  "is an artifact, which only oci-archive and oci-dir can hold");
	snprintf(config, sizeof(config), "%.64s.json", im->manifest.config.digest + 7);
	cs_jw_obj(&v->json, NULL);
	cs_jw_str(&v->json, "Config", config);
	docker_tags(v, im);
	cs_jw_arr(&v->json, "Layers");
	for (size_t i = 0; i < im->manifest.n_layers && ret == 0; i++)
		ret = docker_layer(v, &im->manifest.layers[i], im->config.diff_ids[i], err);
	cs_jw_arr_end(&v->json);
	cs_jw_obj_end(&v->json);
	if (ret < 0)
		return ret;
	return img_sink_put(&v->sink, config, im->config_text, im->config_len, err);
}

/* --- OCI layouts and dir: -----------------------------------------------------------------------
 */

static int put_blob(struct saver *v, const char *prefix, const struct img_desc *d,
		    struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char name[128];

	snprintf(name, sizeof(name), "%s%.64s", prefix, d->digest + 7);
	if (img_sink_has(&v->sink, name))
		return 0;
	fd = img_store_blob_open(v->st, d->digest, d->size, err);
	if (fd < 0)
		return fd;
	return img_sink_copy(&v->sink, name, fd, d->size, err);
}

/* Config and layers. */
static int put_parts(struct saver *v, const char *prefix, const struct img_image *im,
		     struct cs_err *err)
{
	int ret = put_blob(v, prefix, &im->manifest.config, err);

	for (size_t i = 0; i < im->manifest.n_layers && ret == 0; i++)
		ret = put_blob(v, prefix, &im->manifest.layers[i], err);
	return ret;
}

static void put_entry(struct cs_jw *w, const struct img_image *im)
{
	const struct img_record *r = im->rec;

	cs_jw_obj(w, NULL);
	cs_jw_str(w, "mediaType", im->manifest.media_type);
	cs_jw_str(w, "digest", r->digest);
	cs_jw_u64(w, "size", im->manifest_len);
	if (*r->platform.arch) {
		cs_jw_obj(w, "platform");
		cs_jw_str(w, "architecture", r->platform.arch);
		cs_jw_str(w, "os", r->platform.os);
		if (*r->platform.variant)
			cs_jw_str(w, "variant", r->platform.variant);
		cs_jw_obj_end(w);
	}
	if (*r->name) {
		cs_jw_obj(w, "annotations");
		cs_jw_str(w, "org.opencontainers.image.ref.name", r->name);
		cs_jw_obj_end(w);
	}
	cs_jw_obj_end(w);
}

static int save_oci(struct saver *v, const struct img_image *im, struct cs_err *err)
{
	char name[128];
	int ret = put_parts(v, "blobs/sha256/", im, err);

	snprintf(name, sizeof(name), "blobs/sha256/%.64s", im->rec->digest + 7);
	if (ret == 0 && !img_sink_has(&v->sink, name))
		ret = img_sink_put(&v->sink, name, im->manifest_text, im->manifest_len, err);
	put_entry(&v->json, im);
	return ret;
}

static int save_dir(struct saver *v, const struct img_image *im, struct cs_err *err)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	int ret = put_parts(v, "", im, err);

	if (ret == 0)
		ret = img_sink_put(&v->sink, "version", version, sizeof(version) - 1, err);
	if (ret == 0)
		ret = img_sink_put(&v->sink, "manifest.json", im->manifest_text, im->manifest_len,
				   err);
	return ret;
}

static int save_one(struct saver *v, size_t i, struct cs_err *err)
{
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	int ret = img_store_image(v->st, v->s->names[i], &im, err);

	if (ret < 0)
		return ret;
	switch (v->s->format) {
	case IMG_SAVE_DOCKER:
		if (!given_before(v, i, im.rec->id))
			ret = save_docker(v, &im, err);
		break;
	case IMG_SAVE_DIR:
		ret = save_dir(v, &im, err);
		break;
	case IMG_SAVE_OCI:
	case IMG_SAVE_OCI_DIR:
	default:
		ret = save_oci(v, &im, err);
	}
	return ret < 0 ? cs_err_wrap(err, "image %.200s", v->s->names[i]) : 0;
}

static int put_json(struct saver *v, const char *name, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = cs_jw_take(&v->json, &text, &len, err);

	return ret < 0 ? ret : img_sink_put(&v->sink, name, text, len, err);
}

static int save_all(struct saver *v, struct cs_err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}\n";
	bool oci = v->s->format == IMG_SAVE_OCI || v->s->format == IMG_SAVE_OCI_DIR;
	int ret = 0;

	if (oci) {
		cs_jw_obj(&v->json, NULL);
		cs_jw_u64(&v->json, "schemaVersion", 2);
		cs_jw_str(&v->json, "mediaType", IMG_MT_OCI_INDEX);
		cs_jw_arr(&v->json, "manifests");
		ret = img_sink_put(&v->sink, "oci-layout", layout, sizeof(layout) - 1, err);
	} else {
		cs_jw_arr(&v->json, NULL);
	}
	for (size_t i = 0; i < v->s->n_names && ret == 0; i++)
		ret = save_one(v, i, err);
	cs_jw_arr_end(&v->json);
	if (oci)
		cs_jw_obj_end(&v->json);
	if (ret == 0 && v->s->format != IMG_SAVE_DIR)
		ret = put_json(v, oci ? "index.json" : "manifest.json", err);
	return ret < 0 ? ret : img_sink_end(&v->sink, err);
}

/* The folder, which must be empty or not there. */
static int open_folder(const char *path, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	int copy;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return cs_err_sys(err, "open folder %s", path);
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return cs_err_set(err, ENOTEMPTY, "folder %s is not empty", path);
	}
	return cs_take_fd(&fd);
}

int img_save(struct img_store *st, const struct img_save *s, struct cs_err *err)
{
	struct saver v = { .st = st, .s = s };
	bool folder = s->format == IMG_SAVE_OCI_DIR || s->format == IMG_SAVE_DIR;
	cs_auto_fd int dir = -EBADF;
	int ret = 0;

	if (s->format == IMG_SAVE_DIR && s->n_names != 1)
		return cs_err_set(err, EINVAL, "save: this format holds one image");
	/* Names that mean nothing are said before anything is written. */
	for (size_t i = 0; i < s->n_names && ret == 0; i++) {
		img_auto_image struct img_image im = IMG_IMAGE_INIT;

		ret = img_store_image(st, s->names[i], &im, err);
	}
	if (ret == 0 && folder)
		ret = dir = open_folder(s->path, err);
	if (ret < 0)
		return ret;
	if (folder)
		img_sink_folder(&v.sink, dir);
	else
		img_sink_tar(&v.sink, s->fd);
	ret = save_all(&v, err);
	img_sink_fini(&v.sink);
	cs_jw_fini(&v.json);
	return ret;
}
