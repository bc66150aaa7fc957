#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/erofs_int.h"

/* A folder's entry while it is put in order. */
struct item {
	const char *name;
	size_t len;
	const struct img_inode *inode;
};

struct items {
	struct item *v; /* owned */
	size_t n;
};

static void items_fini(struct items *s)
{
	free(s->v);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* All names of a folder in the order of their bytes, as the kernel's search wants it. */
static int collect(const struct img_dir *d, struct items *out, struct cs_err *err)
{
	struct item *v = calloc((size_t)d->n_children + 2, sizeof(*v));
	size_t n = 0;

	if (!v)
		return cs_err_set(err, ENOMEM, "write a folder: out of memory");
	v[n++] = (struct item){ ".", 1, &d->inode };
	v[n++] = (struct item){ "..", 2, &d->parent->inode };
	for (const struct img_node *c = d->children; c; c = c->sibling)
		v[n++] = (struct item){ c->name, c->len, c->inode };
	qsort(v, n, sizeof(*v), by_name);
	*out = (struct items){ v, n };
	return 0;
}

/* How many entries from @from on fit a block, and how many bytes they take. */
static size_t fit(const struct items *s, size_t from, size_t *bytes)
{
	size_t used = 0, i;

	for (i = from; i < s->n; i++) {
		size_t need = IMG_EROFS_DIRENT + s->v[i].len;

		if (used + need > IMG_EROFS_BLOCK)
			break;
		used += need;
	}
	*bytes = used;
	return i - from;
}

static uint8_t file_type(enum img_type t)
{
	static const uint8_t types[] = {
		[IMG_TYPE_REG] = 1,  [IMG_TYPE_DIR] = 2,  [IMG_TYPE_CHR] = 3, [IMG_TYPE_BLK] = 4,
		[IMG_TYPE_FIFO] = 5, [IMG_TYPE_SOCK] = 6, [IMG_TYPE_SYM] = 7,
	};

	return types[t];
}

static void fill_block(const struct item *v, size_t n, uint8_t block[IMG_EROFS_BLOCK])
{
	size_t name_at = n * IMG_EROFS_DIRENT;

	memset(block, 0, IMG_EROFS_BLOCK);
	for (size_t i = 0; i < n; i++) {
		uint8_t *e = block + i * IMG_EROFS_DIRENT;

		img_put64(e, v[i].inode->nid);
		img_put16(e + 8, (uint16_t)name_at);
		e[10] = file_type(v[i].inode->type);
		memcpy(block + name_at, v[i].name, v[i].len);
		name_at += v[i].len;
	}
}

/* --- counting --- */

/* Links the folders that are reached from the root, in order, and counts names. */
static void reach(struct img_tree *t)
{
	struct img_dir *last = t->root;

	t->root->next = NULL;
	for (struct img_dir *d = t->root; d; d = d->next) {
		d->n_subdirs = 0;
		for (struct img_node *c = d->children; c; c = c->sibling) {
			c->inode->nlink++;
			if (c->inode->type != IMG_TYPE_DIR)
				continue;
			d->n_subdirs++;
			c->inode->dir->next = NULL;
			last->next = c->inode->dir;
			last = c->inode->dir;
		}
	}
}

/* Inodes are written with one name; those with more are told now, once each. */
static int patch_links(struct img_erofs *w, const struct img_tree *t, struct cs_err *err)
{
	for (const struct img_dir *d = t->root; d; d = d->next) {
		for (struct img_node *c = d->children; c; c = c->sibling) {
			uint8_t n[4];
			int ret;

			if (c->inode->type == IMG_TYPE_DIR || c->inode->nlink < 2)
				continue;
			img_put32(n, c->inode->nlink);
			c->inode->nlink = 1;
			ret = img_erofs_patch(w, c->inode->nid * IMG_EROFS_SLOT + IMG_EROFS_I_NLINK,
					      n, sizeof(n), err);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

/* --- placing --- */

static int place_xattrs(struct img_erofs *w, struct img_tree *t, struct img_dir *d,
			struct cs_err *err)
{
	static const struct img_xattr opaque = { "trusted.overlay.opaque", "y", 1 };
	size_t n = d->n_xattrs + d->opaque;
	struct img_xattr *x;
	int ret;

	if (n == 0)
		return 0;
	x = img_tree_alloc(t, n * sizeof(*x), err);
	if (!x)
		return -err->code;
	if (d->n_xattrs)
		memcpy(x, d->xattrs, d->n_xattrs * sizeof(*x));
	if (d->opaque)
		x[d->n_xattrs] = opaque;
	ret = img_erofs_xattrs(w, x, n, w->ibody, &d->ibody_len, err);
	if (ret < 0)
		return ret;
	d->ibody = img_tree_alloc(t, d->ibody_len, err);
	if (!d->ibody)
		return -err->code;
	memcpy(d->ibody, w->ibody, d->ibody_len);
	return 0;
}

/* Size and place of a folder's inode and blocks. */
static int place_dir(struct img_erofs *w, struct img_tree *t, struct img_dir *d, struct cs_err *err)
{
	CS_CLEANUP(items_fini) struct items s = { 0 };
	size_t room = IMG_EROFS_BLOCK - (d == t->root ? IMG_EROFS_ROOT_AT : 0);
	size_t i = 0, last = 0, blocks = 0, head;
	uint8_t *mem = NULL;
	int ret = collect(d, &s, err);

	if (ret == 0)
		ret = place_xattrs(w, t, d, err);
	if (ret < 0)
		return ret;
	for (; i < s.n; blocks++)
		i += fit(&s, i, &last);
	d->size = (uint64_t)(blocks - 1) * IMG_EROFS_BLOCK + last;
	head = IMG_EROFS_INODE + d->ibody_len;
	if (head > room)
		return cs_err_set(err, EFBIG, "the root's extended attributes are too many");
	d->inlined = last < IMG_EROFS_BLOCK && head + last <= room;
	blocks -= d->inlined;
	d->block = IMG_EROFS_HOLE;
	if (blocks > 0)
		ret = img_erofs_blocks(w, blocks, &d->block, err);
	d->record = IMG_EROFS_ROOT_AT;
	if (ret == 0 && d != t->root)
		ret = img_erofs_meta(w, head + (d->inlined ? last : 0), IMG_EROFS_SLOT, &d->record,
				     &mem, err);
	d->inode.nid = d->record / IMG_EROFS_SLOT;
	return ret;
}

static int write_dir(struct img_erofs *w, const struct img_dir *d, struct cs_err *err)
{
	CS_CLEANUP(items_fini) struct items s = { 0 };
	struct img_erofs_rec r = {
		.mode = (uint16_t)(S_IFDIR | (d->mode & 07777)),
		.layout = d->inlined ? IMG_EROFS_INLINE : IMG_EROFS_PLAIN,
		.u = (uint32_t)d->block,
		.uid = d->uid,
		.gid = d->gid,
		.mtime = d->mtime,
		.nsec = d->mtime_nsec,
		.nlink = d->n_subdirs + 2,
		.size = d->size,
		.ibody_len = d->ibody_len,
	};
	uint8_t block[IMG_EROFS_BLOCK], head[IMG_EROFS_INODE];
	uint64_t at = d->block << IMG_EROFS_BITS, end = d->record + sizeof(head) + d->ibody_len;
	size_t i = 0, bytes = 0;
	int ret = collect(d, &s, err);

	img_erofs_inode(w, &r, head);
	if (ret == 0)
		ret = img_erofs_patch(w, d->record, head, sizeof(head), err);
	if (ret == 0 && d->ibody_len)
		ret = img_erofs_patch(w, d->record + sizeof(head), d->ibody, d->ibody_len, err);
	while (ret == 0 && i < s.n) {
		size_t n = fit(&s, i, &bytes);

		fill_block(s.v + i, n, block);
		i += n;
		if (i == s.n && d->inlined)
			ret = img_erofs_patch(w, end, block, bytes, err);
		else
			ret = img_erofs_out(w, at, block, sizeof(block), err);
		at += sizeof(block);
	}
	return ret;
}

static int write_super(struct img_erofs *w, const uint8_t uuid[16], struct cs_err *err)
{
	uint8_t *sb = w->block0 + IMG_EROFS_SB;
	ssize_t n;

	img_put32(sb + IMG_EROFS_SB_MAGIC, IMG_EROFS_MAGIC);
	img_put32(sb + IMG_EROFS_SB_COMPAT, IMG_EROFS_COMPAT_CRC | IMG_EROFS_COMPAT_MTIME);
	sb[IMG_EROFS_SB_BITS] = IMG_EROFS_BITS;
	img_put16(sb + IMG_EROFS_SB_ROOT, IMG_EROFS_ROOT_AT / IMG_EROFS_SLOT);
	img_put64(sb + IMG_EROFS_SB_INOS, w->inodes);
	img_put32(sb + IMG_EROFS_SB_BLOCKS, (uint32_t)w->next);
	memcpy(sb + IMG_EROFS_SB_UUID, uuid, 16);
	img_put32(sb + IMG_EROFS_SB_INCOMPAT, w->chunks ? IMG_EROFS_INCOMPAT_CHUNKS : 0);
	img_put32(sb + IMG_EROFS_SB_CRC, img_erofs_crc(sb, IMG_EROFS_BLOCK - IMG_EROFS_SB));
	n = pwrite(w->fd, w->block0, sizeof(w->block0), 0);
	if (n != (ssize_t)sizeof(w->block0))
		return n < 0 ? cs_err_sys(err, "write the layer's image")
			     : cs_err_set(err, EIO, "write the layer's image: cut short");
	if (ftruncate(w->fd, (off_t)(w->next << IMG_EROFS_BITS)) < 0)
		return cs_err_sys(err, "set the size of the layer's image");
	return 0;
}

int img_erofs_finish(struct img_erofs *w, struct img_tree *t, const uint8_t uuid[16],
		     uint64_t *size, struct cs_err *err)
{
	int ret = img_erofs_out_flush(w, err);

	reach(t);
	for (struct img_dir *d = t->root; d && ret == 0; d = d->next)
		ret = place_dir(w, t, d, err);
	if (ret == 0)
		ret = img_erofs_out_flush(w, err);
	for (struct img_dir *d = t->root; d && ret == 0; d = d->next)
		ret = write_dir(w, d, err);
	if (ret == 0)
		ret = patch_links(w, t, err);
	if (ret == 0)
		ret = img_erofs_out_flush(w, err);
	if (ret == 0 && w->run_blocks > 0)
		ret = img_erofs_run_flush(w, err);
	if (ret == 0)
		ret = write_super(w, uuid, err);
	if (ret == 0)
		*size = w->next << IMG_EROFS_BITS;
	return ret;
}
