#include "cgroups/cgroup.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/cgroup_int.h"

enum { COMPONENT_MAX = 255 }; /* NAME_MAX of cgroupfs */

static const char default_parent[] = "/caisson";

/* One component of a path, the @len bytes at @s. */
static int check_component(const char *path, const char *s, size_t len, struct cs_err *err)
{
	if (len == 2 && s[0] == '.' && s[1] == '.')
		return cs_err_set(err, EINVAL, "cgroup path \"%s\": \"..\" is not allowed", path);
	if (len > COMPONENT_MAX)
		return cs_err_set(err, EINVAL, "cgroup path \"%.64s...\": a name is too long",
				  path);
	return 0;
}

static int check_chars(const char *path, struct cs_err *err)
{
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return cs_err_set(err, EINVAL, "cgroup path: control character %#x",
					  (unsigned int)(unsigned char)*p);
	return 0;
}

/* Adds @in to @out component by component: no empty ones, no ".". */
static int append_clean(const char *in, char *out, size_t size, struct cs_err *err)
{
	size_t len = strlen(out);
	const char *p = in;
	int ret = check_chars(in, err);

	while (!ret && *p) {
		size_t n = strcspn(p, "/");

		if (n && !(n == 1 && *p == '.')) {
			ret = check_component(in, p, n, err);
			if (ret < 0)
				return ret;
			if (len + n + 2 > size)
				return cs_err_set(err, ENAMETOOLONG,
						  "cgroup path \"%.64s...\": too long", in);
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
			out[len] = '\0';
		}
		p += n + strspn(p + n, "/");
	}
	return ret;
}

/* "system.slice:docker:abc": two colons and no path of folders. */
static bool is_systemd_form(const char *s)
{
	const char *colon = strchr(s, ':');

	return colon && strchr(colon + 1, ':') && !strchr(s, '/');
}

int cg_path_resolve(const char *spec_path, const char *id, bool systemd, char *out, size_t size,
		    struct cs_err *err)
{
	char path[sizeof(((struct cg *)NULL)->path)] = "";
	const char *given = spec_path ? spec_path : "";
	int ret;

	if (systemd)
		return cs_err_set(
			err, ENOTSUP,
			"the systemd cgroup driver is not there: leave out --systemd-cgroup "
			"(in containerd SystemdCgroup = false, in podman "
			"--cgroup-manager=cgroupfs)");
	if (is_systemd_form(given))
		return cs_err_set(
			err, EINVAL,
			"linux.cgroupsPath \"%.200s\" is of the systemd cgroup driver's form "
			"slice:prefix:name, this is the cgroupfs driver: give a path",
			given);
	if (given[0] != '/') {
		ret = append_clean(default_parent, path, sizeof(path), err);
		if (!ret)
			ret = append_clean(given[0] ? given : id, path, sizeof(path), err);
	} else {
		ret = append_clean(given, path, sizeof(path), err);
	}
	if (ret < 0)
		return cs_err_wrap(err, "linux.cgroupsPath");
	if (!path[0] || strcmp(path, default_parent) == 0)
		return cs_err_set(
			err, EINVAL,
			"linux.cgroupsPath \"%s\": names no cgroup of the container's own", given);
	return cs_str_fmt(out, size, err, "%s", path);
}

int cg_path_check(const char *path, struct cs_err *err)
{
	char clean[sizeof(((struct cg *)NULL)->path)] = "";
	int ret = append_clean(path, clean, sizeof(clean), err);

	if (ret < 0)
		return ret;
	if (!clean[0] || strcmp(clean, path) != 0)
		return cs_err_set(err, EINVAL,
				  "cgroup path \"%s\": must be absolute, clean and not /", path);
	return 0;
}

int cg_path_rel(const struct cg_host *host, size_t h, const char *path, const char *name,
		char out[CG_PATH_MAX])
{
	const char *parts[] = { host->hier[h].mountpoint + host->hier[h].rel, path + 1, name };
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < CS_LEN(parts); i++) {
		size_t n = strlen(parts[i]);

		if (!n)
			continue;
		if (len + n + 2 > CG_PATH_MAX)
			return -ENAMETOOLONG;
		if (len)
			out[len++] = '/';
		memcpy(out + len, parts[i], n + 1);
		len += n;
	}
	return 0;
}
