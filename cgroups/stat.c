#include "cgroups/stat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum { PRESSURE_MAX = 512 };

int cg_stat_hier(const struct cg *cg, enum cg_ctl ctl)
{
	int h = cg_v1_hier(cg->host, ctl);

	return h >= 0 ? h : cg->host->v2;
}

uint64_t cg_stat_u64(const struct cg *cg, int h, const char *name)
{
	uint64_t v = 0;

	if (h >= 0)
		cg_file_u64(cg, (size_t)h, name, &v);
	return v;
}

void cg_stat_nonzero(struct cs_jw *w, const char *key, uint64_t v)
{
	if (v)
		cs_jw_u64(w, key, v);
}

/* "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234" (psi.rst). */
void cg_stat_psi_line(const char *text, const char *kind, struct cs_jw *w)
{
	double avg10 = 0, avg60 = 0, avg300 = 0;
	unsigned long long total = 0;
	const char *line = text;
	size_t len = strlen(kind);

	while (line && (strncmp(line, kind, len) != 0 || line[len] != ' ')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own text */
	if (line && sscanf(line + len, " avg10=%lf avg60=%lf avg300=%lf total=%llu", &avg10, &avg60,
			   &avg300, &total) != 4)
		avg10 = avg60 = avg300 = 0;
	cs_jw_obj(w, kind);
	cs_jw_double(w, "avg10", avg10);
	cs_jw_double(w, "avg60", avg60);
	cs_jw_double(w, "avg300", avg300);
	cs_jw_u64(w, "total", total);
	cs_jw_obj_end(w);
}

void cg_stat_psi(const struct cg *cg, const char *file, struct cs_jw *w)
{
	char text[PRESSURE_MAX];

	if (cg->v2_dir < 0 || cg_file_read(cg, (size_t)cg->host->v2, file, text, sizeof(text)) <= 0)
		return;
	cs_jw_obj(w, "psi");
	cg_stat_psi_line(text, "some", w);
	cg_stat_psi_line(text, "full", w);
	cs_jw_obj_end(w);
}

static void stat_pids(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_stat_hier(cg, CG_CTL_PIDS);
	uint64_t limit = cg_stat_u64(cg, h, "pids.max");

	cs_jw_obj(w, "pids");
	cg_stat_nonzero(w, "current", cg_stat_u64(cg, h, "pids.current"));
	cg_stat_nonzero(w, "limit", limit == UINT64_MAX ? 0 : limit);
	cs_jw_obj_end(w);
}

/* One page size: @size is "2MB". */
static void hugetlb_size(const struct cg *cg, int h, const char *size, struct cs_jw *w)
{
	bool v2 = cg->host->hier[h].v2;
	uint64_t usage, max = 0, failed = 0;
	char name[CG_FILE_MAX];

	snprintf(name, sizeof(name), "hugetlb.%s.%s", size, v2 ? "current" : "usage_in_bytes");
	usage = cg_stat_u64(cg, h, name);
	if (v2) {
		snprintf(name, sizeof(name), "hugetlb.%s.events", size);
		cg_file_key(cg, (size_t)h, name, "max", &failed);
	} else {
		snprintf(name, sizeof(name), "hugetlb.%s.max_usage_in_bytes", size);
		max = cg_stat_u64(cg, h, name);
		snprintf(name, sizeof(name), "hugetlb.%s.failcnt", size);
		failed = cg_stat_u64(cg, h, name);
	}
	cs_jw_obj(w, size);
	cg_stat_nonzero(w, "usage", usage);
	cg_stat_nonzero(w, "max", max);
	cs_jw_u64(w, "failcnt", failed);
	cs_jw_obj_end(w);
}

/* The page sizes are in the names of the files: "hugetlb.2MB.current". */
void cg_stat_hugetlb(const struct cg *cg, struct cs_jw *w)
{
	int h = cg_stat_hier(cg, CG_CTL_HUGETLB);
	cs_auto_dir DIR *dir = NULL;
	const struct dirent *d;
	int fd = h < 0 ? -ENOENT : cg_file_open(cg, (size_t)h, "", O_RDONLY | O_DIRECTORY);

	if (fd >= 0 && !(dir = fdopendir(fd)))
		cs_close_fd(&fd);
	cs_jw_obj(w, "hugetlb");
	while (dir && (d = readdir(dir))) {
		static const char prefix[] = "hugetlb.";
		char size[32];
		char *dot;

		if (!cs_str_starts(d->d_name, prefix))
			continue;
		if (strlen(d->d_name + strlen(prefix)) >= sizeof(size))
			continue;
		memcpy(size, d->d_name + strlen(prefix), strlen(d->d_name + strlen(prefix)) + 1);
		dot = strchr(size, '.');
		if (!dot || (strcmp(dot, ".current") != 0 && strcmp(dot, ".usage_in_bytes") != 0))
			continue;
		*dot = '\0';
		hugetlb_size(cg, h, size, w);
	}
	cs_jw_obj_end(w);
}

int cg_stats(const struct cg *cg, struct cs_jw *w, struct cs_err *err)
{
	if (!cg->host->n_hier)
		return cs_err_set(err, ENOTSUP, "this host has no cgroups: it counts nothing");
	cg_stat_cpu(cg, w);
	cg_stat_cpuset(cg, w);
	cg_stat_memory(cg, w);
	stat_pids(cg, w);
	cg_stat_blkio(cg, w);
	cg_stat_hugetlb(cg, w);
	cs_jw_obj(w, "intel_rdt");
	cs_jw_obj_end(w);
	return cs_buf_ok(&w->buf, err);
}
