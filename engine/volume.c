#include "engine/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/copytree.h"
#include "engine/engine.h"
#include "engine/mountspec.h"
#include "engine/strv.h"
#include "engine/volume_int.h"

/* --- the record ------------------------------------------------------------------------------- */

int eng_volume_parse(const char *buf, size_t len, struct eng_volume *out, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	const struct cs_json *o;
	int ret = cs_json_parse(buf, len, "volume.json", &v.doc, err);

	if (ret < 0)
		return ret;
	o = v.doc.root;
	if (!o || o->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "volume.json: must be an object");
	ret = cs_json_str(o, "name", &v.name, err);
	if (ret == 0)
		return cs_err_set(err, EINVAL, "volume.json: name is missing");
	if (ret >= 0)
		ret = cs_json_i64(o, "created_ns", &v.created_ns, err);
	if (ret >= 0)
		ret = cs_json_bool(o, "anonymous", &v.anonymous, err);
	if (ret >= 0)
		ret = cs_json_strv(&v.doc, o, "labels", &v.labels.v, &v.labels.n, err);
	if (ret >= 0)
		ret = cs_json_strv(&v.doc, o, "options", &v.options.v, &v.options.n, err);
	if (ret < 0)
		return ret;
	*out = v;
	v = ENG_VOLUME_INIT;
	return 0;
}

static void put_strv(struct cs_jw *w, const char *key, const struct eng_strv *v)
{
	cs_jw_arr(w, key);
	for (size_t i = 0; i < v->n; i++)
		cs_jw_str(w, NULL, v->v[i]);
	cs_jw_arr_end(w);
}

void eng_volume_write(const struct eng_volume *v, struct cs_jw *w)
{
	cs_jw_str(w, "name", v->name);
	cs_jw_i64(w, "created_ns", v->created_ns);
	cs_jw_bool(w, "anonymous", v->anonymous);
	put_strv(w, "labels", &v->labels);
	put_strv(w, "options", &v->options);
}

void eng_volume_fini(struct eng_volume *v)
{
	cs_json_fini(&v->doc);
	*v = ENG_VOLUME_INIT;
}

const char *eng_volume_get(const struct eng_strv *v, const char *key)
{
	size_t i = eng_strv_key(v, key);
	const char *equal;

	if (i == v->n)
		return NULL;
	equal = strchr(v->v[i], '=');
	return equal ? equal + 1 : "";
}

int eng_volume_check_options(const struct eng_strv *options, struct cs_err *err)
{
	const char *type = eng_volume_get(options, "type");
	const char *device = eng_volume_get(options, "device");

	for (size_t i = 0; i < options->n; i++) {
		const char *o = options->v[i];

		if (!cs_str_starts(o, "type=") && !cs_str_starts(o, "o=") &&
		    !cs_str_starts(o, "device="))
			return cs_err_set(
				err, EINVAL,
				"volume option \"%.64s\": type=, o= and device= are there", o);
	}
	if (options->n && (!type || !*type || !device || !*device))
		return cs_err_set(err, EINVAL,
				  "volume options: type= and device= belong together (type=none,"
				  "o=bind,device=/path; type=tmpfs,device=tmpfs; type=nfs, ...)");
	if (type && strcmp(type, "none") == 0 && device[0] != '/')
		return cs_err_set(err, EINVAL,
				  "volume option device=%.64s: an absolute path, with type=none",
				  device);
	return 0;
}

/* --- folders ---------------------------------------------------------------------------------- */

int eng_volumes_dir(const struct eng *e, struct cs_err *err)
{
	char path[PATH_MAX];
	int fd, ret = cs_str_fmt(path, sizeof(path), err, "%s/volumes", e->root);

	if (ret < 0)
		return ret;
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return cs_err_sys(err, "open folder %s", path);
}

static int no_such(const char *name, struct cs_err *err)
{
	return cs_err_set(err, ENOENT, "no such volume: %.100s; \"caisson volume ls\" lists them",
			  name);
}

static int open_dir(int volumes, const char *name, struct cs_err *err)
{
	int fd = openat(volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? no_such(name, err) : cs_err_sys(err, "open volume %.100s", name);
}

/* The volume's folder, locked; it is still the one of that name then. */
int eng_volume_lock(int volumes, const char *name, int how, struct cs_err *err)
{
	for (int try = 0; try < 8; try++) {
		cs_auto_fd int fd = open_dir(volumes, name, err);
		struct stat held, there;

		if (fd < 0)
			return fd;
		while (flock(fd, how) < 0) {
			if (errno != EINTR)
				return cs_err_sys(err, "lock volume %.100s", name);
		}
		if (fstat(fd, &held) == 0 &&
		    fstatat(volumes, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			return cs_take_fd(&fd);
	}
	return cs_err_set(err, EBUSY, "volume %.100s is fought over", name);
}

int eng_volume_new_name(char out[65], struct cs_err *err)
{
	unsigned char b[32];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return cs_err_sys(err, "random numbers");
	for (size_t i = 0; i < sizeof(b); i++)
		snprintf(out + 2 * i, 3, "%02x", b[i]);
	return 0;
}

static int64_t now_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int write_record(int dir, const struct eng_volume *v, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };
	struct eng_volume n = *v;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	n.created_ns = now_ns();
	cs_jw_obj(&w, NULL);
	eng_volume_write(&n, &w);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, err);
	return ret < 0 ? ret : cs_file_replace(dir, "volume.json", text, len, 0600, true, err);
}

/* Made whole under a name of its own, then renamed: 1, or 0 if somebody was quicker. */
static int make(int volumes, const struct eng_volume *v, const char *tmp, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF, data = -EBADF;
	int ret;

	/* 0711: a daemon in the container that left root may pass */
	if (mkdirat(volumes, tmp, 0711) < 0)
		return cs_err_sys(err, "make volume %.100s", v->name);
	dir = open_dir(volumes, tmp, err);
	if (dir < 0)
		return dir;
	if (flock(dir, LOCK_EX | LOCK_NB) < 0 || mkdirat(dir, "_data", 0755) < 0)
		return cs_err_sys(err, "make volume %.100s", v->name);
	data = openat(dir, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (data < 0 || fchmod(data, 0755) < 0)
		return cs_err_sys(err, "make volume %.100s", v->name);
	ret = write_record(dir, v, err);
	if (ret < 0)
		return ret;
	if (renameat2(volumes, tmp, volumes, v->name, RENAME_NOREPLACE) < 0)
		return errno == EEXIST ? 0 : cs_err_sys(err, "make volume %.100s", v->name);
	/* one without a name is its container's affair */
	if (!v->anonymous && fsync(volumes) < 0)
		return cs_err_sys(err, "sync volume %.100s", v->name);
	return 1;
}

int eng_volume_create(const struct eng *e, const struct eng_volume *v, struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err);
	struct cs_err ignored = CS_ERR_INIT;
	char name[65], tmp[80];
	int ret = volumes;

	if (ret >= 0)
		ret = eng_volume_name_check("volume", v->name, err);
	if (ret == 0)
		ret = eng_volume_check_options(&v->options, err);
	if (ret < 0)
		return ret;
	if (faccessat(volumes, v->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	ret = eng_volume_new_name(name, err);
	if (ret < 0)
		return ret;
	snprintf(tmp, sizeof(tmp), ".new.%.32s", name);
	ret = make(volumes, v, tmp, err);
	if (ret <= 0)
		cs_file_rmtree(volumes, tmp, &ignored);
	return ret;
}

int eng_volume_load(const struct eng *e, const char *name, struct eng_volume *out,
		    struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err), dir = -EBADF;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = volumes;

	if (ret >= 0)
		ret = eng_volume_name_check("volume", name, err);
	if (ret < 0)
		return ret;
	dir = open_dir(volumes, name, err);
	if (dir < 0)
		return dir;
	ret = cs_file_read(dir, "volume.json", ENG_VOLUME_JSON_MAX, &text, &len, err);
	if (ret == 0)
		ret = eng_volume_parse(text, len, out, err);
	return ret < 0 ? cs_err_wrap(err, "volume %.100s", name) : 0;
}

int eng_volume_path(const struct eng *e, const char *name, char *out, size_t size,
		    struct cs_err *err)
{
	return cs_str_fmt(out, size, err, "%s/volumes/%s/_data", e->root, name);
}

int eng_volume_hold(const struct eng *e, const char *name, struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err);

	return volumes < 0 ? volumes : eng_volume_lock(volumes, name, LOCK_SH, err);
}

/* --- filled from an image ----------------------------------------------------------------------
 */

/* 1: nothing is in it. */
static int is_empty(int dir, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d)
		return cs_err_sys(err, "read a volume's folder");
	cs_take_fd(&fd);
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return 0;
	}
	return 1;
}

/* Where a copy is made, and what it is called when it is whole. */
static const char filling[] = "_filling", filled[] = "_filled";

static int open_folder(int dir, const char *name, struct cs_err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	return fd;
}

/* What somebody has written meanwhile stays. */
static int move_entries(int from, int to, struct cs_err *err)
{
	cs_auto_fd int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d)
		return cs_err_sys(err, "read %s", filled);
	cs_take_fd(&fd);
	while ((entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (renameat2(from, entry->d_name, to, entry->d_name, RENAME_NOREPLACE) < 0 &&
		    errno != EEXIST)
			return cs_err_sys(err, "fill the volume with %.100s", entry->d_name);
	}
	return 0;
}

/* What a copy that was cut off left: a whole one is moved in, a part of one goes. Nothing that is
 * in the volume does. */
static int settle(int dir, int data, struct cs_err *err)
{
	cs_auto_fd int whole = -EBADF;

	if (cs_file_rmtree(dir, filling, err) < 0)
		return -err->code;
	if (faccessat(dir, filled, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	whole = open_folder(dir, filled, err);
	if (whole < 0 || move_entries(whole, data, err) < 0 ||
	    eng_copy_folder(whole, data, err) < 0)
		return -err->code;
	if (syncfs(data) < 0)
		return cs_err_sys(err, "sync the volume");
	return cs_file_rmtree(dir, filled, err);
}

static int copy(int dir, int source, struct cs_err *err)
{
	cs_auto_fd int to = -EBADF;

	if (mkdirat(dir, filling, 0700) < 0)
		return cs_err_sys(err, "make %s", filling);
	to = open_folder(dir, filling, err);
	if (to < 0 || eng_copy_tree(source, to, err) < 0)
		return -err->code;
	if (syncfs(to) < 0)
		return cs_err_sys(err, "sync the volume");
	return renameat(dir, filling, dir, filled) < 0
		       ? cs_err_sys(err, "rename %s to %s", filling, filled)
		       : 0;
}

/* With the lock held, which users of the volume have let go of: they may be writing to it. */
static int fill(int dir, int data, int source, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	int ret = is_empty(data, err);

	if (ret <= 0)
		return ret;
	ret = copy(dir, source, err);
	if (ret < 0)
		cs_file_rmtree(dir, filling, &ignored);
	return ret < 0 ? ret : settle(dir, data, err);
}

/* @source: -1 for none. */
static int ready(const struct eng *e, const char *name, int source, struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err), dir = -EBADF, data = -EBADF;
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	int ret;

	if (volumes < 0)
		return volumes;
	ret = eng_volume_load(e, name, &v, err);
	/* a mount of something else is not ours to fill */
	if (ret < 0 || v.options.n)
		return ret;
	dir = eng_volume_lock(volumes, name, LOCK_EX, err);
	if (dir < 0)
		return dir;
	data = openat(dir, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (data < 0)
		return cs_err_sys(err, "open the files of volume %.100s", name);
	ret = settle(dir, data, err);
	return ret == 0 && source >= 0 ? fill(dir, data, source, err) : ret;
}

int eng_volume_settle(const struct eng *e, const char *name, struct cs_err *err)
{
	int ret = ready(e, name, -1, err);

	return ret < 0 ? cs_err_wrap(err, "volume %.100s", name) : 0;
}

int eng_volume_fill(const struct eng *e, const char *name, int rootfs, const char *target,
		    struct cs_err *err)
{
	struct cs_err none = CS_ERR_INIT;
	cs_auto_fd int source = cs_path_open(rootfs, target, O_RDONLY | O_DIRECTORY, &none);
	int ret = ready(e, name, source, err);

	return ret < 0 ? cs_err_wrap(err, "fill volume %.100s from the image's %.100s", name,
				     target)
		       : 0;
}
