#include "cgroups/cgroup_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

enum {
	DENTS_BYTES = 8192,
	DEPTH_MAX = 1 << 17,
	PROCS_MAX = 64 << 20,
};

/* A folder that the walk went down through. */
struct step {
	char name[NAME_MAX + 1]; /* of the child it went to */
	off_t next;		 /* where to go on reading when it comes back */
};

struct walk {
	int dir;	   /* owned; where it is */
	off_t pos;	   /* read so far */
	struct step *step; /* owned */
	size_t depth, cap;
};

/* Finds the next child folder after walk.pos. Returns 1 and its name, 0 at the end. */
static int next_child(struct walk *w, char name[NAME_MAX + 1])
{
	_Alignas(struct dirent64) char buf[DENTS_BYTES];
	ssize_t n;

	if (lseek(w->dir, w->pos, SEEK_SET) < 0)
		return -errno;
	while ((n = getdents64(w->dir, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n;) {
			const struct dirent64 *d = (const void *)(buf + i);

			i += d->d_reclen;
			if (d->d_type != DT_DIR || strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			memcpy(name, d->d_name, strlen(d->d_name) + 1);
			w->pos = d->d_off;
			return 1;
		}
	}
	return n < 0 && errno != ENOENT && errno != ENODEV ? -errno : 0;
}

/* Goes down to child @name; a child that is gone by now is no error. */
static int go_down(struct walk *w, const char *name, cg_walk_fn enter, void *arg)
{
	cs_auto_fd int fd = openat(w->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (w->depth == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct step *bigger;

		if (cap > DEPTH_MAX)
			return -ELOOP;
		bigger = realloc(w->step, cap * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		w->step = bigger;
		w->cap = cap;
	}
	memcpy(w->step[w->depth].name, name, strlen(name) + 1);
	w->step[w->depth].next = w->pos;
	w->depth++;
	close(w->dir);
	w->dir = cs_take_fd(&fd);
	w->pos = 0;
	return enter ? enter(w->dir, arg) : 0;
}

/* Goes back up. A cgroup cannot be moved to another parent, so ".." is where it came from. */
static int go_up(struct walk *w, bool remove)
{
	cs_auto_fd int fd = openat(w->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct step *s = &w->step[w->depth - 1];

	if (fd < 0)
		return -errno;
	if (remove && unlinkat(fd, s->name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
	    errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	w->depth--;
	w->pos = s->next;
	close(w->dir);
	w->dir = cs_take_fd(&fd);
	return 0;
}

static int walk_all(struct walk *w, bool remove, cg_walk_fn enter, void *arg)
{
	char name[NAME_MAX + 1];
	int ret = enter ? enter(w->dir, arg) : 0;

	while (ret >= 0) {
		ret = next_child(w, name);
		if (ret > 0)
			ret = go_down(w, name, enter, arg);
		else if (!ret && !w->depth)
			break;
		else if (!ret)
			ret = go_up(w, remove);
	}
	return ret;
}

int cg_walk(int top, bool remove, cg_walk_fn enter, void *arg)
{
	struct walk w = { .dir = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int ret;

	if (w.dir < 0)
		return errno == ENOENT ? 0 : -errno;
	ret = walk_all(&w, remove, enter, arg);
	free(w.step);
	cs_close_fd(&w.dir);
	return ret;
}

static int add_pid(struct cg_pidv *v, pid_t pid)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 64;
		pid_t *bigger = reallocarray(v->v, cap, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		v->v = bigger;
		v->cap = cap;
	}
	v->v[v->n++] = pid;
	return 0;
}

/* Adds the pids of one cgroup's cgroup.procs. */
static int add_procs(int dir, void *arg)
{
	cs_auto_fd int fd = openat(dir, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	struct cg_pidv *v = arg;
	char *rest, *line;
	size_t len;
	int ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ret = cs_fd_read_all(fd, PROCS_MAX, &text, &len, &err);
	/* A threaded cgroup has no processes of its own (they are listed above it); ENODEV: it was
	 * removed just now. */
	if (ret == -EOPNOTSUPP || ret == -ENODEV)
		return 0;
	if (ret < 0)
		return ret;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		int64_t pid;

		if (!*line)
			continue;
		if (cs_str_i64(line, &pid) < 0 || pid < 0 || pid > INT32_MAX)
			return -EPROTO;
		ret = pid ? add_pid(v, (pid_t)pid) : 0;
		if (ret < 0)
			return ret;
	}
	return 0;
}

int cg_hier_pids(const struct cg *cg, size_t h, struct cg_pidv *out)
{
	cs_auto_fd int dir = cg_file_open(cg, h, "", O_PATH | O_DIRECTORY);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	return cg_walk(dir, false, add_procs, out);
}

enum {
	NS_PER_MS = 1000000,
	BACKOFF_FIRST_NS = 50 * 1000,
	BACKOFF_MAX_NS = 20 * NS_PER_MS,
};

bool cg_backoff_wait(struct cg_backoff *b)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
	if (!b->deadline_ns) {
		b->deadline_ns = now + (int64_t)CG_WAIT_MS * NS_PER_MS;
		b->sleep_ns = BACKOFF_FIRST_NS;
	}
	if (now >= b->deadline_ns)
		return false;
	t = (struct timespec){ .tv_nsec = (long)b->sleep_ns };
	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	b->sleep_ns *= 2;
	if (b->sleep_ns > BACKOFF_MAX_NS)
		b->sleep_ns = BACKOFF_MAX_NS;
	return true;
}
