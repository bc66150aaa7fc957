#ifndef CS_ENGINE_USAGE_H
#define CS_ENGINE_USAGE_H

#include <stdint.h>

/* How much of the disk containers and volumes take. */

/*
 * Bytes of @name (a file or folder of @dir) and all below it, as blocks on the disk: no symlink is
 * followed, no mount crossed, a hard link counts for its share. What vanishes meanwhile, cannot be
 * read or is nested deeper than 200 folders is left out. Changes nothing.
 */
uint64_t eng_usage(int dir, const char *name);

#endif
