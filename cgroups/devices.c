#include "cgroups/devices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "cgroups/limits.h"

#include <fcntl.h>

/* cgroup v1, devices.txt: one rule a write. Its two files, opened when first needed. */
struct v1_files {
	const struct cg *cg;
	size_t h;
	int fd[2]; /* owned; devices.deny, devices.allow */
};

static const char *const v1_names[] = { "devices.deny", "devices.allow" };

static int write_v1(struct v1_files *f, bool allow, const char *text, struct cs_err *err)
{
	const char *name = v1_names[allow];
	int *fd = &f->fd[allow];
	ssize_t n;

	if (*fd < 0)
		*fd = cg_file_open(f->cg, f->h, name, O_WRONLY);
	if (*fd < 0)
		return cg_file_err(err, -*fd, f->cg, f->h, name, "open");
	do
		n = write(*fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		cg_file_err(err, errno, f->cg, f->h, name, "write");
		return cs_err_wrap(err, "linux.resources.devices: rule \"%s\"", text);
	}
	return 0;
}

static int write_rule(struct v1_files *f, const struct cg_devrule *r, bool allow,
		      struct cs_err *err)
{
	char text[64], major[24] = "*", minor[24] = "*";

	if (r->major >= 0)
		snprintf(major, sizeof(major), "%" PRId64, r->major);
	if (r->minor >= 0)
		snprintf(minor, sizeof(minor), "%" PRId64, r->minor);
	snprintf(text, sizeof(text), "%c %s:%s %s%s%s", r->block ? 'b' : 'c', major, minor,
		 r->access & CG_DEV_READ ? "r" : "", r->access & CG_DEV_WRITE ? "w" : "",
		 r->access & CG_DEV_MKNOD ? "m" : "");
	return write_v1(f, allow, text, err);
}

/* Writes what @set has and @other has not, as @allow. */
static int write_difference(struct v1_files *f, const struct cg_devset *set,
			    const struct cg_devset *other, bool allow, struct cs_err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct cg_devrule r = set->v[i];
		int ret;

		for (size_t k = 0; k < other->n; k++)
			if (other->v[k].block == r.block && other->v[k].major == r.major &&
			    other->v[k].minor == r.minor)
				r.access &= (uint8_t)~other->v[k].access;
		ret = r.access ? write_rule(f, &r, allow, err) : 0;
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* A running container's rules change by what is different, so that no access that stays allowed
 * fails meanwhile. Where the default changes, or what is denied now is not known (devices.list does
 * not say), all is reset first. */
static int change_v1(struct v1_files *f, const struct cg_devset *want, struct cs_err *err)
{
	cg_auto_devset struct cg_devset now = { 0 };
	cs_auto_free char *list = NULL;
	bool created = f->cg->created[f->h];
	int ret = 0;

	/* A new one has what the folder above it has; without rules of our own that stays. */
	if (created && want->allow)
		return write_difference(f, want, &now, false, err);
	if (!created) {
		ret = cg_file_read_all(f->cg, f->h, "devices.list", &list);
		if (ret < 0)
			return cg_file_err(err, -ret, f->cg, f->h, "devices.list", "read");
		ret = cg_devset_parse_list(list, &now, err);
	}
	if (!ret && !created && !now.allow && !want->allow) {
		ret = write_difference(f, want, &now, true, err);
		return ret < 0 ? ret : write_difference(f, &now, want, false, err);
	}
	cg_devset_fini(&now);
	if (!ret)
		ret = write_v1(f, want->allow, "a", err);
	return ret < 0 ? ret : write_difference(f, want, &now, !want->allow, err);
}

static int apply_v1(const struct cg *cg, size_t h, const struct cg_devset *want, struct cs_err *err)
{
	struct v1_files f = { .cg = cg, .h = h, .fd = { -EBADF, -EBADF } };
	int ret = change_v1(&f, want, err);

	cs_close_fd(&f.fd[0]);
	cs_close_fd(&f.fd[1]);
	return ret;
}

/* Are we in a user namespace other than the first? Nobody in there can make a device node or open
 * one that the host did not give. */
static bool in_user_namespace(void)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_fd int proc = cs_path_proc_open(&ignored);
	cs_auto_fd int fd = -EBADF;
	unsigned int inside, outside, count;
	char map[128];
	ssize_t n;

	if (geteuid() != 0)
		return true;
	if (proc >= 0)
		fd = cs_path_proc_file(proc, "self/uid_map", O_RDONLY, &ignored);
	if (fd < 0)
		return false;
	n = read(fd, map, sizeof(map) - 1);
	map[n < 0 ? 0 : n] = '\0';
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own text */
	if (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
		return false;
	return inside != 0 || outside != 0 || count != UINT32_MAX;
}

int cg_devices_apply(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	cg_auto_devset struct cg_devset set = { 0 };
	cg_auto_devset struct cg_devset flat = { 0 };
	int h = cg_v1_hier(cg->host, CG_CTL_DEVICES);
	int ret;

	if (!res->n_devices || cg->has_devices)
		return 0;
	if (h < 0 && cg->v2_dir < 0)
		return cs_err_set(err, ENOENT,
				  "linux.resources.devices: this host has no devices controller "
				  "(cgroup v1) and no cgroup v2 tree");
	ret = cg_devset_build(res->devices, res->n_devices, &set, err);
	if (ret < 0)
		return ret;
	if (h >= 0) {
		ret = cg_devset_flatten(&set, &flat, err);
		return ret < 0 ? ret : apply_v1(cg, (size_t)h, &flat, err);
	}
	ret = cg_devbpf_apply(cg, &set, err);
	if (ret == -EPERM && in_user_namespace()) {
		cs_log(CS_LOG_DEBUG, "%s", err->msg);
		cs_err_clear(err);
		ret = 0;
	}
	return ret;
}

int cg_apply_devices(struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int ret;

	if (cg_v1_hier(cg->host, CG_CTL_DEVICES) < 0)
		return 0;
	ret = cg_devices_apply(cg, res, err);
	cg->has_devices = ret == 0;
	return ret;
}
