#include "netns/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/nl.h"

static const char own[] = "/proc/thread-self/ns/net";

static void id_of(const struct stat *sb, bool pinned, struct net_ns_id *id)
{
	*id = (struct net_ns_id){ .dev = sb->st_dev, .ino = sb->st_ino };
	if (pinned)
		id->ctime_ns =
			(uint64_t)sb->st_ctim.tv_sec * 1000000000 + (uint64_t)sb->st_ctim.tv_nsec;
}

bool net_ns_same(const struct net_ns_id *a, const struct net_ns_id *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	       (!a->ctime_ns || !b->ctime_ns || a->ctime_ns == b->ctime_ns);
}

int net_ns_open(const char *path, struct net_ns_id *id, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct statfs fs;
	struct stat sb, lsb;

	if (fd < 0)
		return cs_err_sys(err, "open network namespace %s", path);
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &sb) < 0 || lstat(path, &lsb) < 0)
		return cs_err_sys(err, "look at network namespace %s", path);
	if (fs.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return cs_err_set(err, EINVAL, "%s is not a network namespace", path);
	if (id)
		id_of(&sb, lsb.st_ino == sb.st_ino && lsb.st_dev == sb.st_dev, id);
	return cs_take_fd(&fd);
}

bool net_ns_is(const char *path, const struct net_ns_id *id)
{
	struct net_ns_id now;
	struct stat sb;

	if (lstat(path, &sb) < 0)
		return false;
	id_of(&sb, true, &now);
	return now.dev == id->dev && now.ino == id->ino && now.ctime_ns == id->ctime_ns;
}

bool net_ns_is_own(const struct net_ns_id *id)
{
	struct stat sb;

	return stat(own, &sb) == 0 && sb.st_dev == id->dev && sb.st_ino == id->ino;
}

/* Makes the file the mount is to be on. */
static int make_file(const char *path, struct cs_err *err)
{
	cs_auto_fd int fd =
		open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0444);
	struct statfs fs;

	if (fd < 0)
		return cs_err_sys(err, "make %s", path);
	if (fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC)
		return cs_err_set(err, EEXIST, "%s is a namespace already", path);
	return 0;
}

int net_ns_pin(const char *path, struct cs_err *err)
{
	cs_auto_fd int home = open(own, O_RDONLY | O_CLOEXEC);
	int ret;

	if (home < 0)
		return cs_err_sys(err, "open %s", own);
	ret = make_file(path, err);
	if (ret < 0)
		return ret;
	if (unshare(CLONE_NEWNET) < 0)
		ret = cs_err_sys(err, "make a network namespace");
	else if (mount(own, path, NULL, MS_BIND, NULL) < 0)
		ret = cs_err_sys(err, "pin a network namespace on %s", path);
	if (ret < 0)
		unlink(path);
	if (setns(home, CLONE_NEWNET) < 0 && ret == 0)
		return cs_err_set(err, ENOTRECOVERABLE, "go back to the own network namespace: %s",
				  strerror(errno));
	return ret;
}

int net_ns_unpin(const char *path, struct cs_err *err)
{
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return cs_err_sys(err, "unmount %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove %s", path);
	return 0;
}

int net_ns_run(int ns, net_ns_fn fn, void *arg, struct cs_err *err)
{
	cs_auto_fd int home = open(own, O_RDONLY | O_CLOEXEC);
	int ret;

	if (home < 0)
		return cs_err_sys(err, "open %s", own);
	if (setns(ns, CLONE_NEWNET) < 0)
		return cs_err_sys(err, "enter the network namespace");
	ret = fn(arg, err);
	if (setns(home, CLONE_NEWNET) == 0)
		return ret;
	cs_err_clear(err);
	return cs_err_set(err, ENOTRECOVERABLE, "go back to the own network namespace: %s",
			  strerror(errno));
}

struct nl_wish {
	struct net_nl *nl;
	int bus;
};

static int open_nl(void *arg, struct cs_err *err)
{
	const struct nl_wish *w = arg;

	return net_nl_open(w->nl, w->bus, err);
}

int net_ns_nl_open(int ns, struct net_nl *nl, int bus, struct cs_err *err)
{
	struct nl_wish w = { nl, bus };
	int ret = net_ns_run(ns, open_nl, &w, err);

	if (ret < 0)
		net_nl_close(nl);
	return ret;
}
