#ifndef CS_CLI_NEAREST_H
#define CS_CLI_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* What was meant by a word that is none of ours. */
struct cli_nearest {
	const char *word; /* as typed; borrowed */
	size_t len;	  /* of it */
	size_t best;	  /* only what takes fewer edits is near */
};
/* @len bytes of @word; an overlong one is near to nothing. */
struct cli_nearest cli_nearest_to(const char *word, size_t len);
/* Is @name nearer than all that were asked for before? Edits are letters put in, taken out,
 * replaced, or swapped with their neighbour: two at most, one in a word of up to three letters. */
bool cli_nearest_try(struct cli_nearest *n, const char *name);

#endif
