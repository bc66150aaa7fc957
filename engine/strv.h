#ifndef CS_ENGINE_STRV_H
#define CS_ENGINE_STRV_H

#include "engine/record.h"

struct cs_arena;

/* Vectors of strings that grow in an arena: for records that are being made. */

/* Puts @s (borrowed, not copied) at the end. A vector that was not made here is copied first. */
int eng_strv_add(struct cs_arena *a, struct eng_strv *v, const char *s, struct cs_err *err);

/* A formatted string in the arena; NULL when out of memory (@err is set). */
const char *eng_strf(struct cs_arena *a, struct cs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Is @s one of them? */
bool eng_strv_has(const struct eng_strv *v, const char *s);

/* The string of "KEY=VALUE" (or "KEY" alone) whose key is that of @pair; its index, or n. */
size_t eng_strv_key(const struct eng_strv *v, const char *pair);

/* Sets "KEY=VALUE": in the place of the one with this key, else at the end. */
int eng_strv_set(struct cs_arena *a, struct eng_strv *v, const char *pair, struct cs_err *err);

#endif
