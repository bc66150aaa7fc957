#include "cgroups/stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"

/* One number of a device: "8:0 Read 4096", or "8:0 4096" without an operation. */
struct row {
	uint64_t major, minor, value;
	const char *op; /* NULL: none */
};

static void write_row(struct cs_jw *w, const struct row *r)
{
	cs_jw_obj(w, NULL);
	cg_stat_nonzero(w, "major", r->major);
	cg_stat_nonzero(w, "minor", r->minor);
	if (r->op)
		cs_jw_str(w, "op", r->op);
	cg_stat_nonzero(w, "value", r->value);
	cs_jw_obj_end(w);
}

/* "8:0", cut up in place. */
static bool parse_dev(char *dev, struct row *r)
{
	const char *major = strsep(&dev, ":");

	return dev && !cs_str_u64(major, &r->major) && !cs_str_u64(dev, &r->minor);
}

/* A v1 table. Lines about no device ("Total 4096") are sums and left out. */
static void write_v1(struct cs_jw *w, const char *key, char *text)
{
	bool open = false;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct row r = { .op = NULL };
		char *dev = strsep(&line, " ");
		char *word = strsep(&line, " ");

		if (!word || !parse_dev(dev, &r))
			continue;
		if (line) {
			r.op = word;
			word = line;
		}
		if (cs_str_u64(word, &r.value) < 0)
			continue;
		if (!open)
			cs_jw_arr(w, key);
		open = true;
		write_row(w, &r);
	}
	if (open)
		cs_jw_arr_end(w);
}

static const struct {
	const char *key, *file;
} tables_v1[] = {
	{ "ioServiceBytesRecursive", "io_service_bytes_recursive" },
	{ "ioServicedRecursive", "io_serviced_recursive" },
	{ "ioQueueRecursive", "io_queued_recursive" },
	{ "ioServiceTimeRecursive", "io_service_time_recursive" },
	{ "ioWaitTimeRecursive", "io_wait_time_recursive" },
	{ "ioMergedRecursive", "io_merged_recursive" },
	{ "ioTimeRecursive", "time_recursive" },
	{ "sectorsRecursive", "sectors_recursive" },
};

/* The scheduler that counts a device's I/O is not known; the one that has counted any it is. */
static void stat_v1(const struct cg *cg, size_t h, struct cs_jw *w)
{
	static const char *const prefixes[] = { "blkio.bfq.", "blkio.", "blkio.throttle." };
	char name[CG_FILE_MAX];
	size_t p = 0;

	for (; p + 1 < CS_LEN(prefixes); p++) {
		cs_auto_free char *text = NULL;

		snprintf(name, sizeof(name), "%sio_serviced_recursive", prefixes[p]);
		if (!cg_file_read_all(cg, h, name, &text) && strchr(text, ':'))
			break;
	}
	for (size_t i = 0; i < CS_LEN(tables_v1); i++) {
		cs_auto_free char *text = NULL;

		snprintf(name, sizeof(name), "%s%s", prefixes[p], tables_v1[i].file);
		if (!cg_file_read_all(cg, h, name, &text))
			write_v1(w, tables_v1[i].key, text);
	}
}

/* One of v2's columns, "rbytes=4096", as rows of operation @op. */
static void write_v2(struct cs_jw *w, const char *text, const char *column, const char *op,
		     bool *open, const char *key)
{
	cs_auto_free char *copy = strdup(text);
	char *rest = copy, *line;
	size_t len = strlen(column);

	while (copy && (line = strsep(&rest, "\n"))) {
		struct row r = { .op = op };
		char *dev = strsep(&line, " ");
		const char *word;

		if (!line || !parse_dev(dev, &r))
			continue;
		while ((word = strsep(&line, " ")) &&
		       (strncmp(word, column, len) != 0 || word[len] != '='))
			;
		if (!word || cs_str_u64(word + len + 1, &r.value) < 0)
			continue;
		if (!*open)
			cs_jw_arr(w, key);
		*open = true;
		write_row(w, &r);
	}
}

/* io.stat in v1's tables. */
static void stat_v2(const struct cg *cg, size_t h, struct cs_jw *w)
{
	static const struct {
		const char *key, *read, *write;
	} tables[] = {
		{ "ioServiceBytesRecursive", "rbytes", "wbytes" },
		{ "ioServicedRecursive", "rios", "wios" },
	};
	cs_auto_free char *text = NULL;

	if (cg_file_read_all(cg, h, "io.stat", &text) < 0)
		return;
	for (size_t i = 0; i < CS_LEN(tables); i++) {
		bool open = false;

		write_v2(w, text, tables[i].read, "Read", &open, tables[i].key);
		write_v2(w, text, tables[i].write, "Write", &open, tables[i].key);
		if (open)
			cs_jw_arr_end(w);
	}
}

void cg_stat_blkio(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_stat_hier(cg, CG_CTL_BLKIO);

	cs_jw_obj(w, "blkio");
	if (h >= 0 && cg->host->hier[h].v2)
		stat_v2(cg, (size_t)h, w);
	else if (h >= 0)
		stat_v1(cg, (size_t)h, w);
	cg_stat_psi(cg, "io.pressure", w);
	cs_jw_obj_end(w);
}
