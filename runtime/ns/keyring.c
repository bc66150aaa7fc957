#include "runtime/ns/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

/* Permission bits of keyctl(2), KEYCTL_SETPERM; no uapi header has them. */
enum {
	KEY_POS_ALL = 0x3f000000,
	KEY_USR_VIEW = 0x00010000,
	KEY_USR_READ = 0x00020000,
	KEY_USR_SEARCH = 0x00080000,
	KEY_USR_LINK = 0x00100000,
};

/* Why going on with the runtime's keyring is right: nothing can be done on this host. */
static int tolerated(const char *what)
{
	switch (errno) {
	case ENOSYS:
	case EPERM:
	case EACCES:
	case EDQUOT:
		cs_log(CS_LOG_WARN, "no session keyring of the container's own: %s: %s", what,
		       errno == EDQUOT ? "key quota used up (kernel.keys.maxkeys)"
				       : strerror(errno));
		return 1;
	default:
		return 0;
	}
}

int ctr_keyring_new(const char *id, struct cs_err *err)
{
	char name[256];
	long ring;
	int rc;

	rc = cs_str_fmt(name, sizeof(name), err, "_ses.%s", id);
	if (rc < 0)
		return rc;
	ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
	if (ring < 0) {
		if (tolerated("keyctl"))
			return 0;
		return cs_err_sys(err, "join session keyring %s", name);
	}
	/* A new keyring's rights, and searching for the user. */
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, ring,
		    KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH | KEY_USR_LINK) <
		    0 &&
	    !tolerated("set permissions"))
		return cs_err_sys(err, "set permissions of session keyring %s", name);
	return 0;
}
