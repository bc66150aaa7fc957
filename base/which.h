#ifndef CS_BASE_WHICH_H
#define CS_BASE_WHICH_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the program @name as a shell would, by $PATH (/usr/local/bin:/usr/bin:/bin if that is not
 * set or empty), of which only absolute folders count: not what is where we happen to stand. false:
 * it is not there, or its path not shorter than @size. */
bool cs_which(const char *name, char *out, size_t size);

#endif
