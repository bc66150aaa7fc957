#include "cli/imgmount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"

enum { HEX = 64 };

int cli_imgmount_folder(const struct cli_call *call, char path[PATH_MAX], struct cs_err *err)
{
	return cs_str_fmt(path, PATH_MAX, err, "%s/images", call->dirs->state);
}

int cli_imgmount_point(const struct cli_call *call, const char *hex, char path[PATH_MAX],
		       struct cs_err *err)
{
	return cs_str_fmt(path, PATH_MAX, err, "%s/images/%s", call->dirs->state, hex);
}

bool cli_imgmount_is(const char *path)
{
	struct statx sx;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) == 0 &&
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool cli_imgmount_in_use(void *ctx, const char *id, char *who, size_t size)
{
	struct cs_err ignored = CS_ERR_INIT;
	const struct cli_call *call = ctx;
	char path[PATH_MAX];

	if (!cs_str_starts(id, "sha256:") ||
	    cli_imgmount_point(call, id + strlen("sha256:"), path, &ignored) < 0 ||
	    !cli_imgmount_is(path))
		return false;
	snprintf(who, size, "a mount (caisson image unmount %.12s)", id + strlen("sha256:"));
	return true;
}

int cli_imgmount_find(const struct cli_call *call, const char *text, char hex[65],
		      struct cs_err *err)
{
	char path[PATH_MAX], one[PATH_MAX];
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	size_t len, n = 0;
	int ret = cli_imgmount_folder(call, path, err);

	if (ret < 0)
		return ret;
	if (cs_str_starts(text, "sha256:"))
		text += strlen("sha256:");
	len = strlen(text);
	if (len < 2 || strspn(text, "0123456789abcdef") != len)
		return 0;
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : cs_err_sys(err, "read folder %s", path);
	while ((e = readdir(d))) {
		if (strlen(e->d_name) != HEX || !cs_str_starts(e->d_name, text))
			continue;
		ret = cli_imgmount_point(call, e->d_name, one, err);
		if (ret < 0)
			return ret;
		if (!cli_imgmount_is(one))
			continue;
		memcpy(hex, e->d_name, HEX + 1);
		n++;
	}
	return n == 1;
}
