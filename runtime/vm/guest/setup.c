#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/vm/guest/agent.h"
#include "runtime/vm/request.h"

/* kvm/ports.h */
enum {
	PORT_EXIT = 0x501,
	PORT_MARK = 0x510,
	PORTS = 16,
	MARK_USER = 1,
};

static int load_module(const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char path[160];

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return cs_err_sys(err, "load %s", path);
	return 0;
}

/* A kernel that has all built in comes without the list. */
static int load_modules(struct cs_err *err)
{
	FILE *f = fopen("/modules/order", "re");
	char name[128];
	int ret = 0;

	while (f && ret == 0 && fscanf(f, "%127s", name) == 1)
		ret = load_module(name, err);
	if (f)
		(void)fclose(f);
	return ret;
}

/* pivot_root(2), which each container wants, refuses to leave the kernel's first root: so another
 * one is mounted over it. */
static int change_root(struct cs_err *err)
{
	if (mkdir("/new", 0755) < 0 || mount("tmpfs", "/new", "tmpfs", MS_NOSUID, "mode=755") < 0)
		return cs_err_sys(err, "mount a root of its own");
	if (chdir("/new") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return cs_err_sys(err, "change to a root of its own");
	return 0;
}

static int mount_all(struct cs_err *err)
{
	static const struct {
		const char *what, *where, *type, *data;
		unsigned long flags;
	} mounts[] = {
		{ "proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "devtmpfs", "/dev", "devtmpfs", "mode=755", MS_NOSUID | MS_NOEXEC },
		{ "cgroup2", "/sys/fs/cgroup", "cgroup2", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tmpfs", "/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV },
		{ CTR_VM_SHARE_TAG, CTR_VM_GUEST_HOST, "virtiofs", NULL, 0 },
	};

	for (size_t i = 0; i < CS_LEN(mounts); i++) {
		(void)mkdir(mounts[i].where, 0755); /* else the mount says what is wrong */
		if (mount(mounts[i].what, mounts[i].where, mounts[i].type, mounts[i].flags,
			  mounts[i].data) < 0)
			return cs_err_sys(err, "mount %s on %s", mounts[i].type, mounts[i].where);
	}
	if (mkdir(AGENT_DIR, 0700) < 0 || mkdir(AGENT_BUNDLE, 0700) < 0)
		return cs_err_sys(err, "make folders in /run");
	return 0;
}

int agent_setup(struct cs_err *err)
{
	if (ioperm(PORT_EXIT, PORTS, 1) < 0)
		return cs_err_sys(err, "get at the machine's ports");
	outb(MARK_USER, PORT_MARK);
	if (load_modules(err) < 0 || change_root(err) < 0)
		return -err->code;
	return mount_all(err);
}

int agent_dial(uint32_t port, struct cs_err *err)
{
	const struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = port,
	};
	/* two seconds, the kernel's own, are too few on a host with much to do */
	const struct timeval patience = { .tv_sec = 60 };
	cs_auto_fd int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience)) <
		    0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return cs_err_sys(err, "connect to port %u of the host", port);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return cs_err_sys(err, "keep a connection from blocking");
	return cs_take_fd(&fd);
}

void agent_end(int code)
{
	sync();
	outb((unsigned char)code, PORT_EXIT);
	for (;;)
		pause();
}
