#include "engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/cgnote.h"
#include "engine/holder.h"
#include "engine/record.h"
#include "engine/stamp.h"

static bool is_id(const char *s)
{
	return strlen(s) == ENG_ID_LEN && strspn(s, "0123456789abcdef") == ENG_ID_LEN;
}

int eng_new_id(char out[ENG_ID_LEN + 1], struct cs_err *err)
{
	unsigned char b[ENG_ID_LEN / 2];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return cs_err_sys(err, "random numbers");
	for (size_t i = 0; i < sizeof(b); i++)
		snprintf(out + 2 * i, 3, "%02x", b[i]);
	return 0;
}

int eng_dir(const struct eng *e, const char *id, struct cs_err *err)
{
	int fd = openat(e->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return cs_err_set(err, ENOENT, "no such container: %.64s", id);
	return cs_err_sys(err, "open folder of container %.12s", id);
}

int eng_run_dir(const struct eng *e, const char *id, struct cs_err *err)
{
	int fd;

	if (mkdirat(e->run, id, 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the state folder of container %.12s", id);
	fd = openat(e->run, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open the state folder of container %.12s", id);
	return fd;
}

/* --- names ------------------------------------------------------------------------------------ */

static int names_dir(const struct eng *e, struct cs_err *err)
{
	int fd;

	if (mkdirat(e->containers, ".names", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the folder of container names");
	fd = openat(e->containers, ".names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open the folder of container names");
	return fd;
}

/* The id that has the name; 1, or 0: nobody. */
static int name_owner(int names, const char *name, char id[ENG_ID_LEN + 1], struct cs_err *err)
{
	char text[ENG_ID_LEN + 2];
	ssize_t n = readlinkat(names, name, text, sizeof(text) - 1);

	if (n < 0 && (errno == ENOENT || errno == EINVAL || errno == ENAMETOOLONG))
		return 0;
	if (n < 0)
		return cs_err_sys(err, "read container name %s", name);
	text[n] = '\0';
	if (!is_id(text))
		return cs_err_set(err, EINVAL, "container name %s: leads to no id", name);
	memcpy(id, text, ENG_ID_LEN + 1);
	return 1;
}

bool eng_has_record(const struct eng *e, const char *id)
{
	char path[ENG_ID_LEN + 16];

	snprintf(path, sizeof(path), "%s/record.json", id);
	return faccessat(e->containers, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is somebody at work in the container's folder? Whoever makes or removes it has its lock. */
static bool is_locked(const struct eng *e, const char *id)
{
	cs_auto_fd int dir = openat(e->containers, id, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct cs_err why = CS_ERR_INIT;

	return dir >= 0 && cs_file_is_locked(dir, "lock", &why) == 1;
}

/* Has the container really the name? A rename that was killed leaves a name behind, or takes one
 * and does not give it. */
static bool has_name(const struct eng *e, const char *id, const char *name)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret = eng_record_load(e, id, &r, &why);

	return ret != -ENOENT && (ret < 0 || strcmp(r.name, name) == 0);
}

/* Takes the name for @id. One whose holder has no record or another name, and nobody at work on it,
 * is what a killed command left: it is taken over. */
static int name_take(const struct eng *e, const char *name, const char *id, struct cs_err *err)
{
	cs_auto_fd int names = names_dir(e, err);
	char old[ENG_ID_LEN + 1];

	if (names < 0)
		return names;
	for (int try = 0; try < 8; try++) {
		int ret;

		if (symlinkat(id, names, name) == 0)
			return 0;
		if (errno != EEXIST)
			return cs_err_sys(err, "take container name %s", name);
		/* two that find it left behind must not both take it over */
		if (flock(names, LOCK_EX) < 0)
			return cs_err_sys(err, "lock container names");
		ret = name_owner(names, name, old, err);
		if (ret < 0)
			return ret;
		if (ret == 0)
			continue;
		if (strcmp(old, id) == 0)
			return 0;
		/* in this order: who gives it the name has the lock until the record says so */
		if (is_locked(e, old) || has_name(e, old, name))
			return cs_err_set(err, EEXIST,
					  "name \"%s\" is taken by container %.12s: remove or "
					  "rename it, or give --replace",
					  name, old);
		if (unlinkat(names, name, 0) < 0 && errno != ENOENT)
			return cs_err_sys(err, "free container name %s", name);
	}
	return cs_err_set(err, EBUSY, "container name %s is fought over", name);
}

static void name_free(const struct eng *e, const char *name, const char *id)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int names = names_dir(e, &why);
	char owner[ENG_ID_LEN + 1];

	if (names >= 0 && name_owner(names, name, owner, &why) == 1 && strcmp(owner, id) == 0)
		unlinkat(names, name, 0);
}

/* Whatever names lead to the id: its record could not tell. */
static void names_free(const struct eng *e, const char *id)
{
	struct cs_err why = CS_ERR_INIT;
	int fd = names_dir(e, &why);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		cs_close_fd(&fd);
		return;
	}
	for (const struct dirent *de; (de = readdir(d));) {
		char owner[ENG_ID_LEN + 1];

		cs_err_clear(&why);
		if (name_owner(fd, de->d_name, owner, &why) == 1 && strcmp(owner, id) == 0)
			unlinkat(fd, de->d_name, 0);
	}
}

int eng_new_name(const struct eng *e, char *out, size_t size, struct cs_err *err)
{
	static const char *const first[] = {
		"able",	 "brave", "calm",  "dry",   "eager", "fair",  "glad",	"hardy",
		"keen",	 "kind",  "light", "lucky", "merry", "noble", "plain",	"quick",
		"quiet", "rapid", "ready", "sharp", "sober", "sound", "steady", "stout",
		"sunny", "swift", "tidy",  "true",  "warm",  "wise",  "witty",	"young",
	};
	static const char *const second[] = {
		"anchor", "ballast", "beacon", "bollard", "boom",   "buoy",  "cable", "capstan",
		"cleat",  "compass", "crane",  "deck",	  "dock",   "ferry", "gull",  "harbour",
		"hull",	  "jetty",   "keel",   "lagoon",  "mast",   "mole",  "oar",   "pier",
		"pylon",  "quay",    "rudder", "sail",	  "sluice", "tide",  "weir",  "winch",
	};
	cs_auto_fd int names = names_dir(e, err);
	char id[ENG_ID_LEN + 1];

	if (names < 0)
		return names;
	for (int try = 0; try < 64; try++) {
		uint32_t r[3];
		int ret;

		if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
			return cs_err_sys(err, "random numbers");
		ret = cs_str_fmt(out, size, err, "%s_%s", first[r[0] % CS_LEN(first)],
				 second[r[1] % CS_LEN(second)]);
		if (ret == 0 && try >= 4)
			ret = cs_str_fmt(out, size, err, "%s_%s%u", first[r[0] % CS_LEN(first)],
					 second[r[1] % CS_LEN(second)], r[2] % 100000);
		if (ret == 0)
			ret = name_owner(names, out, id, err);
		if (ret < 0)
			return ret;
		if (ret == 0)
			return 0;
	}
	return cs_err_set(err, EEXIST, "no free name found: give one with --name");
}

/* --- records ---------------------------------------------------------------------------------- */

/* Survives a power cut, but for one that goes when it ends. The folder's own entry, and the name,
 * were made before it: a file system with one journal has them first. */
static int write_record(int dir, const struct eng_record *r, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	const bool sync = !r->auto_remove;
	size_t len;

	if (eng_record_text(r, &text, &len, err) < 0 ||
	    cs_file_replace(dir, "record.json", text, len, 0600, sync, err) < 0)
		return cs_err_wrap(err, "record of container %s", r->name);
	if (sync && fsync(dir) < 0)
		return cs_err_sys(err, "sync the folder of container %s", r->name);
	return 0;
}

int eng_store_add(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF, lock = -EBADF;
	struct cs_err why = CS_ERR_INIT;

	if (mkdirat(e->containers, r->id, 0700) < 0)
		return cs_err_sys(err, "make the folder of container %s", r->name);
	dir = eng_dir(e, r->id, err);
	if (dir < 0)
		return dir;
	lock = cs_file_lock(dir, "lock", false, err);
	if (lock >= 0 && name_take(e, r->name, r->id, err) == 0 &&
	    eng_cgnote_make(e, r, err) == 0 && write_record(dir, r, err) == 0)
		return 0;
	name_free(e, r->name, r->id);
	if (r->cgroup_parent)
		eng_cgnote_drop(e, r->id);
	cs_file_rmtree(e->containers, r->id, &why);
	return -err->code;
}

int eng_store_save(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	cs_auto_fd int dir = eng_dir(e, r->id, err);

	return dir < 0 ? dir : write_record(dir, r, err);
}

/* The record says both names before there are both and until there is one: whatever is killed when,
 * who removes the container frees both. */
int eng_store_rename(const struct eng *e, struct eng_record *r, const char *name,
		     struct cs_err *err)
{
	const char *old = r->name, *left = r->other_name;
	int ret = eng_name_check(name, err);

	if (ret < 0 || strcmp(old, name) == 0)
		return ret;
	if (left && strcmp(left, name) != 0) /* an earlier rename was killed */
		name_free(e, left, r->id);
	r->other_name = name;
	ret = eng_store_save(e, r, err);
	if (ret == 0)
		ret = name_take(e, name, r->id, err);
	if (ret == 0) {
		r->name = name;
		r->other_name = old;
		ret = eng_store_save(e, r, err);
	}
	if (ret < 0) {
		struct cs_err why = CS_ERR_INIT;

		name_free(e, name, r->id);
		r->name = old;
		r->other_name = NULL;
		eng_store_save(e, r, &why);
		return ret;
	}
	name_free(e, old, r->id);
	r->other_name = NULL;
	return eng_store_save(e, r, err);
}

int eng_record_load(const struct eng *e, const char *id, struct eng_record *out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	char path[ENG_ID_LEN + 16];
	size_t len;
	int ret;

	snprintf(path, sizeof(path), "%.64s/record.json", id);
	ret = cs_file_read_own(e->containers, path, ENG_RECORD_MAX, &text, &len, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		return cs_err_set(err, ENOENT, "no such container: %s", id);
	}
	if (ret < 0 || eng_record_parse(text, len, out, err) < 0)
		return cs_err_wrap(err, "record of container %.12s", id);
	if (strcmp(out->id, id) != 0) {
		eng_record_fini(out);
		return cs_err_set(err, EINVAL, "record of container %.12s: is another's", id);
	}
	return 0;
}

int eng_lock(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int dir = eng_dir(e, id, err);
	cs_auto_fd int lock = -EBADF;

	if (dir < 0)
		return dir;
	lock = cs_file_lock(dir, "lock", false, err);
	if (lock < 0)
		return cs_err_wrap(err, "container %.12s", id);
	if (!eng_has_record(e, id))
		return cs_err_set(err, ENOENT, "no such container: %.12s", id);
	return cs_take_fd(&lock);
}

/* Tries for @ms to get the lock in folder @dir; EWOULDBLOCK. */
static int lock_within(const struct eng *e, int dir, const char *id, int ms, struct cs_err *err)
{
	int64_t until = eng_mono_ms() + ms;

	for (;;) {
		int lock = cs_file_lock(dir, "lock", true, err);

		if (lock != -EWOULDBLOCK || eng_mono_ms() >= until)
			return lock;
		cs_err_clear(err);
		if (!eng_has_record(e, id))
			return cs_err_set(err, ENOENT, "no such container: %.12s", id);
		poll(NULL, 0, 10);
	}
}

int eng_lock_by_force(const struct eng *e, const char *id, int patience_ms, struct cs_err *err)
{
	enum { KILLED_MS = 10 * 1000 };
	cs_auto_fd int dir = eng_dir(e, id, err);
	cs_auto_fd int lock = -EBADF;
	char what[48];

	if (dir < 0)
		return dir;
	lock = lock_within(e, dir, id, patience_ms, err);
	if (lock == -EWOULDBLOCK) {
		cs_err_clear(err);
		snprintf(what, sizeof(what), "the lock of container %.12s", id);
		if (eng_holders_kill(dir, "lock", what, err) < 0)
			return -err->code;
		lock = lock_within(e, dir, id, KILLED_MS, err);
	}
	if (lock == -EWOULDBLOCK) {
		cs_err_clear(err);
		return cs_err_set(err, EBUSY,
				  "container %.12s: another command has its lock and cannot be "
				  "killed: end it first",
				  id);
	}
	if (lock < 0)
		return cs_err_wrap(err, "container %.12s", id);
	if (!eng_has_record(e, id))
		return cs_err_set(err, ENOENT, "no such container: %.12s", id);
	return cs_take_fd(&lock);
}

int eng_store_drop(const struct eng *e, const char *id, const struct eng_record *r,
		   struct cs_err *err)
{
	cs_auto_fd int dir = eng_dir(e, id, err);
	int ret;

	if (dir < 0)
		return dir;
	if (unlinkat(dir, "record.json", 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove the record of container %.12s", id);
	if (r)
		name_free(e, r->name, id);
	if (r && r->other_name)
		name_free(e, r->other_name, id);
	if (!r)
		names_free(e, id);
	ret = cs_file_rmtree(e->run, id, err);
	if (ret == 0)
		ret = cs_file_rmtree(e->containers, id, err);
	if (ret < 0)
		return cs_err_wrap(err, "remove container %.12s", id);
	if (!r || r->cgroup_parent)
		eng_cgnote_drop(e, id);
	return 0;
}

/* --- lists ------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int ids_add(struct eng_ids *ids, size_t *cap, const char *id, struct cs_err *err)
{
	if (ids->n == *cap) {
		size_t more = *cap ? 2 * *cap : 64;
		void *p = reallocarray(ids->v, more, sizeof(*ids->v));

		if (!p)
			return cs_err_set(err, ENOMEM, "out of memory");
		ids->v = p;
		*cap = more;
	}
	memcpy(ids->v[ids->n++], id, ENG_ID_LEN + 1);
	return 0;
}

static int list_dir(int at, struct eng_ids *out, struct cs_err *err)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct eng_ids ids = { 0 };
	size_t cap = 0;

	if (!d) {
		int code = errno;

		cs_close_fd(&fd);
		return cs_err_errno(err, code, "list containers");
	}
	for (const struct dirent *de; (de = readdir(d));) {
		if (is_id(de->d_name) && ids_add(&ids, &cap, de->d_name, err) < 0) {
			eng_ids_fini(&ids);
			return -err->code;
		}
	}
	if (ids.n > 0)
		qsort(ids.v, ids.n, sizeof(*ids.v), by_text);
	*out = ids;
	return 0;
}

int eng_list(const struct eng *e, struct eng_ids *out, struct cs_err *err)
{
	return list_dir(e->containers, out, err);
}

int eng_list_run(const struct eng *e, struct eng_ids *out, struct cs_err *err)
{
	return list_dir(e->run, out, err);
}

void eng_ids_fini(struct eng_ids *ids)
{
	free(ids->v);
	*ids = (struct eng_ids){ 0 };
}

/* The only id that begins with @text. */
static int find_prefix(const struct eng *e, const char *text, char id[ENG_ID_LEN + 1],
		       struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	size_t len = strlen(text), found = 0;
	int ret = eng_list(e, &ids, err);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ids.n; i++) {
		if (strncmp(ids.v[i], text, len) != 0 || !eng_has_record(e, ids.v[i]))
			continue;
		if (found++ == 0)
			memcpy(id, ids.v[i], ENG_ID_LEN + 1);
	}
	if (found > 1)
		return cs_err_set(err, EINVAL, "%s: %zu containers' ids begin so, give more of it",
				  text, found);
	if (found == 0)
		return cs_err_set(err, ENOENT, "no such container: %s", text);
	return 0;
}

int eng_find(const struct eng *e, const char *text, char id[ENG_ID_LEN + 1], struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	size_t hex = strspn(text, "0123456789abcdef");

	if (is_id(text)) {
		memcpy(id, text, ENG_ID_LEN + 1);
		return eng_has_record(e, id)
			       ? 0
			       : cs_err_set(err, ENOENT, "no such container: %s", text);
	}
	if (eng_name_check(text, &why) == 0) {
		cs_auto_fd int names = names_dir(e, err);
		int ret = names < 0 ? names : name_owner(names, text, id, err);

		if (ret < 0)
			return ret;
		if (ret == 1 && eng_has_record(e, id))
			return 0;
	}
	if (hex == 0 || text[hex] != '\0' || hex > ENG_ID_LEN)
		return cs_err_set(err, ENOENT, "no such container: %.140s", text);
	return find_prefix(e, text, id, err);
}
