#include "images/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/limits.h"

#define WH ".wh."
#define WH_META ".wh..wh."
#define WH_OPAQUE ".wh..wh..opq"

enum { LINKS_MAX = 40 }; /* symlinks on one way, as the kernel's MAXSYMLINKS */

/* A path being resolved. */
struct way {
	struct img_dir *dir; /* reached so far */
	unsigned int links;
	bool make; /* missing folders are made */
	char rest[2 * IMG_PATH_MAX];
};

int img_apply_init(struct img_apply *a, const struct img_sink_ops *sink, void *sink_ctx,
		   const struct img_limits *limits, struct cs_err *err)
{
	struct img_limits lim = img_limits_fill(limits);

	*a = (struct img_apply){ .sink = sink, .sink_ctx = sink_ctx };
	return img_tree_init(&a->tree, lim.max_entries, lim.max_memory / 4 * 3, err);
}

void img_apply_fini(struct img_apply *a)
{
	img_tree_fini(&a->tree);
	free(a->xattrs);
	*a = (struct img_apply){ 0 };
}

/* "entry PATH: " in front of the message. */
static int wrap(const char *path, struct cs_err *err)
{
	char shown[200];

	cs_str_fmt(shown, sizeof(shown), &(struct cs_err){ 0 }, "%.199s", path);
	cs_str_plain(shown);
	return cs_err_wrap(err, "%s", shown);
}

/* --- the way to a name --- */

/* A folder in place of what @name of @parent was: nothing, or no folder. What was there hid the
 * same name of the layers below, and so must the folder, or what is in it there came back. */
static struct img_dir *make_dir(struct img_apply *a, struct img_dir *parent, const char *name,
				size_t len, struct cs_err *err)
{
	const struct img_node *n = img_tree_get(&a->tree, parent, name, len);
	const struct img_inode *was = n ? n->inode : NULL;
	struct img_dir *d = img_tree_mkdir(&a->tree, parent, name, len, err);

	if (!d)
		return NULL;
	d->opaque = was != NULL;
	if (a->sink->mkdir && a->sink->mkdir(a->sink_ctx, d, was, err) < 0)
		return NULL;
	return d;
}

/* A symlink in the way: its target goes in front of the rest. */
static int follow(struct way *w, const struct img_inode *sym, struct cs_err *err)
{
	size_t len = strlen(sym->target), rest = strlen(w->rest);

	if (++w->links > LINKS_MAX)
		return cs_err_set(err, ELOOP, "too many symlinks in its path");
	if (len + 1 + rest >= sizeof(w->rest))
		return cs_err_set(err, ENAMETOOLONG, "its path grows too long by symlinks");
	memmove(w->rest + len + 1, w->rest, rest + 1);
	memcpy(w->rest, sym->target, len);
	w->rest[len] = '/';
	if (sym->target[0] == '/')
		while (w->dir->node)
			w->dir = w->dir->parent;
	return 0;
}

/* One component of the rest is taken. */
static int walk_one(struct img_apply *a, struct way *w, const char *name, size_t len,
		    struct cs_err *err)
{
	const struct img_node *n;

	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && memcmp(name, "..", 2) == 0) { /* of a symlink's target */
		w->dir = w->dir->parent;
		return 0;
	}
	if (len > IMG_NAME_MAX)
		return cs_err_set(err, ENAMETOOLONG, "a name of %zu bytes, more than %d", len,
				  IMG_NAME_MAX);
	n = img_tree_get(&a->tree, w->dir, name, len);
	if (n && n->inode->type == IMG_TYPE_DIR) {
		w->dir = n->inode->dir;
		return 0;
	}
	if (n && n->inode->type == IMG_TYPE_SYM)
		return follow(w, n->inode, err);
	if (n && !n->inode->whiteout)
		return cs_err_set(err, ENOTDIR, "\"%.*s\" in its path is not a folder", (int)len,
				  name);
	if (!w->make)
		return cs_err_set(err, ENOENT, "\"%.*s\" in its path is not in this layer",
				  (int)len, name);
	w->dir = make_dir(a, w->dir, name, len, err);
	return w->dir ? 0 : -err->code;
}

/* From the root to the folder of @path's last component, @path being clean. */
static int walk(struct img_apply *a, const char *path, size_t len, bool make, struct img_dir **out,
		struct cs_err *err)
{
	struct way w = { .dir = a->tree.root, .make = make };

	memcpy(w.rest, path, len);
	w.rest[len] = '\0';
	for (;;) {
		size_t skip = strspn(w.rest, "/");
		size_t n = strcspn(w.rest + skip, "/");
		char name[IMG_PATH_MAX];
		int ret;

		if (n == 0)
			break;
		if (n >= sizeof(name))
			return cs_err_set(err, ENAMETOOLONG, "a name in its path is too long");
		memcpy(name, w.rest + skip, n);
		name[n] = '\0';
		memmove(w.rest, w.rest + skip + n, strlen(w.rest + skip + n) + 1);
		ret = walk_one(a, &w, name, n, err);
		if (ret < 0)
			return ret;
	}
	*out = w.dir;
	return 0;
}

/* The path without empty components and ".", no slash at either end; ".." is refused. Returns
 * where the last component begins. */
static int clean(const char *path, char out[IMG_PATH_MAX], size_t *last, struct cs_err *err)
{
	size_t n = 0;

	*last = 0;
	while (*path) {
		size_t skip = strspn(path, "/"), len;

		path += skip;
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return cs_err_set(err, EBADMSG, "\"..\" in a path of a layer is refused");
		if (len > 0 && !(len == 1 && *path == '.')) {
			if (n > 0)
				out[n++] = '/';
			*last = n;
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
	}
	out[n] = '\0';
	return 0;
}

/* --- attributes --- */

static bool keep_xattr(const struct img_entry *e, const char *name)
{
	if (cs_str_starts(name, "user."))
		return !cs_str_starts(name, "user.overlay.") && name[5] &&
		       (e->type == IMG_TYPE_REG || e->type == IMG_TYPE_DIR);
	if (cs_str_starts(name, "trusted."))
		return !cs_str_starts(name, "trusted.overlay.") && name[8];
	if (cs_str_starts(name, "security."))
		return strcmp(name, "security.selinux") != 0 && name[9];
	if (strcmp(name, "system.posix_acl_default") == 0)
		return e->type == IMG_TYPE_DIR;
	return strcmp(name, "system.posix_acl_access") == 0 && e->type != IMG_TYPE_SYM;
}

/* @e with the attributes that are kept. */
static int filter_xattrs(struct img_apply *a, const struct img_entry *e, struct img_entry *out,
			 struct cs_err *err)
{
	size_t n = 0;

	if (e->n_xattrs > a->cap_xattrs) {
		struct img_xattr *x = reallocarray(a->xattrs, e->n_xattrs, sizeof(*x));

		if (!x)
			return cs_err_set(err, ENOMEM, "make a layer: out of memory");
		a->xattrs = x;
		a->cap_xattrs = e->n_xattrs;
	}
	for (size_t i = 0; i < e->n_xattrs; i++) {
		if (!keep_xattr(e, e->xattrs[i].name))
			continue;
		if (e->xattrs[i].len > UINT16_MAX)
			return cs_err_set(err, EFBIG, "an extended attribute of %zu bytes",
					  e->xattrs[i].len);
		a->xattrs[n++] = e->xattrs[i];
	}
	*out = *e;
	out->xattrs = a->xattrs;
	out->n_xattrs = n;
	return 0;
}

/* --- entries --- */

static int set_dir(struct img_apply *a, struct img_dir *d, const struct img_entry *e,
		   struct cs_err *err)
{
	int ret = img_tree_set_xattrs(&a->tree, d, e->xattrs, e->n_xattrs, err);

	if (ret < 0)
		return ret;
	d->implied = false;
	d->mode = e->mode;
	d->uid = e->uid;
	d->gid = e->gid;
	d->mtime = e->mtime;
	d->mtime_nsec = e->mtime_nsec;
	return 0;
}

static int apply_dir(struct img_apply *a, struct img_dir *dir, const char *name,
		     const struct img_entry *e, struct cs_err *err)
{
	const struct img_node *n = img_tree_get(&a->tree, dir, name, strlen(name));
	struct img_dir *d;

	if (n && n->inode->type == IMG_TYPE_DIR)
		d = n->inode->dir;
	else
		d = make_dir(a, dir, name, strlen(name), err);
	return d ? set_dir(a, d, e, err) : -err->code;
}

static int apply_link(struct img_apply *a, struct img_dir *dir, const char *name,
		      const struct img_entry *e, struct cs_err *err)
{
	char path[IMG_PATH_MAX];
	const struct img_inode *was;
	const struct img_node *to, *n;
	struct img_dir *to_dir = NULL;
	size_t last = 0;
	int ret = clean(e->link, path, &last, err);

	if (ret == 0)
		ret = walk(a, path, last, false, &to_dir, err);
	if (ret < 0) {
		wrap(e->link, err);
		return cs_err_wrap(err, "hard link to");
	}
	to = path[last] ? img_tree_get(&a->tree, to_dir, path + last, strlen(path + last)) : NULL;
	if (!to || to->inode->whiteout)
		return cs_err_set(err, ENOENT,
				  "hard link to \"%.200s\", which is not in this layer", path);
	if (to->inode->type == IMG_TYPE_DIR)
		return cs_err_set(err, EPERM, "hard link to a folder");
	n = img_tree_get(&a->tree, dir, name, strlen(name));
	was = n ? n->inode : NULL;
	if (was == to->inode)
		return 0;
	if (a->sink->link) {
		ret = a->sink->link(a->sink_ctx, dir, name, was, to, err);
		if (ret < 0)
			return ret;
	}
	return img_tree_put(&a->tree, dir, name, strlen(name), to->inode, err) ? 0 : -err->code;
}

static int apply_other(struct img_apply *a, struct img_dir *dir, const char *name,
		       const struct img_entry *e, bool whiteout, struct cs_err *err)
{
	const struct img_node *n = img_tree_get(&a->tree, dir, name, strlen(name));
	const struct img_inode *was = n ? n->inode : NULL;
	struct img_inode *inode = img_tree_inode(&a->tree, e->type, err);

	if (!inode)
		return -err->code;
	/* A device 0:0 is a whiteout to overlayfs, whoever made it. */
	inode->whiteout = whiteout || (e->type == IMG_TYPE_CHR && !e->major && !e->minor);
	if (e->type == IMG_TYPE_SYM) {
		inode->target = img_tree_str(&a->tree, e->link, strlen(e->link), err);
		if (!inode->target)
			return -err->code;
	}
	if (!img_tree_put(&a->tree, dir, name, strlen(name), inode, err))
		return -err->code;
	return a->sink->make(a->sink_ctx, dir, name, was, e, inode, err);
}

static int apply_whiteout(struct img_apply *a, struct img_dir *dir, const char *name,
			  struct cs_err *err)
{
	static const struct img_entry mark = { .type = IMG_TYPE_CHR, .path = "", .link = "" };
	const char *hidden = name + strlen(WH);
	const struct img_node *n;

	a->skip = true;
	if (strcmp(name, WH_OPAQUE) == 0) {
		dir->opaque = true;
		return 0;
	}
	if (cs_str_starts(name, WH_META))
		return 0;
	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return cs_err_set(err, EBADMSG, "a whiteout of nothing");
	n = img_tree_get(&a->tree, dir, hidden, strlen(hidden));
	if (n && n->inode->type == IMG_TYPE_DIR)
		n->inode->dir->opaque = true;
	return n ? 0 : apply_other(a, dir, hidden, &mark, true, err);
}

/* Folders that are whiteouts' names, in front of the last component: 1 for aufs' own. */
static int check_folders(const char *path, size_t last, struct cs_err *err)
{
	for (size_t at = 0; at < last; at += strcspn(path + at, "/") + 1) {
		if (cs_str_starts(path + at, WH_META))
			return 1;
		if (cs_str_starts(path + at, WH))
			return cs_err_set(err, EBADMSG, "a whiteout with something in it");
	}
	return 0;
}

static int apply(struct img_apply *a, const struct img_entry *e, struct cs_err *err)
{
	char path[IMG_PATH_MAX];
	struct img_dir *dir = NULL;
	const char *name;
	size_t last = 0;
	int ret = clean(e->path, path, &last, err);

	if (ret < 0)
		return ret;
	name = path + last;
	if (!*name) {
		if (e->type != IMG_TYPE_DIR)
			return cs_err_set(err, EBADMSG, "the layer's root is not a folder in it");
		return set_dir(a, a->tree.root, e, err);
	}
	ret = check_folders(path, last, err);
	if (ret == 1)
		a->skip = true;
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = walk(a, path, last, true, &dir, err);
	if (ret < 0 || !dir)
		return ret;
	if (cs_str_starts(name, WH))
		return apply_whiteout(a, dir, name, err);
	if (e->type == IMG_TYPE_DIR)
		return apply_dir(a, dir, name, e, err);
	if (e->type == IMG_TYPE_LINK)
		return apply_link(a, dir, name, e, err);
	return apply_other(a, dir, name, e, false, err);
}

static int on_entry(void *ctx, const struct img_entry *e, struct cs_err *err)
{
	struct img_apply *a = ctx;
	struct img_entry kept;
	int ret = filter_xattrs(a, e, &kept, err);

	a->skip = false;
	if (ret == 0)
		ret = apply(a, &kept, err);
	return ret < 0 ? wrap(e->path, err) : 0;
}

static int on_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	struct img_apply *a = ctx;

	return a->skip ? 0 : a->sink->data(a->sink_ctx, off, buf, len, err);
}

static int on_end(void *ctx, struct cs_err *err)
{
	struct img_apply *a = ctx;

	return a->skip ? 0 : a->sink->end(a->sink_ctx, err);
}

const struct img_tar_ops img_apply_tar = { .entry = on_entry, .data = on_data, .end = on_end };
