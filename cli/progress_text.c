#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/progress.h"

/* A line of progress as text. */

void cli_progress_bytes(uint64_t n, char out[16])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t tenths = n / 100;
	size_t u = 0;

	if (n < 1000) {
		snprintf(out, 16, "%u B", (unsigned int)n);
		return;
	}
	while (tenths >= 10000 && u + 1 < CS_LEN(units)) {
		tenths /= 1000;
		u++;
	}
	snprintf(out, 16, "%u.%u %s", (unsigned int)(tenths / 10) % 100000,
		 (unsigned int)(tenths % 10), units[u]);
}

void cli_progress_time(uint64_t seconds, char out[32])
{
	if (seconds < 60)
		snprintf(out, 32, "%u s", (unsigned int)seconds);
	else if (seconds < 3600)
		snprintf(out, 32, "%u min %u s", (unsigned int)(seconds / 60),
			 (unsigned int)(seconds % 60));
	else if (seconds < 360000)
		snprintf(out, 32, "%u h %u min", (unsigned int)(seconds / 3600),
			 (unsigned int)(seconds % 3600 / 60));
	else
		snprintf(out, 32, "days");
}

void cli_progress_text(const struct cli_progress_line *l, size_t columns, char *out, size_t size)
{
	char done[16], all[16], rate[16], left[32];
	size_t n, len;

	snprintf(out, size, "%-12.12s  %-19s", l->name, l->state);
	if (l->numbers) {
		cli_progress_bytes(l->done, done);
		cli_progress_bytes(l->size, all);
		len = strlen(out);
		snprintf(out + len, size - len, "  %9s / %-9s", done, all);
	}
	if (l->numbers && l->rate && l->done < l->size) {
		cli_progress_bytes(l->rate, rate);
		cli_progress_time((l->size - l->done) / l->rate, left);
		len = strlen(out);
		snprintf(out + len, size - len, "  %9s/s  %s left", rate, left);
	}
	n = strlen(out);
	if (columns && n > columns)
		n = columns;
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}
