#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { BUF_FIRST = 64 };

/* Makes room for @more bytes and the NUL. */
static bool reserve(struct cs_buf *b, size_t more)
{
	size_t need, cap;
	char *s;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need) ||
	    need > SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2;
	s = realloc(b->s, cap);
	if (!s) {
		b->failed = true;
		return false;
	}
	b->s = s;
	b->cap = cap;
	return true;
}

void cs_buf_add_mem(struct cs_buf *b, const void *p, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->s + b->len, p, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void cs_buf_add(struct cs_buf *b, const char *s)
{
	cs_buf_add_mem(b, s, strlen(s));
}

void cs_buf_addf(struct cs_buf *b, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (!reserve(b, 0))
		return;
	room = b->cap - b->len;
	va_start(ap, fmt);
	n = vsnprintf(b->s + b->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room) {
		if (!reserve(b, (size_t)n)) {
			b->s[b->len] = '\0';
			return;
		}
		va_start(ap, fmt);
		n = vsnprintf(b->s + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		b->failed = true;
		b->s[b->len] = '\0';
		return;
	}
	b->len += (size_t)n;
}

int cs_buf_ok(const struct cs_buf *b, struct cs_err *err)
{
	if (b->failed)
		return cs_err_set(err, ENOMEM, "out of memory");
	return 0;
}

char *cs_buf_take(struct cs_buf *b)
{
	char *s = NULL;

	if (!b->failed && reserve(b, 0)) {
		s = b->s;
		s[b->len] = '\0';
		*b = (struct cs_buf)CS_BUF_INIT;
	}
	cs_buf_fini(b);
	return s;
}

void cs_buf_fini(struct cs_buf *b)
{
	free(b->s);
	*b = (struct cs_buf)CS_BUF_INIT;
}

int cs_str_fmt(char *out, size_t size, struct cs_err *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, size, fmt, ap);
	va_end(ap);
	if (n < 0)
		return cs_err_sys(err, "format a string");
	if ((size_t)n >= size)
		return cs_err_set(err, ENAMETOOLONG, "\"%.64s...\" is longer than %zu bytes",
				  size ? out : "", size ? size - 1 : 0);
	return 0;
}

int cs_str_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
	}
	for (; *s; s++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*out = v;
	return 0;
}

int cs_str_i64(const char *s, int64_t *out)
{
	bool neg = *s == '-';
	uint64_t mag;
	int ret;

	ret = cs_str_u64(neg ? s + 1 : s, &mag);
	if (ret < 0)
		return ret;
	if (mag > (uint64_t)INT64_MAX + neg)
		return -ERANGE;
	*out = neg ? (int64_t)(0 - mag) : (int64_t)mag;
	return 0;
}

size_t cs_str_utf8_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

void cs_str_plain(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		if (c < 0x20 || c == 0x7f || c1)
			*s = '?';
		if (c1)
			*++s = '?';
	}
}

bool cs_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool cs_str_in(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s, list[i]) == 0)
			return true;
	}
	return false;
}
