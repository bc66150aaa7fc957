#include "cli/nearest.h"

#include <string.h>

enum { NAME_MAX_LEN = 24 };

/* Edits (insert, delete, replace, swap of neighbours) that make @b of @a, which is of @la. Both
 * are shorter than NAME_MAX_LEN. */
static size_t distance(const char *a, size_t la, const char *b)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t *old = rows[0], *prev = rows[1], *cur = rows[2];
	size_t lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *free_row = old;

		cur[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    old[j - 2] + 1 < best)
				best = old[j - 2] + 1;
			cur[j] = best;
		}
		old = prev;
		prev = cur;
		cur = free_row;
	}
	return prev[lb];
}

struct cli_nearest cli_nearest_to(const char *word, size_t len)
{
	return (struct cli_nearest){ .word = word, .len = len, .best = len < 4 ? 2 : 3 };
}

bool cli_nearest_try(struct cli_nearest *n, const char *name)
{
	size_t d;

	if (n->len >= NAME_MAX_LEN || strlen(name) >= NAME_MAX_LEN)
		return false;
	d = distance(n->word, n->len, name);
	if (d >= n->best)
		return false;
	n->best = d;
	return true;
}
