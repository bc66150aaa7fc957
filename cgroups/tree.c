#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/cgroup_int.h"

/* System calls of a create where the folder above is there: v1, each hierarchy: mkdirat, openat2 of
 * "tasks" (and openat2, read, close of cpuset.cpus in cpuset's); v2: mkdirat, openat2 of the
 * folder, and on a pure v2 host openat2, read, close of cgroup.controllers. */

enum { CGROUP_MODE = 0755, LIST_MAX = 4096 };

/* What a container is expected to have of a v2 tree; when its cgroup has these, nothing needs
 * enabling. */
static const enum cg_ctl v2_usual[] = { CG_CTL_CPUSET, CG_CTL_CPU, CG_CTL_BLKIO, CG_CTL_MEMORY,
					CG_CTL_PIDS };
static const enum cg_ctl v2_all[] = { CG_CTL_CPUSET,  CG_CTL_CPU,  CG_CTL_BLKIO, CG_CTL_MEMORY,
				      CG_CTL_HUGETLB, CG_CTL_PIDS, CG_CTL_RDMA,	 CG_CTL_MISC };

void cg_init(struct cg *cg, const struct cg_host *host, const char *path)
{
	*cg = (struct cg){ .host = host, .v2_dir = -EBADF };
	for (size_t i = 0; i < CG_MAX_HIER; i++)
		cg->join[i] = -EBADF;
	memcpy(cg->path, path, strnlen(path, sizeof(cg->path) - 1)); /* zeroed behind */
}

void cg_fini(struct cg *cg)
{
	if (!cg->host)
		return;
	for (size_t i = 0; i < cg->host->n_hier; i++)
		cs_close_fd(&cg->join[i]);
	cs_close_fd(&cg->v2_dir);
	cg->host = NULL;
}

int cg_v2_fd(const struct cg *cg)
{
	return cg->host ? cg->v2_dir : -EBADF;
}

/* Steps through the folders above @path's last component: "/", "/a", "/a/b", ... Returns false when
 * they are through. Start with *@pos 0. */
static bool next_parent(const char *path, size_t *pos, char *out)
{
	const char *slash = strchr(path + *pos, '/');
	size_t len;

	if (!slash)
		return false;
	len = *pos ? (size_t)(slash - path) : 1;
	memcpy(out, path, len);
	out[len] = '\0';
	*pos = (size_t)(slash - path) + 1;
	return true;
}

/* Copies one list from the cgroup above if @path has none. */
static int cpuset_copy(const struct cg_host *host, size_t h, const char *above, const char *path,
		       const char *name)
{
	char list[LIST_MAX];
	int ret = cg_file_read_at(host, h, path, name, list, sizeof(list));

	if (ret)
		return ret < 0 ? ret : 0;
	ret = cg_file_read_at(host, h, above, name, list, sizeof(list));
	return ret < 0 ? ret : cg_file_write_at(host, h, path, name, list);
}

/* v1: a new cpuset has no CPUs and no memory nodes, and nothing may join it so. Fills what is empty
 * from the top down; where the folder above has cgroup.clone_children, the kernel has done it. */
static int cpuset_fill(const struct cg_host *host, size_t h, const char *path)
{
	char list[LIST_MAX], above[sizeof(((struct cg *)NULL)->path)], at[sizeof(above)] = "/";
	size_t pos = 0;
	int ret = cg_file_read_at(host, h, path, "cpuset.cpus", list, sizeof(list));

	if (ret)
		return ret < 0 ? ret : 0;
	next_parent(path, &pos, at);
	for (bool more = true; more;) {
		memcpy(above, at, sizeof(above));
		more = next_parent(path, &pos, at);
		if (!more)
			memcpy(at, path, strlen(path) + 1);
		ret = cpuset_copy(host, h, above, at, "cpuset.cpus");
		if (!ret)
			ret = cpuset_copy(host, h, above, at, "cpuset.mems");
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int make_dir(const struct cg_host *host, size_t h, const char *path)
{
	char rel[CG_PATH_MAX];
	int ret = cg_path_rel(host, h, path, "", rel);

	if (ret < 0)
		return ret;
	return mkdirat(host->root, rel, CGROUP_MODE) < 0 ? -errno : 0;
}

/* Makes the folders above @path that are missing. Somebody else may make them at the same time. */
static int make_parents(const struct cg_host *host, size_t h, const char *path)
{
	bool cpuset = cg_v1_hier(host, CG_CTL_CPUSET) == (int)h;
	char at[sizeof(((struct cg *)NULL)->path)];
	size_t pos = 0;
	int ret;

	next_parent(path, &pos, at); /* "/" is there */
	while (next_parent(path, &pos, at)) {
		ret = make_dir(host, h, at);
		if (ret == -EEXIST)
			continue;
		if (!ret && cpuset)
			ret = cpuset_fill(host, h, at);
		/* So that what is made in it needs no filling. */
		if (!ret && cpuset)
			ret = cg_file_write_at(host, h, at, "cgroup.clone_children", "1");
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Makes the cgroup in one hierarchy. */
static int make_in(struct cg *cg, size_t h, struct cs_err *err)
{
	const struct cg_host *host = cg->host;
	int ret = make_dir(host, h, cg->path);

	if (ret == -ENOENT) {
		ret = make_parents(host, h, cg->path);
		if (!ret)
			ret = make_dir(host, h, cg->path);
	}
	cg->created[h] = !ret;
	if (ret == -EEXIST)
		ret = 0;
	if (!ret && cg_v1_hier(host, CG_CTL_CPUSET) == (int)h)
		ret = cpuset_fill(host, h, cg->path);
	if (ret < 0)
		return cg_file_err(err, -ret, cg, h, "", "make cgroup");
	return 0;
}

/* What was there before must be nobody's: processes in it would share the container's limits, and
 * its fate when it is killed; a frozen one would freeze the container's init for ever. */
static int check_unused(const struct cg *cg, struct cs_err *err)
{
	struct cg_pidv pids = { 0 };
	pid_t first;
	int ret = 0;

	for (size_t h = 0; h < cg->host->n_hier && !ret && !pids.n; h++) {
		if (cg->created[h])
			continue;
		ret = cg_hier_pids(cg, h, &pids);
		if (ret < 0)
			cg_file_err(err, -ret, cg, h, "", "look into existing cgroup");
	}
	first = pids.n ? pids.v[0] : 0;
	free(pids.v);
	if (ret < 0)
		return ret;
	if (first)
		return cs_err_set(err, EBUSY,
				  "cgroup %s exists and holds processes (pid %d): give another "
				  "linux.cgroupsPath or end them",
				  cg->path, first);
	ret = cg_is_frozen(cg, err);
	if (ret > 0)
		return cs_err_set(err, EBUSY, "cgroup %s exists and is frozen: thaw or remove it",
				  cg->path);
	return ret;
}

/* Is controller @name one of the words of @list? */
static bool has_word(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += len)
		if ((p == list || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

/* May controllers be enabled in cgroup @at? Not where processes live in it, but for the root, which
 * has no cgroup.type: the kernel refuses most controllers there (EBUSY), and with the others would
 * make the cgroups below invalid ones that no process can join (cgroup-v2.rst, Threads). */
static int check_no_processes(const struct cg_host *host, const char *at)
{
	char some[32];
	int ret = cg_file_read_at(host, (size_t)host->v2, at, "cgroup.type", some, sizeof(some));

	if (ret == -ENOENT)
		return 0;
	if (ret >= 0)
		ret = cg_file_read_at(host, (size_t)host->v2, at, "cgroup.procs", some,
				      sizeof(some));
	return ret == -EFBIG || ret == -EOPNOTSUPP || ret > 0 ? -EBUSY : ret;
}

/* Enables in cgroup @at what is not enabled yet of @ctl or (CG_CTL_COUNT) of all controllers that
 * are there. Of all, one that the kernel refuses (cpu where realtime processes live) is left out:
 * only a limit that needs it fails, with a message of its own. */
static int enable_in(const struct cg_host *host, const char *at, enum cg_ctl ctl)
{
	size_t h = (size_t)host->v2;
	char have[LIST_MAX], on[LIST_MAX], word[32];
	bool all = ctl == CG_CTL_COUNT, checked = false;
	int ret = cg_file_read_at(host, h, at, "cgroup.controllers", have, sizeof(have));

	if (ret >= 0)
		ret = cg_file_read_at(host, h, at, "cgroup.subtree_control", on, sizeof(on));
	if (ret < 0)
		return ret;
	ret = -ENOENT;
	for (size_t i = 0; i < CS_LEN(v2_all); i++) {
		const char *name = cg_ctl_name(v2_all[i], true);

		if ((!all && v2_all[i] != ctl) || !has_word(have, name))
			continue;
		ret = has_word(on, name) || checked ? 0 : check_no_processes(host, at);
		if (ret < 0)
			break;
		if (has_word(on, name))
			continue;
		checked = true;
		snprintf(word, sizeof(word), "+%s", name);
		ret = cg_file_write_at(host, h, at, "cgroup.subtree_control", word);
	}
	return all ? 0 : ret;
}

int cg_v2_enable(const struct cg *cg, enum cg_ctl ctl)
{
	char at[sizeof(cg->path)];
	size_t pos = 0;
	int ret = cg->host->v2 < 0 ? -ENOENT : 0;

	while (!ret && next_parent(cg->path, &pos, at))
		ret = enable_in(cg->host, at, ctl);
	return ret;
}

static int enable_usual(const struct cg *cg, struct cs_err *err)
{
	size_t h = (size_t)cg->host->v2;
	char have[LIST_MAX];
	bool all = true;
	int ret = cg_file_read(cg, h, "cgroup.controllers", have, sizeof(have));

	for (size_t i = 0; ret >= 0 && i < CS_LEN(v2_usual); i++)
		all = all && has_word(have, cg_ctl_name(v2_usual[i], true));
	if (ret >= 0 && !all)
		ret = cg_v2_enable(cg, CG_CTL_COUNT);
	if (ret < 0)
		return cg_file_err(err, -ret, cg, h, "", "enable controllers for cgroup");
	return 0;
}

/* All that follows the making of the folders. */
static int open_made(struct cg *cg, struct cs_err *err)
{
	const struct cg_host *host = cg->host;
	bool existed = false;
	int ret = 0;

	for (size_t h = 0; h < host->n_hier; h++)
		existed = existed || !cg->created[h];
	if (host->v2 >= 0) {
		size_t h = (size_t)host->v2;
		int fd = cg_file_open(cg, h, "", O_PATH | O_DIRECTORY);

		if (fd < 0)
			return cg_file_err(err, -fd, cg, h, "", "open");
		cg->v2_dir = fd;
	}
	if (existed)
		ret = check_unused(cg, err);
	if (!ret && host->mode == CG_V2 && host->n_hier)
		ret = enable_usual(cg, err);
	return ret;
}

int cg_create(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err)
{
	int ret = cg_path_check(path, err);
	struct cg cg;

	if (ret < 0)
		return ret;
	cg_init(&cg, host, path);
	for (size_t h = 0; h < host->n_hier && !ret; h++)
		ret = make_in(&cg, h, err);
	if (!ret)
		ret = open_made(&cg, err);
	if (!ret) {
		*out = cg;
		return 0;
	}
	for (size_t h = 0; h < host->n_hier; h++) {
		char rel[CG_PATH_MAX];

		if (cg.created[h] && !cg_path_rel(host, h, path, "", rel))
			unlinkat(host->root, rel, AT_REMOVEDIR);
	}
	cg_fini(&cg);
	return ret;
}

int cg_open_join(struct cg *cg, struct cs_err *err)
{
	for (size_t h = 0; h < cg->host->n_hier; h++) {
		if (cg->host->hier[h].v2)
			continue;
		cg->join[h] = cg_file_open(cg, h, "tasks", O_WRONLY);
		if (cg->join[h] < 0)
			return cg_file_err(err, -cg->join[h], cg, h, "tasks", "open");
	}
	return 0;
}

int cg_open(const struct cg_host *host, const char *path, struct cg *out, struct cs_err *err)
{
	int ret = cg_path_check(path, err);
	struct cg cg;
	int fd;

	if (ret < 0)
		return ret;
	cg_init(&cg, host, path);
	if (host->v2 >= 0) {
		fd = cg_file_open(&cg, (size_t)host->v2, "", O_PATH | O_DIRECTORY);
		if (fd < 0 && fd != -ENOENT)
			return cg_file_err(err, -fd, &cg, (size_t)host->v2, "", "open cgroup");
		cg.v2_dir = fd < 0 ? -EBADF : fd;
	}
	*out = cg;
	return 0;
}
