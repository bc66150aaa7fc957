/* What a lease lives by, found from a namespace's path. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/str.h"
#include "netns/attach.h"
#include "netns/ns.h"
#include "netns/store.h"

/* The process of "/proc/PID/ns/net"; 0 for another path. */
static uint32_t pid_of(const char *path)
{
	char pid[16];
	const char *end;
	uint64_t v;

	if (!cs_str_starts(path, "/proc/"))
		return 0;
	path += strlen("/proc/");
	end = strchr(path, '/');
	if (!end || (size_t)(end - path) >= sizeof(pid) || strcmp(end, "/ns/net") != 0)
		return 0;
	memcpy(pid, path, (size_t)(end - path));
	pid[end - path] = '\0';
	return cs_str_u64(pid, &v) == 0 && v <= INT_MAX ? (uint32_t)v : 0;
}

/* The host is on all of its networks, by their gateways' addresses. */
static int check_other(const char *path, const struct net_ns_id *id, struct cs_err *err)
{
	if (!net_ns_is_own(id))
		return 0;
	return cs_err_set(err, EINVAL, "%s is the host's own network namespace", path);
}

static int life_of_pid(const struct net_store *st, const char *path, uint32_t pid,
		       struct net_life *out, struct cs_err *err)
{
	struct net_life life = { .pid = pid };
	cs_auto_fd int fd = -EBADF;

	/* the process is the same one before and after, so the namespace is its */
	if (cs_proc_start_time(st->proc, (pid_t)pid, true, &life.start, err) < 0)
		return -err->code;
	fd = net_ns_open(path, &life.ns, err);
	if (fd < 0)
		return fd;
	if (cs_proc_start_time(st->proc, (pid_t)pid, true, &out->start, err) < 0)
		return -err->code;
	if (out->start != life.start)
		return cs_err_set(err, ESRCH, "process %u has ended", pid);
	if (check_other(path, &life.ns, err) < 0)
		return -err->code;
	*out = life;
	return cs_take_fd(&fd);
}

int net_life_of_process(const struct net_store *st, pid_t pid, struct net_life *out,
			struct cs_err *err)
{
	struct net_life life = { .pid = (uint32_t)pid };

	if (cs_proc_start_time(st->proc, pid, true, &life.start, err) < 0)
		return -err->code;
	*out = life;
	return 0;
}

int net_life_of_path(const struct net_store *st, const char *path, struct net_life *out,
		     struct cs_err *err)
{
	cs_auto_free char *real = NULL;
	struct net_life life = { 0 };
	cs_auto_fd int fd = -EBADF;
	uint32_t pid = pid_of(path);

	if (pid)
		return life_of_pid(st, path, pid, out, err);
	real = realpath(path, NULL);
	if (!real && errno != ENOENT)
		return cs_err_sys(err, "open network namespace %s", path);
	/* /proc/self and its like name this command */
	fd = net_ns_open(real ? real : path, &life.ns, err);
	if (fd < 0)
		return fd;
	if (!real || !life.ns.ctime_ns)
		return cs_err_set(err, EINVAL,
				  "%s does not say how long the namespace lives: give the path it "
				  "is pinned on, or /proc/PID/ns/net",
				  path);
	if (check_other(path, &life.ns, err) < 0)
		return -err->code;
	if (strlen(real) >= sizeof(life.path))
		return cs_err_set(err, ENAMETOOLONG, "path %s is too long", real);
	memcpy(life.path, real, strlen(real) + 1);
	*out = life;
	return cs_take_fd(&fd);
}
