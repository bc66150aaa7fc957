#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "images/layer_int.h"
#include "images/limits.h"

enum {
	INFO_MAX = 64 * 1024,
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

void img_layer_path(const struct img_digest *d, char out[IMG_LAYER_PATH])
{
	snprintf(out, IMG_LAYER_PATH, "layers/%s", d->hex);
}

void img_layer_uuid(const struct img_digest *d, uint8_t out[16])
{
	for (size_t i = 0; i < 16; i++) {
		unsigned int hi = (unsigned char)d->hex[2 * i],
			     lo = (unsigned char)d->hex[2 * i + 1];

		hi = hi <= '9' ? hi - '0' : hi - 'a' + 10;
		lo = lo <= '9' ? lo - '0' : lo - 'a' + 10;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x80); /* RFC 9562: version 8, made as one likes */
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

int64_t img_layer_list_implied(const struct img_tree *t, uint32_t max, struct cs_buf *out,
			       struct cs_err *err)
{
	int64_t n = 0;

	for (const struct img_dir *d = t->root; d; d = d->next) {
		char path[IMG_DEPTH_MAX * 8];
		size_t len;

		if (!d->implied)
			continue;
		if (img_tree_path(d, path, sizeof(path), err) < 0)
			return -err->code;
		len = strlen(path) + 1;
		if (out->len + len > max)
			return cs_err_set(err, EFBIG,
					  "the paths of the folders that the layer only implies "
					  "are more than %u bytes, the limit",
					  max);
		cs_buf_add_mem(out, path, len);
		n++;
	}
	return cs_buf_ok(out, err) < 0 ? -err->code : n;
}

static void jw_digest(struct cs_jw *w, const char *key, const struct img_digest *d)
{
	char text[IMG_DIGEST_SIZE];

	img_digest_text(d, text);
	cs_jw_str(w, key, text);
}

int img_layer_write_info(int dir, const struct img_layer_info *info, const struct cs_buf *implied,
			 struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	cs_jw_obj(&w, NULL);
	jw_digest(&w, "diffID", &info->diff_id);
	if (info->blob.hex[0]) {
		jw_digest(&w, "blob", &info->blob);
		cs_jw_u64(&w, "blobSize", info->blob_size);
		cs_jw_str(&w, "compression", img_comp_name(info->comp));
		cs_jw_u64(&w, "tarSize", info->tar_size);
	}
	cs_jw_u64(&w, "size", info->size);
	cs_jw_u64(&w, "entries", info->entries);
	cs_jw_u64(&w, "implied", info->implied);
	cs_jw_bool(&w, "opaqueRoot", info->opaque_root);
	cs_jw_bool(&w, "folder", info->folder);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, err);
	if (ret == 0)
		ret = cs_file_replace(dir, IMG_LAYER_INFO, text, len, 0644, true, err);
	if (ret == 0 && implied->len > 0)
		ret = cs_file_replace(dir, IMG_LAYER_IMPLIED, implied->s, implied->len, 0644, true,
				      err);
	return ret;
}

/* Opens layers/<hex>. */
static int open_layer(int root, const struct img_digest *d, struct cs_err *err)
{
	char path[IMG_LAYER_PATH];
	int fd;

	if (!d->hex[0])
		return cs_err_set(err, EINVAL, "open a layer: no digest");
	img_layer_path(d, path);
	fd = openat(root, path, DIR_FLAGS);
	if (fd < 0 && errno == ENOENT)
		return cs_err_set(err, ENOENT, "layer %.12s is not in the store", d->hex);
	if (fd < 0)
		return cs_err_sys(err, "open layer %.12s", d->hex);
	return fd;
}

int img_layer_have(int root, const struct img_digest *diff_id, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	fd = open_layer(root, diff_id, err);
	if (fd == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	return fd < 0 ? fd : 1;
}

static int get_digest(const struct cs_json *o, const char *key, struct img_digest *out,
		      struct cs_err *err)
{
	const char *s = NULL;
	int ret = cs_json_str(o, key, &s, err);

	return ret == 1 ? img_digest_parse(s, key, out, err) : ret;
}

static int get_all(const struct cs_json *o, struct img_layer_info *i, struct cs_err *err)
{
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {
		{ "blobSize", &i->blob_size }, { "tarSize", &i->tar_size }, { "size", &i->size },
		{ "entries", &i->entries },    { "implied", &i->implied },
	};
	const char *comp = NULL;
	int ret = get_digest(o, "diffID", &i->diff_id, err);

	if (ret >= 0)
		ret = get_digest(o, "blob", &i->blob, err);
	if (ret >= 0)
		ret = cs_json_str(o, "compression", &comp, err);
	for (size_t k = 0; ret >= 0 && k < CS_LEN(numbers); k++)
		ret = cs_json_u64(o, numbers[k].key, numbers[k].to, err);
	if (ret >= 0)
		ret = cs_json_bool(o, "opaqueRoot", &i->opaque_root, err);
	if (ret >= 0)
		ret = cs_json_bool(o, "folder", &i->folder, err);
	for (unsigned int c = IMG_COMP_PLAIN; comp && c <= IMG_COMP_ZSTD; c++)
		if (strcmp(comp, img_comp_name((enum img_comp)c)) == 0)
			i->comp = (enum img_comp)c;
	return ret < 0 ? ret : 0;
}

int img_layer_info_read(int root, const struct img_digest *diff_id, struct img_layer_info *out,
			struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct img_layer_info info = { .blob_size = 0 };
	cs_auto_free char *text = NULL;
	cs_auto_fd int dir = -EBADF;
	size_t len = 0;
	int ret;

	dir = open_layer(root, diff_id, err);
	if (dir < 0)
		return dir;
	ret = cs_file_read(dir, IMG_LAYER_INFO, INFO_MAX, &text, &len, err);
	if (ret == 0)
		ret = cs_json_parse(text, len, IMG_LAYER_INFO, &doc, err);
	if (ret == 0)
		ret = get_all(doc.root, &info, err);
	if (ret < 0)
		return cs_err_wrap(err, "layer %.12s", diff_id->hex);
	if (!img_digest_equal(&info.diff_id, diff_id))
		return cs_err_set(err, EBADMSG, "layer %.12s: its info is another layer's",
				  diff_id->hex);
	*out = info;
	return 0;
}

int img_layer_open_data(int root, const struct img_digest *diff_id, bool *folder,
			struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;
	bool is_dir = false;
	int fd;

	dir = open_layer(root, diff_id, err);
	if (dir < 0)
		return dir;
	fd = openat(dir, IMG_LAYER_EROFS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		fd = openat(dir, IMG_LAYER_FS, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		is_dir = true;
	}
	if (fd < 0)
		return cs_err_sys(err, "open the data of layer %.12s", diff_id->hex);
	if (folder)
		*folder = is_dir;
	return fd;
}

int img_layer_remove(int root, const struct img_digest *diff_id, struct cs_err *err)
{
	img_auto_staging struct img_staging s = IMG_STAGING_INIT;
	char path[IMG_LAYER_PATH];
	int ret;

	if (!diff_id->hex[0])
		return cs_err_set(err, EINVAL, "remove a layer: no digest");
	img_layer_path(diff_id, path);
	ret = img_staging_make(root, &s, err);
	if (ret < 0)
		return ret;
	if (renameat(root, path, s.fd, "layer") < 0 && errno != ENOENT)
		return cs_err_sys(err, "move layer %.12s away", diff_id->hex);
	return 0;
}
