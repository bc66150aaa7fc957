#include "cgroups/stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"

struct entry {
	uint64_t limit, usage, max, failcnt;
};

static void write_entry(struct cs_jw *w, const char *key, const struct entry *e)
{
	cs_jw_obj(w, key);
	cs_jw_u64(w, "limit", e->limit);
	cg_stat_nonzero(w, "usage", e->usage);
	cg_stat_nonzero(w, "max", e->max);
	cs_jw_u64(w, "failcnt", e->failcnt);
	cs_jw_obj_end(w);
}

/* v1: "memory", "memory.memsw", "memory.kmem", "memory.kmem.tcp". */
static void entry_v1(const struct cg *cg, int h, const char *prefix, struct entry *e)
{
	const struct {
		const char *suffix;
		uint64_t *to;
	} files[] = {
		{ "limit_in_bytes", &e->limit },
		{ "usage_in_bytes", &e->usage },
		{ "max_usage_in_bytes", &e->max },
		{ "failcnt", &e->failcnt },
	};

	for (size_t i = 0; i < CS_LEN(files); i++) {
		char name[CG_FILE_MAX];

		snprintf(name, sizeof(name), "%s.%s", prefix, files[i].suffix);
		*files[i].to = cg_stat_u64(cg, h, name);
	}
}

/* v2 limits swap alone; told is, as on v1, memory and swap together. */
static void entries_v2(const struct cg *cg, int h, struct entry *memory, struct entry *swap)
{
	uint64_t limit = 0;

	memory->limit = cg_stat_u64(cg, h, "memory.max");
	memory->usage = cg_stat_u64(cg, h, "memory.current");
	memory->max = cg_stat_u64(cg, h, "memory.peak");
	cg_file_key(cg, (size_t)h, "memory.events", "max", &memory->failcnt);
	if (cg_file_u64(cg, (size_t)h, "memory.swap.max", &limit) < 0)
		return;
	swap->usage = memory->usage + cg_stat_u64(cg, h, "memory.swap.current");
	if (__builtin_add_overflow(limit, memory->limit, &swap->limit))
		swap->limit = UINT64_MAX;
}

/* Every line of memory.stat. */
static void write_raw(struct cs_jw *w, char *text)
{
	char *line;

	cs_jw_obj(w, "raw");
	while ((line = strsep(&text, "\n"))) {
		const char *name = strsep(&line, " ");
		uint64_t v;

		if (line && !cs_str_u64(line, &v))
			cs_jw_u64(w, name, v);
	}
	cs_jw_obj_end(w);
}

void cg_stat_memory(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_stat_hier(cg, CG_CTL_MEMORY);
	bool v2 = h >= 0 && cg->host->hier[h].v2;
	struct entry memory = { 0 }, swap = { 0 }, kernel = { 0 }, tcp = { 0 };
	cs_auto_free char *text = NULL;
	uint64_t cache = 0;

	if (h >= 0 && !cg_file_read_all(cg, (size_t)h, "memory.stat", &text))
		cg_text_key(text, v2 ? "file" : "cache", &cache);
	if (v2) {
		entries_v2(cg, h, &memory, &swap);
	} else {
		entry_v1(cg, h, "memory", &memory);
		entry_v1(cg, h, "memory.memsw", &swap);
		entry_v1(cg, h, "memory.kmem", &kernel);
		entry_v1(cg, h, "memory.kmem.tcp", &tcp);
	}
	cs_jw_obj(w, "memory");
	cg_stat_nonzero(w, "cache", cache);
	write_entry(w, "usage", &memory);
	write_entry(w, "swap", &swap);
	write_entry(w, "kernel", &kernel);
	write_entry(w, "kernelTCP", &tcp);
	if (text)
		write_raw(w, text);
	cg_stat_psi(cg, "memory.pressure", w);
	cs_jw_obj_end(w);
}
