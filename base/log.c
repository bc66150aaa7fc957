#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 4096 };

/* The one global: where a process logs to. */
static struct {
	int fd;
	enum cs_log_format format;
	enum cs_log_level max;
	const char *prog;
} sink = { STDERR_FILENO, CS_LOG_TEXT, CS_LOG_WARN, "caisson" };

static const char *const level_names[] = {
	[CS_LOG_ERROR] = "error",
	[CS_LOG_WARN] = "warning",
	[CS_LOG_INFO] = "info",
	[CS_LOG_DEBUG] = "debug",
};

void cs_log_setup(int fd, enum cs_log_format format, enum cs_log_level max, const char *prog)
{
	sink.fd = fd;
	sink.format = format;
	sink.max = max;
	sink.prog = prog;
}

int cs_log_fd(void)
{
	return sink.fd;
}

bool cs_log_on(enum cs_log_level level)
{
	return level <= sink.max;
}

/* A line that cannot be written has nowhere to be reported. */
static void emit(const char *line, size_t len)
{
	ssize_t n;

	do
		n = write(sink.fd, line, len);
	while (n < 0 && errno == EINTR);
}

static void emit_text(enum cs_log_level level, const char *msg)
{
	char line[LINE_MAX_BYTES];
	size_t len;

	if (snprintf(line, sizeof(line) - 1, "%s: %s: %s", sink.prog, level_names[level], msg) < 0)
		return;
	cs_str_plain(line);
	len = strlen(line);
	line[len] = '\n';
	emit(line, len + 1);
}

static void emit_json(enum cs_log_level level, const char *msg)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	char stamp[sizeof("2000-01-01T00:00:00Z")] = "";
	time_t now = time(NULL);
	struct tm tm;

	/* UTC: local time would have to read the time zone's file. */
	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "level", level_names[level]);
	cs_jw_str(&w, "msg", msg);
	cs_jw_str(&w, "time", stamp);
	cs_jw_obj_end(&w);
	cs_buf_add(&w.buf, "\n");
	if (!w.buf.failed)
		emit(w.buf.s, w.buf.len);
}

void cs_log(enum cs_log_level level, const char *fmt, ...)
{
	char msg[LINE_MAX_BYTES - 256];
	int saved = errno;
	va_list ap;

	if (!cs_log_on(level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		msg[0] = '\0';
	va_end(ap);
	if (sink.format == CS_LOG_JSON)
		emit_json(level, msg);
	else
		emit_text(level, msg);
	errno = saved;
}
