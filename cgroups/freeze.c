#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/cgroup_int.h"

enum {
	STATE_MAX = 64,
	EVENTS_MAX = 256,
	REFREEZE_EVERY = 8, /* waits */
};

/* What freezes, by version. */
static const struct freezer {
	const char *file, *on, *off;
} freezers[] = {
	{ "freezer.state", "FROZEN", "THAWED" },
	{ "cgroup.freeze", "1", "0" },
};

static const struct freezer *freezer(const struct cg *cg, int h)
{
	return &freezers[cg->host->hier[h].v2];
}

/* The hierarchies that may freeze, best first: the v2 tree if the cgroup is there (a process frozen
 * by it can still be killed, one frozen by v1 not), else, or where the kernel's v2 has no freezer,
 * v1's. Returns how many. */
static size_t candidates(const struct cg *cg, int out[2])
{
	int v1 = cg_v1_hier(cg->host, CG_CTL_FREEZER);
	size_t n = 0;

	if (cg->v2_dir >= 0)
		out[n++] = cg->host->v2;
	if (v1 >= 0)
		out[n++] = v1;
	return n;
}

static int no_freezer(const struct cg *cg, struct cs_err *err)
{
	if (!cg->host->n_hier)
		return cs_err_set(err, ENOTSUP, "this host has no cgroups: it cannot freeze");
	return cs_err_set(err, ENOTSUP,
			  "cgroup %s: this host has no freezer (neither the v1 controller nor a v2 "
			  "tree of Linux 5.2)",
			  cg->path);
}

/* v2: waits on cgroup.events, which wakes a poll when it changes. Only for freezing: what is thawed
 * runs as soon as it is scheduled, and the file has been seen to say "frozen" for long after the
 * last process had died meanwhile. */
static int wait_v2(const struct cg *cg, size_t h)
{
	cs_auto_fd int fd = cg_file_open(cg, h, "cgroup.events", O_RDONLY);
	struct cg_backoff limit = { 0 };
	uint64_t is, populated;

	if (fd < 0)
		return fd;
	while (cg_backoff_wait(&limit)) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		char buf[EVENTS_MAX];
		ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

		if (n < 0)
			return -errno;
		buf[n] = '\0';
		if (cg_text_key(buf, "frozen", &is) < 0)
			return -ENOTSUP;
		/* Nobody left is as good. */
		if (is || (!cg_text_key(buf, "populated", &populated) && !populated))
			return 0;
		/* The read armed it; a change between the two shows at once. */
		poll(&p, 1, 1000);
	}
	return -ETIMEDOUT;
}

/* v1: the state is FREEZING until the last task stopped. One that is in the kernel without end (or
 * forks at the wrong moment) may be passed over; thawing for a moment lets it move on. */
static int wait_v1(const struct cg *cg, size_t h, bool frozen)
{
	const char *want = frozen ? "FROZEN" : "THAWED";
	struct cg_backoff wait = { 0 };
	char state[STATE_MAX];

	for (int i = 1;; i++) {
		int ret = cg_file_read(cg, h, "freezer.state", state, sizeof(state));

		if (ret < 0)
			return ret;
		if (strcmp(state, want) == 0)
			return 0;
		if (!cg_backoff_wait(&wait))
			return -ETIMEDOUT;
		if (!frozen || i % REFREEZE_EVERY)
			continue;
		ret = cg_file_write(cg, h, "freezer.state", "THAWED");
		if (!ret)
			ret = cg_file_write(cg, h, "freezer.state", "FROZEN");
		if (ret < 0)
			return ret;
	}
}

int cg_freeze(const struct cg *cg, bool frozen, struct cs_err *err)
{
	int hiers[2], h = -1;
	size_t n = candidates(cg, hiers);
	int ret = -ENOENT;

	if (!n)
		return no_freezer(cg, err);
	for (size_t i = 0; i < n && ret == -ENOENT; i++) {
		h = hiers[i];
		ret = cg_file_write(cg, (size_t)h, freezer(cg, h)->file,
				    frozen ? freezer(cg, h)->on : freezer(cg, h)->off);
	}
	if (!ret && !cg->host->hier[h].v2)
		ret = wait_v1(cg, (size_t)h, frozen);
	else if (!ret && frozen)
		ret = wait_v2(cg, (size_t)h);
	if (!ret)
		return 0;
	/* Half frozen is no state to leave it in. */
	if (frozen)
		cg_file_write(cg, (size_t)h, freezer(cg, h)->file, freezer(cg, h)->off);
	if (ret == -ETIMEDOUT)
		return cs_err_set(err, ETIMEDOUT,
				  "%s cgroup %s: not all of its processes did so in %d s",
				  frozen ? "freeze" : "thaw", cg->path, CG_WAIT_MS / 1000);
	return cg_file_err(err, -ret, cg, (size_t)h, freezer(cg, h)->file, "write");
}

int cg_is_frozen(const struct cg *cg, struct cs_err *err)
{
	int hiers[2], h = -1;
	size_t n = candidates(cg, hiers);
	char state[STATE_MAX];
	int ret = -ENOENT;

	for (size_t i = 0; i < n && ret == -ENOENT; i++) {
		h = hiers[i];
		ret = cg_file_read(cg, (size_t)h, freezer(cg, h)->file, state, sizeof(state));
	}
	if (ret == -ENOENT || ret == -ENODEV)
		return 0;
	if (ret < 0)
		return cg_file_err(err, -ret, cg, (size_t)h, freezer(cg, h)->file, "read");
	return strcmp(state, freezer(cg, h)->off) != 0;
}
