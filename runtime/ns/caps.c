#include "runtime/ns/caps.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/spec.h"

enum { DEFAULT_UMASK = 0022 };

static int capget_permitted(uint64_t *out, struct cs_err *err)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &hdr, data) < 0)
		return cs_err_sys(err, "read the runtime's own capabilities");
	*out = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

static int capset_all(const struct ctr_caps *caps, struct cs_err *err)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(caps->effective >> (32 * i));
		data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &hdr, data) < 0)
		return cs_err_sys(err, "process.capabilities: set the sets (effective must be "
				       "within permitted)");
	return 0;
}

int ctr_caps_last(void)
{
	int cap = CAP_LAST_CAP;

	/* A newer kernel than our headers knows more, an older one less. */
	while (cap < 63 && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
		cap++;
	while (cap > 0 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
		cap--;
	return cap;
}

/*
 * Drops all but @keep. Dropping what is not set is no error, and there is no cheaper way to learn
 * what is set than asking bit by bit, so each unwanted bit is dropped unseen: 27 calls for the
 * usual 14 capabilities. The kernel says by EINVAL where its capabilities end.
 */
static int bounding_limit(uint64_t keep, struct cs_err *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL && cap > 0)
			break;
		return cs_err_sys(err, "process.capabilities.bounding: drop capability %d", cap);
	}
	return 0;
}

static void warn_missing(uint64_t missing)
{
	struct cs_buf names = CS_BUF_INIT;

	for (int cap = 0; cap < 64; cap++) {
		const char *name;

		if (!(missing >> cap & 1))
			continue;
		name = ctr_spec_cap_name(cap);
		cs_buf_addf(&names, names.len ? " %s" : "%s", name ? name : "unknown");
	}
	cs_log(CS_LOG_WARN, "process.capabilities: left out, the runtime has not got them: %s",
	       names.failed ? "out of memory" : names.s);
	cs_buf_fini(&names);
}

/* Asked for and to be had: what @want says without the capabilities that the kernel would refuse.
 * The bounding set needs no cut: it only ever shrinks. */
static int clamp(const struct ctr_caps *want, struct ctr_caps *out, struct cs_err *err)
{
	uint64_t have = 0, asked, missing;
	int rc;

	rc = capget_permitted(&have, err);
	if (rc < 0)
		return rc;

	asked = want->effective | want->permitted | want->inheritable | want->ambient;
	missing = asked & ~have;
	for (int cap = 0; cap < 64; cap++) {
		uint64_t bit = UINT64_C(1) << cap;

		/* a permitted one is mostly in the bounding set too: ask for the others only */
		if ((want->bounding & ~have & bit) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			missing |= bit;
	}
	if (missing)
		warn_missing(missing);

	*out = *want;
	out->effective &= have;
	out->permitted &= have;
	out->inheritable &= have;
	/* runc's own default config asks for ambient ones that are not inheritable: as with runc
	 * and crun they stay out, since that is all the kernel allows */
	out->ambient &= out->permitted & out->inheritable;
	return 0;
}

static int ambient_set(uint64_t ambient, struct cs_err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return cs_err_sys(err, "process.capabilities.ambient: clear the set");
	for (int cap = 0; cap < 64; cap++) {
		if (!(ambient >> cap & 1))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return cs_err_sys(err, "process.capabilities.ambient: raise %s",
					  ctr_spec_cap_name(cap));
	}
	return 0;
}

/*
 * The runtime's own supplementary groups must not leak into the container, so setgroups(2) is
 * called for an empty list as well. All ids are set by the raw calls: this process is the only
 * thread, and glibc's wrappers would signal others.
 */
static int become_ids(const struct ctr_user *user, bool setgroups_allowed, struct cs_err *err)
{
	if (setgroups_allowed) {
		if (syscall(SYS_setgroups, user->n_additional_gids, user->additional_gids) < 0)
			return cs_err_sys(err, "process.user.additionalGids: setgroups");
	} else if (user->n_additional_gids) {
		return cs_err_set(err, EPERM,
				  "process.user.additionalGids: the user namespace denies "
				  "setgroups (map gids with newgidmap to have them)");
	}
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return cs_err_sys(err, "process.user.gid: become group %u", user->gid);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return cs_err_sys(err, "process.user.uid: become user %u", user->uid);
	return 0;
}

int ctr_caps_become(const struct ctr_user *user, const struct ctr_caps *caps, bool setgroups,
		    struct cs_err *err)
{
	struct ctr_caps use = { 0 };
	int rc;

	if (caps->present) {
		rc = clamp(caps, &use, err);
		if (rc < 0)
			return rc;
	}
	rc = bounding_limit(use.bounding, err);
	if (rc < 0)
		return rc;
	/* or leaving user 0 would empty the permitted set before it is cut to size below */
	if (user->uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return cs_err_sys(err, "keep capabilities over the change of user");
	rc = become_ids(user, setgroups, err);
	if (rc < 0)
		return rc;
	if (user->uid != 0 && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return cs_err_sys(err, "stop keeping capabilities");
	rc = capset_all(&use, err);
	if (rc < 0)
		return rc;
	rc = ambient_set(use.ambient, err);
	if (rc < 0)
		return rc;
	umask(user->has_umask ? user->umask : DEFAULT_UMASK);
	return 0;
}
