#ifndef CS_ENGINE_LOGREAD_H
#define CS_ENGINE_LOGREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/log.h"

struct cs_err;
struct eng;

/* Reads what log.h writes. */

struct eng_log_entry {
	enum eng_log_stream stream;
	int64_t time_ns;
	const char *text; /* without its line end; any bytes */
	size_t len;
	bool ended; /* the line ends here; otherwise it goes on in this stream's next record */
};

/* A record of either form, which is decoded in place. EINVAL without a message: it is none, as what
 * a crash leaves of one. Pure. */
int eng_log_parse(char *line, size_t len, struct eng_log_entry *out);

struct eng_logs_opts {
	size_t tail;		    /* so many records before the end; SIZE_MAX: all */
	int64_t since_ns, until_ns; /* INT64_MIN, INT64_MAX: without bound */
	bool follow;		    /* goes on until the container has ended for good */
};

/* Returns 0 to go on, -errno to end. @entry NULL: that was all there is for now, or at all. */
typedef int (*eng_log_fn)(void *arg, const struct eng_log_entry *entry, struct cs_err *err);

/* The file in its folder that has the last of a machine's console. */
#define ENG_BOOT_LOG "boot.log"
/* Opens it. ENODATA: the container is in no machine, or has not run yet. */
int eng_boot_log(const struct eng *e, const char *id, struct cs_err *err);

int eng_logs(const struct eng *e, const char *id, const struct eng_logs_opts *o, eng_log_fn fn,
	     void *arg, struct cs_err *err);

#endif
