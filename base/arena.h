#ifndef CS_BASE_ARENA_H
#define CS_BASE_ARENA_H

#include <stddef.h>

/*
 * Memory that is given out piece by piece and freed all at once: what a parsed document is made
 * of. Pieces for structs are aligned for pointers and 64-bit numbers; texts are packed.
 */
struct cs_arena;

/* A new one, NULL when out of memory. @hint is about how many bytes it will hold, 0: no idea. */
struct cs_arena *cs_arena_new(size_t hint);
/* Frees it and every piece. NULL is allowed. */
void cs_arena_free(struct cs_arena *a);

/* @size bytes, not zeroed; NULL when out of memory. */
void *cs_arena_alloc(struct cs_arena *a, size_t size);

/* A copy of the @len bytes at @s with a NUL behind; NULL when out of memory. */
char *cs_arena_str(struct cs_arena *a, const void *s, size_t len);

#endif
