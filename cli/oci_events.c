#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "cgroups/cgroup.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "runtime/container.h"

enum { DEFAULT_INTERVAL_MS = 5000 };

struct events_opts {
	struct cli_time interval;
	bool stats;
};

static const struct cli_opt events_optv[] = {
	CLI_TIME(struct events_opts, interval, "interval", 0, "TIME",
		 "time between two statistics (default: 5s)"),
	CLI_BOOL(struct events_opts, stats, "stats", 0, "show the statistics once"),
};

static int print_stats(const struct cli_call *call, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	int ret;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "type", "stats");
	cs_jw_str(&w, "id", call->argv[0]);
	cs_jw_obj(&w, "data");
	ret = ctr_stats(call->rt, call->argv[0], &w, err);
	if (ret < 0)
		return ret;
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	return cli_out_json(&w, true, err);
}

static int print_oom(const struct cli_call *call, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "type", "oom");
	cs_jw_str(&w, "id", call->argv[0]);
	cs_jw_obj_end(&w);
	return cli_out_json(&w, true, err);
}

static int64_t now_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A pidfd of the container's first process, which polls readable at its end. */
static int init_pidfd(const struct ctr_info *info, struct cs_err *err)
{
	cs_auto_fd int proc = cs_path_proc_open(err);

	if (proc < 0)
		return proc;
	return cs_proc_pidfd(proc, info->state.pid, info->state.start_time, err);
}

/* Without a memory controller there are no such events: @out keeps no fd, which poll(2) passes
 * over. */
static int open_oom(const struct cli_call *call, struct cg_oom *out, struct cs_err *err)
{
	int ret = ctr_oom_open(call->rt, call->argv[0], out, err);

	if (ret != -ENOENT)
		return ret;
	cs_log(CS_LOG_WARN, "no events of running out of memory: %s", err->msg);
	cs_err_clear(err);
	return 0;
}

/* Waits for @until_ms or something to tell. 1: the container has ended. */
static int wait_event(const struct cli_call *call, struct cg_oom *oom, struct pollfd fds[2],
		      int64_t until_ms, struct cs_err *err)
{
	int64_t left = until_ms - now_ms();
	int ret;

	left = left < 0 ? 0 : left;
	if (poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left) < 0)
		return errno == EINTR ? 0 : cs_err_sys(err, "poll");
	if (fds[0].revents) {
		ret = ctr_oom_next(call->rt, call->argv[0], oom, err);
		if (ret == -ENODEV) {
			cs_err_clear(err);
			return 1;
		}
		if (ret == 1)
			ret = print_oom(call, err);
		if (ret < 0)
			return ret;
	}
	return fds[1].revents ? 1 : 0;
}

static int follow_with(const struct cli_call *call, struct cg_oom *oom, int pidfd,
		       int64_t interval_ms, struct cs_err *err)
{
	int64_t next = now_ms() + interval_ms;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = oom->fd, .events = POLLIN },
			{ .fd = pidfd, .events = POLLIN },
		};
		int ret = wait_event(call, oom, fds, next, err);

		if (ret != 0)
			return ret < 0 ? ret : 0;
		if (now_ms() < next)
			continue;
		ret = print_stats(call, err);
		if (ret == -ENOENT) { /* deleted in this moment */
			cs_err_clear(err);
			return 0;
		}
		if (ret < 0)
			return ret;
		next += interval_ms;
	}
}

static int follow(const struct cli_call *call, const struct ctr_info *info, int64_t interval_ms,
		  struct cs_err *err)
{
	struct cg_oom oom = CG_OOM_INIT;
	cs_auto_fd int pidfd = -EBADF;
	int ret;

	pidfd = init_pidfd(info, err);
	if (pidfd < 0)
		return pidfd;
	ret = open_oom(call, &oom, err);
	if (ret == 0)
		ret = follow_with(call, &oom, pidfd, interval_ms, err);
	cg_oom_fini(&oom);
	return ret;
}

static int events_run(struct cli_call *call, struct cs_err *err)
{
	const struct events_opts *o = call->opts;
	ctr_auto_info struct ctr_info info = { 0 };
	int64_t interval_ms = o->interval.set ? o->interval.ms : DEFAULT_INTERVAL_MS;
	int ret;

	if (interval_ms <= 0)
		return cs_err_set(err, EINVAL, "option --interval must be more than 0");
	ret = ctr_info_get(call->rt, call->argv[0], &info, err);
	if (ret < 0)
		return ret;
	if (info.status == CTR_STOPPED)
		return cs_err_set(err, EBUSY, "container %s is not running", call->argv[0]);
	if (o->stats)
		return print_stats(call, err);
	return follow(call, &info, interval_ms, err);
}

const struct cli_cmd cli_oci_events = {
	.name = "events",
	.synopsis = "[OPTION...] ID",
	.help = "show a container's statistics and its running out of memory",
	.text = "Shows a line of JSON an event until the container ends.\n",
	.opts = CLI_OPTS(events_optv),
	.opts_size = sizeof(struct events_opts),
	.min_args = 1,
	.max_args = 1,
	.run = events_run,
};
