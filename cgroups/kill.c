#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/cgroup_int.h"

enum {
	KILL_ROUNDS = 8,
	EMPTY_TRIES = 40, /* in some 600 ms */
};

/* The hierarchies that tell what is in a cgroup, best first: those that a container is always put
 * into and that nothing moves its processes out of. */
static const enum cg_ctl pid_ctls[] = {
	CG_CTL_FREEZER, CG_CTL_PIDS,	CG_CTL_DEVICES, CG_CTL_MEMORY, CG_CTL_SYSTEMD,
	CG_CTL_CPU,	CG_CTL_CPUACCT, CG_CTL_CPUSET,	CG_CTL_BLKIO,
};

static int pid_hier(const struct cg *cg)
{
	const struct cg_host *host = cg->host;

	if (cg->v2_dir >= 0)
		return host->v2;
	for (size_t i = 0; i < CS_LEN(pid_ctls); i++) {
		int h = cg_v1_hier(host, pid_ctls[i]);

		if (h >= 0)
			return h;
	}
	return host->n_hier && host->v2 != 0 ? 0 : -ENOENT;
}

static int collect(const struct cg *cg, struct cg_pidv *out, struct cs_err *err)
{
	int h = pid_hier(cg);
	int ret = h < 0 ? 0 : cg_hier_pids(cg, (size_t)h, out);

	if (ret < 0)
		return cg_file_err(err, -ret, cg, (size_t)h, "", "list the processes of cgroup");
	return 0;
}

int cg_pids(const struct cg *cg, pid_t **pids, size_t *n, struct cs_err *err)
{
	struct cg_pidv v = { 0 };
	int ret = collect(cg, &v, err);

	if (ret < 0) {
		free(v.v);
		return ret;
	}
	*pids = v.v;
	*n = v.n;
	return 0;
}

/* Signals every process of one hierarchy's cgroup; *@n is how many there were. Never the caller and
 * never init, which nobody put there on purpose. */
static int signal_listed(const struct cg_pidv *v, int signo)
{
	int failed = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i] <= 1 || v->v[i] == getpid())
			continue;
		if (kill(v->v[i], signo) < 0 && errno != ESRCH)
			failed = errno;
	}
	return -failed;
}

static int signal_round(const struct cg *cg, int signo, size_t *n, struct cs_err *err)
{
	struct cg_pidv v = { 0 };
	int ret = collect(cg, &v, err);

	*n = v.n;
	if (!ret) {
		ret = signal_listed(&v, signo);
		if (ret < 0)
			cs_err_errno(err, -ret, "send signal %d to the processes of cgroup %s",
				     signo, cg->path);
	}
	free(v.v);
	return ret;
}

/* Without cgroup.kill. Nothing forks or ends while it is frozen: one round reaches all. Where it
 * cannot be frozen, a kill is repeated until nobody is left or the rounds are used up; what forks
 * faster than that is left to the caller's next try. */
static int signal_frozen(const struct cg *cg, int signo, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	int was = cg_is_frozen(cg, err);
	bool froze;
	size_t n = 1;
	int ret = was < 0 ? was : 0;

	if (ret < 0)
		return ret;
	froze = was || !cg_freeze(cg, true, &ignored);
	for (int i = 0; i < (froze ? 1 : KILL_ROUNDS) && n && !ret; i++) {
		ret = signal_round(cg, signo, &n, err);
		if (signo != SIGKILL)
			break;
	}
	/* A paused container stays paused, but must run to die. */
	if (froze && (!was || signo == SIGKILL)) {
		cs_err_clear(&ignored);
		if (cg_freeze(cg, false, &ignored) < 0 && !ret && ignored.code != ENOENT)
			ret = cs_err_set(err, ignored.code, "%s", ignored.msg);
	}
	return ret;
}

int cg_kill(const struct cg *cg, int signo, struct cs_err *err)
{
	int ret = -ENOENT;

	if (!cg->host->n_hier)
		return cs_err_set(err, ENOTSUP,
				  "this host has no cgroups: it cannot tell whom to signal");
	if (signo == SIGKILL && cg->v2_dir >= 0)
		ret = cg_file_write(cg, (size_t)cg->host->v2, "cgroup.kill", "1");
	if (ret == -ENOENT || ret == -EOPNOTSUPP || ret == -ENODEV)
		return signal_frozen(cg, signo, err);
	if (ret < 0)
		return cg_file_err(err, -ret, cg, (size_t)cg->host->v2, "cgroup.kill", "write");
	return 0;
}

/* Tries to remove the cgroup in every hierarchy of @left. Returns a bit for each where it is still
 * there; *@why is then the reason, one that waiting will not change before one that it may. */
static uint32_t remove_all(const struct cg_host *host, const char *path, uint32_t left, int *why)
{
	*why = 0;
	for (size_t h = 0; h < host->n_hier; h++) {
		char rel[CG_PATH_MAX];
		int code = 0;

		if (!(left & (UINT32_C(1) << h)))
			continue;
		if (cg_path_rel(host, h, path, "", rel) < 0)
			code = ENAMETOOLONG;
		else if (unlinkat(host->root, rel, AT_REMOVEDIR) < 0)
			code = errno;
		/* A read-only mount says so also of what is not there. */
		if (code && code != EBUSY && faccessat(host->root, rel, F_OK, 0) < 0 &&
		    errno == ENOENT)
			code = 0;
		if (!code)
			left &= ~(UINT32_C(1) << h);
		else if (!*why || code != EBUSY)
			*why = code;
	}
	return left;
}

/* Ends what lives in the hierarchies of @left and removes the cgroups below. */
static int clear_left(const struct cg *cg, uint32_t left, pid_t *first, struct cs_err *err)
{
	int ret = cg_kill(cg, SIGKILL, err);
	int v1 = cg_v1_hier(cg->host, CG_CTL_FREEZER);

	*first = 0;
	/* Frozen by somebody else: on v1 it would not die. */
	if (v1 >= 0)
		cg_file_write(cg, (size_t)v1, "freezer.state", "THAWED");
	for (size_t h = 0; h < cg->host->n_hier && !ret; h++) {
		struct cg_pidv v = { 0 };
		cs_auto_fd int dir = -EBADF;

		if (!(left & (UINT32_C(1) << h)))
			continue;
		/* Somebody may be in this hierarchy only: it left the others, or was cut off on
		 * the way in. */
		ret = cg_hier_pids(cg, h, &v);
		if (!ret)
			signal_listed(&v, SIGKILL);
		if (v.n)
			*first = v.v[0];
		free(v.v);
		dir = cg_file_open(cg, h, "", O_PATH | O_DIRECTORY);
		if (!ret && dir >= 0)
			ret = cg_walk(dir, true, NULL, NULL);
		if (ret < 0)
			cg_file_err(err, -ret, cg, h, "", "clear cgroup");
	}
	return ret;
}

/* Waits for the last process to end: v2 says so, else some time. */
static bool wait_empty(const struct cg *cg, struct cg_backoff *b)
{
	cs_auto_fd int fd = -EBADF;
	char buf[256];
	uint64_t populated;

	if (!cg_backoff_wait(b))
		return false;
	if (cg->v2_dir >= 0)
		fd = cg_file_open(cg, (size_t)cg->host->v2, "cgroup.events", O_RDONLY);
	if (fd >= 0) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		ssize_t n = read(fd, buf, sizeof(buf) - 1);

		buf[n < 0 ? 0 : n] = '\0';
		if (!cg_text_key(buf, "populated", &populated) && populated)
			poll(&p, 1, 100);
	}
	return true;
}

void cg_remove_empty(const struct cg_host *host, const char *path)
{
	uint32_t left = (UINT32_C(1) << host->n_hier) - 1;
	struct cs_err ignored = CS_ERR_INIT;
	struct cg_backoff wait = { 0 };
	int why = EBUSY;

	if (cg_path_check(path, &ignored) < 0)
		return;
	for (int i = 0; i < EMPTY_TRIES && left && why == EBUSY; i++) {
		if (i)
			cg_backoff_wait(&wait);
		left = remove_all(host, path, left, &why);
	}
}

int cg_destroy(const struct cg_host *host, const char *path, struct cs_err *err)
{
	uint32_t left = (UINT32_C(1) << host->n_hier) - 1;
	struct cg_backoff wait = { 0 };
	struct cg cg;
	pid_t first = 0;
	int why = 0;
	int ret = cg_path_check(path, err);

	if (ret < 0)
		return ret;
	/* Mostly this is all: one system call a hierarchy. */
	left = remove_all(host, path, left, &why);
	if (!left)
		return 0;
	if (why != EBUSY)
		return cs_err_errno(err, why, "remove cgroup %s", path);
	ret = cg_open(host, path, &cg, err);
	while (!ret && left) {
		ret = clear_left(&cg, left, &first, err);
		if (!ret)
			left = remove_all(host, path, left, &why);
		if (!ret && left && !wait_empty(&cg, &wait))
			break;
	}
	cg_fini(&cg);
	if (ret < 0)
		return cs_err_wrap(err, "remove cgroup %s", path);
	if (left && first)
		return cs_err_set(err, EBUSY, "remove cgroup %s: process %d does not end", path,
				  first);
	return left ? cs_err_errno(err, why, "remove cgroup %s", path) : 0;
}
