#ifndef CS_BASE_LOG_H
#define CS_BASE_LOG_H

#include <stdbool.h>

enum cs_log_level {
	CS_LOG_ERROR,
	CS_LOG_WARN,
	CS_LOG_INFO,
	CS_LOG_DEBUG,
};

enum cs_log_format {
	CS_LOG_TEXT, /* "caisson-oci: warning: text" on a terminal or file */
	CS_LOG_JSON, /* runc's: {"level":"warning","msg":"text","time":"RFC 3339"} a line */
};

/* Where and what to log. @fd is borrowed (STDERR_FILENO by default), must stay open. */
void cs_log_setup(int fd, enum cs_log_format format, enum cs_log_level max, const char *prog);

/* Logs one line, one write(2). Keeps errno. Does nothing above the set level. */
void cs_log(enum cs_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where it is logged to: for who closes all other fds. */
int cs_log_fd(void);

/* Is @level logged? For work that only a message needs. */
bool cs_log_on(enum cs_log_level level);

#endif
