#include "tests/unit/runtime/mntfix.h"

START_TEST(files_folders_and_what_is_not_there)
{
	static const char *const masked[] = { "/f1", "/d1", "/none", "/f2",   "/d2",
					      "/d3", "/f3", "/f1/x", "/d2/x", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	for (int i = 0; i < 3; i++) {
		char path[64];

		snprintf(path, sizeof(path), FIX_ROOT "/f%d", i + 1);
		fix_file(path, "secret");
		snprintf(path, sizeof(path), FIX_ROOT "/d%d", i + 1);
		fix_dir(path);
		snprintf(path, sizeof(path), FIX_ROOT "/d%d/x", i + 1);
		fix_file(path, "secret");
	}
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT | STEP_MASK);
	for (int i = 0; i < 3; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/f%d", i + 1);
		ck_assert(fix_is_null(path));
		snprintf(path, sizeof(path), "/d%d", i + 1);
		fix_has(&f, path, " ro,nosuid,nodev,noexec,");
		snprintf(path, sizeof(path), "/d%d/x", i + 1);
		ck_assert_int_lt(access(path, F_OK), 0);
	}
	fix_fini(&f);
}
END_TEST

/* What covers a file is the host's node: not the container's to change, while it works. */
START_TEST(the_hosts_null_stays_as_it_is)
{
	static const char *const masked[] = { "/f", "/g", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	fix_file(FIX_ROOT "/f", "secret");
	fix_file(FIX_ROOT "/g", "secret");
	fix_step_ok(&f, STEP_ATTACH | STEP_PIVOT | STEP_MASK);
	for (size_t i = 0; masked[i]; i++) {
		int fd;

		ck_assert_int_eq(chmod(masked[i], 0666), -1); /* as it is anyway */
		ck_assert_int_eq(errno, EROFS);
		ck_assert_int_eq(chown(masked[i], 0, 0), -1);
		ck_assert_int_eq(errno, EROFS);
		fd = open(masked[i], O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		close(fd);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(folders_share_one_file_system)
{
	static const char *const masked[] = { "/d1", "/d2", NULL };
	struct stat a, b;
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	fix_dir(FIX_ROOT "/d1");
	fix_dir(FIX_ROOT "/d2");
	fix_step_ok(&f, STEP_ATTACH | STEP_PIVOT | STEP_MASK);
	ck_assert_int_eq(stat("/d1", &a), 0);
	ck_assert_int_eq(stat("/d2", &b), 0);
	ck_assert_uint_eq(a.st_dev, b.st_dev);
	fix_fini(&f);
}
END_TEST

START_TEST(a_covered_file_is_covered_again)
{
	static const char *const masked[] = { "/f", "/f", "/d", "/d", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	fix_dir(FIX_ROOT "/d");
	fix_file(FIX_ROOT "/f", "secret");
	fix_step_ok(&f, STEP_ATTACH | STEP_PIVOT | STEP_MASK);
	ck_assert(fix_is_null("/f"));
	fix_fini(&f);
}
END_TEST

START_TEST(readonly_paths)
{
	static const char *const readonly[] = { "/t/dir", "/file", "/none", "/t/file/x", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.readonly_paths = readonly;
	fix_file(FIX_ROOT "/file", "text");
	fix_mount(&f, "tmpfs", "tmpfs", "/t")->opt.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	fix_mount(&f, "tmpfs", "tmpfs", "/t/dir/sub")->opt.attr_set = MOUNT_ATTR_NOEXEC;
	fix_step_ok(&f, STEP_IN | STEP_PIVOT);
	fix_file("/t/file", "text");
	fix_step_ok(&f, STEP_MASK);
	fix_has(&f, "/t/dir", " ro,nosuid,nodev,"); /* the attributes it had are kept */
	fix_has(&f, "/t/dir/sub", " rw,noexec,");   /* and what lies below it */
	fix_has(&f, "/t", " rw,nosuid,nodev,");
	ck_assert_int_lt(open("/file", O_WRONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(errno, EROFS);
	ck_assert_str_eq(fix_text("/file"), "text");
	ck_assert_int_lt(mkdir("/t/dir/new", 0755), 0);
	ck_assert_int_eq(mkdir("/t/new", 0755), 0);
	fix_fini(&f);
}
END_TEST

START_TEST(procfs_and_sysfs)
{
	static const char *const masked[] = { "/proc/keys",  "/proc/timer_list", "/proc/acpi",
					      "/proc/kcore", "/sys/firmware",	 NULL };
	static const char *const readonly[] = { "/proc/sys", "/proc/bus", "/proc/irq", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = readonly;
	fix_mount(&f, "proc", "proc", "/proc")->opt.attr_set = MOUNT_ATTR_NOEXEC;
	fix_mount(&f, "sysfs", "sysfs", "/sys");
	fix_step_ok(&f, STEP_IN | STEP_PIVOT | STEP_MASK);
	ck_assert_str_eq(fix_text("/proc/timer_list"), "");
	fix_has(&f, "/proc/sys", " ro,noexec,");
	ck_assert_int_lt(open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC), 0);
	ck_assert_int_eq(errno, EROFS);
	fix_fini(&f);
}
END_TEST

START_TEST(in_a_user_namespace)
{
	static const char *const masked[] = { "/f", "/d", "/g", NULL };
	static const char *const readonly[] = { "/r", NULL };
	struct fix f;

	fix_init(&f, 0);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = readonly;
	fix_chown_root();
	fix_file(FIX_ROOT "/f", "secret");
	fix_file(FIX_ROOT "/g", "secret");
	fix_dir(FIX_ROOT "/d");
	fix_dir(FIX_ROOT "/r");
	fix_enter_userns(&f, 0);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_PIVOT | STEP_MASK);
	ck_assert(fix_is_null("/f"));
	ck_assert(fix_is_null("/g"));
	fix_has(&f, "/d", "tmpfs");
	fix_has(&f, "/r", " ro,");
	fix_fini(&f);
}
END_TEST

START_TEST(nothing_masked_takes_no_null)
{
	static const char *const none[] = { NULL };
	struct fix f;
	int r;

	fix_init(&f, 0);
	f.spec.masked_paths = none;
	fix_step_ok(&f, STEP_ATTACH | STEP_MASK);
	ck_assert_int_lt(f.s.host_null, 0);
	f.spec.ns[CTR_NS_MOUNT].present = false;
	fix_step_ok(&f, STEP_MASK);
	f.spec.readonly_paths = (const char *const[]){ "/x", NULL };
	r = fix_run(&f, STEP_MASK);
	fix_failed(&f, r, EINVAL, "linux.readonlyPaths", "mount namespace");
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/maskpaths", files_folders_and_what_is_not_there,
	   the_hosts_null_stays_as_it_is, folders_share_one_file_system,
	   a_covered_file_is_covered_again, readonly_paths, procfs_and_sysfs, in_a_user_namespace,
	   nothing_masked_takes_no_null)
