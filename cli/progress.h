#ifndef CS_CLI_PROGRESS_H
#define CS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct img_watch;

/*
 * Shows how far a pull or a push is, on stderr. On a terminal a line a layer, drawn anew ten times
 * a second, with bytes, rate and time left, and a total; else a plain line whenever a layer has
 * come to another state; or JSON, an object a line, for programs.
 */

enum cli_progress_mode {
	CLI_PROGRESS_NONE,
	CLI_PROGRESS_PLAIN,
	CLI_PROGRESS_TTY,
	CLI_PROGRESS_JSON,
};

/* "auto" (or NULL: as the terminal is), "tty", "plain", "json", "none". EINVAL: another one. */
int cli_progress_parse(const char *text, enum cli_progress_mode *out, struct cs_err *err);

struct cli_progress;

/* @verb: what is done with bytes, "downloading". NULL when out of memory. */
struct cli_progress *cli_progress_new(enum cli_progress_mode mode, const char *verb);
void cli_progress_free(struct cli_progress *p); /* NULL is allowed */

/* What a pull or push is given. */
const struct img_watch *cli_progress_watch(struct cli_progress *p);

/* --- pure, for tests ---------------------------------------------------------------------------
 */

/* "999 B", "1.2 kB", "95.1 MB" */
void cli_progress_bytes(uint64_t n, char out[16]);
/* "3 s", "2 min 5 s", "1 h 2 min" */
void cli_progress_time(uint64_t seconds, char out[32]);

/* A line to show. */
struct cli_progress_line {
	const char *name;  /* "4f4fb700ef54", "total" */
	const char *state; /* "downloading" */
	uint64_t done, size;
	uint64_t rate; /* bytes a second; 0: not shown, and no time left either */
	bool numbers;  /* done and size are shown */
};
/* Without a newline, cut to @columns. */
void cli_progress_text(const struct cli_progress_line *l, size_t columns, char *out, size_t size);

#endif
