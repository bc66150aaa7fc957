#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/spec_int.h"

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
	[CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};
_Static_assert(CS_LEN(names) == CAP_LAST_CAP + 1, "a capability of the headers has no name here");

enum { PREFIX = 4 }; /* "CAP_" */

int ctr_spec_cap_by_name(const char *name)
{
	if (strncasecmp(name, "CAP_", PREFIX) == 0)
		name += PREFIX;
	for (size_t i = 0; i < CS_LEN(names); i++) {
		if (strcasecmp(name, names[i] + PREFIX) == 0)
			return (int)i;
	}
	return -1;
}

const char *ctr_spec_cap_name(int cap)
{
	return cap >= 0 && cap <= CAP_LAST_CAP ? names[cap] : NULL;
}

static int set(const struct cs_json *obj, const char *key, uint64_t *out, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	int rc = cs_json_arr(obj, key, &arr, err);

	if (rc <= 0)
		return rc;
	cs_json_for_each (c, arr) {
		const char *name = NULL;
		int cap;

		rc = cs_json_as_str(c, &name, err);
		if (rc < 0)
			return rc;
		cap = ctr_spec_cap_by_name(name);
		if (cap >= 0)
			*out |= 1ULL << cap;
		else
			cs_log(CS_LOG_WARN,
			       "process.capabilities.%s: \"%.64s\" is not known, left out", key,
			       name);
	}
	return 1;
}

int ctr_spec_caps(const struct cs_json *process, struct ctr_caps *out, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	uint64_t more;
	int rc;

	rc = cs_json_obj(process, "capabilities", &obj, err);
	if (rc <= 0)
		return rc;
	rc = set(obj, "bounding", &out->bounding, err);
	if (rc >= 0)
		rc = set(obj, "effective", &out->effective, err);
	if (rc >= 0)
		rc = set(obj, "inheritable", &out->inheritable, err);
	if (rc >= 0)
		rc = set(obj, "permitted", &out->permitted, err);
	if (rc >= 0)
		rc = set(obj, "ambient", &out->ambient, err);
	if (rc < 0)
		return rc;
	/* capset(2) would refuse it; a surplus of ambient ones other runtimes let pass */
	more = out->effective & ~out->permitted;
	if (more)
		return cs_json_err(cs_json_get(obj, "effective"), err, EINVAL,
				   "%s is not permitted", names[__builtin_ctzll(more)]);
	out->present = true;
	return 0;
}
