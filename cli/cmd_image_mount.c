#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgmount.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "images/rootfs.h"

static int make_point(const char *path, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;
	cs_auto_fd int dir = -EBADF;

	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return cs_err_sys(err, "open /");
	dir = cs_path_mkdirs(root, path, 0700, err);
	return dir < 0 ? dir : 0;
}

static int mount_one(const struct cli_call *call, const struct img_store *st, const char *text,
		     struct cs_buf *out, struct cs_err *err)
{
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	img_auto_lowers struct img_lowers lowers = IMG_LOWERS_INIT;
	struct img_rootfs r = IMG_ROOTFS_INIT;
	char path[PATH_MAX];
	int ret = img_store_image(st, text, &im, err);

	if (ret == 0)
		ret = cli_imgmount_point(call, im.rec->id + 7, path, err);
	if (ret == 0 && !cli_imgmount_is(path)) {
		ret = img_rootfs_lowers(st, &im, &lowers, err);
		if (ret == 0)
			ret = make_point(path, err);
		r.lowers = &lowers;
		if (ret == 0)
			ret = img_rootfs_mount_at(&r, path, err);
	}
	if (ret < 0)
		return ret;
	cs_buf_addf(out, "%s\n", path);
	return 0;
}

/* What is mounted: id and path a line. */
static int list_mounts(const struct cli_call *call, struct cs_buf *out, struct cs_err *err)
{
	char path[PATH_MAX], one[PATH_MAX];
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	int ret = cli_imgmount_folder(call, path, err);

	if (ret < 0)
		return ret;
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : cs_err_sys(err, "read folder %s", path);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || cli_imgmount_point(call, e->d_name, one, err) < 0)
			continue;
		if (cli_imgmount_is(one))
			cs_buf_addf(out, "%s %s\n", e->d_name, one);
	}
	return -err->code;
}

static int mount_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	int ret = cli_img_store(call, &st, err);

	if (ret == 0 && call->argc == 0)
		ret = list_mounts(call, &b, err);
	for (size_t i = 0; i < call->argc && ret == 0; i++)
		ret = mount_one(call, st, call->argv[i], &b, err);
	return ret < 0 || b.len == 0 ? ret : cli_out(&b, err);
}

const struct cli_cmd cli_cmd_image_mount = {
	.name = "image mount",
	.synopsis = "[IMAGE...]",
	.help = "mount images read-only and show where; without one: show what is mounted",
	.max_args = CLI_ANY_ARGS,
	.run = mount_run,
};

struct unmount_opts {
	bool all;
};

static const struct cli_opt unmount_optv[] = {
	CLI_BOOL(struct unmount_opts, all, "all", 'a', "every image that is mounted"),
};

static int unmount_hex(const struct cli_call *call, const char *hex, struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = cli_imgmount_point(call, hex, path, err);

	if (ret == 0)
		ret = img_rootfs_unmount(path, err);
	if (ret == 0 && rmdir(path) < 0 && errno != ENOENT)
		ret = cs_err_sys(err, "remove folder %s", path);
	return ret;
}

/* By a name or an id of the store; or by the id of what the store has no more. */
static int unmount_one(const struct cli_call *call, const struct img_store *st, const char *text,
		       struct cs_err *err)
{
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	struct cs_err ignored = CS_ERR_INIT;
	char hex[65];
	int ret = img_store_image(st, text, &im, err);

	if (ret == 0)
		return unmount_hex(call, im.rec->id + 7, err);
	if (cli_imgmount_find(call, text, hex, &ignored) <= 0)
		return ret;
	cs_err_clear(err);
	return unmount_hex(call, hex, err);
}

static int unmount_all(const struct cli_call *call, struct cs_err *err)
{
	char path[PATH_MAX];
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	int ret = cli_imgmount_folder(call, path, err);

	if (ret < 0)
		return ret;
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : cs_err_sys(err, "read folder %s", path);
	while (ret == 0 && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			ret = unmount_hex(call, e->d_name, err);
	}
	return ret;
}

static int unmount_run(struct cli_call *call, struct cs_err *err)
{
	const struct unmount_opts *o = call->opts;
	img_auto_store struct img_store *st = NULL;
	int ret;

	if (o->all == (call->argc > 0))
		return cs_err_set(err, EINVAL, "image unmount: either names of images, or --all");
	if (o->all)
		return unmount_all(call, err);
	ret = cli_img_store(call, &st, err);
	for (size_t i = 0; i < call->argc && ret == 0; i++)
		ret = unmount_one(call, st, call->argv[i], err);
	return ret;
}

const struct cli_cmd cli_cmd_image_unmount = {
	.name = "image unmount",
	.synopsis = "[--all] IMAGE...",
	.help = "unmount images",
	.opts = CLI_OPTS(unmount_optv),
	.opts_size = sizeof(struct unmount_opts),
	.max_args = CLI_ANY_ARGS,
	.run = unmount_run,
};
