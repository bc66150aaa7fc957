#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/tar_int.h"

/* A record's value: @v is followed by a newline, not by a NUL. */
struct value {
	const char *v;
	size_t len;
};

static int bad(const char *key, struct cs_err *err)
{
	char shown[65];

	cs_str_fmt(shown, sizeof(shown), &(struct cs_err){ 0 }, "%.64s", key);
	cs_str_plain(shown);
	return cs_err_set(err, EBADMSG, "tar's extended header is damaged: bad value of %s", shown);
}

static int parse_u64(struct value s, uint64_t *out)
{
	char tmp[24];

	if (s.len == 0 || s.len >= sizeof(tmp))
		return -EINVAL;
	memcpy(tmp, s.v, s.len);
	tmp[s.len] = '\0';
	return strlen(tmp) == s.len ? cs_str_u64(tmp, out) : -EINVAL;
}

/* "1700000000", "-1.5": seconds, rounded down, and what is more. */
static int parse_time(struct value s, int64_t *sec, uint32_t *nsec)
{
	const char *dot = memchr(s.v, '.', s.len);
	size_t whole = dot ? (size_t)(dot - s.v) : s.len;
	bool neg = s.len > 0 && s.v[0] == '-';
	uint64_t x = 0;
	uint32_t frac = 0, scale = 100000000;

	if (parse_u64((struct value){ s.v + neg, whole - neg }, &x) < 0 || x > (1ULL << 60))
		return -EINVAL;
	for (size_t i = whole + 1; i < s.len; i++) {
		if (s.v[i] < '0' || s.v[i] > '9')
			return -EINVAL;
		frac += (uint32_t)(s.v[i] - '0') * scale;
		scale /= 10;
	}
	*sec = neg ? -(int64_t)x : (int64_t)x;
	if (neg && frac > 0) {
		*sec -= 1;
		frac = 1000000000 - frac;
	}
	*nsec = frac;
	return 0;
}

static int set_text(struct cs_buf *b, struct value s, bool *has, struct cs_err *err)
{
	if (s.len >= IMG_PATH_MAX)
		return cs_err_set(err, ENAMETOOLONG, "a path in the tar is longer than %d bytes",
				  IMG_PATH_MAX - 1);
	if (memchr(s.v, 0, s.len))
		return cs_err_set(err, EBADMSG, "a path in the tar has a NUL in it");
	b->len = 0;
	cs_buf_add_mem(b, s.v, s.len);
	*has = s.len > 0;
	return cs_buf_ok(b, err);
}

/* --- extended attributes --- */

/* Those that nothing is ever kept of are not even stored; img_apply looks at the rest. */
static bool is_kept(struct value name)
{
	static const char *const prefixes[] = { "user.", "trusted.", "security.",
						"system.posix_acl_" };

	for (size_t i = 0; i < CS_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (name.len > len && memcmp(name.v, prefixes[i], len) == 0)
			return true;
	}
	return false;
}

/* The attribute's text, behind the others'. */
static int add_text(struct img_tar_pax *p, struct value name, struct value v,
		    struct img_tar_xattr *x, const struct img_limits *lim, struct cs_err *err)
{
	*x = (struct img_tar_xattr){ .name = p->text.len, .len = v.len };
	p->xattr_bytes += name.len + v.len + 16;
	if (p->xattr_bytes > lim->max_xattrs)
		return cs_err_set(
			err, EFBIG,
			"an entry's extended attributes are more than %u bytes, the limit",
			lim->max_xattrs);
	cs_buf_add_mem(&p->text, name.v, name.len);
	cs_buf_add_mem(&p->text, "", 1);
	x->value = p->text.len;
	cs_buf_add_mem(&p->text, v.v, v.len);
	return cs_buf_ok(&p->text, err);
}

/* An attribute whose name is not among those there are. */
static int append_xattr(struct img_tar_pax *p, const struct img_tar_xattr *x, struct cs_err *err)
{
	if (p->n_xattrs == IMG_XATTRS_MAX)
		return cs_err_set(err, EFBIG,
				  "an entry has more than %d extended attributes, the limit",
				  IMG_XATTRS_MAX);
	if (p->n_xattrs == p->cap_xattrs) {
		size_t cap = p->cap_xattrs ? p->cap_xattrs * 2 : 8;
		struct img_tar_xattr *xs = reallocarray(p->xattrs, cap, sizeof(*xs));

		if (!xs)
			return cs_err_set(err, ENOMEM, "read extended attributes: out of memory");
		p->xattrs = xs;
		p->cap_xattrs = cap;
	}
	p->xattrs[p->n_xattrs++] = *x;
	return 0;
}

static int add_xattr(struct img_tar_pax *p, struct value name, struct value v,
		     const struct img_limits *lim, struct cs_err *err)
{
	struct img_tar_xattr x;
	int ret;

	if (name.len == 0 || name.len > IMG_NAME_MAX || memchr(name.v, 0, name.len))
		return cs_err_set(err, EBADMSG, "an extended attribute's name in the tar is bad");
	if (!is_kept(name))
		return 0;
	ret = add_text(p, name, v, &x, lim, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < p->n_xattrs; i++)
		if (strcmp(p->text.s + p->xattrs[i].name, p->text.s + x.name) == 0) {
			p->xattrs[i] = x;
			return 0;
		}
	return append_xattr(p, &x, err);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int b64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* libarchive's base64: '=' or the end stop it. Returns the length, or -1. */
static ptrdiff_t b64_decode(struct value v, char *out)
{
	uint32_t acc = 0;
	ptrdiff_t n = 0;
	int bits = 0;

	for (size_t i = 0; i < v.len && v.v[i] != '='; i++) {
		int d = b64_digit(v.v[i]);

		if (d < 0)
			return -1;
		acc = (acc << 6 | (uint32_t)d) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(acc >> bits & 0xff);
		}
	}
	return n;
}

/* LIBARCHIVE.xattr.<name, %-encoded>=<base64> */
static int libarchive_xattr(struct img_tar_pax *p, struct value key, struct value v,
			    const struct img_limits *lim, struct cs_err *err)
{
	char name[3 * (size_t)IMG_NAME_MAX];
	char *value;
	ptrdiff_t len;
	size_t n = 0;
	int ret;

	if (key.len >= sizeof(name))
		return bad("LIBARCHIVE.xattr", err);
	for (size_t i = 0; i < key.len; i++) {
		int hi = -1, lo = -1;

		if (key.v[i] == '%' && i + 2 < key.len) {
			hi = hex_digit(key.v[i + 1]);
			lo = hex_digit(key.v[i + 2]);
		}
		if (hi >= 0 && lo >= 0) {
			name[n++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			name[n++] = key.v[i];
		}
	}
	value = malloc(v.len + 1);
	if (!value)
		return cs_err_set(err, ENOMEM, "read extended attributes: out of memory");
	len = b64_decode(v, value);
	if (len < 0)
		ret = bad("LIBARCHIVE.xattr", err);
	else
		ret = add_xattr(p, (struct value){ name, n }, (struct value){ value, (size_t)len },
				lim, err);
	free(value);
	return ret;
}

/* --- sparse files --- */

/* 0.0: GNU.sparse.offset and .numbytes in turn. */
static int sparse_00(struct img_tar_pax *p, bool offset, uint64_t x, const struct img_limits *lim,
		     struct cs_err *err)
{
	if (p->map.half == offset)
		return bad("GNU.sparse.offset", err);
	if (offset) {
		int ret = img_tar_sparse_add(&p->map, x, 0, lim, err);

		if (ret < 0)
			return ret;
	} else {
		p->map.v[p->map.n - 1].len = x;
	}
	p->map.half = offset;
	p->sparse = true;
	return 0;
}

/* 0.1: GNU.sparse.map=off,len,off,len */
static int sparse_01(struct img_tar_pax *p, struct value s, const struct img_limits *lim,
		     struct cs_err *err)
{
	const char *at = s.v, *end = s.v + s.len;
	bool offset = true;

	img_tar_sparse_reset(&p->map);
	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;
		uint64_t x = 0;
		int ret;

		if (parse_u64((struct value){ at, (size_t)(stop - at) }, &x) < 0)
			return bad("GNU.sparse.map", err);
		ret = sparse_00(p, offset, x, lim, err);
		if (ret < 0)
			return ret;
		offset = !offset;
		at = comma ? comma + 1 : end;
	}
	p->sparse = true;
	return offset ? 0 : bad("GNU.sparse.map", err);
}

static int sparse_record(struct img_tar_pax *p, const char *key, struct value s,
			 const struct img_limits *lim, struct cs_err *err)
{
	uint64_t x = 0;

	if (strcmp(key, "name") == 0)
		return set_text(&p->path, s, &p->has_path, err);
	if (strcmp(key, "map") == 0)
		return sparse_01(p, s, lim, err);
	if (parse_u64(s, &x) < 0)
		return bad("GNU.sparse", err);
	if (strcmp(key, "offset") == 0)
		return sparse_00(p, true, x, lim, err);
	if (strcmp(key, "numbytes") == 0)
		return sparse_00(p, false, x, lim, err);
	if (strcmp(key, "size") == 0 || strcmp(key, "realsize") == 0) {
		p->real = x;
		p->has_real = true;
		p->sparse = true;
	} else if (strcmp(key, "major") == 0) {
		p->sparse_major = x > 9 ? 9 : (uint32_t)x;
	} else if (strcmp(key, "minor") == 0) {
		p->sparse_minor = x > 9 ? 9 : (uint32_t)x;
	}
	return 0;
}

/* --- records --- */

static int number_record(const char *key, struct value s, uint64_t *out, bool *has,
			 struct cs_err *err)
{
	*has = s.len > 0;
	return s.len > 0 && parse_u64(s, out) < 0 ? bad(key, err) : 0;
}

/* What an entry's own header may say besides what a global one may. */
static int own_record(struct img_tar_pax *p, const char *key, struct value s,
		      const struct img_limits *lim, struct cs_err *err)
{
	if (strcmp(key, "path") == 0) /* GNU.sparse.name is the true one of a sparse file */
		return p->sparse && p->has_path ? 0 : set_text(&p->path, s, &p->has_path, err);
	if (strcmp(key, "linkpath") == 0)
		return set_text(&p->link, s, &p->has_link, err);
	if (strcmp(key, "size") == 0)
		return number_record(key, s, &p->size, &p->has_size, err);
	if (strcmp(key, "SCHILY.devmajor") == 0)
		return number_record(key, s, &p->dev_major, &p->has_dev, err);
	if (strcmp(key, "SCHILY.devminor") == 0)
		return number_record(key, s, &p->dev_minor, &p->has_dev, err);
	if (cs_str_starts(key, "GNU.sparse."))
		return sparse_record(p, key + strlen("GNU.sparse."), s, lim, err);
	return 0;
}

static int record(struct img_tar_pax *p, const char *key, size_t key_len, struct value s,
		  bool global, const struct img_limits *lim, struct cs_err *err)
{
	static const char schily[] = "SCHILY.xattr.", libarchive[] = "LIBARCHIVE.xattr.";
	size_t skip = sizeof(schily) - 1;

	if (cs_str_starts(key, schily))
		return add_xattr(p, (struct value){ key + skip, key_len - skip }, s, lim, err);
	skip = sizeof(libarchive) - 1;
	if (cs_str_starts(key, libarchive))
		return libarchive_xattr(p, (struct value){ key + skip, key_len - skip }, s, lim,
					err);
	if (strcmp(key, "uid") == 0)
		return number_record(key, s, &p->uid, &p->has_uid, err);
	if (strcmp(key, "gid") == 0)
		return number_record(key, s, &p->gid, &p->has_gid, err);
	if (strcmp(key, "mtime") == 0) {
		p->has_mtime = s.len > 0;
		if (s.len > 0 && parse_time(s, &p->mtime, &p->mtime_nsec) < 0)
			return bad(key, err);
		return 0;
	}
	return global ? 0 : own_record(p, key, s, lim, err);
}

/* "<length of the whole record> <key>=<value>\n" at @buf; returns that length. */
static ptrdiff_t one_record(struct img_tar_pax *p, const char *buf, size_t len, bool global,
			    const struct img_limits *lim, struct cs_err *err)
{
	const char *space = memchr(buf, ' ', len < 12 ? len : 12);
	const char *eq, *end;
	char key[sizeof("LIBARCHIVE.xattr.") + IMG_NAME_MAX * (size_t)3];
	uint64_t n = 0;
	size_t key_len;
	int ret;

	if (!space || parse_u64((struct value){ buf, (size_t)(space - buf) }, &n) < 0 || n > len ||
	    n < (size_t)(space - buf) + 4 || buf[n - 1] != '\n')
		return cs_err_set(err, EBADMSG, "tar's extended header is damaged");
	end = buf + n - 1;
	eq = memchr(space + 1, '=', (size_t)(end - space - 1));
	if (!eq || eq == space + 1)
		return cs_err_set(err, EBADMSG, "tar's extended header is damaged");
	key_len = (size_t)(eq - space - 1);
	if (key_len >= sizeof(key)) /* nothing we know */
		return (ptrdiff_t)n;
	memcpy(key, space + 1, key_len);
	key[key_len] = '\0';
	ret = record(p, key, key_len, (struct value){ eq + 1, (size_t)(end - eq - 1) }, global, lim,
		     err);
	return ret < 0 ? ret : (ptrdiff_t)n;
}

int img_tar_pax_parse(struct img_tar_pax *p, const char *buf, size_t len, bool global,
		      const struct img_limits *lim, struct cs_err *err)
{
	size_t at = 0;

	while (at < len) {
		ptrdiff_t n = one_record(p, buf + at, len - at, global, lim, err);

		if (n < 0)
			return (int)n;
		at += (size_t)n;
	}
	if (p->map.half)
		return bad("GNU.sparse.numbytes", err);
	if (p->sparse_major == 1 && p->sparse_minor == 0) {
		p->sparse = p->sparse_10 = true;
		img_tar_sparse_reset(&p->map);
	} else if (p->sparse_major > 0) {
		return cs_err_set(err, ENOTSUP, "a sparse file's form %u.%u is not known",
				  p->sparse_major, p->sparse_minor);
	}
	return 0;
}

int img_tar_pax_inherit(struct img_tar_pax *p, const struct img_tar_pax *global,
			const struct img_limits *lim, struct cs_err *err)
{
	if (global->has_uid && !p->has_uid)
		p->uid = global->uid;
	if (global->has_gid && !p->has_gid)
		p->gid = global->gid;
	if (global->has_mtime && !p->has_mtime) {
		p->mtime = global->mtime;
		p->mtime_nsec = global->mtime_nsec;
	}
	p->has_uid |= global->has_uid;
	p->has_gid |= global->has_gid;
	p->has_mtime |= global->has_mtime;
	for (size_t i = 0, own = p->n_xattrs; i < global->n_xattrs; i++) {
		const struct img_tar_xattr *x = &global->xattrs[i];
		const char *name = global->text.s + x->name;
		struct img_tar_xattr copy;
		size_t j;
		int ret;

		for (j = 0; j < own; j++)
			if (strcmp(p->text.s + p->xattrs[j].name, name) == 0)
				break;
		if (j < own)
			continue;
		ret = add_text(p, (struct value){ name, strlen(name) },
			       (struct value){ global->text.s + x->value, x->len }, &copy, lim,
			       err);
		if (ret == 0)
			ret = append_xattr(p, &copy, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

void img_tar_pax_reset(struct img_tar_pax *p)
{
	struct img_tar_pax keep = *p;

	*p = (struct img_tar_pax){
		.path = keep.path,
		.link = keep.link,
		.text = keep.text,
		.map = keep.map,
		.xattrs = keep.xattrs,
		.cap_xattrs = keep.cap_xattrs,
	};
	p->path.len = p->link.len = p->text.len = 0;
	img_tar_sparse_reset(&p->map);
}

void img_tar_pax_fini(struct img_tar_pax *p)
{
	cs_buf_fini(&p->path);
	cs_buf_fini(&p->link);
	cs_buf_fini(&p->text);
	free(p->map.v);
	free(p->xattrs);
	*p = (struct img_tar_pax){ 0 };
}
