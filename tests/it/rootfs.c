/*
 * Drives images/rootfs.h for the integration tests:
 *
 *	rootfs [-w UPPER] [-u PID] [-v] STORE IMAGE MOUNTPOINT
 *
 * mounts the image of the store STORE (its images/ folder) on MOUNTPOINT: with a writable layer in
 * UPPER, with the ids of the user namespace of PID, with an upper that is never synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/rootfs.h"
#include "images/store.h"

struct args {
	const char *upper, *pid;
	bool is_volatile;
};

static int usage(void)
{
	fputs("usage: rootfs [-w UPPER] [-u PID] [-v] STORE IMAGE MOUNTPOINT\n", stderr);
	return 2;
}

static int mount_image(const struct args *a, char **argv, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	img_auto_lowers struct img_lowers lowers = IMG_LOWERS_INIT;
	struct img_rootfs r = IMG_ROOTFS_INIT;
	cs_auto_fd int upper = -EBADF;
	cs_auto_fd int userns = -EBADF;
	char path[64];
	int ret;

	r.lowers = &lowers;
	r.volatile_upper = a->is_volatile;
	if (a->upper) {
		r.dir = upper = open(a->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (upper < 0)
			return cs_err_sys(err, "open %s", a->upper);
	}
	if (a->pid) {
		snprintf(path, sizeof(path), "/proc/%s/ns/user", a->pid);
		r.userns = userns = open(path, O_RDONLY | O_CLOEXEC);
		if (userns < 0)
			return cs_err_sys(err, "open %s", path);
	}
	ret = img_store_open(argv[0], &st, err);
	if (ret == 0)
		ret = img_store_image(st, argv[1], &im, err);
	if (ret == 0)
		ret = img_rootfs_lowers(st, &im, &lowers, err);
	return ret < 0 ? ret : img_rootfs_mount_at(&r, argv[2], err);
}

int main(int argc, char **argv)
{
	struct args a = { .upper = NULL };
	struct cs_err err = CS_ERR_INIT;
	int c;

	while ((c = getopt(argc, argv, "w:u:v")) != -1) {
		switch (c) {
		case 'w':
			a.upper = optarg;
			break;
		case 'u':
			a.pid = optarg;
			break;
		case 'v':
			a.is_volatile = true;
			break;
		default:
			return usage();
		}
	}
	if (optind + 3 != argc)
		return usage();
	if (mount_image(&a, argv + optind, &err) < 0) {
		fprintf(stderr, "rootfs: %s\n", err.msg);
		return 1;
	}
	return 0;
}
