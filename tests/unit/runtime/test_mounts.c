#include "tests/unit/runtime/mntfix.h"

/* A tmpfs at /t with these options, mounted; the fixture's rootfs has the folder. */
static void one_tmpfs(struct fix *f, const struct ctr_mountopt *o)
{
	fix_init(f, 0);
	fix_mount(f, "tmpfs", "tmpfs", "/t")->opt = *o;
	fix_step_ok(f, STEP_IN);
}

START_TEST(attributes_of_a_new_file_system)
{
	static const struct {
		uint64_t attr;
		const char *shown;
	} cases[] = {
		{ 0, " rw,relatime " },
		{ MOUNT_ATTR_NOSUID, "nosuid" },
		{ MOUNT_ATTR_NODEV, "nodev" },
		{ MOUNT_ATTR_NOEXEC, "noexec" },
		{ MOUNT_ATTR_NOATIME, "noatime" },
		{ MOUNT_ATTR_STRICTATIME, " rw - " },
		{ MOUNT_ATTR_NODIRATIME, "nodiratime" },
		{ MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
		{ MOUNT_ATTR_RDONLY, " ro,relatime " },
	};
	struct fix f;

	fix_init(&f, 0);
	for (size_t i = 0; i < CS_LEN(cases); i++) {
		static char names[CS_LEN(cases)][8];

		snprintf(names[i], sizeof(names[i]), "/t%zu", i);
		fix_mount(&f, "tmpfs", "tmpfs", names[i])->opt = (struct ctr_mountopt){
			.attr_set = cases[i].attr,
			.attr_clr = cases[i].attr & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0,
		};
	}
	fix_step_ok(&f, STEP_IN);
	for (size_t i = 0; i < CS_LEN(cases); i++) {
		char point[PATH_MAX];

		snprintf(point, sizeof(point), FIX_ROOT "/t%zu", i);
		fix_has(&f, point, cases[i].shown);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(data_and_superblock_flags)
{
	static const char *const data[] = { "size=64k", "mode=0751", "uid=7", NULL };
	static const char *const flags[] = { "sync", "silent", "dirsync", NULL };
	const struct ctr_mountopt o = { .data = data, .sb_flags = flags };
	struct stat sb;
	struct fix f;

	one_tmpfs(&f, &o);
	fix_has(&f, FIX_ROOT "/t", "size=64k");
	fix_has(&f, FIX_ROOT "/t", "sync,dirsync");
	ck_assert_int_eq(stat(FIX_ROOT "/t", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0751);
	ck_assert_uint_eq(sb.st_uid, 7);
	fix_fini(&f);
}
END_TEST

START_TEST(the_source_is_shown)
{
	struct fix f;

	fix_init(&f, 0);
	fix_mount(&f, "tmpfs", "a name", "/t");
	fix_mount(&f, "tmpfs", NULL, "/u");
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/t", "- tmpfs a\\040name ");
	fix_has(&f, FIX_ROOT "/u", "- tmpfs none ");
	fix_fini(&f);
}
END_TEST

START_TEST(readonly_is_the_superblocks_as_well)
{
	struct fix f;

	fix_init(&f, 0);
	fix_mount(&f, "devpts", "devpts", "/pts")->opt = (struct ctr_mountopt){
		.attr_set = MOUNT_ATTR_RDONLY,
		.sb_readonly = true,
	};
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/pts", " ro,relatime - devpts devpts ro,");
	fix_fini(&f);
}
END_TEST

/* The kernel's own words and the place in the config. */
START_TEST(refusals_say_what_and_why)
{
	static const char *const bad_size[] = { "mode=755", "size=abc", NULL };
	static const char *const bad_key[] = { "bogus", NULL };
	struct ctr_mount *m;
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_mount(&f, "tmpfs", "tmpfs", "/ok");
	m = fix_mount(&f, "tmpfs", "tmpfs", "/t");
	m->opt.data = bad_size;
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, EINVAL, "mounts[1] (/t): option \"size=abc\": ", "Bad value for 'size'");
	m->opt.data = bad_key;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "option \"bogus\"", "Unknown parameter 'bogus'");
	m->opt.data = NULL;
	m->type = "nosuchfs";
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, ENODEV, "mounts[1] (/t)", "no file system type \"nosuchfs\"");
	m->type = "tmpfs";
	m->destination = "/..//./";
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "mounts[1]", "root cannot be covered");
	m->destination = "/t";
	f.spec.mount_label = "system_u:object_r:container_file_t:s0";
	r = fix_run(&f, STEP_MOUNTS);
	if (r < 0) /* a kernel without SELinux in use */
		fix_failed(&f, r, EINVAL, "linux.mountLabel", "context");
	f.spec.ns[CTR_NS_MOUNT].present = false;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "mounts", "mount namespace");
	fix_fini(&f);
}
END_TEST

START_TEST(a_tmpfs_has_the_mode_of_what_it_covers)
{
	static const char *const mode[] = { "mode=700", NULL };
	struct stat sb;
	struct fix f;

	fix_init(&f, 0);
	fix_dir(FIX_ROOT "/t");
	ck_assert_int_eq(chmod(FIX_ROOT "/t", 01751), 0);
	fix_dir(FIX_ROOT "/given");
	fix_mount(&f, "tmpfs", "tmpfs", "/t");
	fix_mount(&f, "tmpfs", "tmpfs", "/given")->opt.data = mode;
	fix_mount(&f, "tmpfs", "tmpfs", "/missing");
	fix_step_ok(&f, STEP_IN);
	ck_assert_int_eq(stat(FIX_ROOT "/t", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 01751);
	ck_assert_int_eq(stat(FIX_ROOT "/given", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(FIX_ROOT "/missing", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 01777); /* the file system's own default */
	fix_fini(&f);
}
END_TEST

START_TEST(readonly_tmpfs_and_dev_take_mounts_and_nodes_first)
{
	struct fix f;

	fix_init(&f, 0);
	fix_mount(&f, "tmpfs", "tmpfs", "/run")->opt.attr_set = MOUNT_ATTR_RDONLY;
	fix_mount(&f, "tmpfs", "tmpfs", "/run/secrets");
	fix_mount(&f, "tmpfs", "tmpfs", "/dev")->opt = (struct ctr_mountopt){
		.attr_set = MOUNT_ATTR_RDONLY,
		.sb_readonly = true,
	};
	fix_mount(&f, "devpts", "devpts", "//dev/./pts/");
	fix_step_ok(&f, STEP_ALL);
	fix_has(&f, "/run", " ro,");
	fix_has(&f, "/run/secrets", " rw,");
	fix_has(&f, "/dev", " ro,");
	ck_assert(fix_is_null("/dev/null"));
	ck_assert_int_lt(mkdir("/dev/x", 0755), 0);
	ck_assert_int_eq(errno, EROFS);
	fix_fini(&f);
}
END_TEST

/* A source below which something is mounted: /mnt/src and /mnt/src/sub, nosuid both. */
static void nested_source(struct fix *f)
{
	fix_init(f, 0);
	fix_dir("/mnt/src");
	ck_assert_int_eq(mount("tmpfs", "/mnt/src", "tmpfs", MS_NOSUID, ""), 0);
	fix_dir("/mnt/src/sub");
	ck_assert_int_eq(mount("tmpfs", "/mnt/src/sub", "tmpfs", MS_NOSUID, ""), 0);
	fix_file("/mnt/src/file", "text");
}

START_TEST(bind_is_one_mount_and_rbind_all)
{
	struct fix f;

	nested_source(&f);
	fix_mount(&f, "bind", "/mnt/src", "/one");
	fix_mount(&f, "none", "/mnt/src", "/all")->opt = (struct ctr_mountopt){
		.bind = true,
		.recursive_bind = true,
	};
	fix_step_ok(&f, STEP_IN);
	ck_assert_str_eq(fix_text(FIX_ROOT "/one/file"), "text");
	fix_no_mount(&f, FIX_ROOT "/one/sub");
	fix_has(&f, FIX_ROOT "/all/sub", "tmpfs");
	fix_has(&f, FIX_ROOT "/one", "nosuid"); /* nothing asked for: as the source */
	fix_fini(&f);
}
END_TEST

START_TEST(bind_attributes)
{
	struct ctr_mountopt *o;
	struct fix f;

	nested_source(&f);
	fix_mount(&f, "bind", "/mnt/src", "/ro")->opt.attr_set = MOUNT_ATTR_RDONLY;
	o = &fix_mount(&f, "bind", "/mnt/src", "/rro")->opt;
	o->recursive_bind = true;
	o->attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME;
	o->attr_clr = MOUNT_ATTR__ATIME;
	o->rec_attr_set = MOUNT_ATTR_RDONLY;
	o->rec_attr_clr = MOUNT_ATTR_NOSUID;
	o = &fix_mount(&f, "bind", "/mnt/src", "/suid")->opt;
	o->attr_clr = MOUNT_ATTR_NOSUID;
	o = &fix_mount(&f, "bind", "/mnt/src", "/both")->opt; /* the recursive one counts */
	o->attr_set = MOUNT_ATTR_RDONLY;
	o->rec_attr_clr = MOUNT_ATTR_RDONLY;
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/ro", " ro,relatime "); /* nosuid was not named: it is gone */
	fix_has(&f, FIX_ROOT "/rro", " ro,nodev,noatime ");
	fix_has(&f, FIX_ROOT "/rro/sub", " ro,relatime ");
	fix_has(&f, FIX_ROOT "/suid", " rw,relatime ");
	fix_has(&f, FIX_ROOT "/both", " rw,relatime ");
	fix_has(&f, "/mnt/src", "nosuid"); /* the host's are as they were */
	fix_has(&f, "/mnt/src/sub", " rw,nosuid,");
	fix_fini(&f);
}
END_TEST

START_TEST(propagation_of_mounts)
{
	struct ctr_mountopt *o;
	struct fix f;
	int host;

	nested_source(&f);
	ck_assert_int_eq(mount(NULL, "/mnt/src", NULL, MS_SHARED | MS_REC, NULL), 0);
	host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC); /* keeps the peers alive */
	ck_assert_int_ge(host, 0);
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	fix_mount(&f, "bind", "/mnt/src", "/none")->opt.recursive_bind = true;
	o = &fix_mount(&f, "bind", "/mnt/src", "/private")->opt;
	o->recursive_bind = true;
	o->propagation = MS_PRIVATE;
	o = &fix_mount(&f, "bind", "/mnt/src", "/rprivate")->opt;
	o->recursive_bind = true;
	o->attr_set = MOUNT_ATTR_RDONLY;
	o->propagation = MS_PRIVATE | MS_REC;
	o = &fix_mount(&f, "bind", "/mnt/src", "/one")->opt;
	o->attr_set = MOUNT_ATTR_RDONLY;
	o->propagation = MS_PRIVATE | MS_REC;
	o = &fix_mount(&f, "bind", "/mnt/src", "/rshared")->opt;
	o->recursive_bind = true;
	o->propagation = MS_SHARED | MS_REC;
	fix_mount(&f, "tmpfs", "tmpfs", "/rshared/sub")->opt.propagation = MS_PRIVATE;
	fix_mount(&f, "tmpfs", "tmpfs", "/tshared")->opt.propagation = MS_SHARED;
	fix_mount(&f, "tmpfs", "tmpfs", "/tunb")->opt.propagation = MS_UNBINDABLE;
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/none", "master:");
	fix_has(&f, FIX_ROOT "/none/sub", "master:");
	fix_has_not(&f, FIX_ROOT "/private", "master:");
	fix_has(&f, FIX_ROOT "/private/sub", "master:");
	fix_has_not(&f, FIX_ROOT "/rprivate", "master:");
	fix_has_not(&f, FIX_ROOT "/rprivate/sub", "master:");
	fix_has(&f, FIX_ROOT "/rprivate", " ro,");
	fix_has(&f, FIX_ROOT "/rprivate/sub", " rw,");
	fix_has_not(&f, FIX_ROOT "/one", "master:");
	fix_has(&f, FIX_ROOT "/one", " ro,");
	fix_has(&f, FIX_ROOT "/rshared", "shared:");
	fix_has_not(&f, FIX_ROOT "/rshared/sub", "shared:");
	fix_has(&f, FIX_ROOT "/tshared", "shared:");
	fix_has(&f, FIX_ROOT "/tunb", "unbindable");
	close(host);
	fix_fini(&f);
}
END_TEST

START_TEST(remount_changes_a_mount_that_stands)
{
	static const char *const size[] = { "size=128k", NULL };
	struct ctr_mountopt *o;
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_mount(&f, "tmpfs", "tmpfs", "/t")->opt.attr_set = MOUNT_ATTR_NODEV;
	o = &fix_mount(&f, "tmpfs", "tmpfs", "/t")->opt;
	o->remount = true;
	o->attr_set = MOUNT_ATTR_NOEXEC;
	o->data = size;
	fix_mount(&f, "tmpfs", "tmpfs", "/u");
	o = &fix_mount(&f, "none", NULL, "/u")->opt;
	o->remount = o->bind = true;
	o->attr_set = MOUNT_ATTR_RDONLY;
	o->propagation = MS_SHARED;
	fix_step_ok(&f, STEP_IN);
	fix_has(&f, FIX_ROOT "/t", " rw,nodev,noexec,");
	fix_has(&f, FIX_ROOT "/t", "size=128k");
	fix_has(&f, FIX_ROOT "/u", " ro,relatime shared:");
	fix_has(&f, FIX_ROOT "/u", "- tmpfs tmpfs rw");

	f.spec.n_mounts = 0;
	fix_dir(FIX_ROOT "/plain");
	o = &fix_mount(&f, "tmpfs", "tmpfs", "/plain")->opt;
	o->remount = true;
	o->attr_set = MOUNT_ATTR_RDONLY;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "mounts[0] (/plain)", "attributes");
	fix_fini(&f);
}
END_TEST

START_TEST(targets_are_made)
{
	struct stat sb;
	struct fix f;

	nested_source(&f);
	fix_file("/mnt/src/prog", "x");
	fix_mount(&f, "bind", "/mnt/src/file", "/a/b/file");
	fix_mount(&f, "bind", "/mnt/src", "/a/c/dir");
	fix_mount(&f, "tmpfs", "tmpfs", "relative/t");
	fix_step_ok(&f, STEP_IN);
	ck_assert_str_eq(fix_text(FIX_ROOT "/a/b/file"), "text");
	ck_assert_str_eq(fix_text(FIX_ROOT "/a/c/dir/prog"), "x");
	fix_has(&f, FIX_ROOT "/relative/t", "tmpfs");
	ck_assert_int_eq(umount2(FIX_ROOT "/a/b/file", MNT_DETACH), 0);
	ck_assert_int_eq(stat(FIX_ROOT "/a/b/file", &sb), 0);
	ck_assert(S_ISREG(sb.st_mode));
	ck_assert_int_eq(sb.st_size, 0);
	ck_assert_int_eq(stat(FIX_ROOT "/a", &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 07777, 0755);
	fix_fini(&f);
}
END_TEST

START_TEST(a_folder_goes_not_over_a_file)
{
	struct fix f;
	int r;

	nested_source(&f);
	fix_file(FIX_ROOT "/file", "");
	fix_dir(FIX_ROOT "/dir");
	fix_mount(&f, "bind", "/mnt/src", "/file");
	r = fix_run(&f, STEP_IN);
	ck_assert_int_lt(r, 0);
	fix_failed(&f, r, ENOTDIR, "mounts[0] (/file)", "only over a file): not a directory");
	f.mounts[0].source = "/mnt/src/file";
	f.mounts[0].destination = "/dir";
	r = fix_run(&f, STEP_MOUNTS);
	ck_assert_int_lt(r, 0);
	fix_failed(&f, r, ENOTDIR, "mounts[0] (/dir)", "only over a file): not a directory");
	f.mounts[0] = (struct ctr_mount){ .type = "tmpfs", .destination = "/file" };
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, ENOTDIR, "mounts[0] (/file)", "not a directory");
	fix_fini(&f);
}
END_TEST

START_TEST(sources)
{
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_dir(FIX_BUNDLE "/data");
	fix_file(FIX_BUNDLE "/data/file", "from the bundle");
	fix_mount(&f, "bind", "data/file", "/file");
	fix_step_ok(&f, STEP_IN);
	ck_assert_str_eq(fix_text(FIX_ROOT "/file"), "from the bundle");
	f.mounts[0].source = "data/none";
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, ENOENT, "mounts[0] (/file)", "data/none");
	f.mounts[0].source = NULL;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EINVAL, "mounts[0] (/file)", "needs a source");
	fix_fini(&f);
}
END_TEST

START_TEST(src_nofollow)
{
	struct stat sb;
	struct fix f;

	fix_init(&f, 0);
	fix_file("/mnt/real", "real");
	ck_assert_int_eq(symlink("/mnt/real", "/mnt/link"), 0);
	fix_mount(&f, "bind", "/mnt/link", "/followed");
	fix_mount(&f, "bind", "/mnt/link", "/itself")->opt.src_nofollow = true;
	fix_step_ok(&f, STEP_IN);
	ck_assert_int_eq(lstat(FIX_ROOT "/followed", &sb), 0);
	ck_assert(S_ISREG(sb.st_mode));
	ck_assert_int_eq(lstat(FIX_ROOT "/itself", &sb), 0);
	ck_assert(S_ISLNK(sb.st_mode));
	fix_fini(&f);
}
END_TEST

START_TEST(dest_nofollow)
{
	char to[64];
	struct fix f;

	nested_source(&f);
	fix_file(FIX_ROOT "/real", "real");
	fix_file(FIX_ROOT "/other", "other");
	ck_assert_int_eq(symlink("real", FIX_ROOT "/link"), 0);
	ck_assert_int_eq(symlink("other", FIX_ROOT "/olink"), 0);
	fix_mount(&f, "bind", "/mnt/src/file", "/link");
	fix_mount(&f, "bind", "/mnt/src/file", "/olink")->opt.dest_nofollow = true;
	fix_mount(&f, "bind", "/mnt/src/file", "/new/one")->opt.dest_nofollow = true;
	fix_step_ok(&f, STEP_IN);
	ck_assert_str_eq(fix_text(FIX_ROOT "/real"), "text");
	ck_assert_str_eq(fix_text(FIX_ROOT "/other"), "other");
	ck_assert_str_eq(fix_text(FIX_ROOT "/olink"), "text");
	ck_assert_int_lt(readlink(FIX_ROOT "/olink", to, sizeof(to)), 0);
	ck_assert_str_eq(fix_text(FIX_ROOT "/new/one"), "text");
	fix_fini(&f);
}
END_TEST

START_TEST(copy_symlink)
{
	char to[64] = "";
	struct fix f;
	int r;

	nested_source(&f);
	ck_assert_int_eq(symlink("/mnt/src/file", "/mnt/src/link"), 0);
	fix_mount(&f, "bind", "/mnt/src/link", "/sub/link")->opt.copy_symlink = true;
	fix_mount(&f, "bind", "/mnt/src/link", "/sub/link")->opt.copy_symlink = true;
	fix_mount(&f, "bind", "/mnt/src/file", "/file")->opt.copy_symlink = true;
	fix_step_ok(&f, STEP_IN);
	ck_assert_int_gt(readlink(FIX_ROOT "/sub/link", to, sizeof(to) - 1), 0);
	ck_assert_str_eq(to, "/mnt/src/file");
	fix_no_mount(&f, FIX_ROOT "/sub/link");
	ck_assert_str_eq(fix_text(FIX_ROOT "/file"), "text");
	f.mounts[0].destination = "/sub";
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, EEXIST, "mounts[0] (/sub)", "something else");
	fix_fini(&f);
}
END_TEST

/* More than one fsconfig(2) value takes: the layers of an image. */
START_TEST(long_options_go_by_mount)
{
	enum { LAYERS = 20 };
	static char lower[4000];
	const char *data[] = { lower, "upperdir=/mnt/up", "workdir=/mnt/wk", NULL };
	char cwd[PATH_MAX];
	size_t len = 0;
	struct fix f;
	int before;

	fix_init(&f, 0);
	fix_dir("/mnt/up");
	fix_dir("/mnt/wk");
	len += (size_t)snprintf(lower, sizeof(lower), "lowerdir=");
	for (int i = 0; i < LAYERS; i++) {
		char dir[128], file[160], name[100];

		memset(name, 'a' + i, 40);
		name[40] = '\0';
		snprintf(dir, sizeof(dir), "/mnt/%s", name);
		snprintf(file, sizeof(file), "%s/f%d", dir, i);
		fix_dir(dir);
		fix_file(file, "layer");
		len += (size_t)snprintf(lower + len, sizeof(lower) - len, "%s%s", i ? ":" : "",
					dir);
	}
	ck_assert_uint_gt(len, 256);
	fix_mount(&f, "overlay", "overlay", "/o")->opt = (struct ctr_mountopt){
		.data = data,
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_SHARED,
	};
	before = fix_count_fds();
	fix_step_ok(&f, STEP_IN);
	ck_assert_int_eq(fix_count_fds(), before + 2);
	ck_assert_str_eq(fix_text(FIX_ROOT "/o/f0"), "layer");
	ck_assert_str_eq(fix_text(FIX_ROOT "/o/f19"), "layer");
	fix_has(&f, FIX_ROOT "/o", " rw,nosuid,nodev,relatime shared:");
	fix_has(&f, FIX_ROOT "/o", "- overlay overlay ");
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	ck_assert_str_ne(cwd, "/mnt");
	fix_has_not(&f, FIX_ROOT, "mode=700"); /* the scratch mount is gone */
	memset(lower, 'x', sizeof(lower) - 1);
	memcpy(lower, "lowerdir=", 9);
	before = fix_run(&f, STEP_MOUNTS);
	ck_assert_int_lt(before, 0);
	fix_failed(&f, before, -before, "mounts[0] (/o)", "");
	fix_fini(&f);
}
END_TEST

START_TEST(longer_than_a_page)
{
	static char lower[5000];
	const char *data[] = { lower, NULL };
	struct fix f;
	int r;

	fix_init(&f, 0);
	memset(lower, 'x', sizeof(lower) - 1);
	fix_mount(&f, "overlay", "overlay", "/o")->opt.data = data;
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, E2BIG, "mounts[0] (/o)", "4095");
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mounts", attributes_of_a_new_file_system, data_and_superblock_flags,
	   the_source_is_shown, readonly_is_the_superblocks_as_well, refusals_say_what_and_why,
	   a_tmpfs_has_the_mode_of_what_it_covers,
	   readonly_tmpfs_and_dev_take_mounts_and_nodes_first, bind_is_one_mount_and_rbind_all,
	   bind_attributes, propagation_of_mounts, remount_changes_a_mount_that_stands,
	   targets_are_made, a_folder_goes_not_over_a_file, sources, src_nofollow, dest_nofollow,
	   copy_symlink, long_options_go_by_mount, longer_than_a_page)
