#include "engine/diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"
#include "images/rootfs.h"
#include "images/store.h"

enum { DEPTH_MAX = 256 };

struct walk {
	const struct eng_record *r;
	struct eng_changes *out;
	char path[PATH_MAX];
	size_t len;
	unsigned int depth;
};

/* A folder of both: in the writable layer and in the image (-EBADF: not there). */
struct pair {
	int up, low;
};

void eng_changes_fini(struct eng_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].path);
	free(c->v);
	*c = (struct eng_changes){ 0 };
}

static int add(struct walk *k, char kind, struct cs_err *err)
{
	struct eng_changes *c = k->out;

	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct eng_change *v = reallocarray(c->v, cap, sizeof(*v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n] = (struct eng_change){ .kind = kind, .path = strdup(k->path) };
	if (!c->v[c->n].path)
		return cs_err_set(err, ENOMEM, "out of memory");
	c->n++;
	return 0;
}

/* Is it only there to be mounted on? */
static bool mount_point(const struct walk *k, const struct stat *sb)
{
	static const char *const always[] = {
		"/dev",		  "/proc",	   "/sys",	     "/dev/console",
		"/etc/hosts",	  "/etc/hostname", "/dev/pts",	     "/etc/resolv.conf",
		"/dev/shm",	  "/dev/mqueue",   "/sys/fs/cgroup", "/run/.containerenv",
		"/.caisson-init", "/dev/init"
	};

	if (S_ISREG(sb->st_mode) ? sb->st_size != 0 : !S_ISDIR(sb->st_mode))
		return false;
	if (cs_str_in(k->path, always, CS_LEN(always)))
		return true;
	for (size_t i = 0; i < k->r->n_mounts; i++)
		if (strcmp(k->r->mounts[i].target, k->path) == 0)
			return true;
	return false;
}

static bool is_opaque(int fd)
{
	char v[2];

	return (fgetxattr(fd, "trusted.overlay.opaque", v, sizeof(v)) == 1 && *v == 'y') ||
	       (fgetxattr(fd, "user.overlay.opaque", v, sizeof(v)) == 1 && *v == 'y');
}

static int enter(struct walk *k, const char *name, size_t *was, struct cs_err *err)
{
	*was = k->len;
	if (cs_str_fmt(k->path + k->len, sizeof(k->path) - k->len, err, "/%s", name) < 0)
		return -err->code;
	k->len += strlen(name) + 1;
	return 0;
}

static void leave(struct walk *k, size_t was)
{
	k->len = was;
	k->path[was] = '\0';
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A folder to read that stays open under its own fd. */
static DIR *read_dir(int fd)
{
	int own = open_dir(fd, ".");
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d && own >= 0)
		close(own);
	return d;
}

/* All of the image's folder that is not in the opaque one is hidden. */
static int hidden(struct walk *k, const struct pair *p, struct cs_err *err)
{
	cs_auto_dir DIR *d = read_dir(p->low);
	const struct dirent *e;
	int ret = 0;

	if (!d)
		return cs_err_sys(err, "read the image's %s", k->path);
	while (ret == 0 && (e = readdir(d))) {
		struct stat sb;
		size_t was;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(p->up, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		ret = enter(k, e->d_name, &was, err);
		if (ret == 0) {
			ret = add(k, 'D', err);
			leave(k, was);
		}
	}
	return ret;
}

static int folder(struct walk *k, const struct pair *p, struct cs_err *err);

static int sub_folder(struct walk *k, const struct pair *p, const char *name, bool in_image,
		      struct cs_err *err)
{
	cs_auto_fd int up = open_dir(p->up, name);
	cs_auto_fd int low = in_image ? open_dir(p->low, name) : -EBADF;
	struct pair sub = { .up = up, .low = low };
	int ret = 0;

	if (up < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "open %s", k->path);
	if (k->depth >= DEPTH_MAX)
		return cs_err_set(err, ELOOP, "%.200s: more than %d folders deep", k->path,
				  DEPTH_MAX);
	if (low >= 0 && is_opaque(up))
		ret = hidden(k, &sub, err);
	k->depth++;
	if (ret == 0)
		ret = folder(k, &sub, err);
	k->depth--;
	return ret;
}

static bool same_attrs(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

static int entry(struct walk *k, const struct pair *p, const char *name, struct cs_err *err)
{
	size_t first = k->out->n;
	struct stat up, low;
	bool there;
	int ret = 0;

	if (fstatat(p->up, name, &up, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "look at %s", k->path);
	there = p->low >= 0 && fstatat(p->low, name, &low, AT_SYMLINK_NOFOLLOW) == 0;
	if (S_ISCHR(up.st_mode) && up.st_rdev == 0)
		return there ? add(k, 'D', err) : 0;
	if (S_ISDIR(up.st_mode))
		ret = sub_folder(k, p, name, there && S_ISDIR(low.st_mode), err);
	if (ret < 0)
		return ret;
	/* nothing left in it to show, and itself as it was: a place to mount on was made in it */
	if (there && S_ISDIR(up.st_mode) && k->out->n == first && same_attrs(&up, &low))
		return 0;
	if (!there && k->out->n == first && mount_point(k, &up))
		return 0;
	return add(k, there ? 'C' : 'A', err);
}

static int folder(struct walk *k, const struct pair *p, struct cs_err *err)
{
	cs_auto_dir DIR *d = read_dir(p->up);
	const struct dirent *e;
	int ret = 0;

	if (!d)
		return cs_err_sys(err, "read folder %s", k->path);
	while (ret == 0 && (e = readdir(d))) {
		size_t was;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		ret = enter(k, e->d_name, &was, err);
		if (ret == 0) {
			ret = entry(k, p, e->d_name, err);
			leave(k, was);
		}
	}
	return ret;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct eng_change *)a)->path, ((const struct eng_change *)b)->path);
}

/* The image's files alone, mounted for us. */
static int image_files(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	img_auto_lowers struct img_lowers lowers = IMG_LOWERS_INIT;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	img_auto_store struct img_store *st = NULL;
	struct img_rootfs rootfs = IMG_ROOTFS_INIT;
	char path[PATH_MAX];

	if (cs_str_fmt(path, sizeof(path), err, "%s/images", e->root) < 0 ||
	    img_store_open(path, &st, err) < 0)
		return -err->code;
	if (img_store_image(st, r->image_id, &im, err) < 0 ||
	    img_rootfs_lowers(st, &im, &lowers, err) < 0)
		return cs_err_wrap(err, "the image of container %s", r->name);
	rootfs.lowers = &lowers;
	return img_rootfs_mount(&rootfs, err);
}

int eng_upper_open(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_fd int dir = eng_dir(e, id, err);
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, "rw/upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return cs_err_sys(err, "open the writable layer");
	return fd;
}

int eng_diff(const struct eng *e, const struct eng_record *r, struct eng_changes *out,
	     struct cs_err *err)
{
	eng_auto_changes struct eng_changes c = { 0 };
	cs_auto_fd int up = eng_upper_open(e, r->id, err);
	cs_auto_fd int low = -EBADF;
	struct walk k = { .r = r, .out = &c };
	struct pair p;

	if (up < 0)
		return err->code ? up : 0;
	low = image_files(e, r, err);
	if (low < 0)
		return low;
	p = (struct pair){ .up = up, .low = low };
	if (folder(&k, &p, err) < 0)
		return -err->code;
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_path);
	*out = c;
	c = (struct eng_changes){ 0 };
	return 0;
}
