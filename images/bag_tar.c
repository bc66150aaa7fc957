#include "images/bag_tar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/bag.h"

enum {
	BLOCK = 512,
	NAME_MAX_BYTES = 4096,
	PAX_MAX = 1 << 20,
	ENTRIES_MAX = 100000,
};

/* What the headers in front of an entry say of it. */
struct pending {
	char name[NAME_MAX_BYTES], link[NAME_MAX_BYTES]; /* "" = nothing */
	uint64_t size;
	bool has_size;
};

static int read_at(int fd, void *buf, size_t len, uint64_t off, struct cs_err *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, (char *)buf + got, len - got, (off_t)(off + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cs_err_sys(err, "read the archive");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (int)got;
}

/* Octal, or GNU's base 256. */
static int number(const unsigned char *s, size_t len, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	if (s[0] & 0x80) {
		for (i = 1; i < len; i++) {
			if (v >> 55)
				return -EBADMSG;
			v = v << 8 | s[i];
		}
		*out = v;
		return s[0] == 0x80 ? 0 : -EBADMSG;
	}
	while (i < len && s[i] == ' ')
		i++;
	for (; i < len && s[i] >= '0' && s[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(s[i] - '0');
	if (i < len && s[i] != '\0' && s[i] != ' ')
		return -EBADMSG;
	*out = v;
	return 0;
}

static bool checksum_ok(const unsigned char *h)
{
	uint64_t said = 0;
	unsigned int sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return number(h + 148, 8, &said) == 0 && said == sum;
}

/* One "LEN KEY=VALUE\n" record of a pax header; returns its length or -EBADMSG. */
static int64_t pax_record(const char *s, size_t len, struct pending *p)
{
	size_t n = 0, used = 0;
	const char *key, *eq;

	while (used < len && used < 8 && s[used] >= '0' && s[used] <= '9')
		n = n * 10 + (size_t)(s[used++] - '0');
	if (used == 0 || used + 3 > len || s[used] != ' ' || n > len || n < used + 3 ||
	    s[n - 1] != '\n')
		return -EBADMSG;
	key = s + used + 1;
	eq = memchr(key, '=', n - used - 2);
	if (!eq)
		return -EBADMSG;
	len = n - 1 - (size_t)(eq + 1 - s);
	if (eq - key == 4 && memcmp(key, "path", 4) == 0 && len < sizeof(p->name)) {
		memcpy(p->name, eq + 1, len);
		p->name[len] = '\0';
	} else if (eq - key == 8 && memcmp(key, "linkpath", 8) == 0 && len < sizeof(p->link)) {
		memcpy(p->link, eq + 1, len);
		p->link[len] = '\0';
	} else if (eq - key == 4 && memcmp(key, "size", 4) == 0) {
		char text[24] = "";

		if (len >= sizeof(text))
			return -EBADMSG;
		memcpy(text, eq + 1, len);
		if (cs_str_u64(text, &p->size) < 0)
			return -EBADMSG;
		p->has_size = true;
	}
	return (int64_t)n;
}

/* A pax header, or a GNU long name or link. */
static int read_extra(int fd, char type, uint64_t off, uint64_t size, struct pending *p,
		      struct cs_err *err)
{
	cs_auto_free char *buf = NULL;
	size_t at = 0;
	int ret;

	if (size > PAX_MAX)
		return cs_err_set(err, EFBIG, "an extended header of the archive is too long");
	buf = calloc(1, (size_t)size + 1);
	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = read_at(fd, buf, (size_t)size, off, err);
	if (ret < 0)
		return ret;
	if ((uint64_t)ret != size)
		return cs_err_set(err, EBADMSG, "the archive ends in the middle");
	if (type == 'L')
		return cs_str_fmt(p->name, sizeof(p->name), err, "%s", buf);
	if (type == 'K')
		return cs_str_fmt(p->link, sizeof(p->link), err, "%s", buf);
	while (at < size) {
		int64_t n = pax_record(buf + at, (size_t)size - at, p);

		if (n < 0)
			return cs_err_set(err, EBADMSG, "the archive has a damaged pax header");
		at += (size_t)n;
	}
	return 0;
}

/* Name or link of the header itself, where none came before. */
static void fill_names(const char *h, struct pending *p)
{
	if (!*p->name && memcmp(h + 257, "ustar", 6) == 0 && h[345])
		snprintf(p->name, sizeof(p->name), "%.155s/%.100s", h + 345, h);
	else if (!*p->name)
		snprintf(p->name, sizeof(p->name), "%.100s", h);
	if (!*p->link)
		snprintf(p->link, sizeof(p->link), "%.100s", h + 157);
}

/* What a name means: without "./" and "/" in front. */
static const char *plain_name(const char *s)
{
	for (;;) {
		if (s[0] == '.' && s[1] == '/')
			s += 2;
		else if (s[0] == '/')
			s++;
		else
			return s;
	}
}

/* Target of a symlink, from the folder the link is in; "" when it leads out. */
static void resolve_link(const char *name, const char *link, char *out, size_t size)
{
	const char *slash = strrchr(name, '/');
	size_t dir = slash ? (size_t)(slash - name) : 0;

	*out = '\0';
	while (cs_str_starts(link, "../")) {
		link += 3;
		if (dir == 0)
			return;
		while (dir > 0 && name[--dir] != '/')
			;
	}
	if (strstr(link, "..") || link[0] == '/')
		return;
	snprintf(out, size, "%.*s%s%s", (int)dir, name, dir ? "/" : "", link);
}

static int add(struct img_bag *b, char type, const struct pending *p, uint64_t off, uint64_t size,
	       struct cs_err *err)
{
	struct img_bag_entry e = { .off = off, .size = size };
	const char *name = plain_name(p->name);
	char target[2 * NAME_MAX_BYTES];

	if (b->n >= ENTRIES_MAX)
		return cs_err_set(err, EFBIG, "the archive has more than %d files", ENTRIES_MAX);
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		struct img_bag_entry *v = reallocarray(b->v, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		b->v = v;
		b->cap = cap;
	}
	e.name = strdup(name);
	if (type == '1') {
		e.link = strdup(plain_name(p->link));
	} else if (type == '2') {
		resolve_link(name, p->link, target, sizeof(target));
		e.link = strdup(target);
	}
	if (!e.name || ((type == '1' || type == '2') && !e.link)) {
		free(e.name);
		free(e.link);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	b->v[b->n++] = e;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct img_bag_entry *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	/* of two with one name the later counts */
	return c ? c : (x->off < y->off) - (x->off > y->off);
}

/* One header at @off: *@next is where the one behind it is. 1: the archive is over. */
static int scan_one(struct img_bag *b, uint64_t total, uint64_t off, struct pending *p,
		    uint64_t *next, struct cs_err *err)
{
	static const unsigned char zero[BLOCK];
	unsigned char h[BLOCK];
	uint64_t size = 0, data = off + BLOCK;
	char type;
	int ret = read_at(b->fd, h, BLOCK, off, err);

	if (ret < 0)
		return ret;
	if ((ret == 0 && off > 0) || (ret == BLOCK && memcmp(h, zero, BLOCK) == 0))
		return 1;
	if (ret != BLOCK || !checksum_ok(h))
		return cs_err_set(err, EBADMSG, off ? "the archive is damaged" : "no tar archive");
	type = (char)h[156];
	if (number(h + 124, 12, &size) < 0)
		return cs_err_set(err, EBADMSG, "the archive is damaged: a size is no number");
	if (p->has_size && type != 'x' && type != 'g' && type != 'L' && type != 'K')
		size = p->size;
	if (type == '1' || type == '2' || type == '5')
		size = 0;
	if (size > total || data > total - size)
		return cs_err_set(err, EBADMSG, "the archive ends in the middle");
	*next = data + (size + BLOCK - 1) / BLOCK * BLOCK;
	if (type == 'x' || type == 'L' || type == 'K')
		return read_extra(b->fd, type, data, size, p, err);
	if (type == '0' || type == '\0' || type == '7' || type == '1' || type == '2') {
		fill_names((const char *)h, p);
		ret = add(b, type, p, data, size, err);
	} else {
		ret = 0;
	}
	if (type != 'g')
		*p = (struct pending){ .size = 0 };
	return ret;
}

int img_bag_scan(struct img_bag *b, struct cs_err *err)
{
	cs_auto_free struct pending *p = calloc(1, sizeof(*p));
	uint64_t off = 0;
	struct stat sb;
	int ret = 0;

	if (!p)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (fstat(b->fd, &sb) < 0)
		return cs_err_sys(err, "stat the archive");
	while (ret == 0)
		ret = scan_one(b, (uint64_t)sb.st_size, off, p, &off, err);
	if (ret < 0)
		return ret;
	if (b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), by_name);
	return 0;
}
