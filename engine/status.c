#include "engine/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/engine.h"
#include "runtime/container.h"

enum { STATUS_MAX = 64 * 1024, LIVE_TRIES = 64 };

static const char *const state_names[] = {
	[ENG_CREATED] = "created", [ENG_STARTING] = "starting",	    [ENG_RUNNING] = "running",
	[ENG_PAUSED] = "paused",   [ENG_RESTARTING] = "restarting", [ENG_EXITED] = "exited",
	[ENG_DEAD] = "dead",
};

const char *eng_state_name(enum eng_state s)
{
	return state_names[s];
}

static int read_numbers(const struct cs_json *o, struct eng_status *st, struct cs_err *err)
{
	int64_t pid = 0, code = 0, monitor = 0;
	int ret = cs_json_i64(o, "pid", &pid, err);

	if (ret >= 0)
		ret = cs_json_i64(o, "exit_code", &code, err);
	if (ret >= 0)
		ret = cs_json_i64(o, "monitor", &monitor, err);
	if (ret >= 0)
		ret = cs_json_i64(o, "started_ns", &st->started_ns, err);
	if (ret >= 0)
		ret = cs_json_i64(o, "finished_ns", &st->finished_ns, err);
	if (ret >= 0)
		ret = cs_json_i64(o, "restarts", &st->restarts, err);
	if (ret < 0)
		return ret;
	if (pid < 0 || pid > INT_MAX || monitor < 0 || monitor > INT_MAX || code < 0 || code > 255)
		return cs_err_set(err, EINVAL, "status.json: a number is out of range");
	st->pid = (pid_t)pid;
	st->monitor = (pid_t)monitor;
	st->exit_code = (int)code;
	return 0;
}

static int read_status(const struct cs_json *o, struct eng_status *st, struct cs_err *err)
{
	const char *state = NULL, *error = "", *boot = "";
	int ret;

	if (o->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "status.json: must be an object");
	ret = cs_json_str(o, "state", &state, err);
	if (ret >= 0)
		ret = cs_json_str(o, "error", &error, err);
	if (ret >= 0)
		ret = cs_json_str(o, "boot", &boot, err);
	if (ret >= 0)
		ret = cs_json_bool(o, "oom_killed", &st->oom_killed, err);
	if (ret >= 0)
		ret = cs_json_bool(o, "user_stopped", &st->user_stopped, err);
	if (ret >= 0)
		ret = read_numbers(o, st, err);
	if (ret < 0)
		return ret;
	snprintf(st->error, sizeof(st->error), "%s", error);
	snprintf(st->boot, sizeof(st->boot), "%s", boot);
	for (size_t i = 0; state && i < CS_LEN(state_names); i++)
		if (i != ENG_DEAD && i != ENG_PAUSED && strcmp(state, state_names[i]) == 0) {
			st->state = (enum eng_state)i;
			return 0;
		}
	return cs_err_set(err, EINVAL, "state: unknown or missing");
}

int eng_status_parse(const char *buf, size_t len, struct eng_status *out, struct cs_err *err)
{
	struct cs_json_doc doc = { 0 };
	struct eng_status st = ENG_STATUS_INIT;
	int ret = cs_json_parse(buf, len, "status.json", &doc, err);

	if (ret < 0)
		return ret;
	ret = read_status(doc.root, &st, err);
	cs_json_fini(&doc);
	if (ret == 0)
		*out = st;
	return ret;
}

/* On a full disk, over the old one: what is there has its place. One write(2) that fits in a block,
 * with spaces instead of what was longer. */
static int save_in_place(int dir, const char *text, size_t len, struct cs_err *err)
{
	enum { ROOM = 4096 };
	char buf[ROOM];
	cs_auto_fd int fd = openat(dir, "status.json", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;

	if (fd < 0 || fstat(fd, &sb) < 0)
		return cs_err_sys(err, "open status.json");
	if (len > ROOM || sb.st_size > ROOM)
		return cs_err_set(err, ENOSPC, "write status.json");
	memset(buf, ' ', sizeof(buf));
	memcpy(buf, text, len);
	if ((off_t)len < sb.st_size)
		len = (size_t)sb.st_size;
	if (pwrite(fd, buf, len, 0) != (ssize_t)len)
		return cs_err_sys(err, "write status.json");
	return 0;
}

static int save_text(int dir, const char *text, size_t len, struct cs_err *err)
{
	int ret = cs_file_replace(dir, "status.json", text, len, 0600, false, err);

	if (ret != -ENOSPC && ret != -EDQUOT)
		return ret;
	cs_err_clear(err);
	return save_in_place(dir, text, len, err);
}

int eng_status_save(const struct eng *e, const char *id, const struct eng_status *st,
		    struct cs_err *err)
{
	cs_auto_fd int dir = openat(e->containers, id, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cs_auto_free char *text = NULL;
	struct cs_jw w = { 0 };
	size_t len;

	if (dir < 0)
		return cs_err_sys(err, "open folder of container %.12s", id);
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "state", state_names[st->state]);
	cs_jw_i64(&w, "pid", st->pid);
	cs_jw_i64(&w, "exit_code", st->exit_code);
	cs_jw_bool(&w, "oom_killed", st->oom_killed);
	cs_jw_bool(&w, "user_stopped", st->user_stopped);
	cs_jw_i64(&w, "started_ns", st->started_ns);
	cs_jw_i64(&w, "finished_ns", st->finished_ns);
	cs_jw_i64(&w, "restarts", st->restarts);
	cs_jw_i64(&w, "monitor", st->monitor);
	if (*st->boot)
		cs_jw_str(&w, "boot", st->boot);
	if (*st->error)
		cs_jw_str(&w, "error", st->error);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0 || save_text(dir, text, len, err) < 0)
		return cs_err_wrap(err, "status of container %.12s", id);
	return 0;
}

static int read_file(const struct eng *e, const char *id, struct eng_status *out,
		     struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;
	cs_auto_free char *text = NULL;
	char path[NAME_MAX];
	size_t len;
	int ret;

	snprintf(path, sizeof(path), "%.64s/status.json", id);
	ret = cs_file_read_own(e->containers, path, STATUS_MAX, &text, &len, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		if (faccessat(e->containers, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return cs_err_sys(err, "open folder of container %.12s", id);
	} else if (ret < 0 || eng_status_parse(text, len, &st, err) < 0) {
		return cs_err_wrap(err, "container %.12s", id);
	}
	*out = st;
	return 0;
}

static bool needs_monitor(enum eng_state s)
{
	return s == ENG_STARTING || s == ENG_RUNNING || s == ENG_RESTARTING;
}

/* Where somebody removed @path, which is below the folder of all states and tells of it (a lock
 * that nobody has is another case): is its program there yet? That of this pid is if its cgroup has
 * the container's name. */
static bool outlives(const struct eng *e, const char *id, const struct eng_status *st,
		     const char *path)
{
	cs_auto_free char *text = NULL;
	struct cs_err why = CS_ERR_INIT;
	char proc[32];
	size_t len;

	if (st->state != ENG_RUNNING || st->pid <= 0 ||
	    faccessat(e->run, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return false;
	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)st->pid);
	return cs_file_read(AT_FDCWD, proc, STATUS_MAX, &text, &len, &why) == 0 && strstr(text, id);
}

/* Where its monitor's lock is gone. */
static bool outlives_lock(const struct eng *e, const char *id, const struct eng_status *st)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%.64s/live", id);
	return outlives(e, id, st, path);
}

int eng_status_reach(const struct eng *e, const char *id, const char *name,
		     const struct eng_status *st, struct cs_err *err)
{
	char path[NAME_MAX];

	/* the runtime's folder of it is beside ours; it goes when the program has ended */
	snprintf(path, sizeof(path), "../%.64s/state.json", id);
	if (!st->lost && !outlives(e, id, st, path))
		return 0;
	return cs_err_set(err, EBUSY,
			  "container %s is running, but somebody removed its state (--state): end "
			  "it by rm --force",
			  name);
}

int eng_status_load(const struct eng *e, const char *id, struct eng_status *out, struct cs_err *err)
{
	struct eng_status st = ENG_STATUS_INIT;

	if (read_file(e, id, &st, err) < 0)
		return -err->code;
	if (needs_monitor(st.state)) {
		int ret = eng_live(e, id, err);

		/* it may have ended since: its monitor says so before it goes */
		if (ret < 0 || (ret == 0 && read_file(e, id, &st, err) < 0))
			return -err->code;
		st.lost = ret == 0 && outlives_lock(e, id, &st);
		if (ret == 0 && needs_monitor(st.state) && !st.lost)
			st.state = ENG_DEAD;
	}
	*out = st;
	return 0;
}

/* It may end at any moment: what cannot be asked is not paused. */
static void ask_paused(const struct eng *e, const char *id, struct eng_status *st)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	ctr_auto_info struct ctr_info info = { 0 };
	struct cs_err why = CS_ERR_INIT;

	if (ctr_info_get(&rt, id, &info, &why) == 0 && info.status == CTR_PAUSED)
		st->state = ENG_PAUSED;
}

int eng_status_get(const struct eng *e, const char *id, struct eng_status *out, struct cs_err *err)
{
	int ret = eng_status_load(e, id, out, err);

	if (ret == 0 && out->state == ENG_RUNNING)
		ask_paused(e, id, out);
	return ret;
}

int eng_status_glance(const struct eng *e, const char *id, struct eng_status *out,
		      struct cs_err *err)
{
	int ret = eng_status_load(e, id, out, err);
	char path[NAME_MAX];

	/* the runtime's folder of it is beside ours */
	snprintf(path, sizeof(path), "../%.64s/" CTR_PAUSED_NOTE, id);
	if (ret == 0 && out->state == ENG_RUNNING &&
	    faccessat(e->run, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		ask_paused(e, id, out);
	return ret;
}

static int open_live(const struct eng *e, const char *id, int flags, struct cs_err *err)
{
	char path[NAME_MAX + 8];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s/live", id);

	if (ret < 0)
		return ret;
	ret = openat(e->run, path, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ret < 0)
		return -errno;
	return ret;
}

/* Is it the file of that name yet? Who ended took it away, perhaps between our open and our lock.
 */
static bool is_live_of(const struct eng *e, const char *id, int fd)
{
	char path[NAME_MAX + 8];
	struct stat held, there;

	snprintf(path, sizeof(path), "%.64s/live", id);
	return fstat(fd, &held) == 0 && fstatat(e->run, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

int eng_live_take(const struct eng *e, const char *id, struct cs_err *err)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (int try = 0; try < LIVE_TRIES; try++) {
		cs_auto_fd int fd = -EBADF;

		if (mkdirat(e->run, id, 0700) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make the state folder of container %.12s", id);
		fd = open_live(e, id, O_CREAT, err);
		if (fd == -ENOENT) /* the folder went meanwhile */
			continue;
		if (fd < 0)
			return cs_err_errno(err, -fd, "open the live lock of container %.12s", id);
		if (fcntl(fd, F_OFD_SETLK, &l) < 0) {
			if (errno == EAGAIN || errno == EACCES)
				return cs_err_set(err, EBUSY, "container %.12s is running already",
						  id);
			return cs_err_sys(err, "lock container %.12s", id);
		}
		if (is_live_of(e, id, fd))
			return cs_take_fd(&fd);
	}
	return cs_err_set(err, EBUSY, "container %.12s is fought over", id);
}

int eng_live_end(const struct eng *e, const char *id, struct cs_err *err)
{
	int fd = openat(e->run, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		int code = errno;

		cs_close_fd(&fd);
		return code == ENOENT
			       ? 0
			       : cs_err_errno(err, code, "open the state of container %.12s", id);
	}
	for (const struct dirent *f; (f = readdir(d));) {
		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0 ||
		    strcmp(f->d_name, "live") == 0)
			continue;
		if (cs_file_rmtree(fd, f->d_name, err) < 0)
			return cs_err_wrap(err, "state of container %.12s", id);
	}
	/* from here on it may be started again: only an empty folder goes */
	if (unlinkat(fd, "live", 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove the live lock of container %.12s", id);
	if (unlinkat(e->run, id, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY)
		return cs_err_sys(err, "remove the state of container %.12s", id);
	return 0;
}

int eng_live(const struct eng *e, const char *id, struct cs_err *err)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cs_auto_fd int fd = open_live(e, id, 0, err);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return cs_err_errno(err, -fd, "open the live lock of container %.12s", id);
	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		return cs_err_sys(err, "ask for the live lock of container %.12s", id);
	return l.l_type == F_UNLCK ? 0 : 1;
}

int eng_live_wait(const struct eng *e, const char *id, int timeout_ms, struct cs_err *err)
{
	struct timespec t0, t;
	int ret, step = 2;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (;;) {
		int64_t past;

		ret = eng_live(e, id, err);
		if (ret <= 0)
			return ret < 0 ? ret : 1;
		clock_gettime(CLOCK_MONOTONIC, &t);
		past = (t.tv_sec - t0.tv_sec) * 1000 + (t.tv_nsec - t0.tv_nsec) / 1000000;
		if (timeout_ms >= 0 && past >= timeout_ms)
			return 0;
		poll(NULL, 0, step);
		if (step < 50)
			step *= 2;
	}
}
