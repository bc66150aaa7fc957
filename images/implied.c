#include "images/implied.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "images/apply.h"
#include "images/erofs.h"
#include "images/layer_int.h"
#include "images/limits.h"
#include "images/peek.h"
#include "images/unpack.h"

/* A layer and the folders it implies, sorted. */
struct layer {
	struct img_peek peek;
	char *list; /* owned */
	size_t list_len;
	const char **implied; /* owned: into list */
	size_t n_implied;
};

struct stack {
	struct layer *v; /* owned; the lowest first */
	size_t n;
	bool folder; /* one of them is a folder */
};

/* Folders of the fix, sorted by path: a parent before what is in it. */
struct paths {
	const char **v; /* owned */
	size_t n, cap;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void stack_fini(struct stack *s)
{
	for (size_t i = 0; s->v && i < s->n; i++) {
		img_peek_fini(&s->v[i].peek);
		free(s->v[i].list);
		free(s->v[i].implied);
	}
	free(s->v);
}

static int out_of_memory(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "look for implied folders: out of memory");
}

static int load_list(int root, const struct img_digest *d, struct layer *l, struct cs_err *err)
{
	char path[IMG_LAYER_PATH];
	cs_auto_fd int dir = -EBADF;
	size_t n = 0;
	int ret;

	img_layer_path(d, path);
	dir = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return cs_err_sys(err, "open layer %.12s", d->hex);
	ret = cs_file_read(dir, IMG_LAYER_IMPLIED, IMG_IMPLIED_MAX, &l->list, &l->list_len, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		return 0;
	}
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < l->list_len; i++)
		n += !l->list[i];
	l->implied = calloc(n + 1, sizeof(*l->implied));
	if (!l->implied)
		return out_of_memory(err);
	for (size_t i = 0; i < l->list_len && l->n_implied < n; i += strlen(l->list + i) + 1)
		l->implied[l->n_implied++] = l->list + i;
	qsort(l->implied, l->n_implied, sizeof(*l->implied), by_text);
	return 0;
}

static int load(int root, const struct img_digest *layers, size_t n, struct stack *s,
		struct cs_err *err)
{
	s->v = calloc(n + 1, sizeof(*s->v));
	if (!s->v)
		return out_of_memory(err);
	for (size_t i = 0; i < n; i++)
		s->v[i].peek = IMG_PEEK_INIT;
	s->n = n;
	for (size_t i = 0; i < n; i++) {
		int ret = img_peek_init(&s->v[i].peek, root, &layers[i], err);

		if (ret == 0)
			ret = load_list(root, &layers[i], &s->v[i], err);
		if (ret < 0)
			return ret;
		s->folder |= s->v[i].peek.folder;
	}
	return 0;
}

static bool is_implied(const struct layer *l, const char *path)
{
	return l->n_implied &&
	       bsearch(&path, l->implied, l->n_implied, sizeof(*l->implied), by_text);
}

/* What a folder is in the image. */
struct found {
	bool is_dir;  /* it is one */
	bool implied; /* only by the uppermost layer that has it */
	bool listed;  /* @at has its attributes */
	struct img_peeked at;
};

/* From the uppermost layer down to the one that lists the folder, or hides those below. */
static int look(const struct stack *s, const char *path, struct found *out, struct cs_err *err)
{
	*out = (struct found){ .at = IMG_PEEKED_INIT };
	for (size_t i = s->n; i-- > 0;) {
		struct img_peeked p = IMG_PEEKED_INIT;
		int ret = img_peek(&s->v[i].peek, path, &p, err);
		bool implied = is_implied(&s->v[i], path);

		if (ret < 0)
			return ret;
		if (p.found && !p.is_dir) {
			img_peeked_fini(&p);
			return 0;
		}
		if (p.found && !out->is_dir)
			out->implied = implied;
		out->is_dir |= p.found;
		if (p.found && !implied) {
			out->listed = true;
			out->at = p;
			return 0;
		}
		ret = p.hides;
		img_peeked_fini(&p);
		if (ret)
			return 0;
	}
	return 0;
}

/* Does an implied folder look otherwise than it should? */
static bool differs(const struct found *f)
{
	return f->is_dir && f->implied && f->listed &&
	       ((f->at.mode & 07777) != 0755 || f->at.uid || f->at.gid || f->at.n_xattrs);
}

/* --- which folders --- */

static void paths_fini(struct paths *p)
{
	free(p->v);
}

static int add_path(struct paths *p, const char *path, struct cs_err *err)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		const char **v = reallocarray(p->v, cap, sizeof(*v));

		if (!v)
			return out_of_memory(err);
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = path;
	return 0;
}

/* Sorted, each once. */
static void settle(struct paths *p)
{
	size_t n = 0;

	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_text);
	for (size_t i = 0; i < p->n; i++)
		if (n == 0 || strcmp(p->v[n - 1], p->v[i]) != 0)
			p->v[n++] = p->v[i];
	p->n = n;
}

static int wrong_folders(const struct stack *s, struct paths *out, struct cs_err *err)
{
	CS_CLEANUP(paths_fini) struct paths all = { 0 };
	int ret = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; ret == 0 && k < s->v[i].n_implied; k++)
			ret = add_path(&all, s->v[i].implied[k], err);
	settle(&all);
	for (size_t i = 0; ret == 0 && i < all.n; i++) {
		struct found f;

		ret = look(s, all.v[i], &f, err);
		if (ret == 0 && differs(&f))
			ret = add_path(out, all.v[i], err);
		if (ret == 0)
			img_peeked_fini(&f.at);
	}
	return ret;
}

/* --- the fix --- */

static int add_folder(struct img_apply *a, const struct stack *s, const char *path,
		      struct cs_err *err)
{
	struct img_entry e = { .type = IMG_TYPE_DIR, .link = "", .mode = 0755 };
	struct found f;
	int ret = look(s, path, &f, err);

	if (ret < 0)
		return ret;
	e.path = *path ? path : "/";
	if (f.listed) {
		e.mode = f.at.mode & 07777;
		e.uid = f.at.uid;
		e.gid = f.at.gid;
		e.mtime = f.at.mtime;
		e.mtime_nsec = f.at.mtime_nsec;
		e.xattrs = f.at.xattrs;
		e.n_xattrs = f.at.n_xattrs;
	}
	ret = img_apply_tar.entry(a, &e, err);
	img_peeked_fini(&f.at);
	return ret;
}

/* The folder and those above it, which all get what they should have. */
static int add_way(struct img_apply *a, const struct stack *s, const char *path, struct cs_err *err)
{
	char way[IMG_PATH_MAX * 4];
	int ret = cs_str_fmt(way, sizeof(way), err, "%s", path);

	if (ret < 0)
		return ret;
	for (char *at = strchr(way, '/'); ret == 0 && at; at = strchr(at + 1, '/')) {
		*at = '\0';
		ret = add_folder(a, s, way, err);
		*at = '/';
	}
	return ret < 0 ? ret : add_folder(a, s, path, err);
}

static int add_all(struct img_apply *a, const struct stack *s, const struct paths *wrong,
		   struct cs_err *err)
{
	int ret = add_folder(a, s, "", err);

	for (size_t i = 0; ret == 0 && i < wrong->n; i++)
		ret = add_way(a, s, wrong->v[i], err);
	return ret;
}

/* What the fix is for; an image's UUID comes from it. */
static int purpose(const struct img_digest *layers, size_t n, struct img_digest *out,
		   struct cs_err *err)
{
	struct img_sha sha = IMG_SHA_INIT;
	int ret = img_sha_init(&sha, err);

	if (ret < 0)
		return ret;
	img_sha_update(&sha, "implied folders of", 18);
	for (size_t i = 0; i < n; i++)
		img_sha_update(&sha, layers[i].hex, IMG_SHA_HEX);
	return img_sha_done(&sha, out, err);
}

static int make_erofs(int dir, const struct stack *s, const struct paths *wrong,
		      const struct img_digest *id, struct img_layer_info *info, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct img_apply a = { .skip = false };
	struct img_erofs *w = NULL;
	uint8_t uuid[16];
	int ret;

	fd = openat(dir, IMG_LAYER_EROFS, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return cs_err_sys(err, "make " IMG_LAYER_EROFS);
	img_layer_uuid(id, uuid);
	ret = img_erofs_new(fd, NULL, &w, err);
	if (ret == 0)
		ret = img_apply_init(&a, &img_erofs_sink, w, NULL, err);
	if (ret == 0)
		ret = add_all(&a, s, wrong, err);
	if (ret == 0)
		ret = img_erofs_finish(w, &a.tree, uuid, &info->size, err);
	info->entries = a.tree.n;
	if (ret == 0 && fdatasync(fd) < 0)
		ret = cs_err_sys(err, "sync " IMG_LAYER_EROFS);
	img_apply_fini(&a);
	img_erofs_free(w);
	return ret;
}

static int make_folder(int dir, const struct stack *s, const struct paths *wrong,
		       struct img_layer_info *info, struct cs_err *err)
{
	struct img_apply a = { .skip = false };
	struct img_unpack *u = NULL;
	int ret = img_unpack_new(dir, IMG_LAYER_FS, false, NULL, &u, err);

	if (ret == 0)
		ret = img_apply_init(&a, &img_unpack_sink, u, NULL, err);
	if (ret == 0)
		ret = add_all(&a, s, wrong, err);
	if (ret == 0)
		ret = img_unpack_finish(u, &a.tree, &info->size, err);
	info->entries = a.tree.n;
	if (ret == 0 && syncfs(dir) < 0)
		ret = cs_err_sys(err, "sync the layer");
	img_apply_fini(&a);
	img_unpack_free(u);
	return ret;
}

static int make_fix(int root, const struct stack *s, const struct paths *wrong,
		    const struct img_digest *id, struct cs_err *err)
{
	img_auto_staging struct img_staging st = IMG_STAGING_INIT;
	struct img_layer_info info = { .diff_id = *id, .folder = s->folder };
	static const struct cs_buf none = CS_BUF_INIT;
	char path[IMG_LAYER_PATH];
	int ret = img_staging_make(root, &st, err);

	if (ret < 0)
		return ret;
	ret = s->folder ? make_folder(st.fd, s, wrong, &info, err)
			: make_erofs(st.fd, s, wrong, id, &info, err);
	if (ret == 0)
		ret = img_layer_write_info(st.fd, &info, &none, err);
	img_layer_path(id, path);
	if (ret == 0)
		ret = img_staging_publish(&st, path, err);
	if (ret == -EEXIST) {
		cs_err_clear(err);
		ret = 0;
	}
	return ret;
}

int img_implied_fix(int root, const struct img_digest *layers, size_t n, struct img_digest *fix,
		    struct cs_err *err)
{
	CS_CLEANUP(paths_fini) struct paths wrong = { 0 };
	CS_CLEANUP(stack_fini) struct stack s = { 0 };
	struct img_digest id = IMG_DIGEST_NONE;
	int ret = load(root, layers, n, &s, err);

	if (ret == 0)
		ret = wrong_folders(&s, &wrong, err);
	if (ret < 0 || wrong.n == 0)
		return ret;
	ret = purpose(layers, n, &id, err);
	if (ret == 0)
		ret = img_layer_have(root, &id, err);
	if (ret == 0)
		ret = make_fix(root, &s, &wrong, &id, err);
	if (ret < 0)
		return cs_err_wrap(err, "make the layer of implied folders");
	*fix = id;
	return 1;
}
