#include "engine/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/follow.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/store.h"
#include "engine/tail.h"

struct reader {
	const struct eng_logs_opts *o;
	eng_log_fn fn;
	void *arg;
	struct eng_tail tail;
	bool past; /* --until is */
};

/* Gives all that is there. */
static int give(struct reader *r, struct cs_err *err)
{
	struct eng_log_entry entry;
	size_t len;
	char *line;
	int ret;

	while (!r->past) {
		ret = eng_tail_next(&r->tail, &line, &len, err);
		if (ret < 0)
			return ret;
		if (ret == 0)
			break;
		if (eng_log_parse(line, len, &entry) < 0 || entry.time_ns < r->o->since_ns)
			continue;
		r->past = entry.time_ns > r->o->until_ns;
		ret = r->past ? 0 : r->fn(r->arg, &entry, err);
		if (ret < 0)
			return ret;
	}
	return r->fn(r->arg, NULL, err);
}

static int follow(struct reader *r, const struct eng *e, const char *id, int watch,
		  struct cs_err *err)
{
	eng_auto_alive struct eng_alive a = ENG_ALIVE_INIT;
	int ret;

	eng_alive_open(&a, e, id);
	for (;;) {
		bool alive = eng_alive_is(&a);
		int64_t left = r->o->until_ns - eng_now();
		struct pollfd fds[] = { { watch, POLLIN, 0 }, { a.sock, POLLIN, 0 } };

		/* looked for its life first: what it wrote before its end is there then */
		ret = give(r, err);
		if (ret == 0 && a.refused)
			return cs_err_set(err, EUSERS,
					  "too many are attached to container %.12s: its log is "
					  "followed no further",
					  id);
		if (ret < 0 || !alive || r->past || left <= 0)
			return ret;
		if (poll(fds, 2, eng_follow_timeout(r->o->until_ns)) < 0 && errno != EINTR)
			return cs_err_sys(err, "wait for the log");
		eng_tail_seen(watch);
	}
}

int eng_logs(const struct eng *e, const char *id, const struct eng_logs_opts *o, eng_log_fn fn,
	     void *arg, struct cs_err *err)
{
	struct reader r = { .o = o, .fn = fn, .arg = arg, .tail = ENG_TAIL_INIT };
	cs_auto_fd int dir = eng_dir(e, id, err);
	cs_auto_fd int watch = -EBADF;
	int ret;

	if (dir < 0)
		return dir;
	if (o->follow) {
		watch = eng_tail_watch(dir, err);
		if (watch < 0)
			return watch;
	}
	ret = eng_tail_open(&r.tail, dir, "log", o->tail, err);
	if (ret < 0)
		return ret;
	ret = o->follow ? follow(&r, e, id, watch, err) : give(&r, err);
	eng_tail_close(&r.tail);
	return ret;
}

int eng_boot_log(const struct eng *e, const char *id, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	cs_auto_fd int dir = eng_dir(e, id, err);
	int fd;

	if (dir < 0 || eng_record_load(e, id, &r, err) < 0)
		return -err->code;
	if (!eng_is_vm(&r))
		return cs_err_set(err, ENODATA,
				  "container %s is not in a machine: it has no console's log",
				  r.name);
	fd = openat(dir, ENG_BOOT_LOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return cs_err_set(err, ENODATA, "container %s has not run yet", r.name);
	return cs_err_sys(err, "open the log of the machine's console");
}
