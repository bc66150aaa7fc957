#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/digest.h"
#include "images/erofs_int.h"

enum {
	SMALL = 64,	   /* bytes of an attribute that may stand behind the first inode with it */
	INLINE_MAX = 2048, /* all of these together */
	SEEN_FIRST = 256,
};

/* The prefix's index and the rest of the name. */
static unsigned int split(const char *name, const char **rest)
{
	for (unsigned int i = 1; i < IMG_EROFS_PREFIXES; i++)
		if (cs_str_starts(name, img_erofs_prefix[i])) {
			*rest = name + strlen(img_erofs_prefix[i]);
			return i;
		}
	return 0;
}

/* One attribute as it stands on disk, padded to 4 bytes; the caller frees it. */
static uint8_t *pack(const struct img_xattr *x, size_t *len, struct cs_err *err)
{
	const char *rest = NULL;
	unsigned int index = split(x->name, &rest);
	size_t n;
	uint8_t *p;

	if (!index || strlen(rest) > UINT8_MAX || x->len > UINT16_MAX) {
		cs_err_set(err, EINVAL, "extended attribute \"%.100s\" has no form in EROFS",
			   x->name);
		return NULL;
	}
	n = strlen(rest);
	*len = (IMG_EROFS_X_ENTRY + n + x->len + 3) & ~(size_t)3;
	p = calloc(1, *len);
	if (!p) {
		cs_err_set(err, ENOMEM, "write extended attributes: out of memory");
		return NULL;
	}
	p[0] = (uint8_t)n;
	p[1] = (uint8_t)index;
	img_put16(p + 2, (uint16_t)x->len);
	memcpy(p + IMG_EROFS_X_ENTRY, rest, n);
	memcpy(p + IMG_EROFS_X_ENTRY + n, x->value, x->len);
	return p;
}

static struct img_erofs_seen *slot(struct img_erofs_seen *table, size_t size, const uint8_t *sha)
{
	uint64_t h = 0;
	size_t i;

	for (i = 0; i < 16; i++) /* its digits are hex: each is 4 bits of the hash */
		h = h << 4 | (uint64_t)(sha[i] <= '9' ? sha[i] - '0' : sha[i] - 'a' + 10);
	for (i = h & (size - 1); table[i].sha[0] || table[i].sha[1] || table[i].id;
	     i = (i + 1) & (size - 1))
		if (memcmp(table[i].sha, sha, sizeof(table[i].sha)) == 0)
			break;
	return &table[i];
}

static int grow_seen(struct img_erofs *w, struct cs_err *err)
{
	size_t size = w->seen_size ? w->seen_size * 2 : SEEN_FIRST;
	struct img_erofs_seen *t;

	if ((size + w->seen_size) * sizeof(*t) > w->lim.max_memory / 4)
		return cs_err_set(err, EFBIG,
				  "the layer has more than %zu different extended attributes, "
				  "the limit",
				  w->seen_n);
	t = calloc(size, sizeof(*t));
	if (!t)
		return cs_err_set(err, ENOMEM, "write extended attributes: out of memory");
	for (size_t i = 0; i < w->seen_size; i++)
		if (w->seen[i].sha[0] || w->seen[i].sha[1] || w->seen[i].id)
			*slot(t, size, w->seen[i].sha) = w->seen[i];
	free(w->seen);
	w->seen = t;
	w->seen_size = size;
	return 0;
}

/* Was this attribute met before? *@fresh says no; it is noted. */
static struct img_erofs_seen *look(struct img_erofs *w, const uint8_t *p, size_t len, bool *fresh,
				   struct cs_err *err)
{
	struct img_digest d = IMG_DIGEST_NONE;
	uint8_t sha[sizeof(w->seen[0].sha)];
	struct img_erofs_seen *s;

	if (w->seen_n * 2 >= w->seen_size && grow_seen(w, err) < 0)
		return NULL;
	if (img_sha_buf(p, len, &d, err) < 0)
		return NULL;
	memcpy(sha, d.hex, sizeof(sha)); /* 24 digits: 96 bits, and never zero */
	s = slot(w->seen, w->seen_size, sha);
	*fresh = !s->sha[0];
	if (*fresh) {
		memcpy(s->sha, sha, sizeof(sha));
		w->seen_n++;
	}
	return s;
}

/* Puts the attribute where every inode can point to it. */
static int share(struct img_erofs *w, const uint8_t *p, size_t len, uint64_t *id,
		 struct cs_err *err)
{
	uint64_t at = 0;
	uint8_t *mem = NULL;
	int ret;

	if (len <= IMG_EROFS_BLOCK) {
		ret = img_erofs_meta(w, len, 4, &at, &mem, err);
		if (ret == 0)
			memcpy(mem, p, len);
	} else {
		ret = img_erofs_blocks(w, (len + IMG_EROFS_BLOCK - 1) / IMG_EROFS_BLOCK, &at, err);
		at <<= IMG_EROFS_BITS;
		if (ret == 0)
			ret = img_erofs_out(w, at, p, len, err);
	}
	if (ret < 0)
		return ret;
	*id = at / 4;
	if (*id > UINT32_MAX)
		return cs_err_set(err, EFBIG, "extended attributes beyond the first 16 GiB");
	return 0;
}

/* Where one attribute goes: 1 when it is shared (and its id in *@id), 0 when it stands inline. */
static int place(struct img_erofs *w, const uint8_t *p, size_t len, size_t inline_len, uint64_t *id,
		 struct cs_err *err)
{
	bool fresh = false;
	struct img_erofs_seen *s = look(w, p, len, &fresh, err);
	int ret;

	if (!s)
		return -err->code;
	if (fresh && len <= SMALL && inline_len + len <= INLINE_MAX)
		return 0;
	if (!s->id) {
		ret = share(w, p, len, &s->id, err);
		if (ret < 0)
			return ret;
	}
	*id = s->id;
	return 1;
}

int img_erofs_xattrs(struct img_erofs *w, const struct img_xattr *x, size_t n,
		     uint8_t out[IMG_EROFS_IBODY_MAX], size_t *len, struct cs_err *err)
{
	uint8_t inl[INLINE_MAX], *ids = out + IMG_EROFS_X_HEADER;
	size_t inl_len = 0, shared = 0;

	*len = 0;
	if (n == 0)
		return 0;
	memset(out, 0, IMG_EROFS_X_HEADER);
	for (size_t i = 0; i < n; i++) {
		cs_auto_free uint8_t *p = NULL;
		uint64_t id = 0;
		size_t plen = 0;
		int ret;

		p = pack(&x[i], &plen, err);
		if (!p)
			return -err->code;
		ret = place(w, p, plen, inl_len, &id, err);
		if (ret < 0)
			return ret;
		if (ret == 0) {
			memcpy(inl + inl_len, p, plen);
			inl_len += plen;
			continue;
		}
		if (shared == UINT8_MAX)
			return cs_err_set(err, EFBIG, "more than %d extended attributes",
					  UINT8_MAX);
		img_put32(ids + 4 * shared++, (uint32_t)id);
	}
	out[IMG_EROFS_X_COUNT] = (uint8_t)shared;
	memcpy(ids + 4 * shared, inl, inl_len);
	*len = IMG_EROFS_X_HEADER + 4 * shared + inl_len;
	return 0;
}
