#include "engine/logjson.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { LOW = 0xdc00, HIGH = 0xd800, SURROGATE_END = 0xe000, REPLACEMENT = 0xfffd };

static size_t utf8_len(const char *s, size_t len)
{
	char tail[5] = "";

	if (len >= 4)
		return cs_str_utf8_len(s);
	memcpy(tail, s, len);
	return cs_str_utf8_len(tail);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The character at @s, which is not plain. Returns how many bytes it took. */
static size_t escape_one(const char *s, size_t len, eng_escape_fn fn, void *arg)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	unsigned char c = (unsigned char)*s;
	const char *name = c ? strchr(named, c) : NULL;
	size_t n = c >= 0x80 ? utf8_len(s, len) : 0;
	char text[8];

	if (n > 0) {
		fn(arg, s, n);
		return n;
	}
	if (name) {
		text[0] = '\\';
		text[1] = letters[name - named];
		fn(arg, text, 2);
		return 1;
	}
	snprintf(text, sizeof(text), "\\u%04x", c < 0x80 ? c : LOW + c);
	fn(arg, text, 6);
	return 1;
}

void eng_log_escape(const char *buf, size_t len, eng_escape_fn fn, void *arg)
{
	size_t at = 0;

	while (at < len) {
		size_t n = 0;

		while (at + n < len && is_plain((unsigned char)buf[at + n]))
			n++;
		if (n)
			fn(arg, buf + at, n);
		else
			n = escape_one(buf + at, len - at, fn, arg);
		at += n;
	}
}

/* The four hex digits at @s[@at]; -1: they are none. */
static int hex4(const char *s, size_t len, size_t at)
{
	int v = 0;

	if (len < 4 || at > len - 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		char c = s[at + i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static size_t put_utf8(char *out, int cp)
{
	if (cp >= LOW + 0x80 && cp <= LOW + 0xff) {
		out[0] = (char)(cp - LOW);
		return 1;
	}
	if (cp >= HIGH && cp < SURROGATE_END)
		cp = REPLACEMENT;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* "uXXXX" behind a backslash, or two of them that are a pair. Returns the bytes it took, 0: it is
 * none. What it becomes is shorter than what it was. */
static size_t unescape_u(const char *s, size_t len, size_t at, char *out, size_t *n)
{
	int cp = hex4(s, len, at + 1), low;

	if (cp < 0)
		return 0;
	if (cp >= HIGH && cp < LOW && at + 6 < len && s[at + 5] == '\\' && s[at + 6] == 'u') {
		low = hex4(s, len, at + 7);
		if (low >= LOW && low < SURROGATE_END) {
			*n += put_utf8(out + *n, 0x10000 + ((cp - HIGH) << 10) + (low - LOW));
			return 11;
		}
	}
	*n += put_utf8(out + *n, cp);
	return 5;
}

char *eng_log_unescape(char *s, size_t len, size_t *at, size_t *n)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	char *out = s + *at;
	size_t i = *at;

	*n = 0;
	while (i < len && s[i] != '"') {
		const char *l;
		size_t took = 1;

		if (s[i] != '\\') {
			out[(*n)++] = s[i++];
			continue;
		}
		i++;
		if (i >= len || !s[i])
			return NULL;
		l = strchr(letters, s[i]);
		if (l)
			out[(*n)++] = bytes[l - letters];
		else
			took = s[i] == 'u' ? unescape_u(s, len, i, out, n) : 0;
		if (took == 0)
			return NULL;
		i += took;
	}
	if (i >= len)
		return NULL;
	*at = i + 1;
	return out;
}
