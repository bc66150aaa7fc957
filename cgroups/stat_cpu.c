#include "cgroups/stat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"

enum { TEXT_MAX = 4096 };

static const uint64_t ns_per_s = UINT64_C(1000000000);
static const uint64_t ns_per_us = UINT64_C(1000);

struct usage {
	uint64_t total, user, kernel;			     /* ns */
	uint64_t periods, throttled_periods, throttled_time; /* the last in ns */
};

static uint64_t key(const char *text, const char *name)
{
	uint64_t v = 0;

	cg_text_key(text, name, &v);
	return v;
}

static void read_v1(const struct cg *cg, struct usage *u)
{
	int acct = cg_v1_hier(cg->host, CG_CTL_CPUACCT);
	int cpu = cg_v1_hier(cg->host, CG_CTL_CPU);
	uint64_t tick_ns = ns_per_s / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[TEXT_MAX];

	u->total = cg_stat_u64(cg, acct, "cpuacct.usage");
	if (acct >= 0 && cg_file_read(cg, (size_t)acct, "cpuacct.stat", text, sizeof(text)) > 0) {
		u->user = key(text, "user") * tick_ns;
		u->kernel = key(text, "system") * tick_ns;
	}
	if (cpu >= 0 && cg_file_read(cg, (size_t)cpu, "cpu.stat", text, sizeof(text)) > 0) {
		u->periods = key(text, "nr_periods");
		u->throttled_periods = key(text, "nr_throttled");
		u->throttled_time = key(text, "throttled_time");
	}
}

static void read_v2(const struct cg *cg, struct usage *u)
{
	char text[TEXT_MAX];

	if (cg_file_read(cg, (size_t)cg->host->v2, "cpu.stat", text, sizeof(text)) <= 0)
		return;
	u->total = key(text, "usage_usec") * ns_per_us;
	u->user = key(text, "user_usec") * ns_per_us;
	u->kernel = key(text, "system_usec") * ns_per_us;
	u->periods = key(text, "nr_periods");
	u->throttled_periods = key(text, "nr_throttled");
	u->throttled_time = key(text, "throttled_usec") * ns_per_us;
}

/* Numbers with blanks between them, as an array; every @step-th from @first (0 based) on. */
static void write_column(struct cs_jw *w, const char *name, const char *text, size_t first,
			 size_t step)
{
	cs_auto_free char *copy = strdup(text);
	char *rest = copy, *word;

	cs_jw_arr(w, name);
	for (size_t i = 0; copy && (word = strsep(&rest, " \n"));) {
		uint64_t v;

		if (!*word || cs_str_u64(word, &v) < 0)
			continue;
		if (i >= first && (i - first) % step == 0)
			cs_jw_u64(w, NULL, v);
		i++;
	}
	cs_jw_arr_end(w);
}

/* v1 counts a CPU: "cpuacct.usage_percpu" has one line of totals, "cpuacct.usage_all" a heading
 * and "0 <user> <system>" a CPU. */
static void write_percpu(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_v1_hier(cg->host, CG_CTL_CPUACCT);
	cs_auto_free char *total = NULL;
	cs_auto_free char *all = NULL;

	if (h < 0)
		return;
	if (!cg_file_read_all(cg, (size_t)h, "cpuacct.usage_percpu", &total))
		write_column(w, "percpu", total, 0, 1);
	if (!cg_file_read_all(cg, (size_t)h, "cpuacct.usage_all", &all)) {
		write_column(w, "percpu_kernel", all, 2, 3);
		write_column(w, "percpu_user", all, 1, 3);
	}
}

void cg_stat_cpu(const struct cg *cg, struct cs_jw *w)
{
	struct usage u = { 0 };

	if (cg_v1_hier(cg->host, CG_CTL_CPUACCT) >= 0 || cg->host->v2 < 0)
		read_v1(cg, &u);
	else
		read_v2(cg, &u);
	cs_jw_obj(w, "cpu");
	cs_jw_obj(w, "usage");
	cg_stat_nonzero(w, "total", u.total);
	write_percpu(cg, w);
	cs_jw_u64(w, "kernel", u.kernel);
	cs_jw_u64(w, "user", u.user);
	cs_jw_obj_end(w);
	cs_jw_obj(w, "throttling");
	cg_stat_nonzero(w, "periods", u.periods);
	cg_stat_nonzero(w, "throttledPeriods", u.throttled_periods);
	cg_stat_nonzero(w, "throttledTime", u.throttled_time);
	cs_jw_obj_end(w);
	cg_stat_psi(cg, "cpu.pressure", w);
	cs_jw_obj_end(w);
}

/* "0-1,4" as [0,1,4]; nothing when it is empty. */
static void write_list(const struct cg *cg, int h, const char *name, const char *file,
		       struct cs_jw *w)
{
	char text[TEXT_MAX];
	const char *p = text;

	if (h < 0 || cg_file_read(cg, (size_t)h, file, text, sizeof(text)) <= 0)
		return;
	cs_jw_arr(w, name);
	while (*p) {
		char *end;
		unsigned long first = strtoul(p, &end, 10);
		unsigned long last = first;

		if (end == p)
			break;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && last <= UINT16_MAX; first++)
			cs_jw_u64(w, NULL, first);
		p = *end == ',' ? end + 1 : end;
		if (p == end)
			break;
	}
	cs_jw_arr_end(w);
}

static const struct {
	const char *name, *file;
} flags[] = {
	{ "mem_hardwall", "cpuset.mem_hardwall" },
	{ "mem_exclusive", "cpuset.mem_exclusive" },
	{ "memory_migrate", "cpuset.memory_migrate" },
	{ "memory_spread_page", "cpuset.memory_spread_page" },
	{ "memory_spread_slab", "cpuset.memory_spread_slab" },
	{ "memory_pressure", "cpuset.memory_pressure" },
	{ "sched_load_balance", "cpuset.sched_load_balance" },
};

/* The settings are v1's; of v2 the CPUs and nodes that are in effect are told. */
void cg_stat_cpuset(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_stat_hier(cg, CG_CTL_CPUSET);
	bool v2 = h >= 0 && cg->host->hier[h].v2;
	int v1 = v2 ? -1 : h;
	char level[16];
	int64_t relax = 0;

	cs_jw_obj(w, "cpuset");
	write_list(cg, h, "cpus", v2 ? "cpuset.cpus.effective" : "cpuset.cpus", w);
	cs_jw_u64(w, "cpu_exclusive", cg_stat_u64(cg, v1, "cpuset.cpu_exclusive"));
	write_list(cg, h, "mems", v2 ? "cpuset.mems.effective" : "cpuset.mems", w);
	for (size_t i = 0; i < CS_LEN(flags); i++)
		cs_jw_u64(w, flags[i].name, cg_stat_u64(cg, v1, flags[i].file));
	if (v1 >= 0 && cg_file_read(cg, (size_t)v1, "cpuset.sched_relax_domain_level", level,
				    sizeof(level)) > 0)
		cs_str_i64(level, &relax);
	cs_jw_i64(w, "sched_relax_domain_level", relax);
	cs_jw_obj_end(w);
}
