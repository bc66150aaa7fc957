#include "engine/join.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"

#define NOTES "joins" /* a line each: the container's id, pid, start time */

enum { NOTES_MAX = 4096 };

int eng_join_find(const struct eng *e, const char *mode, const char *ns, char *out, size_t size,
		  struct cs_buf *note, struct cs_err *err)
{
	static const char prefix[] = "container:";
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	ctr_auto_info struct ctr_info info = { 0 };
	struct eng_status st = ENG_STATUS_INIT;
	char id[ENG_ID_LEN + 1];

	if (!mode || !cs_str_starts(mode, prefix))
		return 0;
	if (eng_find(e, mode + strlen(prefix), id, err) < 0 || eng_status_load(e, id, &st, err) < 0)
		return -err->code;
	if (st.state != ENG_RUNNING)
		return cs_err_set(err, EBUSY,
				  "container %s, whose %s namespace is to be shared, is %s: start "
				  "it first",
				  mode + strlen(prefix), ns, eng_state_name(st.state));
	/* the runtime knows the process by its start time, too */
	if (eng_status_reach(e, id, mode + strlen(prefix), &st, err) < 0 ||
	    ctr_info_get(&rt, id, &info, err) < 0)
		return -err->code;
	/* its first process on the host is outside of it: what that one has is the host's own */
	if (strcmp(info.state.wall, "vm") == 0)
		return cs_err_set(
			err, ENOTSUP,
			"container %s runs in a machine: its %s namespace cannot be shared",
			mode + strlen(prefix), ns);
	if (info.status != CTR_RUNNING && info.status != CTR_PAUSED)
		return cs_err_set(err, EBUSY,
				  "container %s, whose %s namespace is to be shared, is ending",
				  mode + strlen(prefix), ns);
	cs_buf_addf(note, "%s %d %llu\n", id, (int)info.state.pid,
		    (unsigned long long)info.state.start_time);
	return cs_str_fmt(out, size, err, "/proc/%d/ns/%s", (int)info.state.pid, ns);
}

int eng_join_save(int run, const struct cs_buf *note, struct cs_err *err)
{
	if (note->len == 0)
		return 0;
	if (cs_buf_ok(note, err) < 0)
		return -err->code;
	return cs_file_replace(run, NOTES, note->s, note->len, 0600, false, err);
}

/* Is it the process that it was? */
static int check_line(int proc, char *line, struct cs_err *err)
{
	char *pid = strchr(line, ' '), *start = pid ? strchr(pid + 1, ' ') : NULL;
	struct cs_err why = CS_ERR_INIT;
	uint64_t p = 0, t = 0;
	int fd;

	if (!pid || !start)
		return cs_err_set(err, EINVAL, "the note of a joined container is damaged");
	*pid++ = *start++ = '\0';
	if (cs_str_u64(pid, &p) < 0 || p == 0 || p > INT32_MAX || cs_str_u64(start, &t) < 0)
		return cs_err_set(err, EINVAL, "the note of a joined container is damaged");
	fd = cs_proc_pidfd(proc, (pid_t)p, t, &why);
	if (fd < 0)
		return cs_err_set(err, ESRCH,
				  "container %.12s, whose namespaces are shared, has ended since: "
				  "start it, and then this one",
				  line);
	close(fd);
	return 0;
}

int eng_join_check(int run, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct cs_err gone = CS_ERR_INIT;
	cs_auto_fd int proc = -EBADF;
	char *save = NULL;
	size_t len;
	int ret = cs_file_read(run, NOTES, NOTES_MAX, &text, &len, &gone);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0) {
		*err = gone;
		return ret;
	}
	proc = cs_path_proc_open(err);
	if (proc < 0)
		return proc;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (check_line(proc, l, err) < 0)
			return -err->code;
	return 0;
}
