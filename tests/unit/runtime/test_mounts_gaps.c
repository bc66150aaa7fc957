#include "tests/unit/runtime/atcall.h"

/* The root file system is changed once, in each gap between two system calls of a step. */

static bool exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

/* The folder /vol/d against a symlink out of the root, and back. */
static bool exchange_parent(void)
{
	return exchange(FIX_ROOT "/vol/d", FIX_ROOT "/vol/l");
}

static void volume(struct fix *f)
{
	fix_init(f, 0);
	fix_dir("/mnt/victim");
	fix_dir("/mnt/victim/x");
	fix_file("/mnt/victim/file", "host");
	fix_dir(FIX_ROOT "/vol");
	fix_dir(FIX_ROOT "/vol/d");
	fix_dir(FIX_ROOT "/vol/d/x");
	fix_file(FIX_ROOT "/vol/d/file", "image");
	ck_assert_int_eq(symlink("../../../victim", FIX_ROOT "/vol/l"), 0);
}

static void nothing_on_the_victim(struct fix *f)
{
	struct stat sb;

	fix_no_mount(f, "/mnt/victim");
	fix_no_mount(f, "/mnt/victim/x");
	fix_no_mount(f, "/mnt/victim/file");
	ck_assert_int_lt(lstat("/mnt/victim/new", &sb), 0);
	ck_assert_int_lt(lstat("/mnt/victim/null", &sb), 0);
	ck_assert_str_eq(fix_text("/mnt/victim/file"), "host");
}

static int run_mounts(struct fix *f)
{
	return fix_run(f, STEP_MOUNTS);
}

/* CVE-2021-30465 */
START_TEST(mount_targets)
{
	const struct at_call a = { run_mounts, exchange_parent, nothing_on_the_victim };
	struct fix f;

	volume(&f);
	fix_mount(&f, "tmpfs", "tmpfs", "/vol/d/x");
	fix_mount(&f, "tmpfs", "tmpfs", "/vol/d/x/child");
	fix_mount(&f, "bind", "/etc/hostname", "/vol/d/file");
	fix_mount(&f, "tmpfs", "tmpfs", "/vol/d/new/folder");
	fix_mount(&f, "bind", "/etc/hostname", "/vol/d/new/file");
	fix_mount(&f, "bind", "/etc/hostname", "/vol/d/file")->opt.dest_nofollow = true;
	at_each_call(&a, &f);
	ck_assert(exchange_parent()); /* the other way round: a symlink at first */
	at_each_call(&a, &f);
	fix_fini(&f);
}
END_TEST

static int run_masks(struct fix *f)
{
	return fix_run(f, STEP_MASK);
}

START_TEST(masked_and_readonly_paths)
{
	static const char *const masked[] = { "/vol/d/x", "/vol/d/file", NULL };
	const struct at_call a = { run_masks, exchange_parent, nothing_on_the_victim };
	struct fix f;

	volume(&f);
	f.spec.masked_paths = masked;
	f.spec.readonly_paths = masked;
	at_each_call(&a, &f);
	fix_fini(&f);
}
END_TEST

static int run_devices(struct fix *f)
{
	return fix_run(f, STEP_DEV);
}

START_TEST(device_nodes)
{
	static const struct ctr_device devices[] = {
		{ .type = 'c',
		  .path = "/vol/d/null",
		  .major = 1,
		  .minor = 3,
		  .has_uid = true,
		  .uid = 5 },
		{ .type = 'c',
		  .path = "/vol/d/file",
		  .major = 1,
		  .minor = 3,
		  .has_uid = true,
		  .uid = 5 },
	};
	const struct at_call a = { run_devices, exchange_parent, nothing_on_the_victim };
	struct stat sb;
	struct fix f;

	volume(&f);
	f.spec.devices = devices;
	f.spec.n_devices = CS_LEN(devices);
	at_each_call(&a, &f);
	ck_assert_int_eq(stat("/mnt/victim/file", &sb), 0);
	ck_assert_uint_eq(sb.st_uid, 0);
	fix_fini(&f);
}
END_TEST

/* A file that the image put in the node's place must not get the node's owner. */
static bool exchange_node(void)
{
	return exchange(FIX_ROOT "/vol/d/node", FIX_ROOT "/vol/d/file");
}

static void file_keeps_its_owner(struct fix *f)
{
	struct stat sb;

	(void)f;
	ck_assert_int_eq(stat(FIX_ROOT "/vol/d/file", &sb), 0);
	ck_assert(S_ISREG(sb.st_mode));
	ck_assert_uint_eq(sb.st_uid, 0);
	unlink(FIX_ROOT "/vol/d/node");
}

START_TEST(owners_of_device_nodes)
{
	static const struct ctr_device device = { .type = 'c',
						  .path = "/vol/d/node",
						  .major = 1,
						  .minor = 3,
						  .has_uid = true,
						  .uid = 5 };
	const struct at_call a = { run_devices, exchange_node, file_keeps_its_owner };
	struct fix f;

	volume(&f);
	f.spec.devices = &device;
	f.spec.n_devices = 1;
	at_each_call(&a, &f);
	fix_fini(&f);
}
END_TEST

static bool exchange_proc(void)
{
	return exchange(FIX_ROOT "/proc", FIX_ROOT "/plink");
}

static void proc_only_on_proc(struct fix *f)
{
	fix_no_mount(f, "/mnt/victim");
	fix_no_mount(f, FIX_ROOT "/elsewhere");
}

/* CVE-2023-27561 */
START_TEST(proc)
{
	const struct at_call a = { run_mounts, exchange_proc, proc_only_on_proc };
	struct fix f;

	volume(&f);
	fix_dir(FIX_ROOT "/proc");
	fix_dir(FIX_ROOT "/elsewhere");
	ck_assert_int_eq(symlink("elsewhere", FIX_ROOT "/plink"), 0);
	fix_mount(&f, "proc", "proc", "/proc");
	at_each_call(&a, &f);
	fix_fini(&f);
}
END_TEST

/* Any file does for the terminal: its mount is cloned. */
static int run_console(struct fix *f)
{
	cs_auto_fd int slave = open("/dev/zero", O_PATH | O_CLOEXEC);

	return ctr_devnodes_console(&f->s, slave, &f->err);
}

static bool exchange_console(void)
{
	return exchange(FIX_ROOT "/dev/console", FIX_ROOT "/dev/link");
}

static void console_reset(struct fix *f)
{
	char to[16];

	fix_no_mount(f, "/mnt/victim/file");
	fix_no_mount(f, FIX_ROOT "/victim");
	ck_assert_str_eq(fix_text(FIX_ROOT "/victim"), "victim");
	umount2(FIX_ROOT "/dev/console", MNT_DETACH | UMOUNT_NOFOLLOW);
	umount2(FIX_ROOT "/dev/link", MNT_DETACH | UMOUNT_NOFOLLOW);
	/* the symlink made way, or was put back */
	if (readlink(FIX_ROOT "/dev/link", to, sizeof(to)) < 0) {
		unlink(FIX_ROOT "/dev/link");
		ck_assert_int_eq(symlink("../victim", FIX_ROOT "/dev/link"), 0);
	}
	if (readlink(FIX_ROOT "/dev/console", to, sizeof(to)) > 0)
		unlink(FIX_ROOT "/dev/console");
	close(open(FIX_ROOT "/dev/console", O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
}

/* CVE-2025-52565 */
START_TEST(console)
{
	const struct at_call a = { run_console, exchange_console, console_reset };
	struct fix f;

	volume(&f);
	fix_dir(FIX_ROOT "/dev");
	fix_file(FIX_ROOT "/victim", "victim");
	fix_file(FIX_ROOT "/dev/console", "");
	ck_assert_int_eq(symlink("../victim", FIX_ROOT "/dev/link"), 0);
	at_each_call(&a, &f);
	ck_assert(exchange_console());
	at_each_call(&a, &f);
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mounts, each gap", mount_targets, masked_and_readonly_paths, device_nodes,
	   owners_of_device_nodes, proc, console)
