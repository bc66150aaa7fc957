#include "runtime/ns/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/spec.h"

enum { FILESYSTEMS_MAX = 64 << 10 };

/* One write(2): the security module takes the text as a whole. -errno, no message. */
static int attr_write(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int apparmor_absent(const char *profile, struct cs_err *err)
{
	return cs_err_set(err, ENOTSUP,
			  "process.apparmorProfile: \"%s\" is asked for, but this kernel does not "
			  "run AppArmor",
			  profile);
}

/* attr/apparmor is there since Linux 5.8; the mount calls used everywhere here need 5.12. */
static int apparmor_set(const char *profile, int proc, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct cs_buf text = CS_BUF_INIT;
	struct cs_err open_err = CS_ERR_INIT;
	int rc;

	fd = cs_path_proc_file(proc, "self/attr/apparmor/exec", O_WRONLY, &open_err);
	if (fd < 0) {
		if (open_err.code != ENOENT)
			return cs_err_set(err, open_err.code, "process.apparmorProfile: %s",
					  open_err.msg);
		/* docker passes "unconfined" also where there is no AppArmor */
		return strcmp(profile, "unconfined") ? apparmor_absent(profile, err) : 0;
	}
	cs_buf_addf(&text, "exec %s", profile);
	rc = cs_buf_ok(&text, err);
	if (rc < 0)
		return rc;
	rc = attr_write(fd, text.s);
	cs_buf_fini(&text);
	if (!rc)
		return 0;
	/* compiled in, but not enabled at boot */
	if (rc == -EINVAL)
		return strcmp(profile, "unconfined") ? apparmor_absent(profile, err) : 0;
	if (rc == -ENOENT)
		return cs_err_set(err, ENOENT,
				  "process.apparmorProfile: profile \"%s\" is not loaded (load it "
				  "with apparmor_parser)",
				  profile);
	return cs_err_errno(err, -rc, "process.apparmorProfile: \"%s\"", profile);
}

/* selinuxfs is registered only where SELinux runs. */
static int selinux_enabled(int proc, bool *out, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int rc;

	fd = cs_path_proc_file(proc, "filesystems", O_RDONLY, err);
	if (fd < 0)
		return fd;
	rc = cs_fd_read_all(fd, FILESYSTEMS_MAX, &text, &len, err);
	if (rc < 0)
		return rc;
	*out = strstr(text, "\tselinuxfs\n") != NULL;
	return 0;
}

static int selinux_set(const char *label, const char *attr, int proc, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	bool enabled = false;
	int rc;

	rc = selinux_enabled(proc, &enabled, err);
	if (rc < 0)
		return cs_err_wrap(err, "process.selinuxLabel");
	if (!enabled)
		return cs_err_set(err, ENOTSUP,
				  "process.selinuxLabel: \"%s\" is asked for, but this kernel does "
				  "not run SELinux",
				  label);
	fd = cs_path_proc_file(proc, attr, O_WRONLY, err);
	if (fd < 0)
		return cs_err_wrap(err, "process.selinuxLabel");
	rc = attr_write(fd, label);
	if (rc < 0)
		return cs_err_errno(err, -rc, "process.selinuxLabel: write \"%s\" to %s", label,
				    attr);
	return 0;
}

int ctr_lsm_set_exec(const struct ctr_process *p, int proc, struct cs_err *err)
{
	int rc;

	if (p->apparmor_profile && *p->apparmor_profile) {
		rc = apparmor_set(p->apparmor_profile, proc, err);
		if (rc < 0)
			return rc;
	}
	if (p->selinux_label && *p->selinux_label)
		return selinux_set(p->selinux_label, "self/attr/exec", proc, err);
	return 0;
}

int ctr_lsm_set_keyring(const struct ctr_process *p, int proc, struct cs_err *err)
{
	if (!p->selinux_label || !*p->selinux_label)
		return 0;
	return selinux_set(p->selinux_label, "self/attr/keycreate", proc, err);
}
