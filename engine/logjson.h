#ifndef CS_ENGINE_LOGJSON_H
#define CS_ENGINE_LOGJSON_H

#include <stddef.h>
#include <stdint.h>

/* Bytes as the inside of a JSON string, and back. Pure. */

/* Gives the text in pieces. A byte that is not part of well-formed UTF-8 is the lone surrogate
 * U+DC00 + byte. */
typedef void (*eng_escape_fn)(void *arg, const char *s, size_t len);
void eng_log_escape(const char *buf, size_t len, eng_escape_fn fn, void *arg);

/* Decodes the string that begins at @s[*@at] (behind its first quote), in place: the bytes are at
 * the return value, *@n of them, and *@at is behind the last quote. NULL: it is none. A lone
 * surrogate U+DC80 to U+DCFF is its byte, others are U+FFFD. */
char *eng_log_unescape(char *s, size_t len, size_t *at, size_t *n);

#endif
