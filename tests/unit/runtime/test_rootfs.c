#include "tests/unit/runtime/mntfix.h"

/* The steps without any mount of the spec. */
START_TEST(pivot_enters_the_root_and_leaves_the_old_one)
{
	struct fix f;
	struct stat by_fd, by_path;

	fix_init(&f, 0);
	fix_file(FIX_ROOT "/inside", "yes");
	fix_file("/mnt/outside", "no");
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT);
	ck_assert_str_eq(fix_text("/inside"), "yes");
	ck_assert_int_lt(access("/mnt/outside", F_OK), 0);
	ck_assert_int_lt(access("/etc", F_OK), 0);
	ck_assert_str_eq(fix_text("inside"), "yes"); /* the working folder */
	ck_assert_int_eq(fstat(f.s.root, &by_fd), 0);
	ck_assert_int_eq(stat("/", &by_path), 0);
	ck_assert_uint_eq(by_fd.st_ino, by_path.st_ino);
	ck_assert_uint_eq(by_fd.st_dev, by_path.st_dev);
	ck_assert_ptr_nonnull(fix_line(&f, "/"));
	fix_no_mount(&f, "/mnt"); /* nothing of the host's tree is left in the namespace */
	ck_assert_ptr_null(strstr(f.mountinfo, "\n"));
	fix_fini(&f);
}
END_TEST

START_TEST(root_path_is_absolute_or_from_the_bundle)
{
	struct fix f;

	fix_init(&f, 0);
	fix_file(FIX_ROOT "/inside", "yes");
	f.spec.root_path = FIX_ROOT;
	fix_step_ok(&f, STEP_ATTACH | STEP_PIVOT);
	ck_assert_str_eq(fix_text("/inside"), "yes");
	fix_fini(&f);
}
END_TEST

START_TEST(a_missing_root_is_named)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	f.spec.root_path = "nowhere";
	r = fix_run(&f, STEP_ATTACH);
	fix_failed(&f, r, ENOENT, "root.path", FIX_BUNDLE "/nowhere");
	fix_file(FIX_BUNDLE "/plain", "");
	f.spec.root_path = "plain";
	r = fix_run(&f, STEP_ATTACH);
	fix_failed(&f, r, ENOTDIR, "root.path", "plain");
	fix_fini(&f);
}
END_TEST

START_TEST(root_readonly)
{
	struct fix f;

	fix_init(&f, 0);
	f.spec.root_readonly = true;
	fix_dir(FIX_ROOT "/tmp");
	fix_mount(&f, "tmpfs", "tmpfs", "/tmp");
	fix_step_ok(&f, STEP_ALL & ~STEP_DEV);
	ck_assert_int_lt(open("/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), 0);
	ck_assert_int_eq(errno, EROFS);
	fix_file("/tmp/new", "written");
	fix_has(&f, "/", " ro,");
	fix_has(&f, "/tmp", " rw,");
	fix_fini(&f);
}
END_TEST

/* How many mounts of the process have @text in their line of mountinfo. */
static int count_lines(struct fix *f, pid_t pid, const char *text)
{
	char path[64], line[4096];
	int fd, n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%d/mountinfo", pid);
	fd = cs_path_proc_file(f->s.host_proc, path, O_RDONLY, &f->err);
	ck_assert_msg(fd >= 0, "%s", f->err.msg);
	in = fdopen(fd, "r");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in))
		n += strstr(line, text) != NULL;
	fclose(in);
	return n;
}

/* A mount made on the host's side of a shared tree, by a process in the old namespace. */
static void host_mounts(int go, int done)
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(1);
	if (mount("tmpfs", "/mnt/shared/late", "tmpfs", 0, "") < 0)
		_exit(2);
	_exit(write(done, &c, 1) != 1);
}

struct host {
	pid_t pid;
	int go[2], done[2];
};

/* Makes /mnt a shared mount with a "host" in its namespace, and puts this process in a new one. */
static void split(struct fix *f, struct host *h)
{
	fix_init(f, 0);
	ck_assert_int_eq(mount(NULL, "/mnt", NULL, MS_SHARED, NULL), 0);
	fix_dir("/mnt/shared");
	fix_tmpfs("/mnt/shared");
	fix_dir("/mnt/shared/late");
	fix_dir("/mnt/shared/early");
	fix_tmpfs("/mnt/shared/early");
	ck_assert_int_eq(pipe2(h->go, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(h->done, O_CLOEXEC), 0);
	h->pid = fix_fork();
	if (h->pid == 0)
		host_mounts(h->go[0], h->done[1]);
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
}

static void let_host_mount(struct host *h)
{
	char c = 0;
	int status;

	ck_assert_int_eq(write(h->go[1], &c, 1), 1);
	ck_assert_int_eq(read(h->done[0], &c, 1), 1);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(by_default_mounts_come_in_and_do_not_go_out)
{
	struct fix f;
	struct host h;

	split(&f, &h);
	fix_dir(FIX_ROOT "/vol");
	fix_mount(&f, "bind", "/mnt/shared", "/vol")->opt.recursive_bind = true;
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/vol", "master:");
	fix_has_not(&f, FIX_ROOT "/vol", "shared:");
	let_host_mount(&h);
	fix_has(&f, FIX_ROOT "/vol/late", "tmpfs");
	fix_step_ok(&f, STEP_PIVOT | STEP_SEAL);
	fix_has(&f, "/vol/late", "tmpfs");
	fix_fini(&f);
}
END_TEST

START_TEST(private_propagation_lets_nothing_in)
{
	struct fix f;
	struct host h;

	split(&f, &h);
	fix_dir(FIX_ROOT "/vol");
	f.spec.rootfs_propagation = MS_PRIVATE | MS_REC;
	fix_mount(&f, "bind", "/mnt/shared", "/vol")->opt.recursive_bind = true;
	fix_step_ok(&f, STEP_IN);
	let_host_mount(&h);
	fix_no_mount(&f, FIX_ROOT "/vol/late");
	fix_step_ok(&f, STEP_PIVOT | STEP_SEAL);
	fix_fini(&f);
}
END_TEST

/* Bidirectional propagation of a volume, as orchestrators ask for it. */
START_TEST(shared_propagation_goes_out_but_not_with_the_root)
{
	struct fix f;
	struct host h;
	int others; /* the host may have containers */

	split(&f, &h);
	others = count_lines(&f, h.pid, "rootfs");
	fix_dir(FIX_ROOT "/vol");
	fix_dir(FIX_ROOT "/own");
	f.spec.rootfs_propagation = MS_SHARED | MS_REC;
	fix_mount(&f, "bind", "/mnt/shared", "/vol")->opt.recursive_bind = true;
	f.mounts[0].opt.propagation = MS_SHARED | MS_REC;
	fix_mount(&f, "tmpfs", "tmpfs", "/own")->opt.propagation = MS_PRIVATE;
	fix_step_ok(&f, STEP_IN | STEP_PIVOT | STEP_SEAL);
	fix_has(&f, "/", "shared:");
	fix_has(&f, "/vol", "shared:");
	fix_has_not(&f, "/own", "shared:");
	fix_dir("/vol/out");
	fix_tmpfs("/vol/out");
	/* the host has the volume's new mount, nothing of the root's, and all that it had */
	ck_assert_int_eq(count_lines(&f, h.pid, " /mnt/shared/out "), 1);
	ck_assert_int_eq(count_lines(&f, h.pid, "rootfs"), others);
	ck_assert_int_eq(count_lines(&f, h.pid, " / / "), 1);
	ck_assert_int_eq(count_lines(&f, h.pid, " /mnt/shared/early "), 1);
	let_host_mount(&h);
	fix_has(&f, "/vol/late", "tmpfs");
	fix_fini(&f);
}
END_TEST

START_TEST(unbindable_propagation)
{
	struct fix f;

	fix_init(&f, 0);
	f.spec.rootfs_propagation = MS_UNBINDABLE;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT | STEP_SEAL);
	fix_has(&f, "/", "unbindable");
	fix_fini(&f);
}
END_TEST

START_TEST(no_pivot_takes_the_hosts_proc_and_sys_away)
{
	struct fix f;
	pid_t outside;

	fix_init(&f, 0);
	f.s.no_pivot = true;
	outside = fix_fork(); /* with the host's root in the same namespace: it sees all mounts */
	if (outside == 0) {
		pause();
		_exit(0);
	}
	fix_file(FIX_ROOT "/inside", "yes");
	fix_dir("/mnt/a b"); /* escaped in mountinfo */
	ck_assert_int_eq(mount("proc", "/mnt/a b", "proc", 0, ""), 0);
	fix_mount(&f, "proc", "proc", "/proc");
	fix_mount(&f, "sysfs", "sysfs", "/sys");
	fix_step_ok(&f, STEP_ALL & ~STEP_DEV);
	ck_assert_str_eq(fix_text("/inside"), "yes");
	ck_assert_int_eq(count_lines(&f, outside, " - proc "), 1);
	ck_assert_int_eq(count_lines(&f, outside, " - sysfs "), 1);
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	fix_has(&f, "/proc", " - proc ");
	fix_has(&f, "/sys", " - sysfs ");
	fix_fini(&f);
}
END_TEST

/* There they are locked and cannot be unmounted: they are covered. */
START_TEST(no_pivot_in_a_user_namespace)
{
	struct fix f;
	pid_t outside;

	fix_init(&f, 0);
	fix_chown_root();
	fix_file(FIX_ROOT "/inside", "yes");
	fix_enter_userns(&f, 0);
	f.s.no_pivot = true;
	outside = fix_fork();
	if (outside == 0) {
		pause();
		_exit(0);
	}
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT);
	ck_assert_str_eq(fix_text("/inside"), "yes");
	ck_assert_int_eq(count_lines(&f, outside, " / /proc ro,"), 1);
	ck_assert_int_eq(count_lines(&f, outside, " / /sys ro,"), 1);
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	fix_fini(&f);
}
END_TEST

START_TEST(without_a_mount_namespace_the_root_is_only_entered)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	f.spec.ns[CTR_NS_MOUNT].present = false;
	fix_file(FIX_ROOT "/inside", "yes");
	fix_step_ok(&f, STEP_ATTACH | STEP_PIVOT | STEP_MASK | STEP_SEAL);
	ck_assert_str_eq(fix_text("/inside"), "yes");
	fix_no_mount(&f, "/bundle");
	f.spec.root_readonly = true;
	r = fix_run(&f, STEP_SEAL);
	fix_failed(&f, r, EINVAL, "root.readonly", "mount namespace");
	fix_fini(&f);
}
END_TEST

/* Everything there is, and nothing is left open but what ctr_ns_setup names. */
START_TEST(no_fd_is_left_open)
{
	static const char *const masked[] = { "/proc/keys", "/proc/acpi", "/proc/fs", NULL };
	static const char *const ro[] = { "/proc/sys", "/proc/irq", NULL };
	struct fix f;
	int before;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = ro;
	f.spec.root_readonly = true;
	fix_mount(&f, "proc", "proc", "/proc");
	fix_mount(&f, "tmpfs", "tmpfs", "/dev")->opt.attr_set = MOUNT_ATTR_RDONLY;
	fix_mount(&f, "tmpfs", "tmpfs", "/run")->opt.attr_set = MOUNT_ATTR_RDONLY;
	fix_mount(&f, "devpts", "devpts", "/dev/pts");
	fix_mount(&f, "bind", "/etc", "/host/etc");
	before = fix_count_fds();
	fix_step_ok(&f, STEP_ALL);
	ck_assert_int_eq(fix_count_fds(), before + 3); /* root, proc, host_null */
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (fd == f.s.root || fd == f.s.proc || fd == f.s.host_null)
			ck_assert_int_eq(flags, FD_CLOEXEC);
	}
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/rootfs", pivot_enters_the_root_and_leaves_the_old_one,
	   root_path_is_absolute_or_from_the_bundle, a_missing_root_is_named, root_readonly,
	   by_default_mounts_come_in_and_do_not_go_out, private_propagation_lets_nothing_in,
	   shared_propagation_goes_out_but_not_with_the_root, unbindable_propagation,
	   no_pivot_takes_the_hosts_proc_and_sys_away, no_pivot_in_a_user_namespace,
	   without_a_mount_namespace_the_root_is_only_entered, no_fd_is_left_open)
