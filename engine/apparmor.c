#include "engine/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "engine/record.h"

enum { LIST_MAX = 16 << 20, LOAD_MS = 60 * 1000 };

/*
 * A second line behind capabilities, masked and read-only paths: what of /proc and /sys is the
 * whole host's cannot be written (nor its memory and firmware read), even if a container came to
 * mount these anew; signals and ptrace stay among containers. Mounts are not its concern: without
 * CAP_SYS_ADMIN there are none, and who adds that means to mount.
 */
static const char profile[] =
	"profile " ENG_APPARMOR " flags=(attach_disconnected,mediate_deleted) {\n"
	"  file,\n"
	"  network,\n"
	"  capability,\n"
	"  mount,\n"
	"  remount,\n"
	"  umount,\n"
	"  pivot_root,\n"
	"  unix,\n"
	"  dbus,\n"
	"  signal (receive) peer=unconfined,\n"
	"  signal (send, receive) peer=" ENG_APPARMOR ",\n"
	"  ptrace peer=" ENG_APPARMOR ",\n"
	/* files of /proc itself, and what hangs below it but processes and sys */
	"  deny /proc/[a-z]* w,\n"
	"  deny /proc/{acpi,asound,bus,driver,dynamic_debug,fs,ide,irq,mpt,scsi,tty}/** w,\n"
	"  deny /proc/{kcore,kmem,mem,sysrq-trigger} rwklx,\n"
	/* all of sysctl but net, kernel.shm*, kernel.sem*, kernel.msg* and fs.mqueue */
	"  deny /proc/sys/{abi,crypto,debug,dev,sunrpc,user,vm,xen}/** w,\n"
	"  deny /proc/sys/fs/[^m]** w,\n"
	"  deny /proc/sys/fs/m[^q]** w,\n"
	"  deny /proc/sys/kernel/[^ms]** w,\n"
	"  deny /proc/sys/kernel/m[^s]** w,\n"
	"  deny /proc/sys/kernel/s[^eh]** w,\n"
	"  deny /proc/sys/kernel/se[^m]** w,\n"
	/* of /sys the control groups may be the container's own */
	"  deny /sys/{block,bus,class,dev,devices,hypervisor,kernel,module,power}/** wl,\n"
	"  deny /sys/fs/[^c]** wl,\n"
	"  deny /sys/firmware/** rwklx,\n"
	"  deny /sys/kernel/security/** rwklx,\n"
	"  deny /sys/devices/virtual/powercap/** rwklx,\n"
	"}\n";

static bool wanted(const struct eng_record *r)
{
	if (r->privileged || eng_is_vm(r))
		return false;
	for (size_t i = 0; i < r->security_opt.n; i++)
		if (cs_str_starts(r->security_opt.v[i], "apparmor=") ||
		    cs_str_starts(r->security_opt.v[i], "apparmor:"))
			return false;
	return true;
}

static bool enabled(void)
{
	cs_auto_fd int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char c = 'N';

	return fd >= 0 && read(fd, &c, 1) == 1 && c == 'Y';
}

/* 1: it is loaded, 0: it is not; ENOENT: securityfs is not there, so none can be. */
static int loaded(struct cs_err *err)
{
	static const char line[] = "\n" ENG_APPARMOR " (";
	const char *first = line + 1;
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = open("/sys/kernel/security/apparmor/profiles", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cs_err_sys(err, "read AppArmor's profiles");
	if (cs_fd_read_all(fd, LIST_MAX, &text, NULL, err) < 0)
		return -err->code;
	return cs_str_starts(text, first) || strstr(text, line);
}

static const char *parser(void)
{
	static const char *const paths[] = { "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser",
					     "/usr/bin/apparmor_parser" };

	for (size_t i = 0; i < CS_LEN(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* What it said first, for the message. */
static void first_line(int fd, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* Two that load it at the same time both do. */
static int load(const char *path, struct cs_err *err)
{
	const char *const argv[] = { path, "--skip-cache", "--replace", NULL };
	cs_auto_fd int said = memfd_create("apparmor_parser", MFD_CLOEXEC);
	const struct cs_proc_run run = {
		.path = path,
		.argv = argv,
		.in = profile,
		.in_len = sizeof(profile) - 1,
		.timeout_ms = LOAD_MS,
		.out_fd = said,
	};
	char text[200];
	int status = 0;

	if (cs_proc_run(&run, &status, err) < 0)
		return cs_err_wrap(err, "load AppArmor profile " ENG_APPARMOR);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	first_line(said, text, sizeof(text));
	return cs_err_set(err, EIO,
			  "load AppArmor profile " ENG_APPARMOR ": %s: %s; or start without one: "
			  "--security-opt apparmor=unconfined",
			  path, text);
}

int eng_apparmor_ready(const struct eng_record *r, const char **name, struct cs_err *err)
{
	const char *path;
	int ret;

	*name = NULL;
	if (!wanted(r) || !enabled())
		return 0;
	ret = loaded(err);
	if (ret == -ENOENT || ret == -EACCES || ret == -EPERM) {
		cs_err_clear(err);
		return 0;
	}
	path = ret == 0 ? parser() : NULL;
	if (ret == 0 && !path)
		return 0;
	if (ret == 0)
		ret = load(path, err);
	if (ret >= 0)
		*name = ENG_APPARMOR;
	return ret < 0 ? ret : 0;
}

const char *eng_apparmor_name(const struct eng_record *r)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = wanted(r) && enabled() ? loaded(&why) : -ENOENT;

	return ret > 0 || (ret == 0 && parser()) ? ENG_APPARMOR : NULL;
}
