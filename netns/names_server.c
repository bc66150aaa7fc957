#include "netns/names_int.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "netns/addr.h"
#include "netns/names.h"
#include "netns/types.h"

enum {
	START_MS = 10000, /* until it says it serves; far more than it takes */
	STOP_MS = 2000,	  /* after SIGTERM; then SIGKILL */
	OUTPUT_MAX = 4096,
	ARGS_MAX = 32,
};

/* Where it sees its folder. Every system has this one, and the real one is of no use to it. */
#define FOLDER "/tmp"

static const char *const programs[] = {
	"/usr/sbin/dnsmasq",
	"/usr/local/sbin/dnsmasq",
	"/usr/bin/dnsmasq",
};

static const char *find_program(void)
{
	for (size_t i = 0; i < CS_LEN(programs); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

bool net_names_have_server(void)
{
	return find_program() != NULL;
}

/* What names the server, and the one that was told to end and not waited for. */
static const char running[] = "pid", ending[] = "ending";

/* Has it no root any more, as what exits has not? Its sockets are closed after that. */
static bool is_exiting(const char *root)
{
	char text[8];

	return readlink(root, text, sizeof(text)) < 0 && errno == ENOENT;
}

/* A pidfd of the server: the process that file @name names, if its /tmp is this folder, or it is
 * the one that ends and exits just now. -ESRCH without a message if there is none. */
static int find_server(int dir, const char *name)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int pidfd = -EBADF;
	struct cs_err err = CS_ERR_INIT;
	struct stat ours, its;
	char path[64];
	uint64_t pid;
	size_t len;

	if (cs_file_read(dir, name, 32, &text, &len, &err) < 0)
		return -ESRCH;
	text[strcspn(text, "\n")] = '\0';
	if (cs_str_u64(text, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return -ESRCH;
	pidfd = cs_sys_pidfd_open((pid_t)pid, 0);
	if (pidfd < 0)
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	if (name == ending && is_exiting(path))
		return cs_proc_wait_end(pidfd, 0, &err) == 0 ? cs_take_fd(&pidfd) : -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%d/root" FOLDER, (int)pid);
	if (fstat(dir, &ours) < 0 || stat(path, &its) < 0 || ours.st_dev != its.st_dev ||
	    ours.st_ino != its.st_ino)
		return -ESRCH;
	/* Still the process that was looked at: it has not ended since the pidfd. */
	if (cs_sys_pidfd_send_signal(pidfd, 0) < 0)
		return -ESRCH;
	return cs_take_fd(&pidfd);
}

bool net_names_served(int dir)
{
	cs_auto_fd int pidfd = find_server(dir, running);

	return pidfd >= 0;
}

static int end_server(int dir, const char *name, struct cs_err *err)
{
	cs_auto_fd int pidfd = find_server(dir, name);
	int ret;

	if (pidfd < 0)
		return 0;
	if (cs_sys_pidfd_send_signal(pidfd, SIGTERM) < 0 && errno != ESRCH)
		return cs_err_sys(err, "signal the name server");
	ret = cs_proc_wait_end(pidfd, STOP_MS, err);
	if (ret == 0) {
		(void)cs_sys_pidfd_send_signal(pidfd, SIGKILL);
		ret = cs_proc_wait_end(pidfd, STOP_MS, err);
	}
	if (ret == 0)
		return cs_err_set(err, EBUSY, "the name server does not end");
	if (ret > 0)
		(void)unlinkat(dir, name, 0);
	return ret < 0 ? ret : 0;
}

int net_names_server_end(int dir, struct cs_err *err)
{
	return end_server(dir, ending, err) < 0 ? -err->code : end_server(dir, running, err);
}

/* Its sockets and its file are in the way of the next one, which waits for it. Where the first that
 * was told has not ended, this one is waited for. */
int net_names_server_leave(int dir, struct cs_err *err)
{
	cs_auto_fd int pidfd = find_server(dir, running), before = find_server(dir, ending);

	if (pidfd < 0)
		return 0;
	if (before >= 0 || renameat(dir, running, dir, ending) < 0)
		return net_names_server_end(dir, err);
	if (cs_sys_pidfd_send_signal(pidfd, SIGTERM) < 0 && errno != ESRCH)
		return cs_err_sys(err, "signal the name server");
	return 0;
}

int net_names_server_reload(int dir, struct cs_err *err)
{
	cs_auto_fd int pidfd = find_server(dir, running);

	if (pidfd >= 0 && cs_sys_pidfd_send_signal(pidfd, SIGHUP) < 0 && errno != ESRCH)
		return cs_err_sys(err, "signal the name server");
	return 0;
}

/* Its arguments, one a line; the same for the same server, so that it also tells whether the one
 * that runs is the one wanted. */
static int make_args(const struct net_config *net, bool dhcp, struct cs_buf *b, struct cs_err *err)
{
	const struct net_subnet *v4 = &net->v4, *v6 = &net->v6;
	bool closed = net->mode == NET_MODE_ISOLATED;
	char addr[NET_ADDR_TEXT];

	cs_buf_addf(b,
		    "dnsmasq\n--conf-file=/dev/null\n--pid-file=" FOLDER "/pid\n"
		    "--interface=%s\n--except-interface=lo\n--bind-interfaces\n"
		    "--no-hosts\n--hostsdir=" FOLDER "/hosts\n--domain-needed\n--bogus-priv\n"
		    "--cache-size=1000\n",
		    net->bridge);
	if (closed)
		cs_buf_add(b, "--no-resolv\n");
	if (!dhcp)
		return cs_buf_ok(b, err);
	cs_buf_add(b, "--dhcp-hostsdir=" FOLDER "/dhcp\n--leasefile-ro\n--dhcp-authoritative\n"
		      "--quiet-dhcp\n--quiet-dhcp6\n--quiet-ra\n");
	if (v4->subnet.addr.family)
		cs_buf_addf(b, "--dhcp-range=%s,static,1h\n",
			    net_addr_text(&v4->subnet.addr, addr));
	if (v4->subnet.addr.family && closed)
		cs_buf_add(b, "--dhcp-option=option:router\n");
	if (v4->subnet.addr.family && net->mtu)
		cs_buf_addf(b, "--dhcp-option=option:mtu,%u\n", net->mtu);
	if (v6->subnet.addr.family)
		cs_buf_addf(b, "--enable-ra\n--dhcp-range=%s,static,%u,1h\n",
			    net_addr_text(&v6->subnet.addr, addr), v6->subnet.len);
	if (v6->subnet.addr.family && closed)
		cs_buf_addf(b, "--ra-param=%s,0,0\n", net->bridge);
	return cs_buf_ok(b, err);
}

/* In the child: @dir as its /tmp and all else read-only, for it alone. Unmounting goes on to reach
 * it from outside, so it keeps nothing busy. The network namespace stays. */
static int enter(int dir)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	struct mount_attr rw = { .attr_clr = MOUNT_ATTR_RDONLY };
	cs_auto_fd int tree = -EBADF;

	/* Taken before: a mount of another namespace cannot be bound. */
	tree = cs_sys_open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    cs_sys_move_mount(tree, "", AT_FDCWD, FOLDER, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    cs_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &ro) < 0 ||
	    cs_sys_mount_setattr(AT_FDCWD, FOLDER, 0, &rw) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Never returns. What goes wrong is written to @out, as the server's own words are. */
static void child(int dir, int out, const char *program, char *const *argv)
{
	static char *const envp[] = { NULL };
	struct cs_err err = CS_ERR_INIT;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0 || cs_proc_default_signals() < 0)
		_exit(127);
	if (enter(dir) < 0) {
		(void)cs_err_sys(&err, "make its mount namespace");
	} else {
		(void)cs_sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(program, argv, envp);
		(void)cs_err_sys(&err, "start %s", program);
	}
	(void)!write(STDERR_FILENO, err.msg, strlen(err.msg));
	_exit(127);
}

/* The last line of what it said. */
static void last_words(int fd, char *out, size_t size)
{
	char buf[OUTPUT_MAX];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	char *line;

	buf[n > 0 ? n : 0] = '\0';
	for (size_t len = strlen(buf); len > 0 && buf[len - 1] == '\n'; len--)
		buf[len - 1] = '\0';
	line = strrchr(buf, '\n');
	line = line ? line + 1 : buf;
	while (*line == ' ')
		line++;
	cs_str_plain(line);
	(void)snprintf(out, size, "%s", line[0] ? line : "no word why");
}

/* It goes to the background by itself when it serves; until then its failure is its status. */
static int start(int dir, char *const *argv, struct cs_err *err)
{
	const char *program = find_program();
	cs_auto_fd int out = memfd_create("names", MFD_CLOEXEC);
	cs_auto_fd int pidfd = -EBADF;
	char words[256];
	int status = 0, ret;
	pid_t pid;

	if (out < 0)
		return cs_err_sys(err, "start the name server");
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "start the name server");
	if (pid == 0)
		child(dir, out, program, argv);
	pidfd = cs_sys_pidfd_open(pid, 0);
	ret = pidfd < 0 ? 1 : cs_proc_wait_end(pidfd, START_MS, err);
	if (ret <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ret < 0)
		return cs_err_wrap(err, "start the name server");
	if (ret == 0)
		return cs_err_set(err, ETIMEDOUT, "the name server does not start");
	if (status == 0)
		return 0;
	last_words(out, words, sizeof(words));
	return cs_err_set(err, EIO, "start the name server: %s", words);
}

static int split(char *text, char **argv, struct cs_err *err)
{
	size_t n = 0;

	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end || n == ARGS_MAX)
			return cs_err_set(err, E2BIG, "start the name server: too many options");
		*end = '\0';
		argv[n++] = line;
	}
	argv[n] = NULL;
	return 0;
}

int net_names_server_start(int dir, const struct net_config *net, bool dhcp, struct cs_err *err)
{
	cs_auto_buf struct cs_buf args = CS_BUF_INIT, want = CS_BUF_INIT;
	cs_auto_free char *have = NULL;
	cs_auto_fd int pidfd = -EBADF;
	struct cs_err none = CS_ERR_INIT;
	char *argv[ARGS_MAX + 1];
	size_t len;
	int ret;

	if (make_args(net, dhcp, &args, err) < 0)
		return -err->code;
	/* Sockets stay with the link they were bound to: another one by this name, another server.
	 */
	cs_buf_addf(&want, "%slink %u\n", args.s, if_nametoindex(net->bridge));
	if (cs_buf_ok(&want, err) < 0)
		return -err->code;
	if (fchmod(dir, 0755) < 0)
		return cs_err_sys(err, "make the folder of names readable");
	pidfd = find_server(dir, running);
	if (pidfd >= 0 && cs_file_read(dir, "server", OUTPUT_MAX, &have, &len, &none) == 0 &&
	    strcmp(have, want.s) == 0)
		return 0;
	if (net_names_server_end(dir, err) < 0)
		return -err->code;
	if (cs_file_replace(dir, "server", want.s, want.len, 0644, false, err) < 0)
		return cs_err_wrap(err, "start the name server");
	if (split(args.s, argv, err) < 0)
		return -err->code;
	ret = start(dir, argv, err);
	if (ret == -EIO) {
		/* One whose starter was killed may have been on its way. */
		cs_close_fd(&pidfd);
		pidfd = find_server(dir, running);
		if (pidfd >= 0) {
			cs_err_clear(err);
			return 0;
		}
	}
	return ret;
}
