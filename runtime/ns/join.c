#include "runtime/ns/join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/err.h"

static int open_one(enum ctr_ns i, const char *path, struct cs_err *err)
{
	const struct ctr_ns_info *info = &ctr_ns_table[i];
	cs_auto_fd int fd = -EBADF;
	int type;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return cs_err_sys(err, "linux.namespaces: open %s namespace %s", info->name, path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return cs_err_sys(err, "linux.namespaces: %s is not a namespace", path);
	if ((uint64_t)type != info->flag)
		return cs_err_set(err, EINVAL, "linux.namespaces: %s is not a %s namespace", path,
				  info->name);
	return cs_take_fd(&fd);
}

int ctr_join_open(const struct ctr_spec *spec, struct ctr_join *out, struct cs_err *err)
{
	struct ctr_join j;

	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		j.fd[i] = -EBADF;
	for (size_t i = 0; i < CTR_NS_COUNT; i++) {
		if (!spec->ns[i].present || !spec->ns[i].path)
			continue;
		j.fd[i] = open_one((enum ctr_ns)i, spec->ns[i].path, err);
		if (j.fd[i] < 0) {
			ctr_join_fini(&j);
			return -err->code;
		}
	}
	*out = j;
	return 0;
}

void ctr_join_fini(struct ctr_join *j)
{
	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		cs_close_fd(&j->fd[i]);
}

bool ctr_join_needs_stage(const struct ctr_spec *spec)
{
	bool any = false;

	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		any |= spec->ns[i].present && spec->ns[i].path;
	return any && (spec->ns[CTR_NS_PID].path || spec->ns[CTR_NS_USER].present);
}

static int enter_one(const struct ctr_join *j, size_t i, struct cs_err *err)
{
	const struct ctr_ns_info *info = &ctr_ns_table[i];

	if (setns(j->fd[i], (int)info->flag) < 0)
		return cs_err_sys(err, "linux.namespaces: join the %s namespace", info->name);
	return 0;
}

/* Joins all but the user namespace. What is refused goes to @later, if that is given: a second
 * try from within the user namespace that may own it. */
static int enter_others(const struct ctr_join *j, const bool *only, bool *later, struct cs_err *err)
{
	for (size_t i = 0; i < CTR_NS_COUNT; i++) {
		if (i == CTR_NS_USER || j->fd[i] < 0 || (only && !only[i]))
			continue;
		if (enter_one(j, i, err) == 0)
			continue;
		if (!later || err->code != EPERM)
			return -err->code;
		cs_err_clear(err);
		later[i] = true;
	}
	return 0;
}

int ctr_join_enter(const struct ctr_join *j, struct cs_err *err)
{
	bool later[CTR_NS_COUNT] = { false };
	int rc;

	if (j->fd[CTR_NS_USER] < 0)
		return enter_others(j, NULL, NULL, err);
	rc = enter_others(j, NULL, later, err);
	if (rc == 0)
		rc = enter_one(j, CTR_NS_USER, err);
	if (rc == 0)
		rc = enter_others(j, later, NULL, err);
	return rc;
}

static uint64_t new_flags(const struct ctr_spec *spec)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		if (spec->ns[i].present && !spec->ns[i].path && i != CTR_NS_CGROUP &&
		    i != CTR_NS_TIME)
			flags |= ctr_ns_table[i].flag;
	return flags;
}

/* What is in force for children only, or must be there before all others. */
static const uint64_t first_flags = CLONE_NEWUSER | CLONE_NEWPID;

uint64_t ctr_join_clone_flags(const struct ctr_spec *spec)
{
	uint64_t flags = new_flags(spec);

	return ctr_spec_new_userns(spec) ? flags & first_flags : flags;
}

uint64_t ctr_join_unshare_flags(const struct ctr_spec *spec)
{
	return ctr_spec_new_userns(spec) ? new_flags(spec) & ~first_flags : 0;
}
