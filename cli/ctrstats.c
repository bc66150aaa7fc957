#include "cli/ctrstats.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/imgview.h"
#include "engine/engine.h"
#include "runtime/container.h"

enum { NET_DEV_MAX = 1 << 20 };

static uint64_t number(const struct cs_json *o, const char *key)
{
	struct cs_err why = CS_ERR_INIT;
	uint64_t v = 0;

	if (o)
		cs_json_u64(o, key, &v, &why);
	return v;
}

/* "ioServiceBytesRecursive": an entry a device and direction. */
static void add_block(const struct cs_json *list, struct cli_usage *out)
{
	const struct cs_json *e;

	if (!list)
		return;
	cs_json_for_each (e, list) {
		const struct cs_json *op = cs_json_get(e, "op");

		if (!op || op->type != CS_JSON_STRING)
			continue;
		if (strcasecmp(op->str, "read") == 0)
			out->block_in += number(e, "value");
		else if (strcasecmp(op->str, "write") == 0)
			out->block_out += number(e, "value");
	}
}

void cli_usage_parse(const struct cs_json *stats, struct cli_usage *out)
{
	const struct cs_json *cpu = cs_json_get(cs_json_get(stats, "cpu"), "usage");
	const struct cs_json *memory = cs_json_get(cs_json_get(stats, "memory"), "usage");
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	out->cpu_ns = number(cpu, "total");
	out->memory = number(memory, "usage");
	out->limit = number(memory, "limit");
	if (out->limit == 0 || out->limit > machine)
		out->limit = machine;
	out->pids = number(cs_json_get(stats, "pids"), "current");
	add_block(cs_json_get(cs_json_get(stats, "blkio"), "ioServiceBytesRecursive"), out);
}

void cli_usage_net(const char *text, struct cli_usage *out)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned long long in = 0, sent = 0;
		char name[32];

		line += *line == '\n';
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own text */
		if (sscanf(line, " %31[^: ]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &in,
			   &sent) != 3 ||
		    strcmp(name, "lo") == 0)
			continue;
		out->net_in += in;
		out->net_out += sent;
	}
}

static void read_net(pid_t pid, struct cli_usage *out)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (cs_file_read(AT_FDCWD, path, NET_DEV_MAX, &text, &len, &why) == 0)
		cli_usage_net(text, out);
}

int cli_usage_get(const struct eng *e, const char *id, pid_t pid, struct cli_usage *out,
		  struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	struct cli_usage u = { 0 };
	struct timespec t;
	size_t len;

	cs_jw_obj(&w, NULL);
	if (ctr_stats(&rt, id, &w, err) < 0)
		return -err->code;
	cs_jw_obj_end(&w);
	clock_gettime(CLOCK_MONOTONIC, &t);
	u.at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	if (cs_jw_take(&w, &text, &len, err) < 0 ||
	    cs_json_parse(text, len, "stats", &doc, err) < 0)
		return -err->code;
	cli_usage_parse(doc.root, &u);
	read_net(pid, &u);
	*out = u;
	return 0;
}

/* "12.3MB / 1GB" */
static void put_pair(struct cs_jw *w, const char *key, uint64_t a, uint64_t b)
{
	char left[32], right[32], text[72];

	cli_size_text(a, left);
	cli_size_text(b, right);
	snprintf(text, sizeof(text), "%s / %s", left, right);
	cs_jw_str(w, key, text);
}

static void put_percent(struct cs_jw *w, const char *key, double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.2f%%", v);
	cs_jw_str(w, key, text);
}

static void put_usage(struct cs_jw *w, const struct cli_usage *before, const struct cli_usage *now)
{
	int64_t time = now->at_ns - before->at_ns;
	double cpu = time > 0 && now->cpu_ns > before->cpu_ns
			     ? 100.0 * (double)(now->cpu_ns - before->cpu_ns) / (double)time
			     : 0;

	put_percent(w, "CPUPerc", cpu);
	put_pair(w, "MemUsage", now->memory, now->limit);
	put_percent(w, "MemPerc",
		    now->limit ? 100.0 * (double)now->memory / (double)now->limit : 0);
	put_pair(w, "NetIO", now->net_in, now->net_out);
	put_pair(w, "BlockIO", now->block_in, now->block_out);
	cs_jw_u64(w, "PIDs", now->pids);
	cs_jw_u64(w, "CPUNano", now->cpu_ns);
	cs_jw_u64(w, "MemBytes", now->memory);
	cs_jw_u64(w, "MemLimitBytes", now->limit);
}

void cli_usage_row(struct cs_jw *w, const char *id, const char *name,
		   const struct cli_usage *before, const struct cli_usage *now)
{
	static const char *const unknown[] = { "CPUPerc", "MemPerc", "PIDs" };
	static const char *const unknown_pairs[] = { "MemUsage", "NetIO", "BlockIO" };

	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ID", id);
	cs_jw_str(w, "Container", id);
	cs_jw_str(w, "Name", name);
	if (now)
		put_usage(w, before, now);
	for (size_t i = 0; !now && i < CS_LEN(unknown); i++) {
		cs_jw_str(w, unknown[i], "--");
		cs_jw_str(w, unknown_pairs[i], "-- / --");
	}
	cs_jw_obj_end(w);
}
