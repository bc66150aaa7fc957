#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/sys.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

/* A root filesystem with an outside it must not reach. */
struct jail {
	struct unit_tmp t; /* holds "root" and "outside" */
	int root;
	int fds; /* open before the test */
};

static struct jail jail_init(void)
{
	struct jail j = { .t = unit_tmp_init() };

	ck_assert_int_eq(mkdirat(j.t.fd, "outside", 0755), 0);
	ck_assert_int_eq(mkdirat(j.t.fd, "root", 0755), 0);
	ck_assert_int_eq(mkdirat(j.t.fd, "root/etc", 0755), 0);
	unit_write_str(j.t.fd, "root/etc/hosts", "inside");
	unit_write_str(j.t.fd, "outside/hosts", "outside");
	j.root = openat(j.t.fd, "root", O_PATH | O_CLOEXEC);
	j.fds = unit_fd_count();
	return j;
}

static void jail_fini(struct jail *j)
{
	ck_assert_int_eq(unit_fd_count(), j->fds);
	ck_assert_int_eq(unit_entries(j->t.fd, "outside"), 1);
	close(j->root);
	unit_tmp_fini(&j->t);
}

static void link_to(const struct jail *j, const char *target, const char *name)
{
	ck_assert_int_eq(symlinkat(target, j->root, name), 0);
}

/* Closes @fd, which must name the same thing as @path below the root. */
static void check_is(const struct jail *j, int fd, const char *path)
{
	struct stat a, b;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstatat(j->root, path, &b, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_uint_eq(a.st_dev, b.st_dev);
	close(fd);
}

static int path_open(const struct jail *j, const char *path, int flags)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_path_open(j->root, path, flags, &err);

	ck_assert_int_eq(ret < 0 ? -ret : 0, err.code);
	return ret;
}

static int path_mkdirs(const struct jail *j, const char *path)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_path_mkdirs(j->root, path, 0750, &err);

	ck_assert_int_eq(ret < 0 ? -ret : 0, err.code);
	return ret;
}

static int path_target(const struct jail *j, const char *path, bool dir)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_path_target(j->root, path, dir, &err);

	ck_assert_int_eq(ret < 0 ? -ret : 0, err.code);
	return ret;
}

START_TEST(test_open)
{
	static const char *const hosts[] = {
		"etc/hosts",
		"/etc/hosts",
		"//etc//./hosts",
		"../etc/hosts",
		"/../../../etc/hosts",
		"etc/../../etc/hosts",
		"up/etc/hosts",
		"abs",
		"rel",
		"chain",
	};
	static const char *const roots[] = { "", "/", ".", "..", "/..", "../..", "up", "etc/.." };
	struct jail j = jail_init();
	char c[8] = "";
	int fd;

	link_to(&j, "../../../..", "up");
	link_to(&j, "/etc/hosts", "abs");
	link_to(&j, "../../outside/../etc/./hosts", "bad");
	link_to(&j, "etc/hosts", "rel");
	link_to(&j, "up/abs", "chain");
	for (size_t i = 0; i < CS_LEN(hosts); i++)
		check_is(&j, path_open(&j, hosts[i], O_PATH), "etc/hosts");
	for (size_t i = 0; i < CS_LEN(roots); i++)
		check_is(&j, path_open(&j, roots[i], O_RDONLY | O_DIRECTORY), ".");
	ck_assert_int_eq(path_open(&j, "bad", O_PATH), -ENOENT);
	ck_assert_int_eq(path_open(&j, "../outside/hosts", O_PATH), -ENOENT);
	ck_assert_int_eq(path_open(&j, "etc/hosts/x", O_PATH), -ENOTDIR);
	ck_assert_int_eq(path_open(&j, "abs", O_RDONLY | O_NOFOLLOW), -ELOOP);
	check_is(&j, path_open(&j, "abs", O_PATH | O_NOFOLLOW), "abs");
	fd = path_open(&j, "abs", O_RDONLY);
	ck_assert_int_eq(read(fd, c, sizeof(c)), 6);
	ck_assert_str_eq(c, "inside");
	close(fd);
	/* Nothing is made. */
	ck_assert_int_eq(path_open(&j, "new", O_WRONLY | O_CREAT), -EINVAL);
	ck_assert_int_eq(path_open(&j, "etc", O_WRONLY | O_TMPFILE), -EINVAL);
	jail_fini(&j);
}
END_TEST

START_TEST(test_open_message)
{
	struct jail j = jail_init();
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_path_open(j.root, "/no/where", O_PATH, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "open /no/where: no such file or directory");
	jail_fini(&j);
}
END_TEST

/* /proc/<pid>/root, exe, fd/N lead to any place whatever the root is: never followed. */
START_TEST(test_magic_links)
{
	static const char *const magic[] = { "proc/self/root",	"proc/self/root/etc",
					     "proc/self/exe",	"proc/self/cwd",
					     "proc/self/fd/0",	"dev/fd/0",
					     "proc/self/ns/mnt" };
	cs_auto_fd int slash = open("/", O_PATH | O_CLOEXEC);

	for (size_t i = 0; i < CS_LEN(magic); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_msg(cs_path_open(slash, magic[i], O_PATH, &err) == -ELOOP, "%s",
			      magic[i]);
		cs_err_clear(&err);
		ck_assert_int_eq(cs_path_target(slash, magic[i], false, &err), -ELOOP);
	}
}
END_TEST

START_TEST(test_mkdirs)
{
	struct jail j = jail_init();
	struct stat sb;

	umask(0);
	check_is(&j, path_mkdirs(&j, "/"), ".");
	check_is(&j, path_mkdirs(&j, "etc"), "etc");
	check_is(&j, path_mkdirs(&j, "/a/b//c/./d/"), "a/b/c/d");
	fstatat(j.root, "a/b", &sb, 0);
	ck_assert_uint_eq(sb.st_mode, S_IFDIR | 0750);
	check_is(&j, path_mkdirs(&j, "../../up/../side"), "side");
	check_is(&j, path_mkdirs(&j, "a/b/../x/../y"), "a/y");
	/* Through symlinks that lead somewhere. */
	link_to(&j, "/a/b", "abs");
	link_to(&j, "../../../../../a", "a/b/rel");
	check_is(&j, path_mkdirs(&j, "abs/1/2"), "a/b/1/2");
	check_is(&j, path_mkdirs(&j, "abs/rel/3"), "a/3");
	check_is(&j, path_mkdirs(&j, "abs/../4"), "a/4");
	/* What is no folder. */
	ck_assert_int_eq(path_mkdirs(&j, "etc/hosts"), -ENOTDIR);
	ck_assert_int_eq(path_mkdirs(&j, "etc/hosts/x"), -ENOTDIR);
	jail_fini(&j);
}
END_TEST

/* /var/run -> /run in an image without /run: what it points to is made, beneath the root. */
START_TEST(test_mkdirs_dangling)
{
	struct jail j = jail_init();

	check_is(&j, path_mkdirs(&j, "var"), "var");
	link_to(&j, "/run", "var/run");
	link_to(&j, "../tmp/x", "var/tmp");
	link_to(&j, "var/run2", "first");
	link_to(&j, "../../../../second", "var/run2");
	check_is(&j, path_mkdirs(&j, "var/run/secrets"), "run/secrets");
	check_is(&j, path_mkdirs(&j, "var/tmp"), "tmp/x");
	check_is(&j, path_mkdirs(&j, "first/z"), "second/z");
	/* In circles. */
	link_to(&j, "loop2", "loop1");
	link_to(&j, "loop1", "loop2");
	ck_assert_int_eq(path_mkdirs(&j, "loop1/x"), -ELOOP);
	link_to(&j, "grow/x", "grow");
	ck_assert_int_eq(path_mkdirs(&j, "grow"), -ELOOP);
	jail_fini(&j);
}
END_TEST

/* Each link leads to the next, which is not there yet. */
START_TEST(test_mkdirs_many_links)
{
	struct jail j = jail_init();
	char from[16], to[32];

	for (int i = 0; i < 60; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "d%d/../l%d", i, i + 1);
		link_to(&j, to, from);
	}
	ck_assert_int_eq(path_mkdirs(&j, "l0"), -ELOOP);
	jail_fini(&j);
}
END_TEST

START_TEST(test_mkdirs_too_long)
{
	struct jail j = jail_init();
	struct cs_err err = CS_ERR_INIT;
	char path[2 * PATH_MAX];

	/* A name the kernel refuses; it is not cut to one that it takes. */
	memset(path, 'a', sizeof(path));
	path[NAME_MAX + 1] = '\0';
	ck_assert_int_eq(path_mkdirs(&j, path), -ENAMETOOLONG);
	memset(path, 'a', sizeof(path));
	memcpy(path, "b/", 2);
	path[2 + NAME_MAX + 40] = '\0';
	ck_assert_int_eq(path_mkdirs(&j, path), -ENAMETOOLONG);
	/* A path the kernel refuses. */
	for (size_t i = 1; i < sizeof(path); i += 2)
		path[i] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(path_mkdirs(&j, path), -ENAMETOOLONG);
	/* One that is as long as can be. */
	path[PATH_MAX - 1] = '\0';
	check_is(&j, path_mkdirs(&j, path), path);
	ck_assert_int_eq(cs_file_rmtree(j.t.fd, "root", &err), 0); /* too deep for nftw() */
	jail_fini(&j);
}
END_TEST

START_TEST(test_parent)
{
	static const struct {
		const char *path, *parent, *name;
	} good[] = {
		{ "hosts", ".", "hosts" },	  { "/hosts", ".", "hosts" },
		{ "etc/hosts", "etc", "hosts" },  { "/etc//hosts", "etc", "hosts" },
		{ "../etc/new", "etc", "new" },	  { "lnk/new", "etc", "new" },
		{ "/etc/lnk/...", "etc", "..." },
	};
	static const char *const bad[] = { "", "/", ".", "..", "a/", "a/.", "a/..", "/../" };
	struct jail j = jail_init();
	struct cs_err err = CS_ERR_INIT;
	const char *name = NULL;

	link_to(&j, "/etc", "lnk");
	link_to(&j, "../etc", "etc/lnk");
	for (size_t i = 0; i < CS_LEN(good); i++) {
		check_is(&j, cs_path_parent(j.root, good[i].path, false, &name, &err),
			 good[i].parent);
		ck_assert_str_eq(name, good[i].name);
		ck_assert_ptr_eq(name, good[i].path + strlen(good[i].path) - strlen(name));
	}
	name = NULL;
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		ck_assert_int_eq(cs_path_parent(j.root, bad[i], true, &name, &err), -EINVAL);
		cs_err_clear(&err);
	}
	ck_assert_int_eq(cs_path_parent(j.root, "a/b/c", false, &name, &err), -ENOENT);
	ck_assert_ptr_null(name);
	cs_err_clear(&err);
	check_is(&j, cs_path_parent(j.root, "a/b/c", true, &name, &err), "a/b");
	ck_assert_str_eq(name, "c");
	ck_assert(!unit_exists(j.root, "a/b/c"));
	jail_fini(&j);
}
END_TEST

START_TEST(test_target)
{
	struct jail j = jail_init();
	struct stat sb;

	umask(0);
	check_is(&j, path_target(&j, "/mnt/vol", true), "mnt/vol");
	check_is(&j, path_target(&j, "/mnt/file", false), "mnt/file");
	check_is(&j, path_target(&j, "mnt/file2/", false), "mnt/file2");
	fstatat(j.root, "mnt", &sb, 0);
	ck_assert_uint_eq(sb.st_mode, S_IFDIR | 0755);
	fstatat(j.root, "mnt/file", &sb, 0);
	ck_assert_uint_eq(sb.st_mode, S_IFREG | 0644);
	/* What is there stays as it is. */
	check_is(&j, path_target(&j, "etc/hosts", false), "etc/hosts");
	ck_assert(unit_has_text(j.root, "etc/hosts", "inside"));
	check_is(&j, path_target(&j, "etc", true), "etc");
	ck_assert_int_eq(mkfifoat(j.root, "fifo", 0600), 0);
	check_is(&j, path_target(&j, "fifo", false), "fifo");
	/* The other kind. */
	ck_assert_int_eq(path_target(&j, "etc/hosts", true), -ENOTDIR);
	ck_assert_int_eq(path_target(&j, "etc", false), -EISDIR);
	ck_assert_int_eq(path_target(&j, "/", false), -EISDIR);
	ck_assert_int_eq(path_target(&j, "new/.", false), -EISDIR);
	/* Symlinks in the last place, beneath the root in each case. */
	link_to(&j, "/../../etc/hosts", "lnk");
	check_is(&j, path_target(&j, "lnk", false), "etc/hosts");
	link_to(&j, "../../outside/new", "dangling");
	check_is(&j, path_target(&j, "dangling", false), "outside/new");
	link_to(&j, "/outside/dir", "etc/dangling");
	check_is(&j, path_target(&j, "etc/dangling", true), "outside/dir");
	ck_assert(!unit_exists(j.t.fd, "outside/new"));
	jail_fini(&j);
}
END_TEST

/* Where an fd leads: below the root of the test, or elsewhere. */
static bool beneath(const struct jail *j, int fd)
{
	char link[64], to[PATH_MAX], root[128];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, to, sizeof(to) - 1);
	ck_assert_int_gt(n, 0);
	to[n] = '\0';
	snprintf(root, sizeof(root), "%s/root", j->t.path);
	return strncmp(to, root, strlen(root)) == 0;
}

/* A container that swaps a folder of its root for a symlink to the outside and back. */
START_TEST(test_race_swap)
{
	struct jail j = jail_init();
	char outside[128];
	int made = 0;
	pid_t pid;

	snprintf(outside, sizeof(outside), "%s/outside", j.t.path);
	link_to(&j, "../../../outside", "swap1");
	link_to(&j, outside, "swap2");
	ck_assert_int_eq(mkdirat(j.root, "d", 0755), 0);
	pid = fork();
	if (pid == 0) {
		for (;;) {
			renameat2(j.root, "d", j.root, "swap1", RENAME_EXCHANGE);
			renameat2(j.root, "d", j.root, "swap2", RENAME_EXCHANGE);
		}
	}
	for (int i = 0; i < 1500; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), i % 2 ? "d/%d/x" : "d/%d", i);
		fd = i % 3 ? path_target(&j, path, i % 2) : path_mkdirs(&j, path);
		if (fd < 0)
			continue;
		made++;
		ck_assert(beneath(&j, fd));
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_gt(made, 100);
	jail_fini(&j);
}
END_TEST

/* Renames anywhere make the kernel give up on ".." with EAGAIN: a user must not see that. */
START_TEST(test_race_eagain)
{
	struct jail j = jail_init();
	pid_t pid;

	ck_assert_int_eq(mkdirat(j.root, "r1", 0755), 0);
	pid = fork();
	if (pid == 0) {
		for (;;) {
			renameat(j.root, "r1", j.root, "r2");
			renameat(j.root, "r2", j.root, "r1");
		}
	}
	for (int i = 0; i < 4000; i++)
		check_is(&j, path_open(&j, "etc/../etc/../etc/../etc/../etc", O_PATH), "etc");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	jail_fini(&j);
}
END_TEST

START_TEST(test_proc_verify)
{
	struct unit_tmp t = unit_tmp_init();
	cs_auto_fd int real = -EBADF, sub = open("/proc/self", O_PATH | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;
	int fds;

	real = cs_path_proc_open(&err);
	ck_assert_int_ge(real, 0);
	ck_assert_int_eq(fcntl(real, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(cs_path_proc_verify(real, &err), 0);
	fds = unit_fd_count();
	ck_assert_int_eq(cs_path_proc_verify(t.fd, &err), -EXDEV);
	cs_err_clear(&err);
	ck_assert_int_eq(cs_path_proc_verify(sub, &err), -EXDEV);
	ck_assert_int_eq(unit_fd_count(), fds);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(test_proc_planted)
{
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	int fds;

	if (unit_mount_ns()) {
		fds = unit_fd_count();
		ck_assert_int_eq(mount(t.path, "/proc", NULL, MS_BIND, NULL), 0);
		ck_assert_int_eq(cs_path_proc_open(&err), -EXDEV);
		ck_assert_str_eq(err.msg, "/proc is not a proc file system");
		cs_err_clear(&err);
		ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
		/* A part of a real one. */
		ck_assert_int_eq(mount("/proc/sys", "/proc", NULL, MS_BIND, NULL), 0);
		ck_assert_int_eq(cs_path_proc_open(&err), -EXDEV);
		ck_assert_str_eq(err.msg, "/proc is not the root of a proc file system");
		ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
		ck_assert_int_eq(unit_fd_count(), fds);
	}
	unit_tmp_fini(&t);
}
END_TEST

static int proc_file(int procfd, const char *path)
{
	struct cs_err err = CS_ERR_INIT;
	int fd = cs_path_proc_file(procfd, path, O_RDONLY, &err);

	ck_assert_int_eq(fd < 0 ? -fd : 0, err.code);
	return fd;
}

START_TEST(test_proc_file)
{
	static const struct {
		const char *path;
		int code;
	} bad[] = {
		{ "self/exe", ELOOP },
		{ "self/root", ELOOP },
		{ "self/fd/0", ELOOP },
		{ "self/cwd", ELOOP },
		{ "mounts", 0 },
		{ "self/ns/mnt", ELOOP },
		{ "../etc", EXDEV },
		{ "/proc/self/stat", EXDEV },
		{ "self/../../x", EXDEV },
		{ "self/none", ENOENT },
		{ "selfish", ENOENT },
		{ "self", 0 },
		{ "thread-self/comm", 0 },
		{ "self/comm", 0 },
		{ "sys/kernel/pid_max", 0 },
		{ "self/attr/exec", 0 },
		{ "self/task/../comm", 0 },
	};
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&err);
	int fds = unit_fd_count();

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		int fd = proc_file(procfd, bad[i].path);

		if (bad[i].code) {
			ck_assert_msg(fd == -bad[i].code, "%s: %d", bad[i].path, fd);
			continue;
		}
		ck_assert_msg(fd >= 0, "%s", bad[i].path);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

/* Something harmless mounted over a file of /proc that a security label is written to, and over
 * the symlink on the way there. */
START_TEST(test_proc_overmounted)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = -EBADF, link = -EBADF;
	char path[64];
	int fds;

	if (!unit_mount_ns())
		return;
	procfd = cs_path_proc_open(&err);
	link = open("/proc/self", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	fds = unit_fd_count();
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getpid());
	ck_assert_int_eq(mount("/dev/null", path, NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(proc_file(procfd, "self/comm"), -EXDEV);
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	close(proc_file(procfd, "self/comm"));
	/* Kernels differ in whether a symlink can be mounted over. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", link);
	if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0) {
		ck_assert_int_eq(proc_file(procfd, "self/comm"), -EXDEV);
		ck_assert_int_eq(umount2("/proc/self", MNT_DETACH | UMOUNT_NOFOLLOW), 0);
	}
	ck_assert_int_eq(unit_fd_count(), fds);
}
END_TEST

/* In a pid namespace of its own: sends the new procfs's root over @sock, and looks itself up in
 * the old one's. */
static void in_pid_ns(const struct unit_tmp *t, int old_proc, int sock)
{
	struct cs_err err = CS_ERR_INIT;
	char comm[16] = "", c;
	int fd;

	if (mount("proc", t->path, "proc", 0, NULL) < 0)
		_exit(2);
	fd = open(t->path, O_PATH | O_CLOEXEC);
	if (cs_fd_send(sock, &fd, 1, "x", 1, &err) < 0)
		_exit(3);
	prctl(PR_SET_NAME, "in-pid-ns");
	fd = cs_path_proc_file(old_proc, "self/comm", O_RDONLY, &err);
	if (fd < 0 || read(fd, comm, sizeof(comm)) < 0 || strcmp(comm, "in-pid-ns\n") != 0)
		_exit(4);
	/* Lives until the other side has looked. */
	_exit(read(sock, &c, 1) == 0 ? 0 : 5);
}

/* "self" is what the handle's own namespace says, not getpid(). */
START_TEST(test_proc_other_pid_ns)
{
	const struct clone_args args = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD };
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&err), other = -EBADF;
	size_t n, len = 1;
	int sv[2], status;
	pid_t pid;
	char c;

	if (!unit_mount_ns()) {
		unit_tmp_fini(&t);
		return;
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	pid = cs_sys_clone3(&args);
	if (pid == 0) {
		close(sv[0]);
		in_pid_ns(&t, procfd, sv[1]);
	}
	close(sv[1]);
	ck_assert_int_eq(cs_fd_recv(sv[0], &other, 1, &n, &c, &len, &err), 0);
	ck_assert_int_eq(cs_path_proc_verify(other, &err), 0);
	ck_assert_int_eq(cs_path_proc_file(other, "self/comm", O_RDONLY, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "open /proc/self/comm: no such file or directory");
	ck_assert_int_eq(proc_file(other, "thread-self/comm"), -ENOENT);
	status = proc_file(other, "1/comm");
	ck_assert_int_ge(status, 0);
	close(status);
	close(sv[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	umount2(t.path, MNT_DETACH);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("base/path", test_open, test_open_message, test_magic_links, test_mkdirs,
	  test_mkdirs_dangling, test_mkdirs_many_links, test_mkdirs_too_long, test_parent,
	  test_target, test_race_swap, test_race_eagain, test_proc_verify, test_proc_planted,
	  test_proc_file, test_proc_overmounted, test_proc_other_pid_ns)
