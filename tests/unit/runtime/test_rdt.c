#include "runtime/ns/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "runtime/ns/rdt_int.h"
#include "runtime/ns/seccomp.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

/*
 * resctrl needs a CPU that few machines have, so this one is a folder, and the test is its kernel:
 * a filter on the child hands us its mkdirat and unlinkat calls, and we make the files that the
 * kernel would make in a new group, and remove a group with what is in it.
 */
struct fake {
	char path[40];
	int root;
	const struct ctr_intel_rdt *rdt;
	int want;	  /* what create is to return */
	const char *text; /* what its error says */
	int sock[2];	  /* the listener's way to us */
};

static void file_make(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* What a group holds when it was made. A class that is named "odd" takes no schemata. */
static int group_make(int dir, const char *name)
{
	int group;

	if (mkdirat(dir, name, 0755) < 0)
		return -errno;
	group = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(group, 0);
	file_make(group, "tasks", "");
	if (strcmp(name, "odd") == 0)
		ck_assert_int_eq(mkdirat(group, "schemata", 0755), 0);
	else
		file_make(group, "schemata", "");
	ck_assert_int_eq(mkdirat(group, "mon_groups", 0755), 0);
	close(group);
	return 0;
}

static int group_remove(int dir, const char *path)
{
	char copy[256];
	const char *name = strrchr(path, '/');
	struct cs_err err = CS_ERR_INIT;
	int parent, rc;

	snprintf(copy, sizeof(copy), "./%.*s", name ? (int)(name - path) : 0, path);
	name = name ? name + 1 : path;
	parent = openat(dir, copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	rc = faccessat(parent, name, F_OK, 0) < 0 ? -errno : 0;
	if (rc == 0)
		ck_assert_msg(cs_file_rmtree(parent, name, &err) == 0, "%s", err.msg);
	close(parent);
	return rc;
}

static void serve_call(int listener)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	char path[256] = "", dir_path[64];
	struct iovec local = { path, sizeof(path) - 1 }, remote;
	int dir;

	ck_assert_int_eq(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req), 0);
	remote = (struct iovec){ (void *)(uintptr_t)req.data.args[1], sizeof(path) - 1 };
	ck_assert_int_gt(process_vm_readv((pid_t)req.pid, &local, 1, &remote, 1, 0), 0);
	snprintf(dir_path, sizeof(dir_path), "/proc/%u/fd/%u", req.pid,
		 (unsigned int)req.data.args[0]);
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	resp.id = req.id;
	resp.error = req.data.nr == SYS_mkdirat ? group_make(dir, path) : group_remove(dir, path);
	close(dir);
	ck_assert_int_eq(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
}

static int watch_me(int sock)
{
	static const char *const names[] = { "mkdirat", "unlinkat", NULL };
	const struct ctr_seccomp_rule rule = { .names = names,
					       .n_names = 2,
					       .action = SCMP_ACT_NOTIFY };
	const struct ctr_seccomp sc = { .present = true,
					.default_action = SCMP_ACT_ALLOW,
					.rules = &rule,
					.n_rules = 1,
					.uses_notify = true };
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int listener = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    ctr_seccomp_compile(&sc, -EBADF, &prog, &err) < 0 ||
	    ctr_seccomp_install(&prog, &listener, &err) < 0 ||
	    cs_fd_send(sock, &listener, 1, "l", 1, &err) < 0)
		return -1;
	return close(listener);
}

/* Runs @fn in a child and is its kernel until it ends; its exit code. */
static int run(struct fake *f, int (*fn)(const struct fake *f))
{
	struct cs_err err = CS_ERR_INIT;
	int listener = -1, status = -1;
	size_t n = 0, len = 1;
	struct pollfd p[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->sock), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(watch_me(f->sock[1]) < 0 ? CHILD_SETUP : fn(f));
	close(f->sock[1]);
	ck_assert_msg(cs_fd_recv(f->sock[0], &listener, 1, &n, &c, &len, &err) == 0, "%s", err.msg);
	/* kernels before 6.11 say that nobody is left to listen to only when the child is reaped:
	 * its end of the socket says so on all */
	p[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = f->sock[0] };
	while (poll(p, 2, 10000) > 0 && (p[0].revents & POLLIN))
		serve_call(listener);
	close(listener);
	close(f->sock[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int create(const struct fake *f)
{
	struct cs_err err = CS_ERR_INIT;
	int rc = ctr_rdt_create_at(f->root, f->rdt, "c1", 4242, &err);

	if (rc != f->want || (rc < 0 && !strstr(err.msg, f->text))) {
		fprintf(stderr, "%d, %s\n", rc, err.msg);
		return 1;
	}
	return 0;
}

static int join(const struct fake *f)
{
	struct cs_err err = CS_ERR_INIT;

	if (ctr_rdt_join_at(f->root, f->rdt, "c1", 5353, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	return 0;
}

static int destroy(const struct fake *f)
{
	struct cs_err err = CS_ERR_INIT;

	if (ctr_rdt_destroy_at(f->root, f->rdt, "c1", &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	return 0;
}

static struct fake fake_new(void)
{
	struct fake f = { .path = "/tmp/caisson-unit-XXXXXX" };

	ck_assert_ptr_nonnull(mkdtemp(f.path));
	f.root = open(f.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	file_make(f.root, "tasks", "");
	file_make(f.root, "schemata", "    L3:0=7ff;1=7ff\n    MB:0= 100;1= 100\n");
	ck_assert_int_eq(mkdirat(f.root, "mon_groups", 0755), 0);
	ck_assert_int_eq(mkdirat(f.root, "info", 0755), 0);
	file_make(f.root, "info/last_cmd_status", "ok\n");
	ck_assert_int_eq(group_make(f.root, "gold"), 0);
	file_make(f.root, "gold/schemata", "    L3:0=00f;1=0f0\n    MB:0=  20;1= 100\n");
	return f;
}

static void fake_free(struct fake *f)
{
	int tmp = open("/tmp", O_PATH | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_file_rmtree(tmp, f->path + sizeof("/tmp"), &err), 0);
	close(tmp);
	close(f->root);
}

static bool there(const struct fake *f, const char *path)
{
	return faccessat(f->root, path, F_OK, 0) == 0;
}

static void assert_text(const struct fake *f, const char *path, const char *want)
{
	int fd = openat(f->root, path, O_RDONLY | O_CLOEXEC);
	char text[256] = "";

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_str_eq(text, want);
}

static const char *const extra[] = { "L3:0=1", "MB:1=30", NULL };

/* No closID: a class named after the container, which goes with it. */
START_TEST(test_own_class)
{
	const struct ctr_intel_rdt rdt = { .present = true,
					   .l3_cache_schema = "L3:0=f;1=f",
					   .mem_bw_schema = "MB:0=20",
					   .schemata = extra,
					   .enable_monitoring = true };
	struct fake f = fake_new();

	f.rdt = &rdt;
	ck_assert_int_eq(run(&f, create), 0);
	assert_text(&f, "c1/schemata", "L3:0=f;1=f\nMB:0=20\nL3:0=1\nMB:1=30\n");
	assert_text(&f, "c1/tasks", "4242");
	assert_text(&f, "c1/mon_groups/c1/tasks", "4242");
	ck_assert_int_eq(run(&f, join), 0);
	assert_text(&f, "c1/tasks", "5353");
	ck_assert_int_eq(run(&f, destroy), 0);
	ck_assert(!there(&f, "c1"));
	ck_assert_int_eq(run(&f, destroy), 0); /* again */

	/* somebody else's group of that name is left alone */
	ck_assert_int_eq(group_make(f.root, "c1"), 0);
	f.want = -EEXIST;
	f.text = "linux.intelRdt";
	ck_assert_int_eq(run(&f, create), 0);
	ck_assert(there(&f, "c1"));
	fake_free(&f);
}
END_TEST

/* A class that is there, and nothing said of its schemata. */
START_TEST(test_joined)
{
	const struct ctr_intel_rdt rdt = { .present = true,
					   .clos_id = "gold",
					   .enable_monitoring = true };
	const struct ctr_intel_rdt none = { .present = true, .clos_id = "silver" };
	struct fake f = fake_new();

	f.rdt = &rdt;
	ck_assert_int_eq(run(&f, create), 0);
	assert_text(&f, "gold/tasks", "4242");
	assert_text(&f, "gold/mon_groups/c1/tasks", "4242");
	assert_text(&f, "gold/schemata", "    L3:0=00f;1=0f0\n    MB:0=  20;1= 100\n");
	ck_assert_int_eq(run(&f, join), 0);
	assert_text(&f, "gold/tasks", "5353");
	assert_text(&f, "gold/mon_groups/c1/tasks", "5353");
	ck_assert_int_eq(run(&f, destroy), 0);
	ck_assert(there(&f, "gold/mon_groups") && !there(&f, "gold/mon_groups/c1"));
	ck_assert_int_eq(run(&f, destroy), 0);

	f.rdt = &none;
	f.want = -ENOENT;
	f.text = "silver";
	ck_assert_int_eq(run(&f, create), 0);
	ck_assert(!there(&f, "silver"));
	fake_free(&f);
}
END_TEST

/* A named class with a schemata is made if missing and stays, and must be the same if it is there.
 */
START_TEST(test_named)
{
	struct ctr_intel_rdt rdt = { .present = true, .clos_id = "silver", .schemata = extra };
	struct fake f = fake_new();

	f.rdt = &rdt;
	ck_assert_int_eq(run(&f, create), 0);
	assert_text(&f, "silver/schemata", "L3:0=1\nMB:1=30\n");
	ck_assert_int_eq(run(&f, destroy), 0);
	ck_assert(there(&f, "silver"));

	rdt = (struct ctr_intel_rdt){ .present = true,
				      .clos_id = "gold",
				      .l3_cache_schema = "L3:1=F0",
				      .mem_bw_schema = "MB:0=20" };
	ck_assert_int_eq(run(&f, create), 0);
	rdt.mem_bw_schema = "MB:0=30";
	f.want = -EINVAL;
	f.text = "\"gold\" exists with another schemata";
	ck_assert_int_eq(run(&f, create), 0);
	assert_text(&f, "gold/schemata", "    L3:0=00f;1=0f0\n    MB:0=  20;1= 100\n");
	fake_free(&f);
}
END_TEST

/* "/" is the default class. */
START_TEST(test_default)
{
	const struct ctr_intel_rdt rdt = { .present = true,
					   .clos_id = "/",
					   .enable_monitoring = true };
	struct fake f = fake_new();

	f.rdt = &rdt;
	ck_assert_int_eq(run(&f, create), 0);
	assert_text(&f, "tasks", "4242");
	assert_text(&f, "mon_groups/c1/tasks", "4242");
	ck_assert_int_eq(run(&f, destroy), 0);
	ck_assert(!there(&f, "mon_groups/c1"));
	ck_assert(there(&f, "tasks") && there(&f, "gold"));
	fake_free(&f);
}
END_TEST

/* What fails half way leaves nothing. */
START_TEST(test_undone)
{
	struct ctr_intel_rdt rdt = { .present = true, .clos_id = "odd", .schemata = extra };
	struct fake f = fake_new();

	file_make(f.root, "info/last_cmd_status", "mask not contiguous\n");
	f.rdt = &rdt;
	f.want = -EISDIR;
	f.text = "kernel says \"mask not contiguous\"";
	ck_assert_int_eq(run(&f, create), 0);
	ck_assert(!there(&f, "odd"));

	/* the monitoring group cannot be made: one of that name is there */
	rdt = (struct ctr_intel_rdt){ .present = true,
				      .clos_id = "gold",
				      .enable_monitoring = true };
	ck_assert_int_eq(group_make(f.root, "gold/mon_groups/c1"), 0);
	f.want = -EEXIST;
	f.text = "enableMonitoring";
	ck_assert_int_eq(run(&f, create), 0);
	ck_assert(there(&f, "gold/mon_groups/c1") && there(&f, "gold/tasks"));
	fake_free(&f);
}
END_TEST

START_TEST(test_wrong)
{
	static const char *const names[] = { "",     ".",    "..",	   "a/b",
					     "../x", "info", "mon_groups", "mon_data" };
	static const char *const lines[] = { "L3:0=1\nMB:0=1", NULL };
	struct ctr_intel_rdt rdt = { .present = true };
	struct fake f = fake_new();

	f.rdt = &rdt;
	f.want = -EINVAL;
	f.text = "linux.intelRdt.closID";
	for (size_t i = 0; i < CS_LEN(names); i++) {
		rdt.clos_id = names[i];
		ck_assert_int_eq(run(&f, create), 0);
	}
	rdt = (struct ctr_intel_rdt){ .present = true, .schemata = lines };
	f.text = "linux.intelRdt.schemata";
	ck_assert_int_eq(run(&f, create), 0);
	ck_assert(!there(&f, "c1"));
	fake_free(&f);
}
END_TEST

START_TEST(test_matches)
{
	static const char have[] = "    MB:0= 100;1=  20\n    L3:0=007ff;1=00f\n  L2CODE:0=ff\n";

	ck_assert(ctr_rdt_matches(have, ""));
	ck_assert(ctr_rdt_matches(have, "L3:0=7ff"));
	ck_assert(ctr_rdt_matches(have, "L3:0=7FF;1=f\nMB:1=20"));
	ck_assert(ctr_rdt_matches(have, " L3 : 1 = f ;\n"));
	ck_assert(ctr_rdt_matches(have, "L2CODE:0=0ff"));
	ck_assert(!ctr_rdt_matches(have, "L3:0=7f"));
	ck_assert(!ctr_rdt_matches(have, "L3:2=f"));
	ck_assert(!ctr_rdt_matches(have, "L2:0=ff"));
	ck_assert(!ctr_rdt_matches(have, "MB:0=100;1=21"));
	ck_assert(!ctr_rdt_matches(have, "L3"));
	ck_assert(!ctr_rdt_matches(have, "L3:0"));
	ck_assert(!ctr_rdt_matches("", "L3:0=1"));
	ck_assert(!ctr_rdt_matches("L3:0\nL3", "L3:0=1"));
}
END_TEST

/* The real one: without intelRdt it is not looked at; where it is not mounted, an error says so. */
START_TEST(test_mount)
{
	struct ctr_spec spec = { .intel_rdt = { .present = false } };
	struct cs_err err = CS_ERR_INIT;
	struct statfs fs;

	ck_assert_int_eq(ctr_rdt_create(&spec, "c1", 1, &err), 0);
	ck_assert_int_eq(ctr_rdt_destroy(&spec, "c1", &err), 0);
	if (statfs("/sys/fs/resctrl", &fs) == 0 && fs.f_type == 0x7655821)
		return;
	spec.intel_rdt.present = true;
	ck_assert_int_eq(ctr_rdt_destroy(&spec, "c1", &err), 0);
	ck_assert_int_eq(ctr_rdt_create(&spec, "c1", 1, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "linux.intelRdt"));
}
END_TEST

CHILD_MAIN("runtime/rdt", test_own_class, test_joined, test_named, test_default, test_undone,
	   test_wrong, test_matches, test_mount)
