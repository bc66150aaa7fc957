#include "runtime/ns/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "tests/unit/runtime/child.h"

static int failed(const struct cs_err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 90;
}

START_TEST(test_open)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), master = -1, slave = -1;
	struct cs_err err = CS_ERR_INIT;
	struct winsize size;
	char line[16] = "";

	ck_assert_msg(ctr_tty_open(root, 43, 132, &master, &slave, &err) == 0, "%s", err.msg);
	ck_assert(isatty(slave));
	ck_assert(fcntl(master, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(slave, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(ioctl(slave, TIOCGWINSZ, &size), 0);
	ck_assert_int_eq(size.ws_row, 43);
	ck_assert_int_eq(size.ws_col, 132);
	ck_assert_int_eq(write(master, "hi\n", 3), 3);
	ck_assert_int_eq(read(slave, line, sizeof(line)), 3);
	ck_assert_str_eq(line, "hi\n");
	close(master);
	close(slave);
	close(root);
}
END_TEST

/* A root in a mount namespace of its own, at @dir. */
static int root_in(const char *dir)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, NULL) < 0 || chdir(dir) < 0 || mkdir("dev", 0755) < 0 ||
	    mkdir("dev/pts", 0755) < 0)
		return -1;
	return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int expect_refused(int root, int code, const char *text)
{
	struct cs_err err = CS_ERR_INIT;
	int master = -7, slave = -7;

	if (ctr_tty_open(root, 0, 0, &master, &slave, &err) != -code)
		return failed(&err);
	if (!strstr(err.msg, "process.terminal") || !strstr(err.msg, text))
		return failed(&err);
	return master == -7 && slave == -7 ? 0 : 91;
}

/* The devpts of the root is used, whatever else lies at the path is refused. */
static int hostile_roots(void *dir)
{
	int root = root_in(dir), master, slave, n = -1, rc;
	struct cs_err err = CS_ERR_INIT;

	if (root < 0)
		return CHILD_SETUP;
	rc = expect_refused(root, EINVAL, "not a devpts");
	if (rc)
		return rc;
	if (mount("devpts", "dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") < 0)
		return CHILD_SETUP;
	if (ctr_tty_open(root, 0, 0, &master, &slave, &err) < 0)
		return failed(&err);
	if (ioctl(master, TIOCGPTN, &n) < 0 || n != 0 || access("dev/pts/0", F_OK) < 0)
		return 1; /* the first of a new instance */
	close(master);
	close(slave);

	/* another device, or the host's multiplexer, over the container's */
	if (mount("/dev/null", "dev/pts/ptmx", NULL, MS_BIND, NULL) < 0)
		return CHILD_SETUP;
	rc = expect_refused(root, EXDEV, "/dev/pts/ptmx");
	if (rc)
		return rc + 1;
	if (umount("dev/pts/ptmx") < 0 || umount("dev/pts") < 0 || rmdir("dev/pts") < 0 ||
	    symlink("/dev/pts", "dev/pts") < 0)
		return CHILD_SETUP;
	rc = expect_refused(root, ELOOP, "/dev/pts");
	if (rc)
		return rc + 2;
	if (unlink("dev/pts") < 0)
		return CHILD_SETUP;
	rc = expect_refused(root, ENOENT, "devpts mount");
	return rc ? rc + 3 : 0;
}

START_TEST(test_hostile_roots)
{
	char dir[] = "/tmp/caisson-unit-XXXXXX";
	int status;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	status = child_run(hostile_roots, dir);
	rmdir(dir);
	ck_assert_int_eq(status, 0);
}
END_TEST

static int take(void *arg)
{
	struct cs_err err = CS_ERR_INIT;
	int root = open("/", O_PATH | O_CLOEXEC), keep = dup(2), master, slave, tty;
	char name[64];

	if (ctr_tty_open(root, 0, 0, &master, &slave, &err) < 0)
		return failed(&err);
	/* arg: the slave is one of the fds that it goes to */
	if (arg && dup3(slave, STDOUT_FILENO, O_CLOEXEC) < 0)
		return CHILD_SETUP;
	if (ttyname_r(slave, name, sizeof(name)) != 0 || setsid() < 0)
		return CHILD_SETUP;
	if (ctr_tty_take(arg ? STDOUT_FILENO : slave, &err) < 0) {
		dup2(keep, 2);
		return failed(&err);
	}
	for (int fd = 0; fd <= 2; fd++) {
		char other[64] = "";

		if (ttyname_r(fd, other, sizeof(other)) != 0 || strcmp(other, name) != 0)
			return 2;
		if (fcntl(fd, F_GETFD) & FD_CLOEXEC)
			return 3;
	}
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tty < 0 || tcgetsid(tty) != getpid())
		return 4;
	return tcgetpgrp(0) == getpgrp() ? 0 : 5;
}

START_TEST(test_take)
{
	char yes;

	ck_assert_child_ok(take, NULL);
	ck_assert_child_ok(take, &yes);
}
END_TEST

static int take_without_session(void *arg)
{
	struct cs_err err = CS_ERR_INIT;
	int p[2];

	(void)arg;
	if (pipe2(p, O_CLOEXEC) < 0 || setsid() < 0)
		return CHILD_SETUP;
	/* no terminal */
	if (ctr_tty_take(p[0], &err) != -ENOTTY)
		return 1;
	return strstr(err.msg, "process.terminal") ? 0 : 2;
}

START_TEST(test_take_refused)
{
	ck_assert_child_ok(take_without_session, NULL);
}
END_TEST

START_TEST(test_console_socket)
{
	char dir[] = "/tmp/caisson-unit-XXXXXX", name[32] = "";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int root = open("/", O_PATH | O_CLOEXEC), master, slave, sock, conn, got = -1;
	size_t n = 0, len = sizeof(name) - 1;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/console.sock", dir);
	ck_assert_int_eq(bind(listening, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(listening, 1), 0);

	ck_assert_int_eq(ctr_tty_open(root, 0, 0, &master, &slave, &err), 0);
	sock = ctr_tty_connect(addr.sun_path, &err);
	unlink(addr.sun_path);
	rmdir(dir);
	ck_assert_msg(sock >= 0, "%s", err.msg);
	ck_assert(fcntl(sock, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(ctr_tty_send(sock, master, &err), 0);
	close(master);

	conn = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_eq(cs_fd_recv(conn, &got, 1, &n, name, &len, &err), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(name, "/dev/ptmx");
	ck_assert_int_eq(write(got, "x\n", 2), 2);
	ck_assert_int_eq(read(slave, name, 2), 2);

	ck_assert_int_eq(ctr_tty_connect("/nonexistent/sock", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "--console-socket"));
}
END_TEST

CHILD_MAIN("runtime/tty", test_open, test_hostile_roots, test_take, test_take_refused,
	   test_console_socket)
