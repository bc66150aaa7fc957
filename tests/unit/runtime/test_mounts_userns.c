#include "tests/unit/runtime/mntfix.h"

/* Mounts of a container with a user namespace. */

START_TEST(the_usual_mounts)
{
	static const char *const pts[] = { "newinstance", "ptmxmode=0666", "mode=0620", "gid=5",
					   NULL };
	struct fix f;

	fix_init(&f, 0);
	fix_chown_root();
	fix_mount(&f, "proc", "proc", "/proc");
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_mount(&f, "devpts", "devpts", "/dev/pts")->opt.data = pts;
	fix_mount(&f, "mqueue", "mqueue", "/dev/mqueue");
	fix_mount(&f, "sysfs", "sysfs", "/sys")->opt.attr_set = MOUNT_ATTR_RDONLY;
	f.spec.ns[CTR_NS_PID].present = true;
	fix_enter_userns(&f, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC);
	fix_step_ok(&f, STEP_ALL);
	fix_has(&f, "/proc", "- proc proc ");
	fix_has(&f, "/sys", "- sysfs sysfs ");
	fix_has(&f, "/dev/mqueue", "- mqueue mqueue ");
	fix_has(&f, "/dev/pts", "gid=100005");
	ck_assert_int_eq(getpid(), 1);
	ck_assert_int_eq(access("/proc/1/status", F_OK), 0);
	/* init's own shows the same pid namespace */
	ck_assert_int_eq(faccessat(f.s.proc, "1/status", F_OK, 0), 0);
	ck_assert_int_lt(faccessat(f.s.proc, "2", F_OK, 0), 0);
	fix_fini(&f);
}
END_TEST

/* The host's network, pid and ipc namespaces are not the user namespace's: EPERM for new mounts. */
START_TEST(the_hosts_views_where_the_namespace_is_the_hosts)
{
	struct fix f;

	fix_init(&f, 0);
	fix_chown_root();
	fix_mount(&f, "sysfs", "sysfs", "/sys")->opt.attr_set = MOUNT_ATTR_NOSUID;
	fix_mount(&f, "proc", "proc", "/proc")->opt.attr_set = MOUNT_ATTR_NOEXEC;
	fix_tmpfs("/dev"); /* not every host has the folder */
	fix_dir("/dev/mqueue");
	ck_assert_int_eq(mount("mqueue", "/dev/mqueue", "mqueue", 0, ""), 0);
	fix_mount(&f, "mqueue", "mqueue", "/dev/mqueue");
	fix_enter_userns(&f, 0);
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/sys", " ro,nosuid,");
	fix_has(&f, FIX_ROOT "/sys", "- sysfs ");
	if (fix_line(&f, "/sys/fs/cgroup"))
		fix_has(&f, FIX_ROOT "/sys/fs/cgroup", " ro,nosuid,");
	fix_has(&f, FIX_ROOT "/proc", "noexec,");
	fix_has(&f, FIX_ROOT "/dev/mqueue", "- mqueue ");
	fix_fini(&f);
}
END_TEST

/* A namespace the container is to have is not replaced by the host's. */
START_TEST(no_host_view_instead_of_a_joined_namespace)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_chown_root();
	fix_mount(&f, "proc", "proc", "/proc");
	f.spec.ns[CTR_NS_PID] = (struct ctr_ns_spec){ true, "/some/pid/namespace" };
	fix_enter_userns(&f, 0);
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, EPERM, "mounts[0] (/proc)", "proc");
	fix_fini(&f);
}
END_TEST

START_TEST(an_unmapped_owner_is_named)
{
	static const char *const data[] = { "mode=0620", "gid=70000", NULL };
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_chown_root();
	fix_mount(&f, "devpts", "devpts", "/dev/pts")->opt.data = data;
	fix_enter_userns(&f, 0);
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, EINVAL, "mounts[0] (/dev/pts): option \"gid=70000\"",
		   "linux.gidMappings");
	f.mounts[0] = (struct ctr_mount){ .type = "tmpfs", .destination = "/t" };
	f.mounts[0].opt.data = (const char *const[]){ "uid=65536", NULL };
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "option \"uid=65536\"", "linux.uidMappings");
	fix_fini(&f);
}
END_TEST

/* /mnt/src with attributes that the user namespace cannot take away. */
static void locked_source(struct fix *f)
{
	fix_init(f, 0);
	fix_chown_root();
	fix_dir("/mnt/src");
	ck_assert_int_eq(mount("tmpfs", "/mnt/src", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, ""),
			 0);
}

START_TEST(locked_attributes_are_kept)
{
	struct fix f;

	locked_source(&f);
	fix_mount(&f, "bind", "/mnt/src", "/ro")->opt.attr_set = MOUNT_ATTR_RDONLY;
	fix_mount(&f, "bind", "/mnt/src", "/as-is");
	fix_mount(&f, "bind", "/mnt/src", "/exec")->opt.attr_clr = MOUNT_ATTR_NOEXEC;
	fix_enter_userns(&f, 0);
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/ro", " ro,nosuid,nodev,noatime ");
	fix_has(&f, FIX_ROOT "/as-is", " rw,nosuid,nodev,noatime ");
	fix_has(&f, FIX_ROOT "/exec", " rw,nosuid,nodev,noatime ");
	fix_fini(&f);
}
END_TEST

START_TEST(a_locked_attribute_that_must_go_is_an_error)
{
	struct ctr_mountopt *o;
	struct fix f;
	int r;

	locked_source(&f);
	o = &fix_mount(&f, "bind", "/mnt/src", "/t")->opt;
	o->attr_set = MOUNT_ATTR_RDONLY;
	o->attr_clr = MOUNT_ATTR_NOSUID;
	fix_enter_userns(&f, 0);
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, EPERM, "mounts[0] (/t)", "locked");
	o->attr_set = MOUNT_ATTR_STRICTATIME;
	o->attr_clr = MOUNT_ATTR__ATIME;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EPERM, "mounts[0] (/t)", "locked");
	fix_fini(&f);
}
END_TEST

/* A folder that only the host's root can go through. */
START_TEST(unreachable_sources_are_opened_before)
{
	struct ctr_mountopt *o;
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_chown_root();
	fix_dir("/mnt/closed");
	fix_dir("/mnt/closed/data");
	fix_file("/mnt/closed/data/file", "text");
	fix_file(FIX_BUNDLE "/conf", "conf");
	ck_assert_int_eq(chmod("/mnt/closed", 0700), 0);
	o = &fix_mount(&f, "bind", "/mnt/closed/data", "/data")->opt;
	o->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
	fix_mount(&f, "bind", "conf", "/conf");
	fix_mount(&f, "tmpfs", "tmpfs", "/t");
	f.spec.ns[CTR_NS_USER].present = true;
	r = fix_prepare(&f);
	fix_ok(&f, r);
	ck_assert_int_ge(f.fds[0], 0);
	ck_assert_int_ge(f.fds[1], 0);
	ck_assert_int_eq(f.fds[2], -EBADF);
	fix_enter_userns(&f, 0);
	ck_assert_int_lt(access("/mnt/closed/data", F_OK), 0);
	fix_step_ok(&f, STEP_IN | STEP_PIVOT);
	ck_assert_str_eq(fix_text("/data/file"), "text");
	ck_assert_str_eq(fix_text("/conf"), "conf");
	fix_has(&f, "/data", " ro,nosuid,");
	fix_fini(&f);
}
END_TEST

START_TEST(prepared_sources_do_not_share_with_the_host)
{
	struct fix f;
	int host, r;

	fix_init(&f, 0);
	fix_chown_root();
	fix_dir("/mnt/src");
	fix_tmpfs("/mnt/src");
	fix_dir("/mnt/src/sub");
	ck_assert_int_eq(mount(NULL, "/mnt/src", NULL, MS_SHARED, NULL), 0);
	host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC); /* keeps the peers alive */
	ck_assert_int_ge(host, 0);
	fix_mount(&f, "bind", "/mnt/src", "/data")->opt.recursive_bind = true;
	f.spec.ns[CTR_NS_USER].present = true;
	r = fix_prepare(&f);
	fix_ok(&f, r);
	fix_enter_userns(&f, 0);
	fix_step_ok(&f, STEP_IN);
	fix_has_not(&f, FIX_ROOT "/data", "shared:");
	fix_has(&f, FIX_ROOT "/data", "master:");
	close(host);
	fix_fini(&f);
}
END_TEST

START_TEST(a_missing_source_is_named_before)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_mount(&f, "bind", "/etc", "/etc");
	fix_mount(&f, "bind", "/mnt/none", "/data");
	f.spec.ns[CTR_NS_USER].present = true;
	r = fix_prepare(&f);
	fix_failed(&f, r, ENOENT, "mounts[1] (/data)", "/mnt/none");
	ck_assert_int_eq(f.fds[0], -EBADF); /* nothing is kept */
	f.s.mount_fds = NULL;
	fix_fini(&f);
}
END_TEST

START_TEST(a_source_only_as_the_user_sees_it)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_chown_root();
	fix_dir("/mnt/src");
	fix_file("/mnt/src/file", "text");
	fix_mount(&f, "bind", "/mnt/src", "/data");
	/* a caller without rights: prepare leaves it, init does it */
	fix_enter_userns(&f, 0);
	ck_assert_int_eq(setresuid(1000, 1000, 1000), 0);
	r = fix_prepare(&f);
	fix_ok(&f, r);
	ck_assert_int_eq(f.fds[0], -EBADF);
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mounts, user namespace", the_usual_mounts,
	   the_hosts_views_where_the_namespace_is_the_hosts,
	   no_host_view_instead_of_a_joined_namespace, an_unmapped_owner_is_named,
	   locked_attributes_are_kept, a_locked_attribute_that_must_go_is_an_error,
	   unreachable_sources_are_opened_before, prepared_sources_do_not_share_with_the_host,
	   a_missing_source_is_named_before, a_source_only_as_the_user_sees_it)
