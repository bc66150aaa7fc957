#include "engine/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "engine/apparmor.h"
#include "engine/bring.h"
#include "engine/config.h"
#include "engine/ctrvolumes.h"
#include "engine/engine.h"
#include "engine/etcfiles.h"
#include "engine/join.h"
#include "engine/libexec.h"
#include "engine/record.h"
#include "engine/share.h"
#include "engine/store.h"
#include "engine/userns.h"
#include "images/rootfs.h"
#include "images/store.h"

static int rw_dir(int dir, struct cs_err *err)
{
	int fd;

	if (mkdirat(dir, "rw", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the writable layer's folder");
	fd = openat(dir, "rw", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open the writable layer's folder");
	return fd;
}

int eng_rootfs_open(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	img_auto_lowers struct img_lowers lowers = IMG_LOWERS_INIT;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	img_auto_store struct img_store *st = NULL;
	cs_auto_fd int dir = eng_dir(e, r->id, err);
	struct img_rootfs rootfs = IMG_ROOTFS_INIT;
	cs_auto_fd int rw = -EBADF, userns = -EBADF;
	char path[PATH_MAX];
	int fd;

	if (dir < 0)
		return dir;
	rw = rw_dir(dir, err);
	if (rw < 0 || cs_str_fmt(path, sizeof(path), err, "%s/images", e->root) < 0 ||
	    img_store_open(path, &st, err) < 0)
		return -err->code;
	if (img_store_image(st, r->image_id, &im, err) < 0 ||
	    img_rootfs_lowers(st, &im, &lowers, err) < 0)
		return cs_err_wrap(err, "the image of container %s", r->name);
	rootfs.lowers = &lowers;
	rootfs.dir = rw;
	rootfs.volatile_upper = r->auto_remove;
	userns = eng_userns_open(r, err);
	if (userns < 0 && err->code)
		return userns;
	rootfs.userns = userns;
	fd = img_rootfs_mount(&rootfs, err);
	return fd < 0 ? cs_err_wrap(err, "root filesystem of container %s", r->name) : fd;
}

/* Mounts it on the bundle's "rootfs". Returns the mount's fd. */
static int mount_root(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err)
{
	cs_auto_fd int fd = eng_rootfs_open(e, r, err);

	if (fd < 0)
		return fd;
	if (mkdirat(run, "rootfs", 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the root filesystem's mount point");
	if (cs_sys_move_mount(fd, "", run, "rootfs", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return cs_err_sys(err, "mount the root filesystem");
	return cs_take_fd(&fd);
}

/* Everything of the config's that is only known now. */
struct prep {
	struct eng_place place;
	char rootfs[PATH_MAX], etc[PATH_MAX], init[PATH_MAX];
	char net[40], pid[40], ipc[40], uts[40], shm[PATH_MAX], hostname[HOST_NAME_MAX + 1];
};

/* The namespaces of others that it joins; in @run (-EBADF: nowhere) it is noted who they are. */
static int find_joins(const struct eng *e, const struct eng_record *r, int run, struct prep *p,
		      struct cs_err *err)
{
	const struct {
		const char *mode, *ns;
		char *path; /* of 40 bytes */
		const char **out;
	} v[] = {
		{ r->network_mode, "net", p->net, &p->place.net_ns },
		{ r->pid, "pid", p->pid, &p->place.pid_ns },
		{ r->ipc, "ipc", p->ipc, &p->place.ipc_ns },
		{ r->uts, "uts", p->uts, &p->place.uts_ns },
	};
	cs_auto_buf struct cs_buf note = CS_BUF_INIT;

	for (size_t i = 0; i < CS_LEN(v); i++) {
		if (eng_join_find(e, v[i].mode, v[i].ns, v[i].path, sizeof(p->net), &note, err) < 0)
			return -err->code;
		if (*v[i].path)
			*v[i].out = v[i].path;
	}
	return run < 0 ? 0 : eng_join_save(run, &note, err);
}

static int fill_place(const struct eng *e, const struct eng_record *r, int run, struct prep *p,
		      struct cs_err *err)
{
	struct eng_place *pl = &p->place;

	pl->rootfs_path = p->rootfs;
	pl->etc = p->etc;
	if (cs_str_fmt(p->rootfs, sizeof(p->rootfs), err, "%s/containers/%s/rootfs", e->state,
		       r->id) < 0 ||
	    cs_str_fmt(p->etc, sizeof(p->etc), err, "%s/containers/%s/etc", e->state, r->id) < 0 ||
	    find_joins(e, r, run, p, err) < 0)
		return -err->code;
	if (pl->dry)
		pl->apparmor = eng_apparmor_name(r);
	else if (eng_apparmor_ready(r, &pl->apparmor, err) < 0)
		return -err->code;
	if (!r->init)
		return 0;
	pl->init = p->init;
	return eng_libexec("caisson-init", p->init, sizeof(p->init), err);
}

/* What comes with the namespaces it joins. */
static int share(const struct eng *e, const struct eng_record *r, int run, struct prep *p,
		 struct cs_err *err)
{
	struct eng_place *pl = &p->place;

	if (pl->net_ns)
		eng_share_hostname(run, p->hostname, sizeof(p->hostname));
	pl->hostname = *p->hostname ? p->hostname : NULL;
	if (!pl->ipc_ns)
		return 0;
	pl->shm = p->shm;
	if (cs_str_fmt(p->shm, sizeof(p->shm), err, "%s/containers/%s/shm", e->state, r->id) < 0)
		return -err->code;
	return eng_share_shm(run, pl->ipc_ns, err);
}

static int make_etc(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err)
{
	cs_auto_fd int etc = -EBADF;
	int ret = eng_share_etc(e, r, run, err);

	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (mkdirat(run, "etc", 0755) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the folder of /etc's files");
	etc = openat(run, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc < 0)
		return cs_err_sys(err, "open the folder of /etc's files");
	return eng_etc_write(etc, r, NULL, 0, err);
}

static int prepare(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	cs_auto_fd int run = eng_run_dir(e, r->id, err);
	struct prep p = { .place = { .rootfs = -EBADF } };
	cs_auto_free char *config = NULL;
	cs_auto_fd int root = -EBADF;
	size_t len;

	if (run < 0 || fill_place(e, r, run, &p, err) < 0 || eng_userns_pass(e, r, run, err) < 0)
		return -err->code;
	root = mount_root(e, r, run, err);
	if (root < 0)
		return root;
	p.place.rootfs = root;
	if (eng_volumes_ready(e, r, root, err) < 0 || make_etc(e, r, run, err) < 0 ||
	    share(e, r, run, &p, err) < 0 ||
	    eng_config_text(e, r, &p.place, &config, &len, err) < 0)
		return -err->code;
	return cs_file_replace(run, "config.json", config, len, 0600, false, err);
}

int eng_prepare(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = eng_take_down(e, r, false, err);

	if (ret == 0)
		ret = prepare(e, r, err);
	if (ret < 0)
		eng_take_down(e, r, false, &why);
	return ret;
}

int eng_prepare_dry(const struct eng *e, const struct img_store *st, const struct img_image *im,
		    const struct eng_record *r, char **config, struct cs_err *err)
{
	img_auto_lowers struct img_lowers lowers = IMG_LOWERS_INIT;
	struct prep p = { .place = { .rootfs = -EBADF, .dry = true } };
	struct img_rootfs image = IMG_ROOTFS_INIT;
	cs_auto_fd int root = -EBADF;
	size_t len;

	if (fill_place(e, r, -EBADF, &p, err) < 0 || img_rootfs_lowers(st, im, &lowers, err) < 0)
		return -err->code;
	/* read-only, and nowhere: for the names of users */
	image.lowers = &lowers;
	root = img_rootfs_mount(&image, err);
	if (root < 0)
		return root;
	p.place.rootfs = root;
	if (p.place.ipc_ns) {
		p.place.shm = p.shm;
		if (cs_str_fmt(p.shm, sizeof(p.shm), err, "%s/containers/%s/shm", e->state, r->id) <
		    0)
			return -err->code;
	}
	return eng_config_text(e, r, &p.place, config, &len, err);
}
