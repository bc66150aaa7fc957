#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_MIN = 1024,
	CHUNK_MAX = 1024 * 1024,
	ALIGN = 8, /* of a pointer or a 64-bit number */
};

struct chunk {
	struct chunk *next;
	_Alignas(ALIGN) char mem[];
};

/* In the newest chunk structs grow up from its start, texts down from its end, so that neither
 * wastes a byte on the other's alignment. */
struct cs_arena {
	struct chunk *newest; /* owned */
	char *low;	      /* between the two it is free */
	char *high;
	size_t next_size;
};

struct cs_arena *cs_arena_new(size_t hint)
{
	struct cs_arena *a = calloc(1, sizeof(*a));

	if (a)
		a->next_size = hint < CHUNK_MIN ? CHUNK_MIN : hint > CHUNK_MAX ? CHUNK_MAX : hint;
	return a;
}

void cs_arena_free(struct cs_arena *a)
{
	struct chunk *c = a ? a->newest : NULL;

	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
	free(a);
}

/* Makes room for @size bytes, in a new chunk if need be: one of their own when they are many. */
static bool make_room(struct cs_arena *a, size_t size)
{
	size_t room = size > a->next_size ? size : a->next_size;
	struct chunk *c;

	if (a->newest && (size_t)(a->high - a->low) >= size)
		return true;
	if (room > SIZE_MAX / 2)
		return false;
	c = malloc(sizeof(*c) + room);
	if (!c)
		return false;
	c->next = a->newest;
	a->newest = c;
	a->low = c->mem;
	a->high = c->mem + room;
	if (a->next_size < CHUNK_MAX)
		a->next_size *= 2;
	return true;
}

void *cs_arena_alloc(struct cs_arena *a, size_t size)
{
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!make_room(a, size))
		return NULL;
	p = a->low;
	a->low += size;
	return p;
}

char *cs_arena_str(struct cs_arena *a, const void *s, size_t len)
{
	if (len > SIZE_MAX / 2 || !make_room(a, len + 1))
		return NULL;
	a->high -= len + 1;
	memcpy(a->high, s, len);
	a->high[len] = '\0';
	return a->high;
}
