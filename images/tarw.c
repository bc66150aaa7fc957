#include "images/tarw.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum {
	BLOCK = 512,
	OCTAL_7 = 07777777, /* the most a field of 8 holds */
};
#define OCTAL_11 077777777777ULL

/* The header of ustar, POSIX.1-2017 pax(1). */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag;
	char linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	char prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is a block");

static void octal(char *field, size_t size, uint64_t v)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)v);

	memcpy(field, text + (n - (int)size + 1), size);
}

static int put(struct img_tarw *w, const void *buf, size_t len, struct cs_err *err)
{
	return len ? w->fn(w->ctx, buf, len, err) : 0;
}

static int pad(struct img_tarw *w, struct cs_err *err)
{
	static const char zero[BLOCK];
	size_t n = (size_t)w->pad;

	w->pad = 0;
	return put(w, zero, n, err);
}

static void copy(char *field, size_t size, const char *s)
{
	size_t len = strlen(s);

	memcpy(field, s, len < size ? len : size);
}

static int put_header(struct img_tarw *w, struct header *h, struct cs_err *err)
{
	const unsigned char *s = (const unsigned char *)h;
	unsigned int sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->chksum, ' ', sizeof(h->chksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += s[i];
	octal(h->chksum, 7, sum);
	return put(w, h, sizeof(*h), err);
}

/* "LEN KEY=VALUE\n", where LEN counts itself. */
static void pax_add(struct cs_buf *b, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, n = rest + 1;
	char text[24];

	for (;;) {
		size_t digits = (size_t)snprintf(text, sizeof(text), "%zu", n);

		if (rest + digits == n)
			break;
		n = rest + digits;
	}
	cs_buf_addf(b, "%s %s=", text, key);
	cs_buf_add_mem(b, value, len);
	cs_buf_add(b, "\n");
}

static void pax_str(struct cs_buf *b, const char *key, const char *value)
{
	pax_add(b, key, value, strlen(value));
}

/* A folder's name ends in "/". */
static void pax_name(struct cs_buf *b, const struct img_tarw_entry *e)
{
	cs_auto_buf struct cs_buf name = CS_BUF_INIT;

	cs_buf_addf(&name, "%s%s", e->path, S_ISDIR(e->mode) && !e->hardlink ? "/" : "");
	if (name.failed)
		b->failed = true;
	else
		pax_add(b, "path", name.s, name.len);
}

/* What does not fit in the header. */
static void pax_records(const struct img_tarw_entry *e, uint64_t size, struct cs_buf *b)
{
	char text[64];

	if (strlen(e->path) + (S_ISDIR(e->mode) && !e->hardlink) > 100)
		pax_name(b, e);
	if (e->target && strlen(e->target) > 100)
		pax_str(b, "linkpath", e->target);
	if (size > OCTAL_11) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
		pax_str(b, "size", text);
	}
	if (e->uid > OCTAL_7) {
		snprintf(text, sizeof(text), "%u", e->uid);
		pax_str(b, "uid", text);
	}
	if (e->gid > OCTAL_7) {
		snprintf(text, sizeof(text), "%u", e->gid);
		pax_str(b, "gid", text);
	}
	if (e->mtime.tv_nsec || e->mtime.tv_sec < 0 || (uint64_t)e->mtime.tv_sec > OCTAL_11) {
		if (e->mtime.tv_sec < 0 && e->mtime.tv_nsec) /* -1.25 is -2 s and 0.75 */
			snprintf(text, sizeof(text), "-%lld.%09ld",
				 -((long long)e->mtime.tv_sec + 1), 1000000000L - e->mtime.tv_nsec);
		else
			snprintf(text, sizeof(text), "%lld.%09ld", (long long)e->mtime.tv_sec,
				 e->mtime.tv_nsec);
		pax_str(b, "mtime", text);
	}
	for (size_t i = 0; i < e->n_xattrs && !e->hardlink; i++) {
		cs_auto_buf struct cs_buf key = CS_BUF_INIT;

		cs_buf_addf(&key, "SCHILY.xattr.%s", e->xattrs[i].name);
		if (key.failed)
			b->failed = true;
		else
			pax_add(b, key.s, e->xattrs[i].value, e->xattrs[i].len);
	}
}

static int put_pax(struct img_tarw *w, const struct img_tarw_entry *e, uint64_t size,
		   struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct header h = { .typeflag = 'x' };
	const char *base = strrchr(e->path, '/');
	char name[100];
	int ret;

	pax_records(e, size, &b);
	ret = cs_buf_ok(&b, err);
	if (ret < 0 || b.len == 0)
		return ret;
	snprintf(name, sizeof(name), "PaxHeaders/%.80s", base ? base + 1 : e->path);
	copy(h.name, sizeof(h.name), name);
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), b.len);
	octal(h.mtime, sizeof(h.mtime), 0);
	ret = put_header(w, &h, err);
	if (ret == 0)
		ret = put(w, b.s, b.len, err);
	w->pad = (BLOCK - b.len % BLOCK) % BLOCK;
	return ret < 0 ? ret : pad(w, err);
}

static char type_of(const struct img_tarw_entry *e)
{
	if (e->hardlink)
		return '1';
	switch (e->mode & S_IFMT) {
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return '0';
	}
}

int img_tarw_entry(struct img_tarw *w, const struct img_tarw_entry *e, struct cs_err *err)
{
	struct header h = { .typeflag = type_of(e) };
	uint64_t size = h.typeflag == '0' ? e->size : 0;
	int ret;

	if (w->left)
		return cs_err_set(err, EINVAL, "tar: the entry before lacks data");
	ret = put_pax(w, e, size, err);
	if (ret < 0)
		return ret;
	copy(h.name, sizeof(h.name), e->path);
	if (h.typeflag == '5' && strlen(e->path) < sizeof(h.name))
		h.name[strlen(e->path)] = '/';
	octal(h.mode, sizeof(h.mode), e->mode & 07777);
	octal(h.uid, sizeof(h.uid), e->uid > OCTAL_7 ? 0 : e->uid);
	octal(h.gid, sizeof(h.gid), e->gid > OCTAL_7 ? 0 : e->gid);
	octal(h.size, sizeof(h.size), size > OCTAL_11 ? 0 : size);
	octal(h.mtime, sizeof(h.mtime),
	      e->mtime.tv_sec < 0 || (uint64_t)e->mtime.tv_sec > OCTAL_11
		      ? 0
		      : (uint64_t)e->mtime.tv_sec);
	if (e->target)
		copy(h.linkname, sizeof(h.linkname), e->target);
	if (h.typeflag == '3' || h.typeflag == '4') {
		octal(h.major, sizeof(h.major), major(e->rdev) & OCTAL_7);
		octal(h.minor, sizeof(h.minor), minor(e->rdev) & OCTAL_7);
	}
	w->left = size;
	w->pad = (BLOCK - size % BLOCK) % BLOCK;
	return put_header(w, &h, err);
}

int img_tarw_data(struct img_tarw *w, const void *buf, size_t len, struct cs_err *err)
{
	int ret;

	if (len > w->left)
		return cs_err_set(err, EINVAL, "tar: an entry has more data than its size");
	ret = put(w, buf, len, err);
	w->left -= len;
	return ret < 0 || w->left ? ret : pad(w, err);
}

int img_tarw_end(struct img_tarw *w, struct cs_err *err)
{
	static const char zero[2 * BLOCK];

	if (w->left)
		return cs_err_set(err, EINVAL, "tar: the last entry lacks data");
	return put(w, zero, sizeof(zero), err);
}

int img_tarw_file(struct img_tarw *w, const char *path, const void *buf, size_t len,
		  struct cs_err *err)
{
	const struct img_tarw_entry e = { .path = path, .mode = S_IFREG | 0644, .size = len };
	int ret = img_tarw_entry(w, &e, err);

	return ret < 0 || len == 0 ? ret : img_tarw_data(w, buf, len, err);
}
