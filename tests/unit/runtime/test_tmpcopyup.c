#include <sys/xattr.h>

#include "tests/unit/runtime/atcall.h"

#define SRC FIX_ROOT "/data"

static int image = -EBADF; /* the folder of the image, which the copy is going to cover */

static void copyup(struct fix *f, const char *const *data)
{
	struct ctr_mountopt *o = &fix_mount(f, "tmpfs", "tmpfs", "/data")->opt;

	o->tmpcopyup = true;
	o->data = data;
}

static void assert_stat(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat sb;

	ck_assert_msg(lstat(path, &sb) == 0, "%s is missing", path);
	ck_assert_msg(sb.st_mode == mode, "%s has mode %o", path, sb.st_mode);
	ck_assert_msg(sb.st_uid == uid && sb.st_gid == gid, "%s is owned by %u:%u", path, sb.st_uid,
		      sb.st_gid);
}

START_TEST(content_and_metadata)
{
	static const struct timespec times[] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	char value[16] = "";
	struct fix f;
	int xattrs;

	fix_init(&f, 0);
	fix_dir(SRC);
	fix_file(SRC "/file", "text");
	ck_assert_int_eq(chown(SRC "/file", 5, 6), 0);
	ck_assert_int_eq(chmod(SRC "/file", 06711), 0);
	xattrs = setxattr(SRC "/file", "trusted.note", "hello", 5, 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, SRC "/file", times, 0), 0);
	fix_dir(SRC "/sub");
	fix_dir(SRC "/sub/deeper");
	ck_assert_int_eq(chmod(SRC "/sub", 0500), 0);
	fix_file(SRC "/sub/deeper/x", "");
	ck_assert_int_eq(symlink("/etc/shadow", SRC "/link"), 0);
	ck_assert_int_eq(lchown(SRC "/link", 7, 8), 0);
	ck_assert_int_eq(chown(SRC, 3, 4), 0);
	ck_assert_int_eq(chmod(SRC, 02750), 0);
	copyup(&f, NULL);
	fix_step_ok(&f, STEP_IN);

	fix_has(&f, SRC, "- tmpfs ");
	assert_stat(SRC, S_IFDIR | 02750, 3, 4);
	assert_stat(SRC "/file", S_IFREG | 06711, 5, 6);
	ck_assert_str_eq(fix_text(SRC "/file"), "text");
	ck_assert_int_eq(stat(SRC "/file", &sb), 0);
	ck_assert_int_eq(sb.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(sb.st_mtim.tv_nsec, 7);
	if (xattrs == 0) {
		ck_assert_int_eq(getxattr(SRC "/file", "trusted.note", value, sizeof(value)), 5);
		ck_assert_str_eq(value, "hello");
	}
	assert_stat(SRC "/sub", S_IFDIR | 0500, 0, 0);
	assert_stat(SRC "/sub/deeper/x", S_IFREG | 0644, 0, 0);
	assert_stat(SRC "/link", S_IFLNK | 0777, 7, 8);
	ck_assert_int_eq(readlink(SRC "/link", value, sizeof(value)), 11);
	/* a copy: the image's is as it was */
	fix_file(SRC "/file", "changed");
	ck_assert_int_eq(umount2(SRC, 0), 0);
	ck_assert_str_eq(fix_text(SRC "/file"), "text");
	fix_fini(&f);
}
END_TEST

START_TEST(the_given_mode_counts)
{
	static const char *const data[] = { "mode=0700", NULL };
	struct fix f;

	fix_init(&f, 0);
	fix_dir(SRC);
	fix_file(SRC "/file", "text");
	copyup(&f, data);
	f.mounts[0].opt.attr_set = MOUNT_ATTR_RDONLY;
	fix_step_ok(&f, STEP_IN);
	assert_stat(SRC, S_IFDIR | 0700, 0, 0);
	ck_assert_str_eq(fix_text(SRC "/file"), "text");
	fix_has(&f, SRC, " ro,");
	fix_fini(&f);
}
END_TEST

START_TEST(no_folder_yet)
{
	struct fix f;

	fix_init(&f, 0);
	copyup(&f, NULL);
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, SRC, "- tmpfs ");
	fix_fini(&f);
}
END_TEST

START_TEST(devices_fifos_and_sockets_are_left_out)
{
	struct fix f;

	fix_init(&f, 0);
	fix_dir(SRC);
	ck_assert_int_eq(mknod(SRC "/dev", S_IFCHR | 0666, makedev(1, 3)), 0);
	ck_assert_int_eq(mknod(SRC "/fifo", S_IFIFO | 0666, 0), 0);
	ck_assert_int_eq(mknod(SRC "/socket", S_IFSOCK | 0666, 0), 0);
	fix_file(SRC "/file", "text");
	copyup(&f, NULL);
	fix_step_ok(&f, STEP_IN);
	ck_assert_int_eq(access(SRC "/file", F_OK), 0);
	ck_assert_int_lt(access(SRC "/dev", F_OK), 0);
	ck_assert_int_lt(access(SRC "/fifo", F_OK), 0);
	ck_assert_int_lt(access(SRC "/socket", F_OK), 0);
	fix_fini(&f);
}
END_TEST

START_TEST(what_does_not_fit_is_named)
{
	static const char *const data[] = { "size=64k", NULL };
	static char big[256 << 10];
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_dir(SRC);
	fix_dir(SRC "/sub");
	memset(big, 'x', sizeof(big) - 1);
	fix_file(SRC "/sub/big", big);
	copyup(&f, data);
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, ENOSPC, "mounts[0] (/data): tmpcopyup: sub: big: ", "space");
	fix_no_mount(&f, SRC);
	f.mounts[0].opt.data = NULL;
	f.mounts[0].type = "devpts";
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "tmpcopyup", "tmpfs only");
	fix_fini(&f);
}
END_TEST

/* Nothing is read deeper than the copy has fds for. */
START_TEST(endless_nesting_ends)
{
	struct fix f;
	int dir, r;

	fix_init(&f, 0);
	fix_dir(SRC);
	dir = open(SRC, O_PATH | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		int sub;

		ck_assert_int_eq(mkdirat(dir, "d", 0755), 0);
		sub = openat(dir, "d", O_PATH | O_CLOEXEC);
		close(dir);
		dir = sub;
	}
	close(dir);
	copyup(&f, NULL);
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, ELOOP, "mounts[0] (/data): tmpcopyup: d: d: ", "");
	fix_fini(&f);
}
END_TEST

static bool exchange(const char *a, const char *b)
{
	return renameat2(image, a, image, b, RENAME_EXCHANGE) == 0;
}

static bool exchange_file(void)
{
	return exchange("file", "flink");
}

static bool exchange_folder(void)
{
	return exchange("dir", "dlink");
}

static bool exchange_deep_folder(void)
{
	return exchange("dir/sub", "dir/slink");
}

static bool exchange_fifo(void)
{
	return exchange("file", "fifo");
}

/* What came of one name: a file may hold what the image's held; the host's folder and file may be
 * reached only through a symlink, which is copied as one. */
static void assert_harmless(const char *name)
{
	char path[64], below[80];
	struct stat sb;

	snprintf(path, sizeof(path), SRC "/%s", name);
	snprintf(below, sizeof(below), "%s/secret", path);
	if (lstat(path, &sb) < 0 || S_ISLNK(sb.st_mode))
		return;
	ck_assert(S_ISREG(sb.st_mode) || S_ISDIR(sb.st_mode));
	if (S_ISREG(sb.st_mode))
		ck_assert_str_eq(fix_text(path), "file");
	else
		ck_assert_int_lt(lstat(below, &sb), 0);
}

static void check_copy(struct fix *f)
{
	static const char *const names[] = {
		"file", "flink", "dir", "dlink", "dir/sub", "dir/slink"
	};

	if (!fix_line(f, SRC))
		return; /* it noticed and gave up */
	for (size_t i = 0; i < CS_LEN(names); i++)
		assert_harmless(names[i]);
}

static int run_copy(struct fix *f)
{
	return fix_run(f, STEP_MOUNTS);
}

START_TEST(a_changing_source_gives_nothing_of_the_host)
{
	static bool (*const attacks[])(void) = { exchange_file, exchange_folder,
						 exchange_deep_folder, exchange_fifo };
	struct fix f;

	fix_init(&f, 0);
	fix_dir("/mnt/host");
	fix_file("/mnt/host/secret", "host's secret");
	fix_dir(SRC);
	fix_file(SRC "/file", "file");
	ck_assert_int_eq(symlink("/mnt/host/secret", SRC "/flink"), 0);
	ck_assert_int_eq(mkfifo(SRC "/fifo", 0666), 0);
	fix_dir(SRC "/dir");
	ck_assert_int_eq(symlink("/mnt/host", SRC "/dlink"), 0);
	fix_dir(SRC "/dir/sub");
	ck_assert_int_eq(symlink("/mnt/host", SRC "/dir/slink"), 0);
	image = open(SRC, O_PATH | O_CLOEXEC);
	copyup(&f, NULL);
	for (size_t i = 0; i < CS_LEN(attacks); i++) {
		const struct at_call a = { run_copy, attacks[i], check_copy };

		at_each_call(&a, &f);
	}
	close(image);
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/tmpcopyup", content_and_metadata, the_given_mode_counts, no_folder_yet,
	   devices_fifos_and_sockets_are_left_out, what_does_not_fit_is_named, endless_nesting_ends,
	   a_changing_source_gives_nothing_of_the_host)
