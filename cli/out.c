#include "cli/out.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"

int cli_out(const struct cs_buf *b, struct cs_err *err)
{
	int ret = cs_buf_ok(b, err);

	if (ret < 0)
		return ret;
	ret = cs_fd_write_all(STDOUT_FILENO, b->s, b->len, err);
	if (ret < 0)
		return cs_err_wrap(err, "standard output");
	return 0;
}

int cli_out_json(struct cs_jw *w, bool newline, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = cs_jw_take(w, &text, &len, err);

	if (ret < 0)
		return ret;
	cs_buf_add_mem(&b, text, len);
	if (newline)
		cs_buf_add(&b, "\n");
	return cli_out(&b, err);
}

void cli_json_strings(struct cs_jw *w, const char *key, const char *const *v, size_t n)
{
	cs_jw_arr(w, key);
	for (size_t i = 0; i < n && v[i]; i++)
		cs_jw_str(w, NULL, v[i]);
	cs_jw_arr_end(w);
}

int cli_table_add(struct cli_table *t, const char *text, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(text);
	char **cells = NULL;

	if (copy)
		cells = reallocarray(t->cells, t->n_cells + 1, sizeof(*cells));
	if (!cells)
		return cs_err_set(err, ENOMEM, "out of memory");
	t->cells = cells;
	t->cells[t->n_cells++] = cs_take_ptr(&copy);
	return 0;
}

static void put(struct cs_buf *out, const char *text, size_t width)
{
	cs_buf_add(out, text);
	for (size_t n = strlen(text); n < width; n++)
		cs_buf_add(out, " ");
}

static size_t column_width(const struct cli_table *t, size_t col)
{
	size_t width = strlen(t->head[col]);

	for (size_t i = col; i < t->n_cells; i += t->n_cols) {
		size_t len = strlen(t->cells[i]);

		width = len > width ? len : width;
	}
	return width + 3 > 12 ? width + 3 : 12;
}

void cli_table_format(const struct cli_table *t, struct cs_buf *out)
{
	cs_auto_free size_t *width = calloc(t->n_cols, sizeof(*width));

	if (!width) {
		out->failed = true;
		return;
	}
	/* the last column is not padded: its width stays 0 */
	for (size_t c = 0; c + 1 < t->n_cols; c++)
		width[c] = column_width(t, c);
	for (size_t c = 0; c < t->n_cols; c++)
		put(out, t->head[c], width[c]);
	cs_buf_add(out, "\n");
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t c = i % t->n_cols;

		put(out, t->cells[i], width[c]);
		if (c + 1 == t->n_cols)
			cs_buf_add(out, "\n");
	}
}

void cli_table_fini(struct cli_table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->n_cells = 0;
}
