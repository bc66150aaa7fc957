#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "images/registries.h"
#include "images/toml.h"

/* Which files registries.conf is. */

enum { DROP_INS = 256 };

/* Returns 1 when it was read, 0 when it is not there. */
static int read_one(const char *path, struct img_registries *r, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	ret = cs_fd_read_all(fd, IMG_TOML_MAX, &text, &len, err);
	if (ret < 0)
		return cs_err_wrap(err, "read %s", path);
	ret = img_registries_parse(text, len, path, r, err);
	return ret < 0 ? ret : 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads each *.conf of a folder in the order of their names. */
static int read_dir(const char *path, struct img_registries *r, struct cs_err *err)
{
	cs_auto_dir DIR *d = opendir(path);
	char *names[DROP_INS], file[PATH_MAX];
	const struct dirent *e;
	size_t n = 0;
	int ret = 0;

	if (!d)
		return 0;
	while (n < DROP_INS && (e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len < 6 || e->d_name[0] == '.' || strcmp(e->d_name + len - 5, ".conf") != 0)
			continue;
		names[n] = strdup(e->d_name);
		if (!names[n]) {
			ret = cs_err_set(err, ENOMEM, "out of memory");
			break;
		}
		n++;
	}
	qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		if (ret >= 0)
			ret = cs_str_fmt(file, sizeof(file), err, "%s/%s", path, names[i]);
		if (ret >= 0)
			ret = read_one(file, r, err);
		free(names[i]);
	}
	return ret < 0 ? ret : 0;
}

/* registries.conf and registries.conf.d in a folder. Returns 1 if there was the former. */
static int read_pair(const char *folder, const char *sub, struct img_registries *r,
		     struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s%s/registries.conf", folder, sub);
	int found;

	if (ret < 0)
		return ret;
	found = read_one(path, r, err);
	if (found < 0)
		return found;
	ret = cs_str_fmt(path, sizeof(path), err, "%s%s/registries.conf.d", folder, sub);
	if (!ret)
		ret = read_dir(path, r, err);
	return ret < 0 ? ret : found;
}

/* Short names that podman's users have chosen. */
static int read_short_names(struct img_registries *r, struct cs_err *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[PATH_MAX];
	int ret;

	if (getuid() == 0)
		ret = cs_str_fmt(path, sizeof(path), err,
				 "/var/cache/containers/short-name-aliases.conf");
	else if (cache && *cache == '/')
		ret = cs_str_fmt(path, sizeof(path), err, "%s/containers/short-name-aliases.conf",
				 cache);
	else if (home && *home == '/')
		ret = cs_str_fmt(path, sizeof(path), err,
				 "%s/.cache/containers/short-name-aliases.conf", home);
	else
		return 0;
	return ret < 0 ? ret : read_one(path, r, err);
}

int img_registries_load(const char *path, struct img_registries *r, struct cs_err *err)
{
	const char *home = getenv("HOME"), *conf = getenv("XDG_CONFIG_HOME");
	int ret;

	if (!path)
		path = getenv("CONTAINERS_REGISTRIES_CONF");
	if (path && *path) {
		ret = read_one(path, r, err);
		if (!ret)
			ret = cs_err_set(err, ENOENT, "%s is not there, or not for us to read",
					 path);
		return ret < 0 ? ret : 0;
	}
	ret = 0;
	if (getuid() != 0 && conf && *conf == '/')
		ret = read_pair(conf, "/containers", r, err);
	else if (getuid() != 0 && home && *home == '/')
		ret = read_pair(home, "/.config/containers", r, err);
	if (!ret)
		ret = read_pair("/etc/caisson", "", r, err);
	if (!ret)
		ret = read_pair("/etc/containers", "", r, err);
	if (ret >= 0)
		ret = read_short_names(r, err);
	return ret < 0 ? ret : 0;
}
