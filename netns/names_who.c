/* Who is called what on a network. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/names.h"
#include "netns/names_int.h"
#include "netns/types.h"

static const char hex_digits[] = "0123456789abcdef";

size_t net_names_id_len(const char *id)
{
	size_t n = strlen(id);

	return n > NET_NAMES_SHORT_ID && strspn(id, hex_digits) == n ? NET_NAMES_SHORT_ID : n;
}

/* DNS knows no case, so what is looked for in a folder is in lower case. */
static const char *lower(const char *name, char out[NET_NAMES_HOST + 1])
{
	size_t i = 0;

	for (; i < NET_NAMES_HOST && name[i]; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
	return out;
}

/* The folders that tell who is called what. */
struct called {
	int names;   /* owned; NAME links to the id of the one that has it */
	int aliases; /* owned; ALIAS/ID for each that has it */
	int hosts;   /* owned; ID for each member: what names no member is what a crash left */
};
#define CALLED_INIT ((struct called){ .names = -EBADF, .aliases = -EBADF, .hosts = -EBADF })

static void called_fini(struct called *c)
{
	cs_close_fd(&c->names);
	cs_close_fd(&c->aliases);
	cs_close_fd(&c->hosts);
}
#define auto_called CS_CLEANUP(called_fini)

static int called_open(struct called *c, int dir, struct cs_err *err)
{
	c->names = net_names_open_sub(dir, "names", err);
	c->aliases = c->names < 0 ? c->names : net_names_open_sub(dir, "aliases", err);
	c->hosts = c->aliases < 0 ? c->aliases : net_names_open_sub(dir, "hosts", err);
	return c->hosts < 0 ? c->hosts : 0;
}

static bool is_member(const struct called *c, const char *id)
{
	return net_names_is_host(id) && faccessat(c->hosts, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The member that has a name, @key in lower case; false when nobody has. */
static bool name_holder(const struct called *c, const char *key, char holder[NET_OWNER_MAX + 1])
{
	ssize_t n = readlinkat(c->names, key, holder, NET_OWNER_MAX);

	holder[n > 0 ? n : 0] = '\0';
	return is_member(c, holder);
}

/* One that has an alias and is not @self. */
static bool alias_holder(const struct called *c, const char *key, const char *self,
			 char holder[NET_OWNER_MAX + 1])
{
	int fd = openat(c->aliases, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, self) != 0 && strlen(e->d_name) <= NET_OWNER_MAX &&
		    is_member(c, e->d_name)) {
			memcpy(holder, e->d_name, strlen(e->d_name) + 1);
			return true;
		}
	return false;
}

/* One whose id, as names have it, is that and who is not @self. Of a long one that is its
 * beginning, which no folder is sorted by. */
static bool id_holder(const struct called *c, const char *key, const char *self,
		      char holder[NET_OWNER_MAX + 1])
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	int fd;

	if (strlen(key) <= NET_OWNER_MAX && strcmp(key, self) != 0 &&
	    net_names_id_len(key) == strlen(key) && is_member(c, key)) {
		memcpy(holder, key, strlen(key) + 1);
		return true;
	}
	if (strlen(key) != NET_NAMES_SHORT_ID || strspn(key, hex_digits) != NET_NAMES_SHORT_ID)
		return false;
	fd = openat(c->hosts, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, self) != 0 && strlen(e->d_name) <= NET_OWNER_MAX &&
		    net_names_id_len(e->d_name) == NET_NAMES_SHORT_ID &&
		    strncmp(e->d_name, key, NET_NAMES_SHORT_ID) == 0) {
			memcpy(holder, e->d_name, strlen(e->d_name) + 1);
			return true;
		}
	return false;
}

static int name_in_use(const char *name, const char *holder, struct cs_err *err)
{
	return cs_err_set(err, EEXIST, "name %s is in use by %s on this network", name, holder);
}

/* A member's name is a link to its id, so taking it is one step that fails if it is taken. */
static int link_name(const struct called *c, const char *owner, const char *name,
		     struct cs_err *err)
{
	char holder[NET_OWNER_MAX + 1], buf[NET_NAMES_HOST + 1];
	const char *key = lower(name, buf);

	for (int tries = 0; tries < 3; tries++) {
		bool held;

		if (symlinkat(owner, c->names, key) == 0)
			return 0;
		if (errno != EEXIST)
			break;
		held = name_holder(c, key, holder);
		if (strcmp(holder, owner) == 0)
			return 0;
		if (held)
			return name_in_use(name, holder, err);
		if (unlinkat(c->names, key, 0) < 0)
			break;
	}
	return cs_err_sys(err, "take the name %s", name);
}

static void drop_name(const struct called *c, const char *owner, const char *key)
{
	char holder[NET_OWNER_MAX + 1];
	ssize_t n = readlinkat(c->names, key, holder, sizeof(holder) - 1);

	holder[n > 0 ? n : 0] = '\0';
	if (strcmp(holder, owner) == 0)
		(void)unlinkat(c->names, key, 0);
}

/* Another's alias or id? */
static int not_called_so(const struct called *c, const char *owner, const char *name,
			 struct cs_err *err)
{
	char holder[NET_OWNER_MAX + 1], buf[NET_NAMES_HOST + 1];
	const char *key = lower(name, buf), *what = NULL;

	if (alias_holder(c, key, owner, holder))
		what = "an alias";
	else if (id_holder(c, key, owner, holder))
		what = "the id";
	if (!what)
		return 0;
	return cs_err_set(err, EEXIST, "name %s is %s of %s on this network", name, what, holder);
}

/* A name is its member's alone: nobody's alias, nor id. */
static int take_name(const struct called *c, const char *owner, const char *name,
		     struct cs_err *err)
{
	char buf[NET_NAMES_HOST + 1];

	if (link_name(c, owner, name, err) < 0)
		return -err->code;
	if (not_called_so(c, owner, name, err) == 0)
		return 0;
	drop_name(c, owner, lower(name, buf));
	return -err->code;
}

/* Another's name? Members may share an alias. */
static int no_name(const struct called *c, const char *owner, const char *alias, struct cs_err *err)
{
	char holder[NET_OWNER_MAX + 1], buf[NET_NAMES_HOST + 1];

	if (!name_holder(c, lower(alias, buf), holder) || strcmp(holder, owner) == 0)
		return 0;
	return cs_err_set(err, EEXIST, "alias %s is the name of %s on this network", alias, holder);
}

static int take_alias(const struct called *c, const char *owner, const char *alias,
		      struct cs_err *err)
{
	char buf[NET_NAMES_HOST + 1];
	cs_auto_fd int mine = -EBADF;
	cs_auto_fd int fd = -EBADF;

	if (no_name(c, owner, alias, err) < 0)
		return -err->code;
	fd = net_names_open_sub(c->aliases, lower(alias, buf), err);
	if (fd < 0)
		return fd;
	mine = openat(fd, owner, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return mine < 0 ? cs_err_sys(err, "take the alias %s", alias) : 0;
}

int net_names_free(int dir, const char *owner, const char *name, const char *const *aliases,
		   size_t n_aliases, struct cs_err *err)
{
	auto_called struct called c = CALLED_INIT;
	char holder[NET_OWNER_MAX + 1], buf[NET_NAMES_HOST + 1];

	if (called_open(&c, dir, err) < 0)
		return -err->code;
	for (size_t i = 0; i < n_aliases; i++)
		if (no_name(&c, owner, aliases[i], err) < 0)
			return -err->code;
	if (!name)
		return 0;
	if (name_holder(&c, lower(name, buf), holder) && strcmp(holder, owner) != 0)
		return name_in_use(name, holder, err);
	return not_called_so(&c, owner, name, err);
}

/* Its id is found by it unless another is called so. */
static bool may_have_id(const struct called *c, const char *owner)
{
	char holder[NET_OWNER_MAX + 1], buf[NET_NAMES_HOST + 1];

	(void)lower(owner, buf);
	buf[net_names_id_len(owner)] = '\0';
	return !(name_holder(c, buf, holder) && strcmp(holder, owner) != 0) &&
	       !alias_holder(c, buf, owner, holder);
}

int net_names_take(int dir, const struct net_attachment *att, bool *id, struct cs_err *err)
{
	auto_called struct called c = CALLED_INIT;

	if (called_open(&c, dir, err) < 0)
		return -err->code;
	for (size_t i = 0; i < att->n_aliases; i++)
		if (take_alias(&c, att->owner, att->aliases[i], err) < 0)
			return -err->code;
	if (att->name && take_name(&c, att->owner, att->name, err) < 0)
		return -err->code;
	*id = may_have_id(&c, att->owner);
	return 0;
}

static void drop_alias(const struct called *c, const char *owner, const char *key)
{
	cs_auto_fd int fd =
		openat(c->aliases, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && unlinkat(fd, owner, 0) == 0)
		(void)unlinkat(c->aliases, key, AT_REMOVEDIR); /* if it was the last */
}

/* Calls @drop with all that is in the folder. */
static void drop_each(const struct called *c, int folder, const char *owner,
		      void (*drop)(const struct called *c, const char *owner, const char *key))
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.')
			drop(c, owner, e->d_name);
}

void net_names_drop(int dir, const char *owner, const struct net_attachment *att)
{
	auto_called struct called c = CALLED_INIT;
	struct cs_err ignored = CS_ERR_INIT;
	char key[NET_NAMES_HOST + 1];

	if (called_open(&c, dir, &ignored) < 0)
		return;
	if (!att) {
		drop_each(&c, c.names, owner, drop_name);
		drop_each(&c, c.aliases, owner, drop_alias);
		return;
	}
	if (att->name && net_names_is_host(att->name))
		drop_name(&c, owner, lower(att->name, key));
	for (size_t i = 0; i < att->n_aliases; i++)
		if (net_names_is_host(att->aliases[i]))
			drop_alias(&c, owner, lower(att->aliases[i], key));
}
