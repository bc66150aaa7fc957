#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "images/erofs_int.h"

enum { SYNC_EVERY = 8 * 1024 * 1024 };

static int write_at(struct img_erofs *w, uint64_t at, const uint8_t *buf, size_t len,
		    struct cs_err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(w->fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "write the layer's image");
		buf += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int img_erofs_blocks(struct img_erofs *w, uint64_t n, uint64_t *at, struct cs_err *err)
{
	uint64_t max = w->lim.max_image / IMG_EROFS_BLOCK;

	/* 32 bits hold a block's number, the last of which is a hole. */
	if (max > UINT32_MAX - 1)
		max = UINT32_MAX - 1;
	if (n > max || w->next > max - n)
		return cs_err_set(err, EFBIG,
				  "the layer's image would be more than %llu bytes, "
				  "the limit",
				  (unsigned long long)(max * IMG_EROFS_BLOCK));
	*at = w->next;
	w->next += n;
	return 0;
}

int img_erofs_out_flush(struct img_erofs *w, struct cs_err *err)
{
	int ret = write_at(w, w->out_at, w->out, w->out_used, err);

	w->out_at += w->out_used;
	w->out_used = 0;
	/* The disk works while the rest comes; a file system that cannot is as good. */
	if (w->out_at - w->synced >= SYNC_EVERY) {
		(void)sync_file_range(w->fd, (off_t)w->synced, (off_t)(w->out_at - w->synced),
				      SYNC_FILE_RANGE_WRITE);
		w->synced = w->out_at;
	}
	return ret;
}

int img_erofs_out(struct img_erofs *w, uint64_t at, const void *buf, size_t len, struct cs_err *err)
{
	int ret = 0;

	if (at != w->out_at + w->out_used || len > sizeof(w->out) - w->out_used) {
		ret = img_erofs_out_flush(w, err);
		if (at < w->synced)
			w->synced = at;
		w->out_at = at;
	}
	if (ret < 0)
		return ret;
	if (len >= sizeof(w->out) / 2 && w->out_used == 0) {
		ret = write_at(w, at, buf, len, err);
		w->out_at += len;
		return ret;
	}
	memcpy(w->out + w->out_used, buf, len);
	w->out_used += len;
	return 0;
}

int img_erofs_run_flush(struct img_erofs *w, struct cs_err *err)
{
	uint32_t n = w->run_blocks;

	/* What is empty at its end can be given back if it is the image's end. */
	while (n > 0 && w->run_used[n - 1] == 0 && (w->run_at >> IMG_EROFS_BITS) + n == w->next) {
		w->next--;
		n--;
	}
	w->run_blocks = n;
	return write_at(w, w->run_at, w->run, (size_t)n * IMG_EROFS_BLOCK, err);
}

/* The next run: twice as long as the one before, so small layers stay small. */
static int new_run(struct img_erofs *w, struct cs_err *err)
{
	uint32_t n = w->run_blocks ? w->run_blocks * 2 : 1;
	uint64_t at = 0;
	int ret = w->run_blocks ? img_erofs_run_flush(w, err) : 0;

	if (n > IMG_EROFS_RUN)
		n = IMG_EROFS_RUN;
	if (ret == 0)
		ret = img_erofs_blocks(w, n, &at, err);
	if (ret < 0)
		return ret;
	memset(w->run, 0, (size_t)n * IMG_EROFS_BLOCK);
	memset(w->run_used, 0, sizeof(w->run_used));
	w->run_blocks = n;
	w->run_at = at << IMG_EROFS_BITS;
	return 0;
}

static size_t round_up(size_t n, size_t align)
{
	return (n + align - 1) / align * align;
}

/* The block of the run where @len bytes leave the least room; run_blocks when there is none. */
static uint32_t best_block(const struct img_erofs *w, size_t len, size_t align)
{
	uint32_t best = w->run_blocks;
	size_t least = IMG_EROFS_BLOCK + 1;

	for (uint32_t i = 0; i < w->run_blocks; i++) {
		size_t end = round_up(w->run_used[i], align) + len;

		if (end <= IMG_EROFS_BLOCK && IMG_EROFS_BLOCK - end < least) {
			least = IMG_EROFS_BLOCK - end;
			best = i;
		}
	}
	return best;
}

int img_erofs_meta(struct img_erofs *w, size_t len, size_t align, uint64_t *at, uint8_t **mem,
		   struct cs_err *err)
{
	uint32_t b = best_block(w, len, align);
	size_t off;

	if (b == w->run_blocks) {
		int ret = new_run(w, err);

		if (ret < 0)
			return ret;
		b = 0;
	}
	off = round_up(w->run_used[b], align);
	w->run_used[b] = (uint16_t)(off + len);
	off += (size_t)b * IMG_EROFS_BLOCK;
	*at = w->run_at + off;
	*mem = w->run + off;
	return 0;
}

int img_erofs_patch(struct img_erofs *w, uint64_t at, const void *buf, size_t len,
		    struct cs_err *err)
{
	uint64_t end = w->run_at + (uint64_t)w->run_blocks * IMG_EROFS_BLOCK;

	if (w->run_blocks > 0 && at >= w->run_at && at < end) {
		memcpy(w->run + (at - w->run_at), buf, len);
		return 0;
	}
	if (at + len <= IMG_EROFS_BLOCK) {
		memcpy(w->block0 + at, buf, len);
		return 0;
	}
	return write_at(w, at, buf, len, err);
}

void img_erofs_inode(struct img_erofs *w, const struct img_erofs_rec *r,
		     uint8_t out[IMG_EROFS_INODE])
{
	size_t icount = r->ibody_len ? (r->ibody_len - IMG_EROFS_X_HEADER) / 4 + 1 : 0;

	memset(out, 0, IMG_EROFS_INODE);
	img_put16(out + IMG_EROFS_I_FORMAT, (uint16_t)(1 | r->layout << 1));
	img_put16(out + IMG_EROFS_I_XATTRS, (uint16_t)icount);
	img_put16(out + IMG_EROFS_I_MODE, r->mode);
	img_put64(out + IMG_EROFS_I_SIZE, r->size);
	img_put32(out + IMG_EROFS_I_U, r->u);
	img_put32(out + IMG_EROFS_I_INO, (uint32_t)++w->inodes);
	img_put32(out + IMG_EROFS_I_UID, r->uid);
	img_put32(out + IMG_EROFS_I_GID, r->gid);
	img_put64(out + IMG_EROFS_I_MTIME, (uint64_t)r->mtime);
	img_put32(out + IMG_EROFS_I_NSEC, r->nsec);
	img_put32(out + IMG_EROFS_I_NLINK, r->nlink);
}

int img_erofs_record(struct img_erofs *w, const struct img_erofs_rec *r, uint64_t *nid,
		     struct cs_err *err)
{
	size_t len = IMG_EROFS_INODE + r->ibody_len + r->tail_len;
	uint8_t *p = NULL;
	uint64_t at = 0;
	int ret = img_erofs_meta(w, len, IMG_EROFS_SLOT, &at, &p, err);

	if (ret < 0)
		return ret;
	img_erofs_inode(w, r, p);
	if (r->ibody_len)
		memcpy(p + IMG_EROFS_INODE, r->ibody, r->ibody_len);
	if (r->tail_len)
		memcpy(p + IMG_EROFS_INODE + r->ibody_len, r->tail, r->tail_len);
	*nid = at / IMG_EROFS_SLOT;
	return 0;
}
