#include "cli/pscols.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char blanks[] = " \t";

/* The end of the line at @s. */
static const char *line_end(const char *s)
{
	return s + strcspn(s, "\n");
}

/* The start of the next word of the line that ends at @end, NULL if there is none. */
static const char *next_word(const char *s, const char *end)
{
	s += strspn(s, blanks);
	return s < end ? s : NULL;
}

static size_t word_len(const char *s)
{
	return strcspn(s, " \t\n");
}

/* The number of the column "PID", -1 if there is none. */
static int pid_column(const char *line, const char *end)
{
	const char *w = next_word(line, end);

	for (int col = 0; w; col++) {
		size_t len = word_len(w);

		if (len == 3 && memcmp(w, "PID", 3) == 0)
			return col;
		w = next_word(w + len, end);
	}
	return -1;
}

static bool is_listed(const char *line, const char *end, int col, const pid_t *pids, size_t n)
{
	const char *w = next_word(line, end);
	unsigned long pid = 0;

	for (; w && col > 0; col--)
		w = next_word(w + word_len(w), end);
	if (!w)
		return false;
	for (size_t i = 0, len = word_len(w); i < len; i++) {
		if (w[i] < '0' || w[i] > '9' || i > 9)
			return false;
		pid = pid * 10 + (unsigned long)(w[i] - '0');
	}
	for (size_t i = 0; i < n; i++) {
		if (pids[i] > 0 && (unsigned long)pids[i] == pid)
			return true;
	}
	return false;
}

int cli_pscols_filter(const char *text, const pid_t *pids, size_t n, struct cs_buf *out,
		      struct cs_err *err)
{
	const char *end = line_end(text);
	int col = pid_column(text, end);

	if (col < 0)
		return cs_err_set(err, EINVAL, "output of ps has no column PID");
	cs_buf_add_mem(out, text, (size_t)(end - text));
	cs_buf_add(out, "\n");
	while (*end) {
		text = end + 1;
		end = line_end(text);
		if (!is_listed(text, end, col, pids, n))
			continue;
		cs_buf_add_mem(out, text, (size_t)(end - text));
		cs_buf_add(out, "\n");
	}
	return 0;
}
