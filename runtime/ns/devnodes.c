#include "runtime/ns/devnodes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"
#include "runtime/spec.h"

/* config-linux.md, Default Devices. console and ptmx are made otherwise. */
static const struct ctr_device default_devices[] = {
	{ .type = 'c', .path = "/dev/null", .major = 1, .minor = 3 },
	{ .type = 'c', .path = "/dev/zero", .major = 1, .minor = 5 },
	{ .type = 'c', .path = "/dev/full", .major = 1, .minor = 7 },
	{ .type = 'c', .path = "/dev/random", .major = 1, .minor = 8 },
	{ .type = 'c', .path = "/dev/urandom", .major = 1, .minor = 9 },
	{ .type = 'c', .path = "/dev/tty", .major = 5, .minor = 0 },
};

/* A node to be made: @name in the folder @dir, both resolved. The folder may be full of anything:
 * no call below follows a symlink in it. */
struct node {
	const struct ctr_device *d;
	int dir;
	const char *name;
	mode_t type; /* S_IF* */
	dev_t rdev;
};

static bool is_node(const struct stat *sb, const struct node *n)
{
	return (sb->st_mode & S_IFMT) == n->type && (n->type == S_IFIFO || sb->st_rdev == n->rdev);
}

/* Opens what bears the node's name. -ENOENT without an error. */
static int open_node(const struct node *n, struct stat *sb, struct cs_err *err)
{
	cs_auto_fd int fd = openat(n->dir, n->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return cs_err_sys(err, "open %s", n->name);
	if (fstat(fd, sb) < 0)
		return cs_err_sys(err, "stat %s", n->name);
	return cs_take_fd(&fd);
}

/* Removes what bears the name and is not the node: an image's plain file or symlink. 1: a mount of
 * the spec lies there, which counts. */
static int remove_other(const struct node *n, struct cs_err *err)
{
	if (unlinkat(n->dir, n->name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EBUSY)
		return 1;
	return cs_err_sys(err, "remove what stands in the place of %s", n->name);
}

/* The host's node as a detached mount. Its path on the host may be another one than in the
 * container; udev keeps names by number. */
static int host_node(const struct node *n, struct cs_err *err)
{
	char by_number[64];
	const char *paths[] = { n->d->path, by_number };
	struct stat sb;

	snprintf(by_number, sizeof(by_number), "/dev/%s/%u:%u",
		 n->type == S_IFBLK ? "block" : "char", n->d->major, n->d->minor);
	for (size_t i = 0; i < CS_LEN(paths); i++) {
		cs_auto_fd int fd =
			cs_sys_open_tree(AT_FDCWD, paths[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

		if (fd >= 0 && fstat(fd, &sb) == 0 && is_node(&sb, n))
			return cs_take_fd(&fd);
	}
	return cs_err_set(err, ENODEV, "the host has no such node at %s to bind (device %c %u:%u)",
			  n->d->path, n->d->type, n->d->major, n->d->minor);
}

/* Opens a file to mount the node on, made if nothing is there. A symlink makes way for it. */
static int open_cover(const struct node *n, struct stat *sb, struct cs_err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		cs_auto_fd int fd = -EBADF;
		int r;

		if (mknodat(n->dir, n->name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make a file to mount %s on", n->name);
		fd = open_node(n, sb, err);
		if (fd >= 0 && !S_ISLNK(sb->st_mode))
			return cs_take_fd(&fd);
		if (fd < 0 && fd != -ENOENT)
			return fd;
		r = fd < 0 ? 0 : remove_other(n, err);
		if (r < 0)
			return r;
	}
	return cs_err_set(err, EBUSY, "something keeps taking the place of %s", n->name);
}

/* In a user namespace nobody may make device nodes: the host's are bound over files, read-only, so
 * that their mode and owner are not the container's to change. */
static int bind_node(const struct node *n, struct cs_err *err)
{
	const struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	cs_auto_fd int tree = -EBADF;
	cs_auto_fd int target = -EBADF;
	struct stat sb;

	target = open_cover(n, &sb, err);
	if (target < 0)
		return target;
	if (is_node(&sb, n))
		return 0;
	tree = host_node(n, err);
	if (tree < 0)
		return tree;
	if (cs_sys_mount_setattr(tree, "", AT_EMPTY_PATH, &ro) < 0)
		return cs_err_sys(err, "make the mount of the host's node read-only");
	return ctr_mount_attach(tree, target, err);
}

static int own_node(const struct node *n, struct cs_err *err)
{
	uid_t uid = n->d->has_uid ? n->d->uid : 0;
	gid_t gid = n->d->has_gid ? n->d->gid : 0;
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	if (uid == 0 && gid == 0)
		return 0;
	fd = open_node(n, &sb, err);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd < 0 || !is_node(&sb, n))
		return cs_err_set(err, EBUSY, "%s was changed while it was made", n->name);
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return cs_err_sys(err, "chown %s to %u:%u", n->name, uid, gid);
	return 0;
}

/* Makes the node, or keeps it if it is there already. */
static int make_node(const struct node *n, bool userns, struct cs_err *err)
{
	mode_t mode = n->d->has_mode ? n->d->mode : 0666;

	if (userns && n->type != S_IFIFO)
		return bind_node(n, err);
	for (int tries = 0; tries < 2; tries++) {
		cs_auto_fd int fd = -EBADF;
		struct stat sb;
		int r;

		if (mknodat(n->dir, n->name, n->type | mode, n->rdev) == 0)
			return own_node(n, err);
		if (errno == EPERM && n->type != S_IFIFO)
			return bind_node(n, err);
		if (errno != EEXIST)
			return cs_err_sys(err, "make %s", n->name);
		fd = open_node(n, &sb, err);
		if (fd < 0 && fd != -ENOENT)
			return fd;
		if (fd >= 0 && is_node(&sb, n))
			return 0;
		r = remove_other(n, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return cs_err_set(err, EEXIST, "something keeps taking the place of %s", n->name);
}

static const char *in_dev(const char *clean)
{
	if (strncmp(clean, "/dev/", 5) != 0 || strchr(clean + 5, '/'))
		return NULL;
	return clean + 5;
}

static mode_t device_type(const struct ctr_device *d)
{
	if (d->type == 'p')
		return S_IFIFO;
	return d->type == 'b' ? S_IFBLK : S_IFCHR;
}

/* @dev is the folder /dev, -EBADF when it is not ours to fill. */
static int make_device(const struct ctr_ns_setup *s, const struct ctr_device *d, int dev,
		       struct cs_err *err)
{
	cs_auto_fd int parent = -EBADF;
	char clean[PATH_MAX];
	struct node n = {
		.d = d,
		.dir = dev,
		.type = device_type(d),
		.rdev = d->type == 'p' ? 0 : makedev(d->major, d->minor),
	};
	int r = ctr_dest_clean(d->path, clean, err);

	if (r < 0)
		return r;
	if (strcmp(clean, "/dev/ptmx") == 0 || (dev < 0 && ctr_dest_below(clean, "/dev")))
		return 0;
	n.name = in_dev(clean);
	if (!n.name) {
		parent = cs_path_parent(s->root, clean, true, &n.name, err);
		if (parent < 0)
			return parent;
		n.dir = parent;
	}
	return make_node(&n, s->userns, err);
}

static bool in_spec(const struct ctr_spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->n_devices; i++) {
		if (strcmp(spec->devices[i].path, path) == 0)
			return true;
	}
	return false;
}

static int make_devices(const struct ctr_ns_setup *s, int dev, struct cs_err *err)
{
	for (size_t i = 0; i < s->spec->n_devices; i++) {
		int r = make_device(s, &s->spec->devices[i], dev, err);

		if (r < 0)
			return cs_err_wrap(err, "linux.devices[%zu] (%s)", i,
					   s->spec->devices[i].path);
	}
	for (size_t i = 0; dev >= 0 && i < CS_LEN(default_devices); i++) {
		const struct ctr_device *d = &default_devices[i];
		int r;

		if (in_spec(s->spec, d->path))
			continue;
		r = make_device(s, d, dev, err);
		if (r < 0)
			return cs_err_wrap(err, "default device %s", d->path);
	}
	return 0;
}

/* config-linux.md, Default symbolic links, and /dev/ptmx (config-linux.md, Default Devices). */
static int make_links(const struct ctr_ns_setup *s, int dev, struct cs_err *err)
{
	static const struct {
		const char *name, *to;
	} links[] = {
		{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "core", "/proc/kcore" },
	};

	for (size_t i = 0; i < CS_LEN(links); i++) {
		if (strcmp(links[i].name, "core") == 0 &&
		    faccessat(s->host_proc, "kcore", F_OK, 0) < 0)
			continue;
		if (symlinkat(links[i].to, dev, links[i].name) < 0 && errno != EEXIST)
			return cs_err_sys(err, "link /dev/%s", links[i].name);
	}
	if (symlinkat("pts/ptmx", dev, "ptmx") == 0)
		return 0;
	if (errno == EEXIST && unlinkat(dev, "ptmx", 0) < 0 && errno == EBUSY)
		return 0; /* a mount of the spec */
	if (symlinkat("pts/ptmx", dev, "ptmx") < 0)
		return cs_err_sys(err, "link /dev/ptmx to pts/ptmx");
	return 0;
}

/* Does the spec bring a /dev of the host, whose nodes are not ours to make? 1, 0 or an error. */
static int binds_dev(const struct ctr_spec *spec, struct cs_err *err)
{
	char clean[PATH_MAX];

	for (size_t i = 0; i < spec->n_mounts; i++) {
		int r = ctr_dest_clean(spec->mounts[i].destination, clean, err);

		if (r < 0)
			return r;
		if (strcmp(clean, "/dev") == 0 && ctr_mount_is_bind(&spec->mounts[i]))
			return 1;
	}
	return 0;
}

int ctr_devnodes_make(struct ctr_ns_setup *s, struct cs_err *err)
{
	cs_auto_fd int dev = -EBADF;
	mode_t mask;
	int r;

	r = binds_dev(s->spec, err);
	if (r < 0)
		return r;
	if (r == 0) {
		dev = cs_path_mkdirs(s->root, "/dev", 0755, err);
		if (dev < 0)
			return dev;
	}
	mask = umask(0);
	r = make_devices(s, dev, err);
	if (r == 0 && dev >= 0)
		r = make_links(s, dev, err);
	umask(mask);
	return r;
}

int ctr_devnodes_console(struct ctr_ns_setup *s, int slave, struct cs_err *err)
{
	cs_auto_fd int target = -EBADF;
	cs_auto_fd int tree = -EBADF;
	cs_auto_fd int dev = -EBADF;
	struct node n = { .name = "console" };
	struct stat sb;

	dev = cs_path_mkdirs(s->root, "/dev", 0755, err);
	if (dev < 0)
		return dev;
	n.dir = dev;
	target = open_cover(&n, &sb, err);
	if (target == -EEXIST && !err->code)
		return cs_err_set(err, EBUSY,
				  "a mount of the spec is in the place of /dev/console");
	if (target < 0)
		return cs_err_wrap(err, "/dev");
	tree = cs_sys_open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return cs_err_sys(err, "clone the mount of the terminal for /dev/console");
	if (ctr_mount_attach(tree, target, err) < 0)
		return cs_err_wrap(err, "/dev/console");
	return 0;
}
