#ifndef CS_CLI_TIMETEXT_H
#define CS_CLI_TIMETEXT_H

#include <stdint.h>

enum { CLI_TIME_TEXT = 64 };

/* Nanoseconds of Unix time as Go's RFC3339Nano prints them, in UTC: "2026-01-02T03:04:05.06Z", the
 * fraction without trailing zeros. Not by gmtime(3), which reads the time zone's file first. */
void cli_time_text(int64_t ns, char out[CLI_TIME_TEXT]);

#endif
