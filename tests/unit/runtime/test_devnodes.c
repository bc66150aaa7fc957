#include "tests/unit/runtime/mntfix.h"

static const struct {
	const char *path;
	unsigned int major, minor;
} defaults[] = {
	{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static void is_node(const char *path, mode_t type, unsigned int major_nr, unsigned int minor_nr)
{
	struct stat sb;

	ck_assert_msg(lstat(path, &sb) == 0, "%s is missing", path);
	ck_assert_msg((sb.st_mode & S_IFMT) == type, "%s has mode %o", path, sb.st_mode);
	ck_assert_msg(sb.st_rdev == makedev(major_nr, minor_nr), "%s is another device", path);
}

static void has_defaults(void)
{
	struct stat sb;

	for (size_t i = 0; i < CS_LEN(defaults); i++) {
		is_node(defaults[i].path, S_IFCHR, defaults[i].major, defaults[i].minor);
		ck_assert_int_eq(stat(defaults[i].path, &sb), 0);
		ck_assert_uint_eq(sb.st_mode & 07777, 0666);
	}
}

static void is_link(const char *path, const char *want)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	ck_assert_msg(n > 0, "%s is no symlink", path);
	to[n] = '\0';
	ck_assert_str_eq(to, want);
}

START_TEST(default_nodes_and_links)
{
	struct fix f;

	fix_init(&f, 0);
	umask(077); /* has no influence, and stays */
	fix_mount(&f, "proc", "proc", "/proc");
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_step_ok(&f, STEP_IN | STEP_DEV | STEP_PIVOT);
	has_defaults();
	is_link("/dev/fd", "/proc/self/fd");
	is_link("/dev/stdin", "/proc/self/fd/0");
	is_link("/dev/stdout", "/proc/self/fd/1");
	is_link("/dev/stderr", "/proc/self/fd/2");
	is_link("/dev/ptmx", "pts/ptmx");
	if (access("/proc/kcore", F_OK) == 0)
		is_link("/dev/core", "/proc/kcore");
	else
		ck_assert_int_lt(access("/dev/core", F_OK), 0);
	ck_assert_uint_eq(umask(022), 077);
	fix_fini(&f);
}
END_TEST

START_TEST(devices_of_the_spec)
{
	static const struct ctr_device devices[] = {
		{ .type = 'c',
		  .path = "/dev/fuse",
		  .major = 10,
		  .minor = 229,
		  .has_mode = true,
		  .mode = 0620,
		  .has_uid = true,
		  .uid = 5,
		  .has_gid = true,
		  .gid = 6 },
		{ .type = 'b', .path = "/dev/deep/er/disk", .major = 7, .minor = 3 },
		{ .type = 'p',
		  .path = "/run/fifo",
		  .has_mode = true,
		  .mode = 0600,
		  .has_gid = true,
		  .gid = 9 },
		{ .type = 'c',
		  .path = "/dev/null",
		  .major = 1,
		  .minor = 3,
		  .has_mode = true,
		  .mode = 0600 },
		{ .type = 'c', .path = "/dev/../dev/ptmx", .major = 5, .minor = 2 },
	};
	struct stat sb;
	struct fix f;

	fix_init(&f, 0);
	f.spec.devices = devices;
	f.spec.n_devices = CS_LEN(devices);
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_step_ok(&f, STEP_IN | STEP_DEV | STEP_PIVOT);
	is_node("/dev/fuse", S_IFCHR, 10, 229);
	ck_assert_int_eq(stat("/dev/fuse", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0620);
	ck_assert_uint_eq(sb.st_uid, 5);
	ck_assert_uint_eq(sb.st_gid, 6);
	is_node("/dev/deep/er/disk", S_IFBLK, 7, 3);
	is_node("/run/fifo", S_IFIFO, 0, 0);
	ck_assert_int_eq(stat("/run/fifo", &sb), 0);
	ck_assert_uint_eq(sb.st_gid, 9);
	ck_assert_int_eq(stat("/dev/null", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0600); /* the spec's, not the default */
	is_link("/dev/ptmx", "pts/ptmx");
	fix_fini(&f);
}
END_TEST

/* A /dev of the image: nodes that are right stay, what else has their names goes. */
START_TEST(what_is_there_already)
{
	struct stat sb;
	struct fix f;

	fix_init(&f, 0);
	fix_dir(FIX_ROOT "/dev");
	ck_assert_int_eq(mknod(FIX_ROOT "/dev/null", S_IFCHR | 0640, makedev(1, 3)), 0);
	ck_assert_int_eq(mknod(FIX_ROOT "/dev/zero", S_IFCHR | 0666, makedev(1, 3)), 0);
	fix_file(FIX_ROOT "/dev/full", "an exported image has plain files");
	ck_assert_int_eq(symlink("/etc/passwd", FIX_ROOT "/dev/random"), 0);
	fix_file(FIX_ROOT "/dev/ptmx", "");
	ck_assert_int_eq(symlink("/elsewhere", FIX_ROOT "/dev/fd"), 0);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC | STEP_DEV | STEP_PIVOT);
	for (size_t i = 0; i < CS_LEN(defaults); i++)
		is_node(defaults[i].path, S_IFCHR, defaults[i].major, defaults[i].minor);
	ck_assert_int_eq(stat("/dev/null", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0640);
	is_link("/dev/ptmx", "pts/ptmx");
	fix_fini(&f);
}
END_TEST

START_TEST(a_mount_of_the_spec_counts)
{
	struct fix f;

	fix_init(&f, 0);
	fix_file("/mnt/own-random", "4");
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_mount(&f, "bind", "/mnt/own-random", "/dev/random");
	fix_mount(&f, "bind", "/mnt/own-random", "/dev/ptmx");
	fix_step_ok(&f, STEP_IN | STEP_DEV | STEP_PIVOT);
	ck_assert_str_eq(fix_text("/dev/random"), "4");
	ck_assert_str_eq(fix_text("/dev/ptmx"), "4");
	is_node("/dev/null", S_IFCHR, 1, 3);
	fix_fini(&f);
}
END_TEST

START_TEST(a_folder_in_the_way_is_named)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_dir(FIX_ROOT "/dev");
	fix_dir(FIX_ROOT "/dev/full");
	r = fix_run(&f, STEP_ATTACH | STEP_PROC | STEP_DEV);
	fix_failed(&f, r, EISDIR, "/dev/full", "in the place of");
	fix_fini(&f);
}
END_TEST

START_TEST(a_bound_dev_is_left_alone)
{
	static const struct ctr_device devices[] = {
		{ .type = 'c', .path = "/dev/fuse", .major = 10, .minor = 229 },
		{ .type = 'c', .path = "/srv/fuse", .major = 10, .minor = 229 },
	};
	struct fix f;

	fix_init(&f, 0);
	f.spec.devices = devices;
	f.spec.n_devices = CS_LEN(devices);
	fix_dir("/mnt/hostdev");
	fix_mount(&f, "bind", "/mnt/hostdev", "//dev/");
	fix_step_ok(&f, STEP_IN | STEP_DEV);
	ck_assert_int_lt(access("/mnt/hostdev/null", F_OK), 0);
	ck_assert_int_lt(access("/mnt/hostdev/fd", F_OK), 0);
	ck_assert_int_lt(access("/mnt/hostdev/fuse", F_OK), 0);
	is_node(FIX_ROOT "/srv/fuse", S_IFCHR, 10, 229);
	fix_fini(&f);
}
END_TEST

START_TEST(in_a_user_namespace_nodes_are_bound)
{
	static const struct ctr_device devices[] = {
		{ .type = 'c', .path = "/dev/full", .major = 1, .minor = 7 },
		{ .type = 'p', .path = "/dev/fifo" },
	};
	struct fix f;

	fix_init(&f, 0);
	fix_chown_root();
	f.spec.devices = devices;
	f.spec.n_devices = CS_LEN(devices);
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_enter_userns(&f, 0);
	fix_step_ok(&f, STEP_IN | STEP_DEV | STEP_PIVOT);
	has_defaults();
	is_node("/dev/fifo", S_IFIFO, 0, 0);
	for (size_t i = 0; i < CS_LEN(defaults); i++)
		ck_assert_ptr_nonnull(fix_line(&f, defaults[i].path));
	ck_assert_int_ge(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	fix_has(&f, "/dev/null", " ro,"); /* its mode and owner are the host's to say */
	is_link("/dev/fd", "/proc/self/fd");
	fix_fini(&f);
}
END_TEST

/* What is bound is checked to be the device the spec means. */
START_TEST(in_a_user_namespace_a_false_host_node_is_refused)
{
	static const struct ctr_device device = {
		.type = 'c', .path = "/dev/full", .major = 250, .minor = 77
	};
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_chown_root();
	f.spec.devices = &device;
	f.spec.n_devices = 1;
	fix_mount(&f, "tmpfs", "tmpfs", "/dev");
	fix_enter_userns(&f, 0);
	r = fix_run(&f, STEP_IN | STEP_DEV);
	fix_failed(&f, r, ENODEV, "linux.devices[0] (/dev/full)", "250:77");
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/devnodes", default_nodes_and_links, devices_of_the_spec,
	   what_is_there_already, a_mount_of_the_spec_counts, a_folder_in_the_way_is_named,
	   a_bound_dev_is_left_alone, in_a_user_namespace_nodes_are_bound,
	   in_a_user_namespace_a_false_host_node_is_refused)
