#include "images/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "images/limits.h"

enum { TABLE_FIRST = 1024 };

static int out_of_memory(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "make a layer: out of memory");
}

/* Are @size bytes more within the limit? */
static bool take(struct img_tree *t, size_t size, struct cs_err *err)
{
	uint64_t table = t->table_size * sizeof(void *); /* of pointers */

	if (t->mem + table > t->max_mem || size > t->max_mem - t->mem - table) {
		cs_err_set(err, EFBIG,
			   "its names, folders and attributes take more than %llu bytes of memory, "
			   "the limit",
			   (unsigned long long)t->max_mem);
		return false;
	}
	t->mem += size;
	return true;
}

void *img_tree_alloc(struct img_tree *t, size_t size, struct cs_err *err)
{
	void *p;

	if (!take(t, size, err))
		return NULL;
	p = cs_arena_alloc(t->arena, size);
	if (!p)
		out_of_memory(err);
	return p;
}

static struct img_dir *new_dir(struct img_tree *t, struct cs_err *err)
{
	struct img_dir *d = img_tree_alloc(t, sizeof(*d), err);

	if (!d)
		return NULL;
	*d = (struct img_dir){ .implied = true, .mode = 0755 };
	d->inode = (struct img_inode){ .type = IMG_TYPE_DIR, .dir = d };
	return d;
}

int img_tree_init(struct img_tree *t, uint64_t max, uint64_t max_mem, struct cs_err *err)
{
	struct img_tree n = { .table_size = TABLE_FIRST, .max = max, .max_mem = max_mem };

	n.arena = cs_arena_new(0);
	n.table = calloc(n.table_size, sizeof(struct img_node *));
	if (n.arena && n.table)
		n.root = new_dir(&n, err);
	if (!n.root) {
		img_tree_fini(&n);
		return err->code ? -err->code : out_of_memory(err);
	}
	n.root->parent = n.root;
	*t = n;
	return 0;
}

void img_tree_fini(struct img_tree *t)
{
	cs_arena_free(t->arena);
	free(t->table);
	*t = IMG_TREE_INIT;
}

/* FNV-1a over the name, then mixed with the folder, whose address no image knows. */
static uint32_t hash_of(const struct img_dir *d, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ ((uintptr_t)d * 0x9e3779b97f4a7c15ULL);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3ULL;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ULL;
	return (uint32_t)(h >> 32);
}

static void grow(struct img_tree *t)
{
	size_t size = t->table_size * 2;
	struct img_node **table = calloc(size, sizeof(struct img_node *));

	if (!table) /* then it is slower */
		return;
	for (size_t i = 0; i < t->table_size; i++) {
		struct img_node *n = t->table[i], *next;

		for (; n; n = next) {
			struct img_node **at = &table[n->hash & (size - 1)];

			next = n->hash_next;
			n->hash_next = *at;
			*at = n;
		}
	}
	free(t->table);
	t->table = table;
	t->table_size = size;
}

struct img_node *img_tree_get(const struct img_tree *t, const struct img_dir *d, const char *name,
			      size_t len)
{
	uint32_t h = hash_of(d, name, len);
	struct img_node *n = t->table[h & (t->table_size - 1)];

	for (; n; n = n->hash_next)
		if (n->hash == h && n->parent == d && n->len == len &&
		    memcmp(n->name, name, len) == 0)
			break;
	return n;
}

struct img_node *img_tree_put(struct img_tree *t, struct img_dir *d, const char *name, size_t len,
			      struct img_inode *inode, struct cs_err *err)
{
	struct img_node *n = img_tree_get(t, d, name, len), **at;

	if (n) {
		n->inode = inode;
		return n;
	}
	if (len == 0 || len > IMG_NAME_MAX) {
		cs_err_set(err, ENAMETOOLONG, "a name of %zu bytes, more than %d", len,
			   IMG_NAME_MAX);
		return NULL;
	}
	if (t->n >= t->max) {
		cs_err_set(err, EFBIG, "more than %llu names, the limit",
			   (unsigned long long)t->max);
		return NULL;
	}
	n = img_tree_alloc(t, sizeof(*n) + len + 1, err);
	if (!n)
		return NULL;
	if (t->n >= t->table_size)
		grow(t);
	*n = (struct img_node){
		.parent = d,
		.inode = inode,
		.sibling = d->children,
		.hash = hash_of(d, name, len),
		.len = (uint8_t)len,
	};
	memcpy(n->name, name, len);
	n->name[len] = '\0';
	at = &t->table[n->hash & (t->table_size - 1)];
	n->hash_next = *at;
	*at = n;
	d->children = n;
	d->n_children++;
	t->n++;
	return n;
}

struct img_inode *img_tree_inode(struct img_tree *t, enum img_type type, struct cs_err *err)
{
	struct img_inode *i = img_tree_alloc(t, sizeof(*i), err);

	if (i)
		*i = (struct img_inode){ .type = type };
	return i;
}

struct img_dir *img_tree_mkdir(struct img_tree *t, struct img_dir *parent, const char *name,
			       size_t len, struct cs_err *err)
{
	struct img_dir *d;

	if (parent->depth >= IMG_DEPTH_MAX) {
		cs_err_set(err, EFBIG, "more than %d folders above each other", IMG_DEPTH_MAX);
		return NULL;
	}
	d = new_dir(t, err);
	if (!d)
		return NULL;
	d->parent = parent;
	d->depth = parent->depth + 1;
	d->node = img_tree_put(t, parent, name, len, &d->inode, err);
	return d->node ? d : NULL;
}

char *img_tree_str(struct img_tree *t, const void *s, size_t len, struct cs_err *err)
{
	char *p;

	if (!take(t, len + 1, err))
		return NULL;
	p = cs_arena_str(t->arena, s, len);
	if (!p)
		out_of_memory(err);
	return p;
}

/* Room for a folder's attributes. Twice as much as before, so that one listed again and again with
 * ever more of them costs no more than a few times the most it had. */
static int xattr_room(struct img_tree *t, struct img_dir *d, size_t size, struct cs_err *err)
{
	void *p;

	if (size <= d->xattrs_size)
		return 0;
	if (d->xattrs_size && size < 2 * d->xattrs_size)
		size = 2 * d->xattrs_size;
	p = img_tree_alloc(t, size, err);
	if (!p)
		return -err->code;
	d->xattrs = p;
	d->xattrs_size = size;
	return 0;
}

int img_tree_set_xattrs(struct img_tree *t, struct img_dir *d, const struct img_xattr *x, size_t n,
			struct cs_err *err)
{
	size_t size = n * sizeof(*x);
	char *at;
	int ret;

	for (size_t i = 0; i < n; i++)
		size += strlen(x[i].name) + 1 + x[i].len;
	ret = xattr_room(t, d, size, err);
	if (ret < 0)
		return ret;
	at = n ? (char *)(d->xattrs + n) : NULL;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(x[i].name) + 1;

		d->xattrs[i] = (struct img_xattr){ at, at + len, x[i].len };
		memcpy(at, x[i].name, len);
		if (x[i].len)
			memcpy(at + len, x[i].value, x[i].len);
		at += len + x[i].len;
	}
	d->n_xattrs = n;
	return 0;
}

int img_tree_path(const struct img_dir *d, char *out, size_t size, struct cs_err *err)
{
	size_t at = size - 1;

	out[at] = '\0';
	for (; d->node; d = d->parent) {
		size_t len = d->node->len, sep = out[at] ? 1 : 0;

		if (len + sep > at)
			return cs_err_set(err, ENAMETOOLONG,
					  "a folder's path is longer than %zu bytes", size - 1);
		if (sep)
			out[--at] = '/';
		at -= len;
		memcpy(out + at, d->node->name, len);
	}
	memmove(out, out + at, size - at);
	return 0;
}
