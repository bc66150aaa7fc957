#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup_int.h"

enum {
	JOIN_TRIES = 50, /* of a process that is just being made */
	PROC_CGROUP_MAX = 1 << 20,
};

/* The file that moves one thread (v1) or one process into the cgroup. */
static const char *join_file(const struct cg *cg, size_t h)
{
	return cg->host->hier[h].v2 ? "cgroup.procs" : "tasks";
}

/* Why the kernel refused, in words that help. */
static int join_err(struct cs_err *err, int code, const struct cg *cg, size_t h)
{
	cg_file_err(err, code, cg, h, "", "join cgroup");
	if (code == ENOSPC)
		return cs_err_wrap(err, "no CPUs or memory nodes in the cpuset");
	if (code == EBUSY)
		return cs_err_wrap(err, "controllers are enabled in cgroups below it");
	if (code == EOPNOTSUPP)
		return cs_err_wrap(err, "a threaded cgroup, or invalid below one");
	return -code;
}

/* Fds that are closed together. */
struct opened {
	int v[CG_MAX_HIER]; /* owned; ascending */
	size_t n;
};

/* Moves the caller in one hierarchy. Returns 1 done, 0 the cgroup is gone. */
static int join_one(const struct cg *cg, size_t h, struct opened *opened, struct cs_err *err)
{
	int fd = cg->join[h];
	ssize_t n;

	if (fd < 0) {
		fd = cg_file_open(cg, h, join_file(cg, h), O_WRONLY);
		if (fd == -ENOENT)
			return 0;
		if (fd < 0)
			return join_err(err, -fd, cg, h);
		opened->v[opened->n++] = fd; /* the lowest free one: above those before it */
	}
	do
		n = write(fd, "0", 1);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENODEV)
		return 0;
	return n < 0 ? join_err(err, errno, cg, h) : 1;
}

int cg_join_self(const struct cg *cg, bool cloned_into, struct cs_err *err)
{
	size_t n = cg->host ? cg->host->n_hier : 0;
	int joined = n == 0 || cloned_into;
	struct opened opened = { .n = 0 };
	int ret = 0;

	for (size_t h = 0; h < n && ret >= 0; h++) {
		if (cloned_into && cg->host->hier[h].v2)
			continue;
		ret = join_one(cg, h, &opened, err);
		joined |= ret > 0;
	}
	cs_fd_close_rows(opened.v, opened.n);
	if (ret < 0)
		return ret;
	if (!joined)
		return cs_err_set(err, ENOENT, "join cgroup %s: it is gone", cg->path);
	return 0;
}

int cg_join_pid(const struct cg *cg, pid_t pid, struct cs_err *err)
{
	struct cg_backoff wait = { 0 };
	char text[16];
	int joined = cg->host->n_hier == 0;

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t h = 0; h < cg->host->n_hier; h++) {
		int ret = -EINVAL;

		/* EINVAL: the process is not fully made yet. */
		for (int i = 0; i < JOIN_TRIES && ret == -EINVAL; i++) {
			if (i)
				cg_backoff_wait(&wait);
			ret = cg_file_write(cg, h, "cgroup.procs", text);
		}
		if (ret < 0 && ret != -ENOENT && ret != -ENODEV) {
			join_err(err, -ret, cg, h);
			return cs_err_wrap(err, "process %d", pid);
		}
		joined |= !ret;
	}
	if (!joined)
		return cs_err_set(err, ENOENT, "join cgroup %s: it is gone", cg->path);
	return 0;
}

/* Points joining in hierarchy @h to cgroup @path. */
static int redirect(struct cg *cg, size_t h, const char *path, struct cs_err *err)
{
	bool v2 = cg->host->hier[h].v2;
	cs_auto_fd int join = -EBADF;
	struct cg at;

	cg_init(&at, cg->host, path);
	join = cg_file_open(&at, h, join_file(&at, h), O_WRONLY);
	if (join < 0)
		return join_err(err, -join, &at, h);
	if (v2) {
		int dir = cg_file_open(&at, h, "", O_PATH | O_DIRECTORY);

		if (dir < 0)
			return join_err(err, -dir, &at, h);
		cs_close_fd(&cg->v2_dir);
		cg->v2_dir = dir;
	}
	cs_close_fd(&cg->join[h]);
	cg->join[h] = cs_take_fd(&join);
	return 0;
}

/* The v1 hierarchies named in "cpu,memory", as bits of their indices. */
static int named_hiers(const struct cg_host *host, const char *controllers, uint32_t *out,
		       struct cs_err *err)
{
	const char *p = controllers;

	*out = 0;
	while (*p) {
		size_t len = strcspn(p, ",");
		bool found = false;

		for (unsigned int c = 0; c < CG_CTL_COUNT; c++) {
			const char *name = cg_ctl_name(c, false);
			int h = cg_v1_hier(host, c);

			if (h < 0 || strlen(name) != len || strncmp(name, p, len) != 0)
				continue;
			*out |= UINT32_C(1) << h;
			found = true;
		}
		if (!found)
			return cs_err_set(err, ENOENT,
					  "cgroup: this host has no v1 hierarchy of controller "
					  "\"%.*s\"",
					  (int)len, p);
		p += len + (p[len] == ',');
	}
	return 0;
}

int cg_sub(struct cg *cg, const char *controllers, const char *sub, struct cs_err *err)
{
	char path[sizeof(cg->path)];
	uint32_t hiers = UINT32_MAX;
	int ret;

	ret = cs_str_fmt(path, sizeof(path), err, "%s/%s", cg->path, sub + (*sub == '/'));
	if (!ret)
		ret = cg_path_check(path, err);
	if (!ret && controllers)
		ret = named_hiers(cg->host, controllers, &hiers, err);
	for (size_t h = 0; h < cg->host->n_hier && !ret; h++)
		if (hiers & (UINT32_C(1) << h))
			ret = redirect(cg, h, path, err);
	return ret < 0 ? cs_err_wrap(err, "sub-cgroup \"%s\"", sub) : 0;
}

/* The path behind "0::" in the text of /proc/<pid>/cgroup, cut off in place; NULL: none. */
static char *v2_line(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (cs_str_starts(line, "0::/"))
			return line + strlen("0::");
	return NULL;
}

int cg_follow(struct cg *cg, int procfd, pid_t pid, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = -EBADF;
	size_t len = strlen(cg->path), n;
	char name[32];
	char *path, *at;
	int ret;

	if (cg->host->v2 < 0)
		return 0;
	snprintf(name, sizeof(name), "%d/cgroup", pid);
	fd = cs_path_proc_file(procfd, name, O_RDONLY, err);
	if (fd < 0)
		return fd;
	ret = cs_fd_read_all(fd, PROC_CGROUP_MAX, &text, &n, err);
	if (ret < 0)
		return cs_err_wrap(err, "read /proc/%s", name);
	path = v2_line(text);
	/* The mount may show only a part of the tree: what is above it is not in our path. */
	at = path ? strstr(path, cg->path) : NULL;
	if (!at || (at[len] && at[len] != '/'))
		return cs_err_set(err, EINVAL, "process %d is not in cgroup %s but in %s", pid,
				  cg->path, path ? path : "none");
	ret = cg_path_check(at, err);
	return ret < 0 ? ret : redirect(cg, (size_t)cg->host->v2, at, err);
}
