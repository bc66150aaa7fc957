#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Cuts a UTF-8 sequence that a full buffer split off the end of @s. */
static void trim_utf8(char *s, size_t len)
{
	size_t tail = 0;

	while (tail < len && tail < 3 && ((unsigned char)s[len - tail - 1] & 0xc0) == 0x80)
		tail++;
	if (tail < len) {
		unsigned char lead = (unsigned char)s[len - tail - 1];
		size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;

		if (want > tail)
			s[len - tail - 1] = '\0';
	}
}

/* Formats into @out, without control characters. */
__attribute__((format(printf, 3, 0))) static void format(char *out, size_t size, const char *fmt,
							 va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		trim_utf8(out, size - 1);
	cs_str_plain(out);
}

/* The C library's text for @code in its own English whatever the locale, starting in lower case
 * unless the first word is all capitals ("RFS specific error"): the form Go programs print, and
 * which docker and containerd look for in a runtime's messages. */
static void errno_text(int code, char *out, size_t size)
{
	const char *desc = strerrordesc_np(code);

	if (!desc) {
		snprintf(out, size, "error %d", code);
		return;
	}
	snprintf(out, size, "%s", desc);
	if (out[0] >= 'A' && out[0] <= 'Z' && !(out[1] >= 'A' && out[1] <= 'Z'))
		out[0] = (char)(out[0] - 'A' + 'a');
}

int(cs_err_set)(struct cs_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	assert(!err->code);
	assert(code > 0);
	err->code = code;
	va_start(ap, fmt);
	format(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -code;
}

/* The reason has its place kept: what is cut from a long message is its middle. */
__attribute__((format(printf, 3, 0))) static int set_errno(struct cs_err *err, int code,
							   const char *fmt, va_list ap)
{
	char reason[64];
	size_t len;

	assert(!err->code);
	assert(code > 0);
	errno_text(code, reason, sizeof(reason));
	err->code = code;
	format(err->msg, sizeof(err->msg) - strlen(reason) - 2, fmt, ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", reason);
	return -code;
}

int(cs_err_sys)(struct cs_err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	va_start(ap, fmt);
	set_errno(err, code, fmt, ap);
	va_end(ap);
	return -code;
}

int(cs_err_errno)(struct cs_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_errno(err, code, fmt, ap);
	va_end(ap);
	return -code;
}

int(cs_err_wrap)(struct cs_err *err, const char *fmt, ...)
{
	char prefix[sizeof(err->msg)];
	size_t len, room;
	va_list ap;

	assert(err->code > 0);
	len = strlen(err->msg);
	if (len + 2 >= sizeof(err->msg))
		return -err->code;
	/* The cause is worth more than the way to it: a full message cuts the prefix. */
	room = sizeof(err->msg) - len - 2;
	va_start(ap, fmt);
	format(prefix, room, fmt, ap);
	va_end(ap);
	room = strlen(prefix);
	memmove(err->msg + room + 2, err->msg, len + 1);
	memcpy(err->msg, prefix, room);
	memcpy(err->msg + room, ": ", 2);
	return -err->code;
}

void cs_err_clear(struct cs_err *err)
{
	err->code = 0;
	err->msg[0] = '\0';
}
