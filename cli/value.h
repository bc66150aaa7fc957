#ifndef CS_CLI_VALUE_H
#define CS_CLI_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Values of options, as Go's strconv and time packages and docker's unit parser read them. Pure;
 * return 0, -EINVAL (not of that form) or -ERANGE without a message: the caller names the option.
 */

/* "1", "t", "true", "True", "TRUE" and their opposites. */
int cli_value_bool(const char *s, bool *out);

/* Bytes: a decimal number, maybe with a fraction and a blank, then maybe one of k m g t p in
 * either case (powers of 1024), then maybe "i", then maybe "b". "-1" is -1 (no limit). */
int cli_value_size(const char *s, int64_t *out);

/* A duration: a sequence of decimal numbers, each with its unit: h m s ms us ns. "0" needs no
 * unit. Not negative. In milliseconds, rounded up, so that a tiny time is not zero. */
int cli_value_time_ms(const char *s, int64_t *out);

#endif
