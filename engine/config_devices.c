#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/cdi.h"
#include "engine/config_int.h"
#include "engine/strv.h"

enum { DEVICES_MAX = 4096, FOLDERS_MAX = 8 };

int eng_cfg_device(struct cfg *c, const struct cfg_device *d, const char *access,
		   struct cs_err *err)
{
	void *v = c->devices, *rules = c->rules;

	if (c->n_devices >= DEVICES_MAX)
		return cs_err_set(err, E2BIG, "more than %d devices", DEVICES_MAX);
	if (eng_cfg_grow(c, &v, c->n_devices, sizeof(*d), err) < 0 ||
	    eng_cfg_grow(c, &rules, c->n_rules, sizeof(*c->rules), err) < 0)
		return -err->code;
	c->devices = v;
	c->rules = rules;
	/* the last one that is to stand at a path does */
	for (size_t i = 0; i < c->n_devices; i++) {
		if (strcmp(c->devices[i].path, d->path) == 0)
			c->devices[i--] = c->devices[--c->n_devices];
	}
	c->devices[c->n_devices++] = *d;
	c->rules[c->n_rules++] = (struct cfg_rule){
		.type = d->type, .major = d->major, .minor = d->minor, .access = access
	};
	return 0;
}

/* A node of the host's as it is, at @path inside. 1: it was none. */
static int add_node(struct cfg *c, const struct stat *sb, const char *path, const char *access,
		    struct cs_err *err)
{
	const struct cfg_device d = {
		.path = path,
		.type = S_ISBLK(sb->st_mode) ? 'b' : 'c',
		.major = major(sb->st_rdev),
		.minor = minor(sb->st_rdev),
		.has_mode = true,
		.mode = sb->st_mode & 07777,
		/* in a user namespace the host's ids are not there */
		.has_uid = !c->new_userns,
		.has_gid = !c->new_userns,
		.uid = sb->st_uid,
		.gid = sb->st_gid,
	};

	if (!S_ISBLK(sb->st_mode) && !S_ISCHR(sb->st_mode))
		return 1;
	return eng_cfg_device(c, &d, access, err);
}

/* Folders and nodes of /dev that are the container's own, or another file system. */
static bool own(const char *name)
{
	static const char *const names[] = {
		"pts",	 "shm",	 "fd",	  "mqueue", "console", ".lxc", ".lxd-mounts",
		".udev", "core", "stdin", "stdout", "stderr",  "ptmx",
	};

	return cs_str_in(name, names, CS_LEN(names));
}

/* All nodes below the folder @fd, which is taken. What goes away meanwhile is passed over. */
static int add_folder(struct cfg *c, int fd, const char *inside, const char *access,
		      unsigned int level, struct cs_err *err)
{
	cs_auto_fd int dirfd = fd;
	cs_auto_dir DIR *dir = fdopendir(dirfd);
	int ret = 0;

	if (!dir)
		return cs_err_sys(err, "read folder of devices for %.200s", inside);
	cs_take_fd(&dirfd);
	while (ret >= 0) {
		const struct dirent *d = readdir(dir);
		const char *path;
		struct stat sb;
		int sub;

		if (!d)
			return 0;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    (level == 0 && strcmp(inside, "/dev") == 0 && own(d->d_name)) ||
		    fstatat(fd, d->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		path = eng_strf(c->a, err, "%s/%s", inside, d->d_name);
		if (!path)
			return -ENOMEM;
		if (!S_ISDIR(sb.st_mode)) {
			ret = add_node(c, &sb, path, access, err);
			continue;
		}
		sub = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0 && level < FOLDERS_MAX)
			ret = add_folder(c, sub, path, access, level + 1, err);
		else if (sub >= 0)
			close(sub);
	}
	return ret;
}

static int device_path(struct cfg *c, const char *text, const char *host, const char *inside,
		       const char *access, struct cs_err *err)
{
	struct stat sb;
	int ret;

	if (!c->p) /* it need be there only when it is started */
		return 0;
	if (stat(host, &sb) < 0)
		return cs_err_sys(err, "--device %.100s", text);
	if (S_ISDIR(sb.st_mode)) {
		int fd = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return cs_err_sys(err, "--device %.100s", text);
		return add_folder(c, fd, inside, access, 0, err);
	}
	ret = add_node(c, &sb, inside, access, err);
	if (ret > 0)
		return cs_err_set(err, EINVAL,
				  "--device %.100s: %.100s is no device and no folder; -v shows "
				  "files",
				  text, host);
	return ret;
}

static bool is_access(const char *s)
{
	return *s && strlen(s) <= 3 && s[strspn(s, "rwm")] == '\0';
}

/* HOST[:INSIDE][:rwm] */
static int device(struct cfg *c, const char *text, struct cs_err *err)
{
	const char *part[3] = { text, NULL, "rwm" };
	size_t n = strcspn(text, ":");
	const char *rest = text[n] ? text + n + 1 : NULL;

	part[0] = cs_arena_str(c->a, text, n);
	if (rest) {
		size_t m = strcspn(rest, ":");

		part[1] = cs_arena_str(c->a, rest, m);
		if (!part[1])
			return eng_cfg_oom(err);
		if (rest[m])
			part[2] = rest + m + 1;
		else if (is_access(part[1])) {
			part[2] = part[1];
			part[1] = NULL;
		}
	}
	if (!part[0])
		return eng_cfg_oom(err);
	if (!part[1])
		part[1] = part[0];
	if (part[0][0] != '/' || part[1][0] != '/' || !is_access(part[2]))
		return cs_err_set(err, EINVAL,
				  "--device %.100s: write HOST-PATH[:PATH-INSIDE][:rwm], or "
				  "VENDOR/CLASS=NAME of a CDI device",
				  text);
	return device_path(c, text, part[0], part[1], part[2], err);
}

static int64_t number_or_any(const char *s, bool *ok)
{
	uint64_t v;

	if (strcmp(s, "*") == 0)
		return -1;
	*ok = *ok && cs_str_u64(s, &v) == 0 && v <= UINT32_MAX;
	return *ok ? (int64_t)v : -1;
}

/* --device-cgroup-rule "c 1:3 rwm" */
static int rule(struct cfg *c, const char *text, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(text);
	void *v = c->rules;
	char *type, *major_text, *minor_text, *access;
	struct cfg_rule r;
	char *rest = copy;
	bool ok;

	if (!copy)
		return eng_cfg_oom(err);
	type = strsep(&rest, " ");
	major_text = strsep(&rest, ":");
	minor_text = strsep(&rest, " ");
	access = strsep(&rest, " ");
	ok = access && !rest && strlen(type) == 1 && strchr("abc", type[0]) && is_access(access);
	if (ok) {
		r.type = type[0];
		r.major = number_or_any(major_text, &ok);
		r.minor = number_or_any(minor_text, &ok);
		r.access = cs_arena_str(c->a, access, strlen(access));
	}
	if (!ok)
		return cs_err_set(err, EINVAL,
				  "--device-cgroup-rule %.64s: write \"TYPE MAJOR:MINOR ACCESS\": "
				  "\"c 1:3 rwm\", \"b *:* m\"",
				  text);
	if (!r.access || eng_cfg_grow(c, &v, c->n_rules, sizeof(r), err) < 0)
		return err->code ? -err->code : eng_cfg_oom(err);
	c->rules = v;
	c->rules[c->n_rules++] = r;
	return 0;
}

static int all_devices(struct cfg *c, struct cs_err *err)
{
	int fd;

	if (!c->r->privileged || !c->p)
		return 0;
	fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open /dev");
	return add_folder(c, fd, "/dev", "rwm", 0, err);
}

int eng_cfg_devices(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	int ret = all_devices(c, err);

	for (size_t i = 0; ret == 0 && i < r->devices.n; i++) {
		const char *text = r->devices.v[i];

		if (text[0] != '/' && strchr(text, '='))
			ret = eng_cdi_device(c, text, err);
		else
			ret = device(c, text, err);
	}
	for (size_t i = 0; ret == 0 && i < r->device_cgroup_rules.n; i++)
		ret = rule(c, r->device_cgroup_rules.v[i], err);
	return ret;
}

void eng_cfg_put_devices(struct cfg *c)
{
	cs_jw_arr(&c->w, "devices");
	for (size_t i = 0; i < c->n_devices; i++) {
		const struct cfg_device *d = &c->devices[i];
		const char type[2] = { d->type, '\0' };

		cs_jw_obj(&c->w, NULL);
		cs_jw_str(&c->w, "path", d->path);
		cs_jw_str(&c->w, "type", type);
		cs_jw_u64(&c->w, "major", d->major);
		cs_jw_u64(&c->w, "minor", d->minor);
		if (d->has_mode)
			cs_jw_u64(&c->w, "fileMode", d->mode);
		if (d->has_uid)
			cs_jw_u64(&c->w, "uid", d->uid);
		if (d->has_gid)
			cs_jw_u64(&c->w, "gid", d->gid);
		cs_jw_obj_end(&c->w);
	}
	cs_jw_arr_end(&c->w);
}

static void put_rule(struct cs_jw *w, bool allow, const struct cfg_rule *r)
{
	const char type[2] = { r->type, '\0' };

	cs_jw_obj(w, NULL);
	cs_jw_bool(w, "allow", allow);
	cs_jw_str(w, "type", type);
	if (r->major >= 0)
		cs_jw_i64(w, "major", r->major);
	if (r->minor >= 0)
		cs_jw_i64(w, "minor", r->minor);
	cs_jw_str(w, "access", r->access);
	cs_jw_obj_end(w);
}

/* The runtime adds those of its own nodes. Nodes may be made, as CAP_MKNOD says, but not used. */
void eng_cfg_put_rules(struct cfg *c)
{
	static const struct cfg_rule every = { 'a', -1, -1, "rwm" };
	static const struct cfg_rule make[] = { { 'c', -1, -1, "m" }, { 'b', -1, -1, "m" } };

	cs_jw_arr(&c->w, "devices");
	put_rule(&c->w, c->r->privileged, &every);
	for (size_t i = 0; !c->r->privileged && i < CS_LEN(make); i++)
		put_rule(&c->w, true, &make[i]);
	for (size_t i = 0; !c->r->privileged && i < c->n_rules; i++)
		put_rule(&c->w, true, &c->rules[i]);
	cs_jw_arr_end(&c->w);
}
