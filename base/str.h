#ifndef CS_BASE_STR_H
#define CS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* A growing string builder. Initialise with CS_BUF_INIT. An allocation failure sticks
 * (failed = true) and later calls do nothing: check once at the end with cs_buf_ok(). */
struct cs_buf {
	char *s;    /* owned; NUL-terminated once anything was added */
	size_t len; /* without the NUL */
	size_t cap;
	bool failed;
};
#define CS_BUF_INIT ((struct cs_buf){ 0 })

void cs_buf_add(struct cs_buf *b, const char *s);
void cs_buf_add_mem(struct cs_buf *b, const void *p, size_t len);
void cs_buf_addf(struct cs_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 0, or -ENOMEM when any earlier call failed. */
int cs_buf_ok(const struct cs_buf *b, struct cs_err *err);
/* Moves the string out (never NULL when cs_buf_ok()); the caller frees it. */
char *cs_buf_take(struct cs_buf *b);
/* Frees; idempotent. For cs_auto_buf. */
void cs_buf_fini(struct cs_buf *b);
#define cs_auto_buf CS_CLEANUP(cs_buf_fini) /* needs base/cleanup.h */

/* snprintf() into a fixed buffer that fails with ENAMETOOLONG instead of truncating. */
int cs_str_fmt(char *out, size_t size, struct cs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Strict decimal: digits only (a leading '-' for the signed one), the whole string, in range.
 * Return 0 or -EINVAL/-ERANGE without a message: the caller knows what the text was for. */
int cs_str_u64(const char *s, uint64_t *out);
int cs_str_i64(const char *s, int64_t *out);

/* Replaces each control character (C0, DEL, and C1 in UTF-8) of @s by '?': what comes from a
 * container or a config must neither steer a terminal nor fake a second line. */
void cs_str_plain(char *s);

/* Length of the well-formed UTF-8 sequence at @s (RFC 3629: no overlong form, no surrogate,
 * nothing past U+10FFFF); 0 when there is none. Looks no further than a NUL, which counts as one.
 */
size_t cs_str_utf8_len(const char *s);

bool cs_str_starts(const char *s, const char *prefix);
/* Is @s one of the @n strings of @list? */
bool cs_str_in(const char *s, const char *const *list, size_t n);

#endif
