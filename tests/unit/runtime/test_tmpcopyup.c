#include <pthread.h>
#include <stdatomic.h>
#include <sys/xattr.h>

#include "tests/unit/runtime/mntfix.h"

#define SRC FIX_ROOT "/data"

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

static atomic_bool stop;

/* Names that are a file, a folder and ways out of the root by turns. The fd is of the image's
 * folder, which the copy is going to cover. */
static void *swap(void *arg)
{
	const int dir = *(const int *)arg;

	while (!atomic_load(&stop)) {
		renameat2(dir, "a", dir, "b", RENAME_EXCHANGE);
		renameat2(dir, "c", dir, "d", RENAME_EXCHANGE);
		renameat2(dir, "a", dir, "c", RENAME_EXCHANGE);
		renameat2(dir, "b", dir, "e", RENAME_EXCHANGE);
	}
	return NULL;
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

START_TEST(a_changing_source_gives_nothing_of_the_host)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	pthread_t thread;
	struct fix f;
	int done = 0, dir;

	fix_init(&f, 0);
	fix_dir("/mnt/host");
	fix_file("/mnt/host/secret", "host's secret");
	fix_dir(SRC);
	fix_file(SRC "/a", "file");
	ck_assert_int_eq(symlink("/mnt/host/secret", SRC "/b"), 0);
	fix_dir(SRC "/c");
	ck_assert_int_eq(symlink("/mnt/host", SRC "/d"), 0);
	ck_assert_int_eq(mknod(SRC "/e", S_IFIFO | 0666, 0), 0);
	copyup(&f, NULL);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	dir = open(SRC, O_PATH | O_CLOEXEC);
	ck_assert_int_eq(pthread_create(&thread, NULL, swap, &dir), 0);
	for (int i = 0; i < 1000 && done < 100; i++) {
		if (ctr_mounts_apply(&f.s, &f.err) < 0) {
			cs_err_clear(&f.err); /* it noticed */
			continue;
		}
		done++;
		for (size_t k = 0; k < CS_LEN(names); k++)
			assert_harmless(names[k]);
		ck_assert_int_eq(umount2(SRC, MNT_DETACH), 0);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	ck_assert_int_gt(done, 0);
	close(dir);
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/tmpcopyup", content_and_metadata, the_given_mode_counts, no_folder_yet,
	   devices_fifos_and_sockets_are_left_out, what_does_not_fit_is_named, endless_nesting_ends,
	   a_changing_source_gives_nothing_of_the_host)
