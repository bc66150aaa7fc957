#include "runtime/ns/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/spec.h"

/* Which sysctls are a namespace's own (namespaces(7) and the man pages of each kind). A name that
 * ends in '/' stands for all below it. */
static const struct {
	const char *name;
	enum ctr_ns ns;
} namespaced[] = {
	{ "fs/mqueue/", CTR_NS_IPC },	   { "kernel/domainname", CTR_NS_UTS },
	{ "kernel/hostname", CTR_NS_UTS }, { "kernel/msgmax", CTR_NS_IPC },
	{ "kernel/msgmnb", CTR_NS_IPC },   { "kernel/msgmni", CTR_NS_IPC },
	{ "kernel/sem", CTR_NS_IPC },	   { "kernel/shm_rmid_forced", CTR_NS_IPC },
	{ "kernel/shmall", CTR_NS_IPC },   { "kernel/shmmax", CTR_NS_IPC },
	{ "kernel/shmmni", CTR_NS_IPC },   { "net/", CTR_NS_NETWORK },
	{ "user/", CTR_NS_USER },
};

/*
 * The key as a path below /proc/sys. As with sysctl(8), the first separator tells which of the two
 * it is: in "net.ipv4.conf.eth0/100.forwarding" '/' stands for a dot in a name, in
 * "net/ipv4/conf/eth0.100/forwarding" the dot is one. Components "..", "." and "" are refused:
 * "net.//.kernel" would be net/../kernel.
 */
static int key_path(const char *key, char *out, size_t size, struct cs_err *err)
{
	size_t first = strcspn(key, "./");
	bool dots = key[first] == '.';
	int r = cs_str_fmt(out, size, err, "%s", key);

	if (r < 0)
		return r;
	for (char *p = out; dots && *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
	for (const char *p = out;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return cs_err_set(err, EINVAL, "not the name of a sysctl");
		p += n;
		if (!*p)
			return 0;
	}
}

static int check_one(const struct ctr_spec *spec, const char *path, struct cs_err *err)
{
	for (size_t i = 0; i < CS_LEN(namespaced); i++) {
		const char *name = namespaced[i].name;
		const struct ctr_ns_info *ns = &ctr_ns_table[namespaced[i].ns];
		bool dir = name[strlen(name) - 1] == '/';

		if (dir ? !cs_str_starts(path, name) : strcmp(path, name) != 0)
			continue;
		if (!spec->ns[namespaced[i].ns].present)
			return cs_err_set(err, EINVAL,
					  "would change the host: it needs a %s namespace in "
					  "linux.namespaces",
					  ns->name);
		if (strcmp(path, "kernel/hostname") == 0 && spec->hostname)
			return cs_err_set(err, EINVAL, "conflicts with the field hostname");
		return 0;
	}
	return cs_err_set(err, EINVAL, "belongs to no namespace and would change the host");
}

int ctr_sysctl_check(const struct ctr_spec *spec, struct cs_err *err)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < spec->n_sysctl; i++) {
		int r = key_path(spec->sysctl[i].key, path, sizeof(path), err);

		if (r == 0)
			r = check_one(spec, path, err);
		if (r < 0)
			return cs_err_wrap(err, "linux.sysctl.%s", spec->sysctl[i].key);
	}
	return 0;
}

static int write_one(int proc, const char *key, const char *value, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char rel[PATH_MAX], path[PATH_MAX];
	size_t len = strlen(value);
	ssize_t n;
	int r;

	r = key_path(key, rel, sizeof(rel), err);
	if (r == 0)
		r = cs_str_fmt(path, sizeof(path), err, "sys/%s", rel);
	if (r < 0)
		return r;
	fd = cs_path_proc_file(proc, path, O_WRONLY, err);
	if (fd < 0)
		return fd;
	n = write(fd, value, len);
	if (n < 0)
		return cs_err_sys(err, "write \"%s\"", value);
	if (n != (ssize_t)len)
		return cs_err_set(err, EIO, "the kernel took only %zd bytes of \"%s\"", n, value);
	return 0;
}

int ctr_sysctl_apply(const struct ctr_spec *spec, int proc, struct cs_err *err)
{
	for (size_t i = 0; i < spec->n_sysctl; i++) {
		int r = write_one(proc, spec->sysctl[i].key, spec->sysctl[i].value, err);

		if (r < 0)
			return cs_err_wrap(err, "linux.sysctl.%s", spec->sysctl[i].key);
	}
	return 0;
}
