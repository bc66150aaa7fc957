#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/container.h"
#include "runtime/isolation.h"

static const char folder[] = "/run/notify";
static const char variable[] = "NOTIFY_SOCKET=/run/notify/notify.sock";

static const char *host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && (path[0] == '/' || path[0] == '@') && path[1] ? path : NULL;
}

static int add_mount(struct ctr_spec *spec, const char *source, struct cs_err *err)
{
	struct ctr_mount *v = cs_json_alloc(&spec->doc, spec->n_mounts + 1, sizeof(*v));
	char *copy = cs_json_alloc(&spec->doc, strlen(source) + 1, 1);

	if (!v || !copy)
		return cs_err_set(err, ENOMEM, "NOTIFY_SOCKET: out of memory");
	memcpy(copy, source, strlen(source) + 1);
	if (spec->n_mounts)
		memcpy(v, spec->mounts, spec->n_mounts * sizeof(*v));
	v[spec->n_mounts] = (struct ctr_mount){
		.destination = folder,
		.source = copy,
		.opt = { .bind = true,
			 .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				     MOUNT_ATTR_NOEXEC },
	};
	spec->mounts = v;
	spec->n_mounts++;
	return 0;
}

static int add_env(struct ctr_spec *spec, struct cs_err *err)
{
	struct ctr_process *p = &spec->process;
	const char **v = cs_json_alloc(&spec->doc, p->n_env + 2, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "NOTIFY_SOCKET: out of memory");
	if (p->n_env)
		memcpy(v, p->env, p->n_env * sizeof(*v));
	v[p->n_env++] = variable;
	p->env = v;
	return 0;
}

int ctr_notify_prepare(struct ctr *c, struct cs_err *err)
{
	char source[PATH_MAX];
	int rc;

	/* a socket of the host cannot be reached from a machine */
	if (!host_socket() || !c->spec.process.present || c->wall == &ctr_isolation_vm)
		return 0;
	if (mkdirat(c->dir, "notify", 0755) < 0 && errno != EEXIST)
		return cs_err_sys(err, "NOTIFY_SOCKET: make its folder");
	/* By text: what the folder's fd leads to is of the host's mount namespace, not of init's.
	 */
	rc = cs_str_fmt(source, sizeof(source), err, "%s/%s/notify", c->rt->root, c->id);
	if (rc == 0)
		rc = add_mount(&c->spec, source, err);
	return rc < 0 ? rc : add_env(&c->spec, err);
}

int ctr_notify_bind(struct ctr *c, int *out, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*out = -EBADF;
	if (!host_socket() || faccessat(c->dir, "notify", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/notify/notify.sock",
		 c->dir);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cs_err_sys(err, "NOTIFY_SOCKET: make the container's socket");
	unlinkat(c->dir, "notify/notify.sock", 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    fchmodat(c->dir, "notify/notify.sock", 0777, 0) < 0) /* any user inside may speak */
		return cs_err_sys(err, "NOTIFY_SOCKET: bind the container's socket");
	*out = cs_take_fd(&fd);
	return 0;
}

/* Tells the host's service manager. */
static int pass_on(const char *path, pid_t pid, struct cs_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	cs_auto_fd int fd = -EBADF;
	char text[64];
	size_t len;
	int n;

	if (!path)
		return 0;
	len = strlen(path);
	if (len >= sizeof(addr.sun_path))
		return cs_err_set(err, ENAMETOOLONG, "NOTIFY_SOCKET: %s", path);
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') /* abstract */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cs_err_sys(err, "NOTIFY_SOCKET: make a socket");
	n = snprintf(text, sizeof(text), "READY=1\nMAINPID=%d", pid);
	if (sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&addr,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return cs_err_sys(err, "NOTIFY_SOCKET: send to %s", path);
	return 0;
}

/* Is one of the lines of a datagram READY=1? */
static bool says_ready(const char *text)
{
	static const char ready[] = "READY=1";

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, ready, strlen(ready)) == 0 &&
		    (line[strlen(ready)] == '\0' || line[strlen(ready)] == '\n'))
			return true;
	}
	return false;
}

static int wait_ready(struct ctr *c, int sock, struct cs_err *err)
{
	cs_auto_fd int pidfd = -EBADF;
	struct pollfd pfd[2];

	pidfd = cs_proc_pidfd(c->host_proc, c->state.pid, c->state.start_time, err);
	if (pidfd == -ESRCH) {
		cs_err_clear(err); /* it ended without a word: start went well all the same */
		return 0;
	}
	if (pidfd < 0)
		return pidfd;
	pfd[0] = (struct pollfd){ .fd = sock, .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	for (;;) {
		char text[4096];
		ssize_t n;

		if (poll(pfd, CS_LEN(pfd), -1) < 0) {
			if (errno == EINTR)
				continue;
			return cs_err_sys(err, "NOTIFY_SOCKET: wait");
		}
		if ((pfd[0].revents & POLLIN) == 0)
			return 0;
		n = recv(sock, text, sizeof(text) - 1, MSG_DONTWAIT);
		if (n < 0)
			continue;
		text[n] = '\0';
		if (says_ready(text))
			return pass_on(host_socket(), c->state.pid, err);
	}
}

int ctr_notify_wait(struct ctr *c, int sock, bool behind, struct cs_err *err)
{
	struct cs_err mine = CS_ERR_INIT;
	pid_t pid;

	if (sock < 0)
		return 0;
	if (!behind)
		return wait_ready(c, sock, err);
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "NOTIFY_SOCKET: fork");
	if (pid > 0)
		return 0;
	cs_close_fd(&c->lock);
	if (wait_ready(c, sock, &mine) < 0)
		cs_log(CS_LOG_WARN, "%s", mine.msg);
	_exit(0);
}
