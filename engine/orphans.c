#include "engine/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "engine/bring.h"
#include "engine/cgnote.h"
#include "engine/cgpath.h"
#include "engine/check.h"
#include "engine/engine.h"
#include "engine/holder.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/status.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "netns/attach.h"
#include "netns/network.h"
#include "netns/store.h"
#include "runtime/container.h"

enum {
	NEW_S = 60, /* what is younger may be somebody's who is at work */
	CGROUP_DEPTH = 64,
	FRESH_S = 2,
	FRESH_MS = 100,
	ENDING_MS = 2000, /* so long a monitor takes to end, and more */
};

struct sweep {
	const struct eng *e;
	eng_orphan_fn fn;
	void *arg;
};

static void tell(const struct sweep *s, const char *kind, const char *name)
{
	char text[160];

	snprintf(text, sizeof(text), "leftover of %s %.64s", kind, name);
	s->fn(text, s->arg);
}

static void failed(const char *kind, const char *name, const struct cs_err *why)
{
	cs_log(CS_LOG_WARN, "leftover of %s %.64s: %s", kind, name, why->msg);
}

static bool is_id(const char *s)
{
	return strlen(s) == ENG_ID_LEN && strspn(s, "0123456789abcdef") == ENG_ID_LEN;
}

static bool is_new(int dir, const char *name)
{
	struct stat sb;

	return fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0 || sb.st_mtime + NEW_S > time(NULL);
}

/* Calls @fn with each name in folder @dir. */
static int each(const struct sweep *s, int dir,
		void (*fn)(const struct sweep *s, int dir, const char *name), struct cs_err *err)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = own < 0 ? NULL : fdopendir(own);
	const struct dirent *f;

	if (!d) {
		cs_close_fd(&own);
		return cs_err_sys(err, "read a folder");
	}
	while ((f = readdir(d)))
		if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0)
			fn(s, dir, f->d_name);
	return 0;
}

/* --- containers ------------------------------------------------------------------------------- */

/* Who made the file of a lock a moment ago is perhaps about to take it. */
static bool is_fresh(int lock)
{
	struct stat sb;

	return fstat(lock, &sb) < 0 || sb.st_ctime + FRESH_S > time(NULL);
}

/* Is somebody at work in the folder? Whoever makes or removes a container has its lock; one without
 * a lock's file is perhaps being made at this moment, if it is new. What cannot be told counts. */
static bool in_work(int dir, const char *id)
{
	cs_auto_fd int folder = openat(dir, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int lock = -EBADF;
	struct stat sb;

	if (folder < 0)
		return errno != ENOENT && errno != ENOTDIR;
	if (faccessat(folder, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return fstat(folder, &sb) < 0 || sb.st_mtime + NEW_S > time(NULL);
	lock = cs_file_lock(folder, "lock", true, &why);
	if (lock >= 0 && is_fresh(lock)) {
		cs_close_fd(&lock);
		poll(NULL, 0, FRESH_MS);
		cs_err_clear(&why);
		lock = cs_file_lock(folder, "lock", true, &why);
	}
	return lock < 0;
}

/* Has it no record, and that for sure? */
static bool has_no_record(const struct eng *e, const char *id)
{
	char path[ENG_ID_LEN + 16];

	snprintf(path, sizeof(path), "%.64s/record.json", id);
	return faccessat(e->containers, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

/* Is its folder gone, and that for sure? */
static bool has_no_folder(const struct eng *e, const char *id)
{
	return is_id(id) && faccessat(e->containers, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT && eng_is_in_place(e);
}

/* A container that nobody knows, with whatever the runtime has of it. Who was at work has written
 * the record before he let go of the lock: so that is looked for last. */
static bool is_orphan(const struct eng *e, const char *id)
{
	struct cs_err why = CS_ERR_INIT;

	return is_id(id) && !in_work(e->containers, id) && has_no_record(e, id) &&
	       eng_live(e, id, &why) == 0;
}

static bool lives_on(const struct eng *e, const char *id, int64_t until)
{
	struct cs_err why = CS_ERR_INIT;

	while (eng_live(e, id, &why) == 1) {
		if (eng_mono_ms() > until)
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

/* A monitor whose container's folder somebody removed: it would go on for ever. One that ends with
 * --rm is in that state for a moment. */
static void end_unknown(const struct eng *e, const char *id)
{
	cs_auto_fd int run = -EBADF;
	struct cs_err why = CS_ERR_INIT;
	char what[96];

	if (!has_no_folder(e, id) || !lives_on(e, id, eng_mono_ms() + ENDING_MS))
		return;
	snprintf(what, sizeof(what), "container %.12s, which has no record", id);
	run = eng_run_dir(e, id, &why);
	if (run >= 0 && has_no_folder(e, id) && eng_holders_kill(run, "live", what, &why) >= 0)
		lives_on(e, id, eng_mono_ms() + ENDING_MS);
}

/* Is what the runtime has by that id the engine's? Its state folder is caisson-oci's as well, with
 * containers of podman and others in it. */
static bool is_engines(const struct eng *e, const char *id)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	ctr_auto_info struct ctr_info info = { 0 };
	struct cs_err why = CS_ERR_INIT;
	char bundle[PATH_MAX];
	int ret = ctr_info_get(&rt, id, &info, &why);

	if (ret == -ENOENT) {
		/* one that is new is perhaps being made, by whoever */
		snprintf(bundle, sizeof(bundle), "../%.64s", id);
		return faccessat(e->run, bundle, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
		       !is_new(e->run, bundle);
	}
	return ret == 0 &&
	       cs_str_fmt(bundle, sizeof(bundle), &why, "%s/containers/%s", e->state, id) == 0 &&
	       strcmp(info.state.bundle, bundle) == 0;
}

static void take_down(const struct sweep *s, int dir, const char *id)
{
	struct eng_record r = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int live = -EBADF;

	(void)dir;
	end_unknown(s->e, id);
	if (!is_orphan(s->e, id) || !is_engines(s->e, id))
		return;
	live = eng_live_take(s->e, id, &why); /* nobody starts it meanwhile */
	if (live < 0)
		return;
	r.id = r.name = id;
	r.isolation = "container";
	if (eng_take_down(s->e, &r, false, &why) < 0 || cs_file_rmtree(s->e->run, id, &why) < 0)
		failed("container", id, &why);
	else
		tell(s, "container", id);
}

static void drop_folder(const struct sweep *s, int dir, const char *id)
{
	struct cs_err why = CS_ERR_INIT;

	if (!is_orphan(s->e, id))
		return;
	if (cs_file_rmtree(dir, id, &why) < 0)
		failed("container", id, &why);
	else
		tell(s, "container", id);
}

static void drop_name(const struct sweep *s, int dir, const char *name)
{
	char id[ENG_ID_LEN + 2];
	ssize_t n = readlinkat(dir, name, id, sizeof(id) - 1);

	if (n < 0)
		return;
	id[n] = '\0';
	if ((is_id(id) && !is_orphan(s->e, id)) || is_new(dir, name))
		return;
	if (unlinkat(dir, name, 0) == 0)
		tell(s, "name", name);
}

static int drop_containers(const struct sweep *s, struct cs_err *err)
{
	cs_auto_fd int state = open(s->e->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cs_auto_fd int names =
		openat(s->e->containers, ".names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (state < 0)
		return cs_err_sys(err, "open %s", s->e->state);
	if (each(s, state, take_down, err) < 0 || each(s, s->e->run, take_down, err) < 0 ||
	    each(s, s->e->containers, drop_folder, err) < 0)
		return -err->code;
	/* nobody takes a name over meanwhile (store.c) */
	if (names < 0 || flock(names, LOCK_EX) < 0)
		return 0;
	return each(s, names, drop_name, err);
}

/* --- cgroups ---------------------------------------------------------------------------------- */

/* Does anybody live in the cgroup or below? What cannot be told counts. */
static bool is_populated(int dir, int depth)
{
	cs_auto_fd int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = own < 0 ? NULL : fdopendir(own);
	const struct dirent *f;
	bool found;
	char c;

	if (!d)
		cs_close_fd(&own);
	found = !d || procs < 0 || depth > CGROUP_DEPTH || read(procs, &c, 1) != 0;
	while (!found && (f = readdir(d))) {
		cs_auto_fd int below = -EBADF;

		if (f->d_type != DT_DIR || *f->d_name == '.')
			continue;
		below = openat(dir, f->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		found = below < 0 || is_populated(below, depth + 1);
	}
	return found;
}

/* Removes it and what is below; the kernel removes none that somebody lives in. */
static int remove_cgroup(int dir, const char *name)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *f;
	int own;

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	own = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = own < 0 ? NULL : fdopendir(own);
	if (!d) {
		cs_close_fd(&own);
		return -errno;
	}
	while ((f = readdir(d)))
		if (f->d_type == DT_DIR && *f->d_name != '.')
			remove_cgroup(own, f->d_name);
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Empty ones alone: those of other stores have the same parent. One that is being made is new. */
static void drop_cgroup(const struct sweep *s, int dir, const char *id)
{
	cs_auto_fd int own = -EBADF;

	if (!is_id(id) || !is_orphan(s->e, id) || is_new(dir, id))
		return;
	own = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own >= 0 && !is_populated(own, 0) && remove_cgroup(dir, id) == 0)
		tell(s, "cgroup", id);
}

/* The folder of cgroups @parent ("/caisson") in a hierarchy. Without a message: mostly there is
 * none. */
static int open_parent(const struct cg_hier *h, const char *parent)
{
	char path[sizeof(h->mountpoint) + PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s", h->mountpoint, parent);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fd;
}

/* The cgroup of one that was given a parent for it; in the folder of that there may be others', by
 * ids like ours. */
static void drop_given(const struct sweep *s, const struct cg_host *h, int notes, const char *id)
{
	char given[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlinkat(notes, id, given, sizeof(given) - 1);
	struct cs_err why = CS_ERR_INIT;

	if (n <= 0 || !is_id(id) || !is_orphan(s->e, id) || is_new(notes, id))
		return;
	given[n] = '\0';
	/* one that cannot be used never was */
	if (eng_cgroup_path(given, id, path, sizeof(path), &why) == 0) {
		*strrchr(path, '/') = '\0';
		for (size_t i = 0; i < h->n_hier; i++) {
			cs_auto_fd int dir = open_parent(&h->hier[i], path);

			if (dir < 0)
				continue;
			drop_cgroup(s, dir, id);
			if (faccessat(dir, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				return; /* the next prune */
		}
	}
	eng_cgnote_drop(s->e, id);
}

static int drop_noted(const struct sweep *s, const struct cg_host *h, struct cs_err *err)
{
	int fd = eng_cgnote_dir(s->e, err);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *f;

	if (!d) {
		cs_close_fd(&fd);
		return fd == -ENOENT ? 0 : -err->code;
	}
	while ((f = readdir(d)))
		if (*f->d_name != '.')
			drop_given(s, h, dirfd(d), f->d_name);
	return 0;
}

static int drop_cgroups(const struct sweep *s, struct cs_err *err)
{
	cs_auto_fd int procfd = cs_path_proc_open(err);
	struct cg_host h;
	int ret = 0;

	if (procfd < 0 || cg_host_open(procfd, &h, err) < 0)
		return -err->code;
	for (size_t i = 0; ret == 0 && i < h.n_hier; i++) {
		cs_auto_fd int dir = open_parent(&h.hier[i], ENG_CGROUP_PARENT);

		if (dir >= 0)
			ret = each(s, dir, drop_cgroup, err);
	}
	if (ret == 0)
		ret = drop_noted(s, &h, err);
	cg_host_fini(&h);
	return ret;
}

/* --- networks --------------------------------------------------------------------------------- */

static int drop_attachments(const struct eng *e, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	net_auto_list struct net_list l = { 0 };
	struct cs_err why = CS_ERR_INIT;

	if (net_store_open(&st, e->root, e->state, err) < 0 || net_store_list(&st, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++) {
		net_auto_net struct net_net n = NET_NET_INIT;

		cs_err_clear(&why);
		if ((net_net_open(&st, l.v[i], &n, &why) < 0 ||
		     net_sweep(&st, &n, true, &why) < 0) &&
		    why.code != ENOENT)
			failed("network", l.v[i], &why);
	}
	cs_err_clear(&why);
	/* rules and names are made anew from the records: what has none is gone */
	if (l.n && net_network_reload(&st, &why) < 0)
		failed("network", "rules", &why);
	return 0;
}

/* --- volumes ---------------------------------------------------------------------------------- */

static size_t count_halves(const struct eng *e)
{
	char path[PATH_MAX];
	struct cs_err why = CS_ERR_INIT;
	cs_auto_dir DIR *d = NULL;
	const struct dirent *f;
	size_t n = 0;

	if (cs_str_fmt(path, sizeof(path), &why, "%s/volumes", e->root) == 0)
		d = opendir(path);
	while (d && (f = readdir(d)))
		n += cs_str_starts(f->d_name, ".new.") || cs_str_starts(f->d_name, ".old.");
	return n;
}

static int drop_halves(const struct sweep *s, struct cs_err *err)
{
	size_t before = count_halves(s->e), after;

	if (eng_volume_tidy(s->e, err) < 0)
		return -err->code;
	for (after = count_halves(s->e); after < before; after++)
		tell(s, "a volume", "half made or removed");
	return 0;
}

/* One at a time: what one has just taken is no monitor's for the other. */
static int lock_out_others(const struct eng *e, struct cs_err *err)
{
	cs_auto_fd int fd = openat(e->run, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return cs_err_sys(err, "open the folder of what runs");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return cs_err_sys(err, "lock the folder of what runs");
	return cs_take_fd(&fd);
}

int eng_orphans_remove(const struct eng *e, eng_orphan_fn fn, void *arg, struct cs_err *err)
{
	struct sweep s = { .e = e, .fn = fn, .arg = arg };
	cs_auto_fd int alone = lock_out_others(e, err);

	if (alone < 0)
		return alone;
	eng_check_tidy(e->root, e->state);
	if (drop_containers(&s, err) < 0 || drop_cgroups(&s, err) < 0 ||
	    drop_attachments(e, err) < 0)
		return -err->code;
	return drop_halves(&s, err);
}
