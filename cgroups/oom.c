#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/cgroup_int.h"

void cg_oom_fini(struct cg_oom *oom)
{
	cs_close_fd(&oom->fd);
}

static int no_memory(const struct cg *cg, struct cs_err *err)
{
	return cs_err_set(err, ENOENT, "watch for OOM kills: cgroup %s has no memory controller",
			  cg->path);
}

/* cgroup v1, memory.txt: an eventfd and an fd of memory.oom_control, written to
 * cgroup.event_control; the kernel keeps what it needs of the second. */
static int open_v1(const struct cg *cg, size_t h, struct cg_oom *out, struct cs_err *err)
{
	cs_auto_fd int ctl = cg_file_open(cg, h, "memory.oom_control", O_RDONLY);
	cs_auto_fd int event = -EBADF;
	char text[32];
	int ret;

	if (ctl == -ENOENT)
		return no_memory(cg, err);
	if (ctl < 0)
		return cg_file_err(err, -ctl, cg, h, "memory.oom_control", "open");
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event < 0)
		return cs_err_sys(err, "watch for OOM kills: eventfd");
	snprintf(text, sizeof(text), "%d %d", event, ctl);
	ret = cg_file_write(cg, h, "cgroup.event_control", text);
	if (ret < 0)
		return cg_file_err(err, -ret, cg, h, "cgroup.event_control", "write");
	*out = (struct cg_oom){ .fd = cs_take_fd(&event), .wd = -1 };
	if (cg_file_key(cg, h, "memory.oom_control", "oom_kill", &out->kills) < 0)
		out->kills = 0; /* before Linux 4.13 it is not counted */
	return 0;
}

/* Watches a file of the cgroup or, with "..", the folder above it. */
static int watch(int fd, const struct cg *cg, const char *name, uint32_t events, struct cs_err *err)
{
	char path[CG_PATH_MAX];
	int wd;
	int ret = cs_str_fmt(path, sizeof(path), err, "%s%s/%s",
			     cg->host->hier[cg->host->v2].mountpoint, cg->path, name);

	if (ret < 0)
		return ret;
	wd = inotify_add_watch(fd, path, events);
	if (wd < 0 && errno == ENOENT)
		return no_memory(cg, err);
	return wd < 0 ? cs_err_sys(err, "watch %s", path) : wd;
}

static int open_v2(const struct cg *cg, struct cg_oom *out, struct cs_err *err)
{
	cs_auto_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint64_t kills = 0;
	int wd, ret;

	if (fd < 0)
		return cs_err_sys(err, "watch for OOM kills: inotify");
	ret = watch(fd, cg, "memory.events", IN_MODIFY, err);
	if (ret < 0)
		return ret;
	wd = watch(fd, cg, "cgroup.events", IN_MODIFY, err);
	/* That it is empty is told up to 10 ms late, and not at all if it is removed before. */
	ret = wd < 0 ? wd : watch(fd, cg, "..", IN_DELETE, err);
	if (ret < 0)
		return ret;
	ret = cg_file_key(cg, (size_t)cg->host->v2, "memory.events", "oom_kill", &kills);
	if (ret < 0)
		return cg_file_err(err, -ret, cg, (size_t)cg->host->v2, "memory.events", "read");
	*out = (struct cg_oom){ .fd = cs_take_fd(&fd), .wd = wd, .kills = kills };
	return 0;
}

int cg_oom_open(const struct cg *cg, struct cg_oom *out, struct cs_err *err)
{
	int v1 = cg_v1_hier(cg->host, CG_CTL_MEMORY);

	if (v1 >= 0)
		return open_v1(cg, (size_t)v1, out, err);
	if (cg->host->v2 >= 0)
		return open_v2(cg, out, err);
	return no_memory(cg, err);
}

/* The eventfd is signalled when the cgroup is out of memory, and when it is removed. */
static int next_v1(const struct cg *cg, size_t h, struct cg_oom *oom)
{
	cs_auto_fd int ctl = -EBADF;
	uint64_t n;

	if (read(oom->fd, &n, sizeof(n)) < 0)
		return 0;
	ctl = cg_file_open(cg, h, "memory.oom_control", O_PATH);
	return ctl < 0 ? -ENODEV : 1;
}

static int next_v2(const struct cg *cg, struct cg_oom *oom)
{
	_Alignas(struct inotify_event) char buf[4096];
	size_t h = (size_t)cg->host->v2;
	uint64_t kills, populated = 0;
	bool killed;
	int ret;

	while (read(oom->fd, buf, sizeof(buf)) > 0)
		;
	ret = cg_file_key(cg, h, "memory.events", "oom_kill", &kills);
	killed = !ret && kills > oom->kills;
	if (killed)
		oom->kills = kills;
	if (!ret)
		ret = cg_file_key(cg, h, "cgroup.events", "populated", &populated);
	if (ret < 0 || !populated) {
		if (!killed)
			return -ENODEV;
		/* One thing at a time: dropping the watch queues a last event for the next. */
		inotify_rm_watch(oom->fd, oom->wd);
	}
	return killed;
}

int cg_oom_next(const struct cg *cg, struct cg_oom *oom, struct cs_err *err)
{
	int v1 = cg_v1_hier(cg->host, CG_CTL_MEMORY);

	if (oom->fd < 0)
		return cs_err_set(err, EBADF, "OOM kills of cgroup %s are not watched", cg->path);
	return v1 >= 0 ? next_v1(cg, (size_t)v1, oom) : next_v2(cg, oom);
}
