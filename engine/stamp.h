#ifndef CS_ENGINE_STAMP_H
#define CS_ENGINE_STAMP_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* Points of time: nanoseconds since 1970. */

enum { ENG_STAMP_LEN = 30 };

/* The real-time clock. */
int64_t eng_now(void);
/* The clock that never jumps, in milliseconds. */
int64_t eng_mono_ms(void);

/* "2026-01-02T03:04:05.000000006Z": always nine digits, so that lines sort and align. */
void eng_stamp_put(int64_t ns, char out[ENG_STAMP_LEN + 1]);

/* RFC 3339: "2026-01-02T03:04:05.6Z", "…+01:00". 0, or -EINVAL without a message. Pure. */
int eng_stamp_parse(const char *s, size_t len, int64_t *ns);

/* What users give as --since and --until: RFC 3339, also without zone (UTC), seconds, or time of
 * day; Unix time with a fraction ("1700000000.25"); or how long before @now ("10m", "1h30m",
 * "2d"). EINVAL. Pure. */
int eng_when_parse(const char *s, int64_t now, int64_t *ns, struct cs_err *err);

#endif
