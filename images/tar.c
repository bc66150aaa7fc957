#include "images/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/tar_int.h"

enum state {
	ST_HEADER,     /* a block is being filled */
	ST_META,       /* text of an extended header or a long name */
	ST_SPARSE_EXT, /* a further block of GNU sparse pieces is being filled */
	ST_MAP,	       /* pax 1.0: a block of the map in front of the data is being filled */
	ST_DATA,
	ST_SKIP, /* data nobody wants, and padding */
	ST_DONE,
};

#define SIZE_MAX_FILE (1ULL << 44) /* 16 TiB, holes included */

struct img_tar {
	const struct img_tar_ops *ops;
	void *ctx;
	struct img_limits lim;
	enum state state;
	uint8_t block[IMG_TAR_BLOCK];
	size_t have;  /* of the block */
	bool zero;    /* one empty block was read */
	bool pending; /* an extended header waits for its entry */
	uint64_t entries;

	struct img_tar_header h;
	struct img_tar_pax pax, global;
	struct img_tar_sparse map; /* GNU's old form */
	struct cs_buf long_path, long_link;
	struct cs_buf meta;
	uint64_t left; /* bytes of data or text still to come */
	uint64_t skip; /* and of what follows it up to the next header */

	struct img_entry e; /* the entry whose data comes */
	struct img_xattr *xattrs;
	size_t cap_xattrs;
	uint64_t off; /* in the file */
	size_t piece; /* of a sparse file */

	uint64_t num;	  /* pax 1.0 map: number being read */
	bool num_some;	  /* it has a digit */
	bool num_count;	  /* the count was read */
	uint64_t num_off; /* offset waiting for its length */
	bool num_half;
	bool num_over; /* all were read */
};

int img_tar_new(const struct img_tar_ops *ops, void *ctx, const struct img_limits *limits,
		struct img_tar **out, struct cs_err *err)
{
	struct img_tar *t = calloc(1, sizeof(*t));

	if (!t)
		return cs_err_set(err, ENOMEM, "begin to read a tar: out of memory");
	t->ops = ops;
	t->ctx = ctx;
	t->lim = img_limits_fill(limits);
	*out = t;
	return 0;
}

void img_tar_free(struct img_tar *t)
{
	if (!t)
		return;
	img_tar_pax_fini(&t->pax);
	img_tar_pax_fini(&t->global);
	cs_buf_fini(&t->long_path);
	cs_buf_fini(&t->long_link);
	cs_buf_fini(&t->meta);
	free(t->map.v);
	free(t->xattrs);
	free(t);
}

uint64_t img_tar_entries(const struct img_tar *t)
{
	return t->entries;
}

static uint64_t padding(uint64_t size)
{
	return (IMG_TAR_BLOCK - size % IMG_TAR_BLOCK) % IMG_TAR_BLOCK;
}

/* The entry is over: what was said of it is forgotten. */
static void next_entry(struct img_tar *t)
{
	img_tar_pax_reset(&t->pax);
	img_tar_sparse_reset(&t->map);
	t->long_path.len = t->long_link.len = 0;
	t->pending = false;
	t->num_count = t->num_half = t->num_over = t->num_some = false;
	t->num = 0;
	t->state = t->skip > 0 ? ST_SKIP : ST_HEADER;
}

/* --- from headers to an entry --- */

static int entry_type(const struct img_tar *t, enum img_type *out, struct cs_err *err)
{
	size_t len = strlen(t->e.path);

	switch (t->h.type) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		*out = len > 0 && t->e.path[len - 1] == '/' ? IMG_TYPE_DIR : IMG_TYPE_REG;
		return 0;
	case '1':
		*out = IMG_TYPE_LINK;
		return 0;
	case '2':
		*out = IMG_TYPE_SYM;
		return 0;
	case '3':
		*out = IMG_TYPE_CHR;
		return 0;
	case '4':
		*out = IMG_TYPE_BLK;
		return 0;
	case '5':
	case 'D': /* GNU: a folder with a list of names as its data */
		*out = IMG_TYPE_DIR;
		return 0;
	case '6':
		*out = IMG_TYPE_FIFO;
		return 0;
	default:
		return cs_err_set(err, ENOTSUP, "tar entry of an unknown kind (flag 0x%02x)",
				  (unsigned char)t->h.type);
	}
}

static const char *pick(const struct cs_buf *pax, bool has, const struct cs_buf *gnu,
			const char *plain)
{
	if (has)
		return pax->s;
	return gnu->len > 0 ? gnu->s : plain;
}

static int entry_xattrs(struct img_tar *t, struct cs_err *err)
{
	const struct img_tar_pax *p = &t->pax;

	if (p->n_xattrs > t->cap_xattrs) {
		struct img_xattr *x = reallocarray(t->xattrs, p->n_xattrs, sizeof(*x));

		if (!x)
			return cs_err_set(err, ENOMEM, "read extended attributes: out of memory");
		t->xattrs = x;
		t->cap_xattrs = p->n_xattrs;
	}
	for (size_t i = 0; i < p->n_xattrs; i++)
		t->xattrs[i] = (struct img_xattr){
			.name = p->text.s + p->xattrs[i].name,
			.value = p->text.s + p->xattrs[i].value,
			.len = p->xattrs[i].len,
		};
	t->e.xattrs = t->xattrs;
	t->e.n_xattrs = p->n_xattrs;
	return 0;
}

static int entry_ids(struct img_tar *t, struct cs_err *err)
{
	uint64_t uid = t->pax.has_uid ? t->pax.uid : t->h.uid;
	uint64_t gid = t->pax.has_gid ? t->pax.gid : t->h.gid;
	uint64_t major = t->pax.has_dev ? t->pax.dev_major : t->h.major;
	uint64_t minor = t->pax.has_dev ? t->pax.dev_minor : t->h.minor;

	/* The last one is (uid_t)-1, "nobody at all". */
	if (uid >= UINT32_MAX || gid >= UINT32_MAX)
		return cs_err_set(err, EOVERFLOW, "owner %llu:%llu is no user of Linux",
				  (unsigned long long)uid, (unsigned long long)gid);
	if (major >= 1U << 12 || minor >= 1U << 20)
		return cs_err_set(err, EOVERFLOW, "device %llu:%llu is none of Linux",
				  (unsigned long long)major, (unsigned long long)minor);
	t->e.uid = (uint32_t)uid;
	t->e.gid = (uint32_t)gid;
	t->e.major = (uint32_t)major;
	t->e.minor = (uint32_t)minor;
	return 0;
}

/* Sizes, and which parts of a sparse file are there. */
static int entry_size(struct img_tar *t, uint64_t stored, struct cs_err *err)
{
	struct img_tar_sparse *map = t->h.type == 'S' ? &t->map : &t->pax.map;
	int ret;

	t->e.sparse = t->h.type == 'S' || t->pax.sparse;
	t->e.size = stored;
	if (t->e.sparse) {
		if (t->h.type != 'S' && !t->pax.has_real)
			return cs_err_set(err, EBADMSG, "a sparse file has no size");
		t->e.size = t->h.type == 'S' ? t->h.real : t->pax.real;
		ret = img_tar_sparse_check(map, t->e.size, stored, err);
		if (ret < 0)
			return ret;
		t->e.extents = map->v;
		t->e.n_extents = map->n;
	}
	if (t->e.size > SIZE_MAX_FILE)
		return cs_err_set(err, EFBIG, "a file is larger than 16 TiB");
	return 0;
}

/* Says "entry PATH: " in front. */
static int wrap(const struct img_tar *t, struct cs_err *err)
{
	char shown[200];

	cs_str_fmt(shown, sizeof(shown), &(struct cs_err){ 0 }, "%.199s",
		   t->e.path ? t->e.path : "");
	cs_str_plain(shown);
	return cs_err_wrap(err, "%s", shown);
}

/* Hands the entry on; @stored bytes of data follow (regular files only). */
static int emit(struct img_tar *t, uint64_t stored, struct cs_err *err)
{
	int ret = entry_size(t, stored, err);

	if (ret == 0)
		ret = entry_xattrs(t, err);
	if (ret < 0)
		return wrap(t, err);
	if (++t->entries > t->lim.max_entries)
		return cs_err_set(err, EFBIG, "more than %u entries, the limit",
				  t->lim.max_entries);
	ret = t->ops->entry(t->ctx, &t->e, err);
	if (ret < 0)
		return ret;
	t->left = stored;
	t->off = 0;
	t->piece = 0;
	t->state = ST_DATA;
	if (stored > 0)
		return 0;
	if (t->e.type == IMG_TYPE_REG)
		ret = t->ops->end(t->ctx, err);
	next_entry(t);
	return ret;
}

static int check_names(const struct img_tar *t, struct cs_err *err)
{
	bool link = t->e.type == IMG_TYPE_LINK || t->e.type == IMG_TYPE_SYM;

	if (!*t->e.path)
		return cs_err_set(err, EBADMSG, "a tar entry has no name");
	if (strlen(t->e.path) >= IMG_PATH_MAX)
		return cs_err_set(err, ENAMETOOLONG, "a path in the tar is longer than %d bytes",
				  IMG_PATH_MAX - 1);
	if (link && !*t->e.link)
		return cs_err_set(err, EBADMSG, "a link to nothing");
	if (link && strlen(t->e.link) >= IMG_PATH_MAX)
		return cs_err_set(err, ENAMETOOLONG, "its target is longer than %d bytes",
				  IMG_PATH_MAX - 1);
	return 0;
}

/* All headers of the entry are read. */
static int begin_entry(struct img_tar *t, struct cs_err *err)
{
	uint64_t stored = t->pax.has_size ? t->pax.size : t->h.size;
	int ret = img_tar_pax_inherit(&t->pax, &t->global, &t->lim, err);

	if (ret < 0)
		return ret;
	t->e = (struct img_entry){
		.path = pick(&t->pax.path, t->pax.has_path, &t->long_path, t->h.path),
		.link = pick(&t->pax.link, t->pax.has_link, &t->long_link, t->h.link),
		.mode = t->h.mode,
		.mtime = t->pax.has_mtime ? t->pax.mtime : t->h.mtime,
		.mtime_nsec = t->pax.has_mtime ? t->pax.mtime_nsec : 0,
	};
	ret = entry_type(t, &t->e.type, err);
	if (ret == 0)
		ret = check_names(t, err);
	if (ret == 0)
		ret = entry_ids(t, err);
	if (ret < 0)
		return wrap(t, err);
	if (t->e.type != IMG_TYPE_LINK && t->e.type != IMG_TYPE_SYM)
		t->e.link = "";
	if (stored > SIZE_MAX_FILE)
		return cs_err_set(err, EFBIG, "%.200s: larger than 16 TiB", t->e.path);
	if (t->e.type != IMG_TYPE_REG) {
		/* Other writers than GNU's leave a size in headers of what has no data. */
		t->skip = t->h.type == 'D' ? stored + padding(stored) : 0;
		t->pax.sparse = t->pax.sparse_10 = false;
		return emit(t, 0, err);
	}
	t->skip = padding(stored);
	if (t->pax.sparse_10 && t->h.type != 'S') {
		t->left = stored;
		t->have = 0;
		t->state = ST_MAP;
		return 0;
	}
	return emit(t, stored, err);
}

/* --- blocks --- */

static int begin_meta(struct img_tar *t, struct cs_err *err)
{
	if (t->h.size > IMG_PAX_MAX)
		return cs_err_set(err, EFBIG,
				  "an extended header of the tar is larger than %d bytes",
				  IMG_PAX_MAX);
	t->left = t->h.size;
	t->skip = padding(t->h.size);
	t->meta.len = 0;
	t->pending = t->h.type != 'g';
	t->state = ST_META;
	return 0;
}

static int on_header(struct img_tar *t, struct cs_err *err)
{
	int ret;

	if (img_tar_is_zero(t->block)) {
		if (t->zero && t->pending)
			return cs_err_set(err, EBADMSG, "the tar ends in the middle of an entry");
		if (t->zero)
			t->state = ST_DONE;
		t->zero = true;
		return 0;
	}
	if (t->zero)
		return cs_err_set(err, EBADMSG,
				  "the tar is damaged: one empty block in its middle");
	ret = img_tar_header(t->block, &t->h, &t->map, &t->lim, err);
	if (ret < 0)
		return ret;
	switch (t->h.type) {
	case 'x':
	case 'X':
	case 'g':
	case 'L':
	case 'K':
		return begin_meta(t, err);
	case 'V': /* a label */
		t->skip = t->h.size + padding(t->h.size);
		next_entry(t);
		return 0;
	default:
		break;
	}
	if (t->h.type == 'S' && t->h.gnu_sparse_ext) {
		t->state = ST_SPARSE_EXT;
		return 0;
	}
	return begin_entry(t, err);
}

static int on_meta(struct img_tar *t, struct cs_err *err)
{
	int ret = 0;

	t->state = t->skip > 0 ? ST_SKIP : ST_HEADER;
	switch (t->h.type) {
	case 'L':
	case 'K': {
		struct cs_buf *b = t->h.type == 'L' ? &t->long_path : &t->long_link;

		b->len = 0;
		cs_buf_add(b, t->meta.s ? t->meta.s : "");
		return cs_buf_ok(b, err);
	}
	case 'g':
		ret = img_tar_pax_parse(&t->global, t->meta.s, t->meta.len, true, &t->lim, err);
		break;
	default:
		ret = img_tar_pax_parse(&t->pax, t->meta.s, t->meta.len, false, &t->lim, err);
		break;
	}
	return ret;
}

static int on_sparse_block(struct img_tar *t, struct cs_err *err)
{
	int ret = img_tar_sparse_block(t->block, &t->map, &t->lim, err);

	return ret == 0 ? begin_entry(t, err) : ret < 0 ? ret : 0;
}

/* One number of the map is complete. */
static int map_number(struct img_tar *t, struct cs_err *err)
{
	struct img_tar_sparse *map = &t->pax.map;
	int ret = 0;

	if (!t->num_count) {
		map->want = t->num;
		t->num_count = true;
	} else if (!t->num_half) {
		t->num_off = t->num;
		t->num_half = true;
	} else {
		ret = img_tar_sparse_add(map, t->num_off, t->num, &t->lim, err);
		t->num_half = false;
	}
	t->num = 0;
	t->num_some = false;
	t->num_over = !t->num_half && map->n == map->want;
	return ret;
}

static int on_map_block(struct img_tar *t, struct cs_err *err)
{
	for (size_t i = 0; i < IMG_TAR_BLOCK && !t->num_over; i++) {
		uint8_t c = t->block[i];
		int ret = 0;

		if (c >= '0' && c <= '9' && t->num < UINT64_MAX / 100) {
			t->num = t->num * 10 + (uint64_t)(c - '0');
			t->num_some = true;
		} else if (c == '\n' && t->num_some) {
			ret = map_number(t, err);
		} else {
			ret = cs_err_set(err, EBADMSG, "a sparse file's map is damaged");
		}
		if (ret < 0)
			return wrap(t, err);
	}
	t->left -= IMG_TAR_BLOCK;
	return t->num_over ? emit(t, t->left, err) : 0;
}

/* --- bytes --- */

/* Fills the block; 1 when it is full. */
static int fill(struct img_tar *t, const uint8_t **buf, size_t *len)
{
	size_t n = IMG_TAR_BLOCK - t->have;

	if (n > *len)
		n = *len;
	memcpy(t->block + t->have, *buf, n);
	t->have += n;
	*buf += n;
	*len -= n;
	if (t->have < IMG_TAR_BLOCK)
		return 0;
	t->have = 0;
	return 1;
}

static int take_meta(struct img_tar *t, const uint8_t **buf, size_t *len, struct cs_err *err)
{
	size_t n = t->left < *len ? (size_t)t->left : *len;

	cs_buf_add_mem(&t->meta, *buf, n);
	*buf += n;
	*len -= n;
	t->left -= n;
	if (cs_buf_ok(&t->meta, err) < 0)
		return -err->code;
	return t->left == 0 ? on_meta(t, err) : 0;
}

/* Up to the end of the data, or of the sparse piece. */
static int take_data(struct img_tar *t, const uint8_t **buf, size_t *len, struct cs_err *err)
{
	uint64_t n = t->left < *len ? t->left : *len;
	uint64_t at = t->off;
	int ret;

	if (t->e.sparse) {
		const struct img_extent *x = &t->e.extents[t->piece];

		if (n > x->len - t->off)
			n = x->len - t->off;
		at = x->off + t->off;
	}
	ret = t->ops->data(t->ctx, at, *buf, (size_t)n, err);
	if (ret < 0)
		return ret;
	t->off += n;
	if (t->e.sparse && t->off == t->e.extents[t->piece].len) {
		t->piece++;
		t->off = 0;
	}
	*buf += n;
	*len -= (size_t)n;
	t->left -= n;
	if (t->left > 0)
		return 0;
	ret = t->ops->end(t->ctx, err);
	next_entry(t);
	return ret;
}

static void take_skip(struct img_tar *t, const uint8_t **buf, size_t *len)
{
	size_t n = t->skip < *len ? (size_t)t->skip : *len;

	*buf += n;
	*len -= n;
	t->skip -= n;
	if (t->skip == 0)
		t->state = ST_HEADER;
}

static int step(struct img_tar *t, const uint8_t **buf, size_t *len, struct cs_err *err)
{
	switch (t->state) {
	case ST_HEADER:
		return fill(t, buf, len) ? on_header(t, err) : 0;
	case ST_SPARSE_EXT:
		return fill(t, buf, len) ? on_sparse_block(t, err) : 0;
	case ST_MAP:
		if (t->left < IMG_TAR_BLOCK)
			return cs_err_set(err, EBADMSG, "a sparse file's map is damaged");
		return fill(t, buf, len) ? on_map_block(t, err) : 0;
	case ST_META:
		return take_meta(t, buf, len, err);
	case ST_DATA:
		return take_data(t, buf, len, err);
	case ST_SKIP:
		take_skip(t, buf, len);
		return 0;
	case ST_DONE:
	default:
		*len = 0;
		return 0;
	}
}

int img_tar_write(struct img_tar *t, const void *buf, size_t len, struct cs_err *err)
{
	const uint8_t *p = buf;

	while (len > 0) {
		int ret = step(t, &p, &len, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int img_tar_end(struct img_tar *t, struct cs_err *err)
{
	/* Some writers leave out the padding of the last entry. */
	if (t->state == ST_DONE || (t->state == ST_SKIP && t->skip < IMG_TAR_BLOCK) ||
	    (t->state == ST_HEADER && t->have == 0 && !t->pending))
		return 0;
	return cs_err_set(err, EBADMSG, "the tar ends in the middle of an entry");
}
