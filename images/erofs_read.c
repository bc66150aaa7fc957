#include "images/erofs_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/erofs_fmt.h"

enum { NAME_ROOM = 32 + 256 }; /* a prefix and what follows it */

static int bad(struct cs_err *err, const char *what)
{
	return cs_err_set(err, EBADMSG, "the layer's image is damaged: %s", what);
}

/* All of [@off, @off + @len), or a failure. */
static int get(const struct img_er *im, uint64_t off, void *buf, size_t len, struct cs_err *err)
{
	uint8_t *p = buf;

	if (off > im->size || len > im->size - off)
		return bad(err, "something is beyond its end");
	if (im->fd < 0) {
		memcpy(buf, im->mem + off, len);
		return 0;
	}
	while (len > 0) {
		ssize_t n = pread(im->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read the layer's image");
		if (n == 0)
			return bad(err, "it is cut short");
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int open_super(struct img_er *im, struct cs_err *err)
{
	uint8_t block[IMG_EROFS_BLOCK], *sb = block + IMG_EROFS_SB;
	uint32_t crc;
	int ret = get(im, 0, block, sizeof(block), err);

	if (ret < 0)
		return ret;
	crc = img_get32(sb + IMG_EROFS_SB_CRC);
	img_put32(sb + IMG_EROFS_SB_CRC, 0);
	if (img_get32(sb + IMG_EROFS_SB_MAGIC) != IMG_EROFS_MAGIC)
		return bad(err, "it is no EROFS");
	if (img_erofs_crc(sb, IMG_EROFS_BLOCK - IMG_EROFS_SB) != crc)
		return bad(err, "its checksum is wrong");
	if (sb[IMG_EROFS_SB_BITS] != IMG_EROFS_BITS ||
	    (img_get32(sb + IMG_EROFS_SB_INCOMPAT) & ~(uint32_t)IMG_EROFS_INCOMPAT_CHUNKS) ||
	    img_get32(sb + IMG_EROFS_SB_META) || img_get32(sb + IMG_EROFS_SB_XATTR))
		return bad(err, "it is not one of ours");
	if ((uint64_t)img_get32(sb + IMG_EROFS_SB_BLOCKS) << IMG_EROFS_BITS != im->size)
		return bad(err, "its size is wrong");
	im->root = img_get16(sb + IMG_EROFS_SB_ROOT);
	im->inodes = img_get64(sb + IMG_EROFS_SB_INOS);
	return 0;
}

int img_er_open(struct img_er *im, int fd, uint64_t size, struct cs_err *err)
{
	*im = (struct img_er){ .fd = fd, .size = size };
	return open_super(im, err);
}

int img_er_open_mem(struct img_er *im, const void *mem, size_t size, struct cs_err *err)
{
	*im = (struct img_er){ .fd = -EBADF, .mem = mem, .size = size };
	return open_super(im, err);
}

int img_er_inode(const struct img_er *im, uint64_t nid, struct img_er_inode *out,
		 struct cs_err *err)
{
	uint8_t b[IMG_EROFS_INODE];
	uint16_t format, icount;
	int ret;

	if (nid > im->size / IMG_EROFS_SLOT)
		return bad(err, "an inode is beyond its end");
	ret = get(im, nid * IMG_EROFS_SLOT, b, sizeof(b), err);
	if (ret < 0)
		return ret;
	format = img_get16(b + IMG_EROFS_I_FORMAT);
	icount = img_get16(b + IMG_EROFS_I_XATTRS);
	if ((format & ~14U) != 1)
		return bad(err, "an inode's format");
	*out = (struct img_er_inode){
		.nid = nid,
		.size = img_get64(b + IMG_EROFS_I_SIZE),
		.mode = img_get16(b + IMG_EROFS_I_MODE),
		.uid = img_get32(b + IMG_EROFS_I_UID),
		.gid = img_get32(b + IMG_EROFS_I_GID),
		.nlink = img_get32(b + IMG_EROFS_I_NLINK),
		.mtime = (int64_t)img_get64(b + IMG_EROFS_I_MTIME),
		.mtime_nsec = img_get32(b + IMG_EROFS_I_NSEC),
		.u = img_get32(b + IMG_EROFS_I_U),
		.layout = (uint8_t)(format >> 1 & 7),
		.xattrs = nid * IMG_EROFS_SLOT + IMG_EROFS_INODE,
		.xattrs_len = icount ? IMG_EROFS_X_HEADER + 4 * (uint64_t)(icount - 1) : 0,
	};
	if (S_ISCHR(out->mode) || S_ISBLK(out->mode))
		out->rdev = out->u;
	return 0;
}

/* Where the byte @off of a file is: *@at, and how many follow it there; *@hole: nowhere. */
static int locate(const struct img_er *im, const struct img_er_inode *i, uint64_t off, uint64_t *at,
		  uint64_t *len, bool *hole, struct cs_err *err)
{
	uint64_t behind = i->xattrs + i->xattrs_len, full = i->size;
	unsigned int bits = IMG_EROFS_BITS + (i->u & 31);
	uint8_t entry[4];
	int ret;

	*hole = false;
	if (i->layout == IMG_EROFS_CHUNKS) {
		uint64_t in = off & ((1ULL << bits) - 1), left = (1ULL << bits) - in;
		uint64_t slot = off >> bits;

		if (slot > im->size)
			return bad(err, "a chunk is beyond its end");
		ret = get(im, behind + 4 * slot, entry, sizeof(entry), err);
		if (ret < 0)
			return ret;
		*hole = img_get32(entry) == IMG_EROFS_HOLE;
		*at = ((uint64_t)img_get32(entry) << IMG_EROFS_BITS) + in;
		*len = left < i->size - off ? left : i->size - off;
		return 0;
	}
	if (i->layout == IMG_EROFS_INLINE)
		full = i->size & ~(uint64_t)(IMG_EROFS_BLOCK - 1);
	else if (i->layout != IMG_EROFS_PLAIN)
		return bad(err, "a file's layout");
	if (off < full) {
		*at = ((uint64_t)i->u << IMG_EROFS_BITS) + off;
		*len = full - off;
		return 0;
	}
	if ((behind & (IMG_EROFS_BLOCK - 1)) + (i->size - full) > IMG_EROFS_BLOCK)
		return bad(err, "a file's end crosses a block");
	*at = behind + (off - full);
	*len = i->size - off;
	return 0;
}

ssize_t img_er_read(const struct img_er *im, const struct img_er_inode *i, uint64_t off, void *buf,
		    size_t len, struct cs_err *err)
{
	uint8_t *p = buf;
	size_t done = 0;

	if (off >= i->size)
		return 0;
	if (len > i->size - off)
		len = (size_t)(i->size - off);
	while (done < len) {
		uint64_t at = 0, n = 0;
		bool hole = false;
		int ret = locate(im, i, off + done, &at, &n, &hole, err);

		if (ret < 0)
			return ret;
		if (n > len - done)
			n = len - done;
		if (hole)
			memset(p + done, 0, (size_t)n);
		else
			ret = get(im, at, p + done, (size_t)n, err);
		if (ret < 0)
			return ret;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* One block of a folder, @len bytes of it in use. */
static int dir_block(const uint8_t *b, size_t len, img_er_dirent_fn fn, void *ctx,
		     struct cs_err *err)
{
	size_t names, n;

	if (len < IMG_EROFS_DIRENT)
		return bad(err, "a folder's block");
	names = img_get16(b + 8);
	n = names / IMG_EROFS_DIRENT;
	if (names % IMG_EROFS_DIRENT || n == 0 || names > len)
		return bad(err, "a folder's block");
	for (size_t k = 0; k < n; k++) {
		const uint8_t *e = b + k * IMG_EROFS_DIRENT;
		size_t from = img_get16(e + 8), to = len;
		int ret;

		if (k + 1 < n)
			to = img_get16(e + IMG_EROFS_DIRENT + 8);
		if (from < names || from >= to || to > len)
			return bad(err, "a folder's names");
		ret = fn(ctx, (const char *)b + from, strnlen((const char *)b + from, to - from),
			 img_get64(e), err);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int img_er_dir(const struct img_er *im, const struct img_er_inode *i, img_er_dirent_fn fn,
	       void *ctx, struct cs_err *err)
{
	uint8_t block[IMG_EROFS_BLOCK];

	if (!S_ISDIR(i->mode))
		return cs_err_set(err, ENOTDIR, "read a folder of the layer's image");
	for (uint64_t off = 0; off < i->size; off += sizeof(block)) {
		ssize_t n = img_er_read(im, i, off, block, sizeof(block), err);
		int ret = n < 0 ? (int)n : dir_block(block, (size_t)n, fn, ctx, err);

		if (ret != 0)
			return ret;
	}
	return 0;
}

/* One attribute at byte @at; *@end is where the next may be. */
static int one_xattr(const struct img_er *im, uint64_t at, uint64_t *end, img_er_xattr_fn fn,
		     void *ctx, struct cs_err *err)
{
	cs_auto_free uint8_t *value = NULL;
	uint8_t head[IMG_EROFS_X_ENTRY];
	char name[NAME_ROOM] = "";
	size_t prefix, len;
	int ret = get(im, at, head, sizeof(head), err);

	if (ret < 0)
		return ret;
	if (head[1] == 0 || head[1] >= IMG_EROFS_PREFIXES)
		return bad(err, "an extended attribute's name");
	prefix = strlen(img_erofs_prefix[head[1]]);
	memcpy(name, img_erofs_prefix[head[1]], prefix);
	ret = get(im, at + sizeof(head), name + prefix, head[0], err);
	if (ret < 0)
		return ret;
	len = img_get16(head + 2);
	value = malloc(len + 1);
	if (!value)
		return cs_err_set(err, ENOMEM, "read an extended attribute: out of memory");
	ret = get(im, at + sizeof(head) + head[0], value, len, err);
	if (ret < 0)
		return ret;
	*end = (at + sizeof(head) + head[0] + len + 3) & ~(uint64_t)3;
	return fn(ctx, name, value, len, err);
}

int img_er_xattrs(const struct img_er *im, const struct img_er_inode *i, img_er_xattr_fn fn,
		  void *ctx, struct cs_err *err)
{
	uint64_t end = i->xattrs + i->xattrs_len, at = i->xattrs + IMG_EROFS_X_HEADER, unused;
	uint8_t head[IMG_EROFS_X_HEADER];
	int ret;

	if (!i->xattrs_len)
		return 0;
	ret = get(im, i->xattrs, head, sizeof(head), err);
	for (unsigned int k = 0; ret == 0 && k < head[IMG_EROFS_X_COUNT]; k++, at += 4) {
		uint8_t id[4];

		if (at + 4 > end)
			return bad(err, "shared extended attributes");
		ret = get(im, at, id, sizeof(id), err);
		if (ret == 0)
			ret = one_xattr(im, (uint64_t)img_get32(id) * 4, &unused, fn, ctx, err);
	}
	while (ret == 0 && at < end) {
		ret = one_xattr(im, at, &at, fn, ctx, err);
		if (ret == 0 && at > end)
			return bad(err, "an extended attribute's length");
	}
	return ret;
}

struct lookup {
	const char *name;
	size_t len;
	uint64_t nid;
};

static int is_it(void *ctx, const char *name, size_t len, uint64_t nid, struct cs_err *err)
{
	struct lookup *l = ctx;

	(void)err;
	if (len != l->len || memcmp(name, l->name, len) != 0)
		return 0;
	l->nid = nid;
	return 1;
}

int img_er_lookup(const struct img_er *im, const struct img_er_inode *dir, const char *name,
		  size_t len, struct img_er_inode *out, struct cs_err *err)
{
	struct lookup l = { .name = name, .len = len };
	int ret = img_er_dir(im, dir, is_it, &l, err);

	if (ret <= 0)
		return ret;
	ret = img_er_inode(im, l.nid, out, err);
	return ret < 0 ? ret : 1;
}

/* --- checking all of it --- */

struct walk {
	const struct img_er *im;
	uint64_t *dirs; /* owned: folders still to be read */
	size_t n, cap;
	uint64_t seen;
	char last[NAME_ROOM]; /* name before this one in the folder */
};

static int no_fault(void *ctx, const char *name, const void *value, size_t len, struct cs_err *err)
{
	(void)ctx;
	(void)name;
	(void)value;
	(void)len;
	(void)err;
	return 0;
}

static int push(struct walk *w, uint64_t nid, struct cs_err *err)
{
	if (++w->seen > w->im->inodes)
		return bad(err, "its folders go in a circle");
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 64;
		uint64_t *p = reallocarray(w->dirs, cap, sizeof(*p));

		if (!p)
			return cs_err_set(err, ENOMEM, "check an image: out of memory");
		w->dirs = p;
		w->cap = cap;
	}
	w->dirs[w->n++] = nid;
	return 0;
}

/* All data of a file that is there; a hole is passed over as a whole. */
static int check_data(const struct img_er *im, const struct img_er_inode *i, struct cs_err *err)
{
	uint8_t buf[16 * 1024];
	uint64_t off = 0;

	while (off < i->size) {
		uint64_t at = 0, n = 0;
		bool hole = false;
		int ret = locate(im, i, off, &at, &n, &hole, err);

		if (ret == 0 && !hole) {
			n = n < sizeof(buf) ? n : sizeof(buf);
			ret = get(im, at, buf, (size_t)n, err);
		}
		if (ret < 0)
			return ret;
		off += n;
	}
	return 0;
}

static int check_entry(void *ctx, const char *name, size_t len, uint64_t nid, struct cs_err *err)
{
	struct walk *w = ctx;
	struct img_er_inode i = { .nid = 0 };
	char now[256];
	int ret;

	if (len == 0 || len > 255 || memchr(name, '/', len))
		return bad(err, "a name");
	memcpy(now, name, len);
	now[len] = '\0';
	if (strcmp(w->last, now) >= 0)
		return bad(err, "names are out of order");
	memcpy(w->last, now, len + 1);
	ret = img_er_inode(w->im, nid, &i, err);
	if (ret < 0 || (len == 1 && name[0] == '.') || (len == 2 && !memcmp(name, "..", 2)))
		return ret;
	ret = img_er_xattrs(w->im, &i, no_fault, NULL, err);
	if (ret == 0 && (S_ISREG(i.mode) || S_ISLNK(i.mode)))
		ret = check_data(w->im, &i, err);
	if (ret == 0 && S_ISDIR(i.mode))
		ret = push(w, nid, err);
	return ret;
}

int img_er_check(const struct img_er *im, struct cs_err *err)
{
	struct walk w = { .im = im };
	int ret = push(&w, im->root, err);

	while (ret == 0 && w.n > 0) {
		struct img_er_inode i = { .nid = 0 };

		ret = img_er_inode(im, w.dirs[--w.n], &i, err);
		w.last[0] = '\0';
		if (ret == 0)
			ret = img_er_xattrs(im, &i, no_fault, NULL, err);
		if (ret == 0)
			ret = img_er_dir(im, &i, check_entry, &w, err);
	}
	free(w.dirs);
	return ret;
}
