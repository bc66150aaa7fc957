#ifndef CS_CLI_OUT_H
#define CS_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_buf;
struct cs_err;
struct cs_jw;

/* What commands print. Nothing here uses stdio: a buffer is built and written at once, so that
 * nothing is pending when the process forks. */

/* Writes the buffer to standard output; fails if building it failed. */
int cli_out(const struct cs_buf *b, struct cs_err *err);

/* Writes the JSON text and, if @newline, a line end. Takes the writer's text. */
int cli_out_json(struct cs_jw *w, bool newline, struct cs_err *err);

/* Writes an array of strings into @w; a NULL among the @n ends it. */
void cli_json_strings(struct cs_jw *w, const char *key, const char *const *v, size_t n);

/* A table of text: columns are as wide as their widest cell and three blanks, at least twelve. */
struct cli_table {
	const char *const *head;
	size_t n_cols;
	char **cells; /* owned, row by row */
	size_t n_cells;
};

/* Adds a cell (a copy). */
int cli_table_add(struct cli_table *t, const char *text, struct cs_err *err);
/* Appends the table's text to @out. */
void cli_table_format(const struct cli_table *t, struct cs_buf *out);
void cli_table_fini(struct cli_table *t);
#define cli_auto_table CS_CLEANUP(cli_table_fini) /* needs base/cleanup.h */

#endif
