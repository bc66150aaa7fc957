#include "engine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

enum {
	FILE_MAX = 4 << 20,
	PASSWD_FIELDS = 7,
	GROUP_FIELDS = 4,
};

/* A part of a text, not NUL-terminated. */
struct span {
	const char *s;
	size_t n;
};

static bool span_is(struct span a, const char *s)
{
	/* cppcheck-suppress ctunullpointer ; a name is only looked for when there is one */
	return strlen(s) == a.n && memcmp(a.s, s, a.n) == 0;
}

/* An id: 0 to 2^32-2. */
static bool span_id(struct span a, uint32_t *out)
{
	uint64_t v = 0;

	if (a.n == 0 || a.n > 10)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (a.s[i] < '0' || a.s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(a.s[i] - '0');
	}
	if (v >= UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool str_id(const char *s, uint32_t *out)
{
	return span_id((struct span){ s, strlen(s) }, out);
}

/* The next line of @rest cut at its colons into @n fields (the last has what is left); false at the
 * end. Lines with fewer fields are passed over. */
static bool next_entry(struct span *rest, struct span *field, size_t n)
{
	while (rest->n > 0) {
		const char *nl = memchr(rest->s, '\n', rest->n);
		struct span line = { rest->s, nl ? (size_t)(nl - rest->s) : rest->n };
		size_t used = nl ? line.n + 1 : line.n, i = 0;

		rest->s += used;
		rest->n -= used;
		for (; i < n; i++) {
			const char *colon = i < n - 1 ? memchr(line.s, ':', line.n) : NULL;

			if (!colon && i < n - 1)
				break;
			field[i].s = line.s;
			field[i].n = colon ? (size_t)(colon - line.s) : line.n;
			line.s += field[i].n + (colon ? 1 : 0);
			line.n -= field[i].n + (colon ? 1 : 0);
		}
		if (i == n)
			return true;
	}
	return false;
}

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "look up the user: out of memory");
}

/* The first entry with that name or, if @by_id, number. */
static bool find_passwd(const struct eng_user_files *f, const char *name, const uint32_t *by_id,
			struct span field[PASSWD_FIELDS])
{
	struct span rest = { f->passwd, f->passwd_len };
	uint32_t id;

	while (next_entry(&rest, field, PASSWD_FIELDS)) {
		if (!span_id(field[2], &id))
			continue;
		if (by_id ? id == *by_id : span_is(field[0], name))
			return true;
	}
	return false;
}

static bool find_group(const struct eng_user_files *f, const char *name, gid_t *out)
{
	struct span rest = { f->group, f->group_len }, field[GROUP_FIELDS];

	while (next_entry(&rest, field, GROUP_FIELDS)) {
		if (span_is(field[0], name) && span_id(field[2], out))
			return true;
	}
	return false;
}

/* A group's name or number. The name is tried first: a group may be called "100". */
static int group_id(const struct eng_user_files *f, const char *text, gid_t *out,
		    struct cs_err *err)
{
	if (find_group(f, text, out) || str_id(text, out))
		return 0;
	return cs_err_set(err, ENOENT,
			  "no group \"%.64s\" in the container's /etc/group: give its number",
			  text);
}

static int add_group(struct eng_user *u, gid_t gid, struct cs_err *err)
{
	size_t at = 0;
	gid_t *v;

	if (gid == u->gid)
		return 0;
	while (at < u->n_groups && u->groups[at] < gid)
		at++;
	if (at < u->n_groups && u->groups[at] == gid)
		return 0;
	if (u->n_groups >= ENG_GROUPS_MAX)
		return cs_err_set(err, E2BIG, "the user is in more than %d groups", ENG_GROUPS_MAX);
	v = realloc(u->groups, (u->n_groups + 1) * sizeof(*v));
	if (!v)
		return oom(err);
	u->groups = v;
	memmove(v + at + 1, v + at, (u->n_groups - at) * sizeof(*v));
	v[at] = gid;
	u->n_groups++;
	return 0;
}

static bool is_member(struct span list, const char *name)
{
	while (list.n > 0) {
		const char *comma = memchr(list.s, ',', list.n);
		struct span one = { list.s, comma ? (size_t)(comma - list.s) : list.n };

		if (span_is(one, name))
			return true;
		list.s += one.n + (comma ? 1 : 0);
		list.n -= one.n + (comma ? 1 : 0);
	}
	return false;
}

/* The groups whose lists name the user. */
static int member_groups(const struct eng_user_files *f, struct eng_user *u, struct cs_err *err)
{
	struct span rest = { f->group, f->group_len }, field[GROUP_FIELDS];
	gid_t gid;

	while (next_entry(&rest, field, GROUP_FIELDS)) {
		int ret = 0;

		if (span_id(field[2], &gid) && is_member(field[3], u->name))
			ret = add_group(u, gid, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int set_user(const struct eng_user_files *f, const char *user, struct eng_user *u,
		    struct cs_err *err)
{
	struct span field[PASSWD_FIELDS];
	bool found = find_passwd(f, user, NULL, field);

	if (!found && !str_id(user, &u->uid))
		return cs_err_set(err, ENOENT,
				  "no user \"%.64s\" in the container's /etc/passwd: give its "
				  "number",
				  user);
	if (!found)
		found = find_passwd(f, NULL, &u->uid, field);
	if (found) {
		span_id(field[2], &u->uid);
		if (!span_id(field[3], &u->gid))
			u->gid = 0;
		u->name = strndup(field[0].s, field[0].n);
		u->home = field[5].n && field[5].s[0] == '/' ? strndup(field[5].s, field[5].n)
							     : strdup("/");
		if (!u->name)
			return oom(err);
	} else {
		u->home = strdup("/");
	}
	return u->home ? 0 : oom(err);
}

static int resolve(const struct eng_user_files *f, const char *text, const struct eng_strv *add,
		   struct eng_user *u, struct cs_err *err)
{
	const char *colon = strchr(text, ':');
	cs_auto_free char *user = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	int ret;

	if (!user)
		return oom(err);
	ret = set_user(f, *user ? user : "0", u, err);
	if (ret == 0 && colon && colon[1])
		ret = group_id(f, colon + 1, &u->gid, err);
	/* as docker: a group that is named is the only one */
	else if (ret == 0 && u->name)
		ret = member_groups(f, u, err);
	for (size_t i = 0; ret == 0 && add && i < add->n; i++) {
		gid_t gid = 0;

		ret = group_id(f, add->v[i], &gid, err);
		if (ret == 0)
			ret = add_group(u, gid, err);
	}
	return ret;
}

int eng_user_resolve(const struct eng_user_files *f, const char *user, const struct eng_strv *add,
		     struct eng_user *out, struct cs_err *err)
{
	eng_auto_user struct eng_user u = ENG_USER_INIT;
	int ret = resolve(f, user ? user : "", add, &u, err);

	if (ret < 0)
		return ret;
	*out = u;
	u = ENG_USER_INIT;
	return 0;
}

/* A file of the container that may be missing; what is no regular file counts as missing, and is
 * not opened: with a device that alone may do something. */
static int read_file(int root, const char *path, char **out, size_t *len, struct cs_err *err)
{
	cs_auto_fd int there = cs_path_open(root, path, O_PATH, err), fd = -EBADF;
	char again[40];
	struct stat sb;
	int ret;

	if (there < 0) {
		cs_err_clear(err);
		return 0;
	}
	if (fstat(there, &sb) < 0 || !S_ISREG(sb.st_mode))
		return 0;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", there);
	fd = open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open the container's %s", path);
	ret = cs_fd_read_all(fd, FILE_MAX, out, len, err);
	return ret < 0 ? cs_err_wrap(err, "read the container's %s", path) : 0;
}

int eng_user_find(int root, const char *user, const struct eng_strv *add, struct eng_user *out,
		  struct cs_err *err)
{
	cs_auto_free char *passwd = NULL, *group = NULL;
	struct eng_user_files f = { 0 };
	int ret = read_file(root, "/etc/passwd", &passwd, &f.passwd_len, err);

	if (ret == 0)
		ret = read_file(root, "/etc/group", &group, &f.group_len, err);
	if (ret < 0)
		return ret;
	f.passwd = passwd;
	f.group = group;
	return eng_user_resolve(&f, user, add, out, err);
}

void eng_user_fini(struct eng_user *u)
{
	free(u->groups);
	free(u->home);
	free(u->name);
	*u = ENG_USER_INIT;
}
