#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "runtime/ns/sysctl.h"
#include "tests/unit/runtime/mntfix.h"

/* A root file system that was made, or is being changed, to lead the runtime astray. */

enum { ROUNDS = 400 };

/* Swaps two names for ever, at the same instant as an attacker in another container with the same
 * volume would. */
struct swapper {
	const char *a, *b;
	atomic_bool stop;
	atomic_uint swaps;
	pthread_t thread;
};

static void *swap_loop(void *arg)
{
	struct swapper *s = arg;

	while (!atomic_load(&s->stop)) {
		if (renameat2(AT_FDCWD, s->a, AT_FDCWD, s->b, RENAME_EXCHANGE) == 0)
			atomic_fetch_add(&s->swaps, 1);
	}
	return NULL;
}

static void swapper_start(struct swapper *s, const char *a, const char *b)
{
	s->a = a;
	s->b = b;
	atomic_init(&s->stop, false);
	atomic_init(&s->swaps, 0);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, swap_loop, s), 0);
	while (atomic_load(&s->swaps) == 0)
		sched_yield();
}

static void swapper_stop(struct swapper *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	ck_assert_uint_gt(atomic_load(&s->swaps), 0);
}

/* CVE-2021-30465: the target's parent becomes a symlink out of the root between look and mount. */
START_TEST(a_swapped_parent_leads_nowhere)
{
	struct swapper swapper;
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/victim");
	fix_dir("/mnt/victim/x");
	fix_dir("/mnt/src");
	fix_dir(FIX_ROOT "/vol");
	fix_dir(FIX_ROOT "/vol/d");
	fix_dir(FIX_ROOT "/vol/d/x");
	ck_assert_int_eq(symlink("../../../victim", FIX_ROOT "/vol/l"), 0);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	fix_mount(&f, "tmpfs", "tmpfs", "/vol/d/x");
	fix_mount(&f, "bind", "/mnt/src", "/vol/d/x");
	swapper_start(&swapper, FIX_ROOT "/vol/d", FIX_ROOT "/vol/l");
	for (int i = 0; i < ROUNDS; i++) {
		ctr_mounts_apply(&f.s, &f.err); /* may fail: not lead astray */
		cs_err_clear(&f.err);
		if (fix_line(&f, "/mnt/victim/x"))
			break;
	}
	swapper_stop(&swapper);
	fix_no_mount(&f, "/mnt/victim/x");
	fix_no_mount(&f, "/mnt/victim");
	fix_fini(&f);
}
END_TEST

START_TEST(symlinks_in_the_image_stay_beneath_the_root)
{
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/victim");
	ck_assert_int_eq(symlink("/mnt/victim", FIX_ROOT "/abs"), 0);
	ck_assert_int_eq(symlink("../../../mnt/victim", FIX_ROOT "/rel"), 0);
	ck_assert_int_eq(symlink("../../..", FIX_ROOT "/up"), 0);
	fix_mount(&f, "tmpfs", "tmpfs", "/abs");
	fix_mount(&f, "tmpfs", "tmpfs", "/rel/sub");
	fix_mount(&f, "tmpfs", "tmpfs", "/up/mnt/victim/other");
	fix_mount(&f, "tmpfs", "tmpfs", "/../../../mnt/victim/dots");
	fix_step_ok(&f, STEP_IN);
	fix_no_mount(&f, "/mnt/victim");
	ck_assert_int_lt(access("/mnt/victim/sub", F_OK), 0);
	ck_assert_int_lt(access("/mnt/victim/other", F_OK), 0);
	ck_assert_int_lt(access("/mnt/victim/dots", F_OK), 0);
	fix_has(&f, FIX_ROOT "/mnt/victim", "tmpfs");
	fix_has(&f, FIX_ROOT "/mnt/victim/sub", "tmpfs");
	fix_has(&f, FIX_ROOT "/mnt/victim/other", "tmpfs");
	fix_has(&f, FIX_ROOT "/mnt/victim/dots", "tmpfs");
	fix_fini(&f);
}
END_TEST

/* CVE-2023-27561, CVE-2023-28642 (and CVE-2019-19921): /proc or /sys is a symlink. */
START_TEST(proc_and_sys_must_be_ordinary_folders)
{
	static const char *const types[] = { "proc", "sysfs" };
	static const char *const places[] = { "/proc", "/sys" };

	for (size_t i = 0; i < CS_LEN(types); i++) {
		char path[64];
		struct fix f;
		int r;

		fix_init(&f, 0);
		fix_dir(FIX_ROOT "/elsewhere");
		snprintf(path, sizeof(path), FIX_ROOT "%s", places[i]);
		ck_assert_int_eq(symlink("/elsewhere", path), 0);
		fix_mount(&f, types[i], types[i], places[i]);
		r = fix_run(&f, STEP_IN);
		fix_failed(&f, r, ELOOP, places[i], "symlink");
		ck_assert_int_eq(unlink(path), 0); /* to nothing */
		ck_assert_int_eq(symlink("/nothing", path), 0);
		r = fix_run(&f, STEP_MOUNTS);
		fix_failed(&f, r, ELOOP, places[i], "symlink");
		ck_assert_int_eq(unlink(path), 0); /* not even a folder */
		fix_file(path, "");
		r = fix_run(&f, STEP_MOUNTS);
		fix_failed(&f, r, ENOTDIR, places[i], "not a directory");
		ck_assert_int_eq(unlink(path), 0); /* on the way */
		ck_assert_int_eq(symlink("elsewhere", FIX_ROOT "/way"), 0);
		f.mounts[0].destination = "/way/proc";
		r = fix_run(&f, STEP_MOUNTS);
		fix_failed(&f, r, ELOOP, "/way/proc", "symlink");
		fix_no_mount(&f, FIX_ROOT "/elsewhere");
		fix_fini(&f);
	}
}
END_TEST

/* CVE-2019-16884: what lies over /proc/self/attr swallows the security label. */
START_TEST(nothing_covers_a_part_of_proc)
{
	static const char *const bad[] = {
		"/proc/self/attr", "/proc/sys",		"/proc/1",
		"/proc/cpuinfo/x", "/proc/../proc/sys", "/./proc//sys/./kernel",
	};
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_file("/mnt/fake", "cores: many");
	fix_dir("/mnt/dir");
	fix_mount(&f, "proc", "proc", "/proc");
	fix_mount(&f, "bind", "/mnt/fake", "/proc/cpuinfo");
	fix_mount(&f, "bind", "/mnt/fake", "/proc/net/dev");
	fix_step_ok(&f, STEP_IN);
	ck_assert_str_eq(fix_text(FIX_ROOT "/proc/cpuinfo"), "cores: many");
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		f.spec.n_mounts = 0;
		fix_mount(&f, "tmpfs", "tmpfs", bad[i]);
		r = fix_run(&f, STEP_MOUNTS);
		fix_failed(&f, r, EPERM, bad[i], "part of /proc");
		f.spec.n_mounts = 0;
		fix_mount(&f, "bind", "/mnt/dir", bad[i]);
		r = fix_run(&f, STEP_MOUNTS);
		fix_failed(&f, r, EPERM, bad[i], "part of /proc");
	}
	fix_fini(&f);
}
END_TEST

START_TEST(only_a_procfs_goes_on_proc)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_dir("/mnt/dir");
	fix_mount(&f, "bind", "/mnt/dir", "/proc");
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, EPERM, "mounts[0] (/proc)", "only a procfs");
	f.mounts[0] = (struct ctr_mount){ .type = "tmpfs", .destination = "/x/../proc/" };
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EPERM, "mounts[0]", "only a procfs");
	f.spec.n_mounts = 0;
	fix_mount(&f, "bind", "/proc", "/proc")->opt.recursive_bind = true;
	fix_step_ok(&f, STEP_MOUNTS);
	fix_has(&f, FIX_ROOT "/proc", "- proc ");
	fix_fini(&f);
}
END_TEST

/* The same by another name: a symlink of the image, or a second procfs. */
START_TEST(no_way_around_leads_onto_a_procfs)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	ck_assert_int_eq(symlink("proc/self/attr", FIX_ROOT "/volume"), 0);
	fix_mount(&f, "proc", "proc", "/proc");
	fix_step_ok(&f, STEP_IN);
	f.spec.n_mounts = 0;
	fix_mount(&f, "tmpfs", "tmpfs", "/volume");
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EPERM, "/volume", "leads to a procfs");
	f.spec.n_mounts = 0;
	fix_mount(&f, "bind", "/proc", "/host/proc");
	fix_mount(&f, "tmpfs", "tmpfs", "/host/proc/sys");
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EPERM, "mounts[1] (/host/proc/sys)", "leads to a procfs");
	fix_fini(&f);
}
END_TEST

/* CVE-2019-16884, CVE-2025-52881: init's own /proc cannot be covered, and where it had to take one
 * that can, it notices. */
START_TEST(the_runtimes_proc_is_out_of_reach)
{
	static const struct ctr_kv kv = { "net.ipv4.ip_forward", "1" };
	struct fix f;
	int covered, fd, r;

	fix_init(&f, CLONE_NEWNET | CLONE_NEWPID);
	f.spec.ns[CTR_NS_NETWORK].present = true;
	f.spec.sysctl = &kv;
	f.spec.n_sysctl = 1;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	/* an attacker's covers, over the /proc all can reach */
	fix_dir("/mnt/fake");
	fix_dir("/mnt/fake/ipv4");
	fix_file("/mnt/fake/ipv4/ip_forward", "fake");
	ck_assert_int_eq(mount("/mnt/fake", "/proc/sys/net", NULL, MS_BIND, NULL), 0);
	covered = open("/proc", O_PATH | O_CLOEXEC);
	r = ctr_sysctl_apply(&f.spec, covered, &f.err);
	fix_failed(&f, r, EXDEV, "linux.sysctl.net.ipv4.ip_forward", "");
	r = ctr_sysctl_apply(&f.spec, f.s.proc, &f.err);
	fix_ok(&f, r);
	ck_assert_str_eq(fix_text("/mnt/fake/ipv4/ip_forward"), "fake");
	ck_assert_int_eq(umount2("/proc/sys/net", MNT_DETACH), 0);
	ck_assert_str_eq(fix_text("/proc/sys/net/ipv4/ip_forward"), "1\n");
	/* a whole fake /proc, with all the right names */
	ck_assert_int_eq(mount("/mnt/fake", "/proc", NULL, MS_BIND, NULL), 0);
	fd = ctr_procfs_open(&f.err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(cs_path_proc_verify(fd, &f.err), 0);
	close(fd);
	close(covered);
	fix_fini(&f);
}
END_TEST

/* CVE-2025-31133: the container's /dev/null is not what masks. */
START_TEST(masks_use_the_hosts_null)
{
	static const char *const masked[] = { "/secret", "/secret2", NULL };
	struct fix f;

	fix_init(&f, 0);
	fix_dir(FIX_ROOT "/dev");
	fix_file(FIX_ROOT "/bait", "bait");
	ck_assert_int_eq(symlink("/bait", FIX_ROOT "/dev/null"), 0);
	fix_file(FIX_ROOT "/secret", "secret");
	fix_file(FIX_ROOT "/secret2", "secret");
	f.spec.masked_paths = masked;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT | STEP_MASK);
	ck_assert(fix_is_null("/secret"));
	ck_assert(fix_is_null("/secret2"));
	ck_assert_str_eq(fix_text("/bait"), "bait");
	fix_fini(&f);
}
END_TEST

START_TEST(a_false_null_on_the_host_is_noticed)
{
	static const char *const masked[] = { "/secret", NULL };
	struct fix f;
	int r;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	ck_assert_int_eq(mount("/dev/zero", "/dev/null", NULL, MS_BIND, NULL), 0);
	r = fix_run(&f, STEP_ATTACH);
	fix_failed(&f, r, ENODEV, "/dev/null", "linux.maskedPaths");
	fix_file("/mnt/plain", "");
	ck_assert_int_eq(mount("/mnt/plain", "/dev/null", NULL, MS_BIND, NULL), 0);
	r = fix_run(&f, STEP_ATTACH);
	fix_failed(&f, r, ENODEV, "/dev/null", "linux.maskedPaths");
	fix_fini(&f);
}
END_TEST

/* A masked or read-only path that is a symlink of the image covers nothing of the host. */
START_TEST(masked_symlinks_stay_beneath_the_root)
{
	static const char *const masked[] = { "/file", "/dir", NULL };
	static const char *const readonly[] = { "/ro", NULL };
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/victim");
	fix_file("/mnt/vfile", "host");
	fix_dir(FIX_ROOT "/mnt");
	fix_dir(FIX_ROOT "/mnt/victim");
	ck_assert_int_eq(symlink("/mnt/vfile", FIX_ROOT "/file"), 0); /* is not in the root */
	ck_assert_int_eq(symlink("/mnt/victim", FIX_ROOT "/dir"), 0);
	ck_assert_int_eq(symlink("../../../mnt/victim", FIX_ROOT "/ro"), 0);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = readonly;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_MASK); /* still before the pivot */
	fix_no_mount(&f, "/mnt/victim");
	ck_assert_str_eq(fix_text("/mnt/vfile"), "host");
	fix_has(&f, FIX_ROOT "/mnt/victim", " ro,");
	fix_fini(&f);
}
END_TEST

START_TEST(a_swapped_masked_path_leads_nowhere)
{
	static const char *const masked[] = { "/vol/d/x", NULL };
	static const char *const readonly[] = { "/vol/d/x", NULL };
	struct swapper swapper;
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/victim");
	fix_dir("/mnt/victim/x");
	fix_dir(FIX_ROOT "/vol");
	fix_dir(FIX_ROOT "/vol/d");
	fix_dir(FIX_ROOT "/vol/d/x");
	ck_assert_int_eq(symlink("../../../victim", FIX_ROOT "/vol/l"), 0);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = readonly;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	swapper_start(&swapper, FIX_ROOT "/vol/d", FIX_ROOT "/vol/l");
	for (int i = 0; i < ROUNDS && !fix_line(&f, "/mnt/victim/x"); i++) {
		ctr_maskpaths_apply(&f.s, &f.err);
		cs_err_clear(&f.err);
	}
	swapper_stop(&swapper);
	fix_no_mount(&f, "/mnt/victim/x");
	fix_fini(&f);
}
END_TEST

/* A pty as the runtime opens it. */
static int pty_slave(int *master)
{
	int unlock = 0;

	*master = open(FIX_ROOT "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*master, 0);
	ck_assert_int_eq(ioctl(*master, TIOCSPTLCK, &unlock), 0);
	return ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void console_root(struct fix *f, int *master, int *slave)
{
	static const char *const data[] = { "ptmxmode=0666", NULL };

	fix_init(f, 0);
	fix_mount(f, "devpts", "devpts", "/dev/pts")->opt.data = data;
	fix_step_ok(f, STEP_IN);
	*slave = pty_slave(master);
	ck_assert_int_ge(*slave, 0);
}

/* CVE-2025-52565: /dev/console leads to a file of /proc, over which the pty would be mounted. */
START_TEST(console_is_never_mounted_over_a_link)
{
	int master, slave;
	struct stat sb;
	struct fix f;
	int r;

	console_root(&f, &master, &slave);
	fix_file(FIX_ROOT "/victim", "victim");
	ck_assert_int_eq(symlink("/victim", FIX_ROOT "/dev/console"), 0);
	r = ctr_devnodes_console(&f.s, slave, &f.err);
	fix_ok(&f, r);
	ck_assert_str_eq(fix_text(FIX_ROOT "/victim"), "victim");
	ck_assert_int_eq(lstat(FIX_ROOT "/dev/console", &sb), 0);
	ck_assert(S_ISCHR(sb.st_mode));
	ck_assert_uint_eq(major(sb.st_rdev), 136);
	close(master);
	close(slave);
	fix_fini(&f);
}
END_TEST

START_TEST(a_swapped_console_leads_nowhere)
{
	struct swapper swapper;
	int master, slave;
	struct fix f;

	console_root(&f, &master, &slave);
	fix_file(FIX_ROOT "/victim", "victim");
	fix_file(FIX_ROOT "/dev/console", "");
	ck_assert_int_eq(symlink("../victim", FIX_ROOT "/dev/link"), 0);
	swapper_start(&swapper, FIX_ROOT "/dev/console", FIX_ROOT "/dev/link");
	for (int i = 0; i < ROUNDS && !fix_line(&f, FIX_ROOT "/victim"); i++) {
		ctr_devnodes_console(&f.s, slave, &f.err);
		cs_err_clear(&f.err);
		umount2(FIX_ROOT "/dev/console", MNT_DETACH | UMOUNT_NOFOLLOW);
		umount2(FIX_ROOT "/dev/link", MNT_DETACH | UMOUNT_NOFOLLOW);
		unlink(FIX_ROOT "/dev/link"); /* the attacker brings it back */
		if (symlink("../victim", FIX_ROOT "/dev/link") < 0)
			ck_assert_int_eq(errno, EEXIST);
		close(open(FIX_ROOT "/dev/console", O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	}
	swapper_stop(&swapper);
	fix_no_mount(&f, FIX_ROOT "/victim");
	close(master);
	close(slave);
	fix_fini(&f);
}
END_TEST

START_TEST(dev_may_be_a_symlink_of_the_image)
{
	struct stat sb;
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/victim");
	fix_dir(FIX_ROOT "/mnt");
	fix_dir(FIX_ROOT "/mnt/victim");
	ck_assert_int_eq(symlink("../../../mnt/victim", FIX_ROOT "/dev"), 0);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_DEV);
	ck_assert_int_lt(lstat("/mnt/victim/null", &sb), 0);
	ck_assert(fix_is_null(FIX_ROOT "/mnt/victim/null"));
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mounts, hostile", a_swapped_parent_leads_nowhere,
	   symlinks_in_the_image_stay_beneath_the_root, proc_and_sys_must_be_ordinary_folders,
	   nothing_covers_a_part_of_proc, only_a_procfs_goes_on_proc,
	   no_way_around_leads_onto_a_procfs, the_runtimes_proc_is_out_of_reach,
	   masks_use_the_hosts_null, a_false_null_on_the_host_is_noticed,
	   masked_symlinks_stay_beneath_the_root, a_swapped_masked_path_leads_nowhere,
	   console_is_never_mounted_over_a_link, a_swapped_console_leads_nowhere,
	   dev_may_be_a_symlink_of_the_image)
