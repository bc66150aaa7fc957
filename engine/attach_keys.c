#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/attach_int.h"

static int bad(const char *text, struct cs_err *err)
{
	return cs_err_set(err, EINVAL,
			  "detach keys \"%s\": give single characters and ctrl-a to ctrl-z, ctrl-@ "
			  "[ ] \\ ^ _, with commas between",
			  text);
}

/* The byte of one key of @len characters; -1: none. */
static int key(const char *s, size_t len)
{
	char c;

	if (len == 1)
		return (unsigned char)*s;
	if (len != 6 || !cs_str_starts(s, "ctrl-"))
		return -1;
	c = s[5];
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c >= '@' && c <= '_' ? c - '@' : -1;
}

int eng_detach_keys(const char *text, unsigned char *out, size_t size, struct cs_err *err)
{
	const char *s = text;
	size_t n = 0;

	if (!*text)
		return 0;
	for (;;) {
		size_t len = strcspn(s, ",");
		int k;

		if (len == 0 && *s == ',') /* the comma itself */
			len = 1;
		k = key(s, len);
		if (k < 0)
			return bad(text, err);
		if (n == size)
			return cs_err_set(err, EINVAL, "detach keys \"%s\": more than %zu", text,
					  size);
		out[n++] = (unsigned char)k;
		s += len;
		if (!*s)
			return (int)n;
		if (*s != ',' || !s[1])
			return bad(text, err);
		s++;
	}
}

/* How many of the keys the end of "the @seen keys, then @c" still is the beginning of. */
static size_t go_on(const struct eng_detach *d, unsigned char c)
{
	unsigned char text[ENG_DETACH_MAX + 1];
	size_t n = d->seen;

	memcpy(text, d->keys, n);
	text[n++] = c;
	for (size_t from = 0; from < n; from++)
		if (memcmp(text + from, d->keys, n - from) == 0)
			return n - from;
	return 0;
}

size_t eng_detach_filter(struct eng_detach *d, const char *in, size_t len, char *out, bool *detach)
{
	size_t n = 0;

	*detach = false;
	if (len == 0) {
		n = d->seen;
		memcpy(out, d->keys, n);
		d->seen = 0;
		return n;
	}
	if (d->n == 0) {
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		size_t now = go_on(d, (unsigned char)in[i]);
		size_t freed = d->seen + 1 - now; /* of those held back and this one */
		size_t old = freed < d->seen ? freed : d->seen;

		memcpy(out + n, d->keys, old);
		n += old;
		if (freed > d->seen)
			out[n++] = in[i];
		d->seen = now;
		if (now == d->n) {
			*detach = true;
			return n;
		}
	}
	return n;
}
