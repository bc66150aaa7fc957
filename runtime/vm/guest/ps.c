#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/vm/guest/agent.h"

/* The container's processes, for who cannot see them: request.h, "processes". */

enum {
	CMD_MAX = 512, /* of a command line */
	LIST_MAX = 900 << 10,
	PTS_FIRST = 136, /* major numbers of pseudo terminals */
	PTS_LAST = 143,
	PTS_EACH = 256,
	PPID = 1, /* columns of /proc/PID/stat, from the state on */
	TTY = 4,
	UTIME = 11,
	STIME = 12,
	START = 19,
};

struct stat_line {
	char name[64];
	int64_t ppid, tty;
	int64_t utime, stime, start; /* clock ticks; since the start of the machine */
};

/* Reads what there is of a small file; negative: nothing. */
static ssize_t slurp(pid_t pid, const char *name, char *out, size_t size)
{
	cs_auto_fd int fd = -EBADF;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

/* The number in column @col of the text, whose first is 0. */
static bool number(const char *text, int col, int64_t *out)
{
	char buf[24];
	size_t len;

	text += strspn(text, " ");
	for (; col > 0; col--) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	len = strcspn(text, " \n");
	if (len == 0 || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return cs_str_i64(buf, out) == 0;
}

/* "PID (NAME) S PPID …": the name may have anything in it. */
static bool read_stat(pid_t pid, struct stat_line *out)
{
	char buf[1024], *name, *end;

	if (slurp(pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	name = strchr(buf, '(');
	end = strrchr(buf, ')');
	if (!name || !end || end < name)
		return false;
	*end = '\0';
	snprintf(out->name, sizeof(out->name), "%.60s", name + 1);
	return number(end + 1, PPID, &out->ppid) && number(end + 1, TTY, &out->tty) &&
	       number(end + 1, UTIME, &out->utime) && number(end + 1, STIME, &out->stime) &&
	       number(end + 1, START, &out->start);
}

/* Its arguments, or its name in brackets. */
static void read_cmd(pid_t pid, const struct stat_line *st, char out[CMD_MAX])
{
	ssize_t n = slurp(pid, "cmdline", out, CMD_MAX);

	while (n > 0 && out[n - 1] == '\0')
		n--;
	if (n <= 0)
		snprintf(out, CMD_MAX, "[%s]", st->name);
	for (ssize_t i = 0; i < n; i++)
		if (out[i] == '\0')
			out[i] = ' ';
}

static void put_tty(struct cs_jw *w, const struct stat_line *st)
{
	const unsigned int major = gnu_dev_major((dev_t)st->tty),
			   minor = gnu_dev_minor((dev_t)st->tty);
	char name[32] = "?";

	if (major >= PTS_FIRST && major <= PTS_LAST)
		snprintf(name, sizeof(name), "pts/%u", (major - PTS_FIRST) * PTS_EACH + minor);
	cs_jw_str(w, "tty", name);
}

static void put_process(struct cs_jw *w, pid_t pid, int64_t up, int64_t now)
{
	const int64_t hz = sysconf(_SC_CLK_TCK);
	char cmd[CMD_MAX], path[32];
	struct stat_line st;
	struct stat owner;
	int64_t age;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (!read_stat(pid, &st) || stat(path, &owner) < 0)
		return; /* it has ended */
	read_cmd(pid, &st, cmd);
	age = up > st.start / hz ? up - st.start / hz : 0;
	cs_jw_obj(w, NULL);
	cs_jw_i64(w, "pid", pid);
	cs_jw_i64(w, "ppid", st.ppid);
	cs_jw_u64(w, "uid", owner.st_uid);
	cs_jw_i64(w, "start", now - age);
	cs_jw_i64(w, "age", age);
	cs_jw_i64(w, "time", (st.utime + st.stime) / hz);
	put_tty(w, &st);
	cs_jw_str(w, "cmd", cmd);
	cs_jw_obj_end(w);
}

int agent_ps(const struct ctr_rt *rt, const char *id, struct cs_jw *w, struct cs_err *err)
{
	cs_auto_free pid_t *pids = NULL;
	struct timespec up;
	size_t n = 0;

	if (ctr_pids(rt, id, &pids, &n, err) < 0)
		return -err->code;
	clock_gettime(CLOCK_BOOTTIME, &up);
	cs_jw_arr(w, "processes");
	for (size_t i = 0; i < n; i++) {
		if (w->buf.len > LIST_MAX)
			return cs_err_set(err, EFBIG, "there are too many processes to list: %zu",
					  n);
		put_process(w, pids[i], up.tv_sec, time(NULL));
	}
	cs_jw_arr_end(w);
	return 0;
}
