#include "images/erofs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/erofs_int.h"

int img_erofs_new(int fd, const struct img_limits *limits, struct img_erofs **out,
		  struct cs_err *err)
{
	struct img_erofs *w = calloc(1, sizeof(*w));

	if (!w)
		return cs_err_set(err, ENOMEM, "begin an image: out of memory");
	w->fd = fd;
	w->lim = img_limits_fill(limits);
	w->next = 1; /* after the superblock's */
	*out = w;
	return 0;
}

void img_erofs_free(struct img_erofs *w)
{
	if (!w)
		return;
	free(w->seen);
	free(w->map);
	free(w);
}

static uint16_t type_bits(enum img_type type)
{
	static const uint16_t bits[] = {
		[IMG_TYPE_REG] = S_IFREG,   [IMG_TYPE_SYM] = S_IFLNK, [IMG_TYPE_CHR] = S_IFCHR,
		[IMG_TYPE_BLK] = S_IFBLK,   [IMG_TYPE_DIR] = S_IFDIR, [IMG_TYPE_FIFO] = S_IFIFO,
		[IMG_TYPE_SOCK] = S_IFSOCK,
	};

	return bits[type];
}

/* What every inode has. */
static int begin_record(struct img_erofs *w, const struct img_entry *e, struct cs_err *err)
{
	size_t len = 0;
	int ret = img_erofs_xattrs(w, e->xattrs, e->n_xattrs, w->ibody, &len, err);

	w->rec = (struct img_erofs_rec){
		.mode = (uint16_t)(type_bits(e->type) |
				   (e->type == IMG_TYPE_SYM ? 0777 : e->mode & 07777)),
		.layout = IMG_EROFS_PLAIN,
		.uid = e->uid,
		.gid = e->gid,
		.mtime = e->mtime,
		.nsec = e->mtime_nsec,
		.nlink = 1,
		.size = e->size,
		.ibody = w->ibody,
		.ibody_len = len,
	};
	return ret;
}

/* --- files of all their blocks --- */

static int begin_flat(struct img_erofs *w, uint64_t size, struct cs_err *err)
{
	uint64_t tail = size % IMG_EROFS_BLOCK, at = 0;
	bool inl = tail > 0 && IMG_EROFS_INODE + w->rec.ibody_len + tail <= IMG_EROFS_BLOCK;
	uint64_t n = size / IMG_EROFS_BLOCK + (tail > 0 && !inl);
	int ret = 0;

	w->tail_len = 0;
	w->full = inl ? size - tail : size;
	w->rec.u = IMG_EROFS_HOLE;
	w->rec.layout = inl ? IMG_EROFS_INLINE : IMG_EROFS_PLAIN;
	if (n > 0) {
		ret = img_erofs_blocks(w, n, &at, err);
		w->rec.u = (uint32_t)at;
	}
	return ret;
}

static int data_flat(struct img_erofs *w, uint64_t off, const uint8_t *buf, size_t len,
		     struct cs_err *err)
{
	size_t full = off >= w->full ? 0 : (w->full - off < len ? (size_t)(w->full - off) : len);

	if (full > 0) {
		uint64_t at = ((uint64_t)w->rec.u << IMG_EROFS_BITS) + off;
		int ret = img_erofs_out(w, at, buf, full, err);

		if (ret < 0)
			return ret;
	}
	memcpy(w->tail + w->tail_len, buf + full, len - full);
	w->tail_len += len - full;
	return 0;
}

static int end_flat(struct img_erofs *w, struct cs_err *err)
{
	static const uint8_t zero[IMG_EROFS_BLOCK];
	size_t rest = (size_t)(w->full % IMG_EROFS_BLOCK);

	/* Padding keeps the next file's blocks in the same write. */
	if (rest > 0) {
		uint64_t at = ((uint64_t)w->rec.u << IMG_EROFS_BITS) + w->full;
		int ret = img_erofs_out(w, at, zero, IMG_EROFS_BLOCK - rest, err);

		if (ret < 0)
			return ret;
	}
	w->rec.tail = w->tail;
	w->rec.tail_len = w->tail_len;
	return img_erofs_record(w, &w->rec, &w->inode->nid, err);
}

/* --- sparse files --- */

static int begin_chunks(struct img_erofs *w, uint64_t size, struct cs_err *err)
{
	unsigned int bits = IMG_EROFS_BITS;

	while (((size - 1) >> bits) >= IMG_EROFS_CHUNKS_MAX)
		bits++;
	w->chunk_bits = bits;
	w->map_n = (uint32_t)((size - 1) >> bits) + 1;
	w->map = malloc(w->map_n * sizeof(*w->map));
	if (!w->map)
		return cs_err_set(err, ENOMEM, "write a sparse file: out of memory");
	memset(w->map, 0xff, w->map_n * sizeof(*w->map));
	w->rec.layout = IMG_EROFS_CHUNKS;
	w->rec.u = bits - IMG_EROFS_BITS;
	w->chunks = true;
	return 0;
}

static int data_chunks(struct img_erofs *w, uint64_t off, const uint8_t *buf, size_t len,
		       struct cs_err *err)
{
	uint64_t chunk = 1ULL << w->chunk_bits;

	while (len > 0) {
		uint64_t in = off & (chunk - 1), at = 0;
		uint32_t *slot = &w->map[off >> w->chunk_bits];
		size_t n = chunk - in < len ? (size_t)(chunk - in) : len;
		int ret = 0;

		if (*slot == IMG_EROFS_HOLE) {
			uint64_t left = w->rec.size - (off - in);

			left = left < chunk ? left : chunk;
			ret = img_erofs_blocks(w, (left + IMG_EROFS_BLOCK - 1) >> IMG_EROFS_BITS,
					       &at, err);
			if (ret == 0)
				*slot = (uint32_t)at;
		}
		if (ret == 0)
			ret = img_erofs_out(w, ((uint64_t)*slot << IMG_EROFS_BITS) + in, buf, n,
					    err);
		if (ret < 0)
			return ret;
		off += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* An inode with a table of chunks that fills blocks of its own. */
static int big_record(struct img_erofs *w, const uint8_t *table, size_t len, struct cs_err *err)
{
	size_t total = IMG_EROFS_INODE + w->rec.ibody_len + len;
	uint8_t head[IMG_EROFS_INODE];
	uint64_t at = 0;
	int ret = img_erofs_blocks(w, (total + IMG_EROFS_BLOCK - 1) >> IMG_EROFS_BITS, &at, err);

	if (ret < 0)
		return ret;
	at <<= IMG_EROFS_BITS;
	img_erofs_inode(w, &w->rec, head);
	ret = img_erofs_out(w, at, head, sizeof(head), err);
	if (ret == 0)
		ret = img_erofs_out(w, at + sizeof(head), w->rec.ibody, w->rec.ibody_len, err);
	if (ret == 0)
		ret = img_erofs_out(w, at + sizeof(head) + w->rec.ibody_len, table, len, err);
	w->inode->nid = at / IMG_EROFS_SLOT;
	return ret;
}

static int end_chunks(struct img_erofs *w, struct cs_err *err)
{
	size_t len = w->map_n * sizeof(*w->map);
	cs_auto_free uint8_t *table = (uint8_t *)cs_take_ptr(&w->map);

	for (size_t i = 0; i < w->map_n; i++)
		img_put32(table + 4 * i, ((uint32_t *)(void *)table)[i]);
	if (IMG_EROFS_INODE + w->rec.ibody_len + len > IMG_EROFS_BLOCK)
		return big_record(w, table, len, err);
	w->rec.tail = table;
	w->rec.tail_len = len;
	return img_erofs_record(w, &w->rec, &w->inode->nid, err);
}

/* --- the sink --- */

static int sink_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	struct img_erofs *w = ctx;

	return w->map ? data_chunks(w, off, buf, len, err) : data_flat(w, off, buf, len, err);
}

static int sink_end(void *ctx, struct cs_err *err)
{
	struct img_erofs *w = ctx;

	return w->map ? end_chunks(w, err) : end_flat(w, err);
}

static int sink_make(void *ctx, struct img_dir *dir, const char *name, const struct img_inode *was,
		     const struct img_entry *e, struct img_inode *inode, struct cs_err *err)
{
	struct img_erofs *w = ctx;
	int ret = begin_record(w, e, err);

	(void)dir;
	(void)name;
	(void)was;
	w->inode = inode;
	if (ret < 0)
		return ret;
	if (e->type == IMG_TYPE_REG)
		return e->sparse && e->size > 0 ? begin_chunks(w, e->size, err)
						: begin_flat(w, e->size, err);
	if (e->type == IMG_TYPE_SYM) {
		w->rec.size = strlen(e->link);
		ret = begin_flat(w, w->rec.size, err);
		if (ret == 0)
			ret = data_flat(w, 0, (const uint8_t *)e->link, strlen(e->link), err);
		return ret < 0 ? ret : end_flat(w, err);
	}
	w->rec.size = 0;
	w->rec.u = img_erofs_rdev(e->major, e->minor);
	return img_erofs_record(w, &w->rec, &inode->nid, err);
}

const struct img_sink_ops img_erofs_sink = {
	.make = sink_make,
	.data = sink_data,
	.end = sink_end,
};
