#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "tests/unit/runtime/mntfix.h"

static const struct ctr_idmap map_a = { 0, 10000, 1000 };
static const struct ctr_idmap map_b = { 0, 20000, 1000 };

/* /mnt/src with a file of uid 1, gid 2 on a tmpfs. */
static void source(struct fix *f)
{
	fix_init(f, 0);
	fix_dir("/mnt/src");
	fix_tmpfs("/mnt/src");
	fix_file("/mnt/src/file", "text");
	ck_assert_int_eq(chown("/mnt/src/file", 1, 2), 0);
	fix_dir("/mnt/src/sub");
	fix_tmpfs("/mnt/src/sub");
	fix_file("/mnt/src/sub/file", "text");
	ck_assert_int_eq(chown("/mnt/src/sub/file", 1, 2), 0);
}

static struct ctr_mount *mapped(struct fix *f, const char *dest, const struct ctr_idmap *map)
{
	struct ctr_mount *m = fix_mount(f, "bind", "/mnt/src", dest);

	if (map)
		m->uid_maps = m->gid_maps = (struct ctr_idmaps){ map, 1 };
	return m;
}

static void owned_by(const char *path, uid_t uid, gid_t gid)
{
	struct stat sb;

	ck_assert_int_eq(stat(path, &sb), 0);
	ck_assert_msg(sb.st_uid == uid && sb.st_gid == gid, "%s is owned by %u:%u", path, sb.st_uid,
		      sb.st_gid);
}

/* Was it idmapped? Not every file system can be: a tmpfs since Linux 6.3, ext4 and XFS since 5.12.
 */
static bool can_idmap(struct fix *f, const char *path, int r)
{
	struct utsname u;
	struct statfs sf;
	int major_nr, minor_nr;

	if (r == 0)
		return true;
	ck_assert_int_eq(uname(&u), 0);
	ck_assert_int_eq(sscanf(u.release, "%d.%d", &major_nr, &minor_nr), 2);
	ck_assert_int_eq(statfs(path, &sf), 0);
	if (sf.f_type == EXT4_SUPER_MAGIC || sf.f_type == XFS_SUPER_MAGIC ||
	    (sf.f_type == TMPFS_MAGIC && major_nr * 100 + minor_nr >= 603))
		ck_abort_msg("%s", f->err.msg);
	fix_failed(f, r, EINVAL, "idmap", "the kernel cannot");
	f->s.mount_fds = NULL;
	return false;
}

START_TEST(mappings_of_the_mount)
{
	struct fix f;
	int r;

	source(&f);
	mapped(&f, "/a", &map_a);
	mapped(&f, "/b", &map_b);
	mapped(&f, "/plain", NULL);
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		fix_ok(&f, r);
		ck_assert_int_eq(f.fds[2], -EBADF);
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/a/file", 10001, 10002);
		owned_by(FIX_ROOT "/b/file", 20001, 20002);
		owned_by(FIX_ROOT "/plain/file", 1, 2);
		owned_by("/mnt/src/file", 1, 2);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(idmap_is_one_mount_and_ridmap_all)
{
	struct ctr_mount *m;
	struct fix f;
	int r;

	source(&f);
	m = mapped(&f, "/one", &map_a);
	m->opt.recursive_bind = m->opt.idmap = true;
	m = mapped(&f, "/all", &map_a);
	m->opt.recursive_bind = m->opt.idmap = m->opt.idmap_recursive = true;
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/one/file", 10001, 10002);
		owned_by(FIX_ROOT "/one/sub/file", 1, 2);
		owned_by(FIX_ROOT "/all/file", 10001, 10002);
		owned_by(FIX_ROOT "/all/sub/file", 10001, 10002);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(without_own_mappings_the_containers_count)
{
	struct fix f;
	int r;

	source(&f);
	fix_chown_root();
	mapped(&f, "/data", NULL)->opt.idmap = true;
	r = fix_prepare(&f);
	fix_failed(&f, r, EINVAL, "mounts[0] (/data)", "uidMappings");
	f.spec.ns[CTR_NS_USER].present = true;
	f.spec.uid_maps = f.spec.gid_maps = (struct ctr_idmaps){ &map_a, 1 };
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/data/file", 10001, 10002);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(a_joined_user_namespace_counts)
{
	struct fix f;
	char path[64];
	int r;
	pid_t pid;

	source(&f);
	pid = fix_fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &r, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(r));
	fix_write_map(pid, "uid_map");
	fix_write_map(pid, "gid_map");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	f.spec.ns[CTR_NS_USER] = (struct ctr_ns_spec){ true, path };
	mapped(&f, "/data", NULL)->opt.idmap = true;
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/data/file", FIX_FIRST_ID + 1, FIX_FIRST_ID + 2);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fix_fini(&f);
}
END_TEST

START_TEST(seen_from_inside)
{
	struct fix f;
	int r;

	source(&f);
	fix_chown_root();
	mapped(&f, "/data", NULL)->opt.idmap = true;
	f.spec.ns[CTR_NS_USER].present = true;
	f.spec.uid_maps = f.spec.gid_maps =
		(struct ctr_idmaps){ &(struct ctr_idmap){ 0, FIX_FIRST_ID, 65536 }, 1 };
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		fix_enter_userns(&f, 0);
		fix_step_ok(&f, STEP_IN | STEP_PIVOT);
		owned_by("/data/file", 1, 2);
		fix_file("/data/new", "from inside");
		owned_by("/data/new", 0, 0);
	}
	fix_fini(&f);
}
END_TEST

/* Files on a disk's file system, where the machine's is one that can be idmapped. */
START_TEST(on_the_disk)
{
	char dir[] = "/var/tmp/caisson-unit-XXXXXX", file[64];
	struct fix f;
	int r;

	fix_init(&f, 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	fix_file(file, "text");
	r = chown(file, 1, 2);
	fix_mount(&f, "bind", dir, "/data")->uid_maps = (struct ctr_idmaps){ &map_a, 1 };
	f.mounts[0].gid_maps = (struct ctr_idmaps){ &map_b, 1 };
	if (r == 0)
		r = fix_prepare(&f);
	unlink(file);
	fix_file(file, "again"); /* so that a failure leaves only what is removed here */
	if (chown(file, 1, 2) < 0)
		r = -1;
	if (can_idmap(&f, "/var/tmp", r)) {
		struct stat sb;

		r = fix_run(&f, STEP_IN);
		if (r == 0)
			r = stat(FIX_ROOT "/data/file", &sb);
		unlink(file);
		rmdir(dir);
		fix_ok(&f, r);
		ck_assert_uint_eq(sb.st_uid, 10001);
		ck_assert_uint_eq(sb.st_gid, 20002);
	} else {
		unlink(file);
		rmdir(dir);
	}
	fix_fini(&f);
}
END_TEST

/* One user namespace a mapping, not one a mount; nothing is left of the helpers. */
START_TEST(equal_mappings_share_a_namespace)
{
	struct fix f;
	int before, r;

	source(&f);
	for (int i = 0; i < 8; i++) {
		static char names[8][16];

		snprintf(names[i], sizeof(names[i]), "/m%d", i);
		mapped(&f, names[i], i % 2 ? &map_a : &map_b);
	}
	before = fix_count_fds();
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		ck_assert_int_eq(fix_count_fds(), before + 8);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
		ck_assert_int_eq(errno, ECHILD);
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/m0/file", 20001, 20002);
		owned_by(FIX_ROOT "/m7/file", 10001, 10002);
	}
	fix_fini(&f);
}
END_TEST

/* More mappings than the cache has room for. */
START_TEST(many_mappings)
{
	static struct ctr_idmap maps[7];
	struct fix f;
	int before, r;

	source(&f);
	for (unsigned int i = 0; i < CS_LEN(maps); i++) {
		static char names[CS_LEN(maps)][8];

		snprintf(names[i], sizeof(names[i]), "/m%u", i);
		maps[i] = (struct ctr_idmap){ 0, 1000 * (i + 1), 100 };
		mapped(&f, names[i], &maps[i]);
	}
	before = fix_count_fds();
	r = fix_prepare(&f);
	if (can_idmap(&f, "/mnt/src", r)) {
		ck_assert_int_eq(fix_count_fds(), before + (int)CS_LEN(maps));
		fix_step_ok(&f, STEP_IN);
		owned_by(FIX_ROOT "/m0/file", 1001, 1002);
		owned_by(FIX_ROOT "/m6/file", 7001, 7002);
	}
	fix_fini(&f);
}
END_TEST

START_TEST(refusals)
{
	static const struct ctr_idmap twice[] = { { 0, 1000, 10 }, { 0, 2000, 10 } };
	struct fix f;
	int r;

	source(&f);
	mapped(&f, "/data", &map_a)->gid_maps.n = 0;
	r = fix_prepare(&f);
	fix_failed(&f, r, EINVAL, "mounts[0] (/data)", "need each other");
	f.mounts[0].uid_maps = f.mounts[0].gid_maps = (struct ctr_idmaps){ twice, 2 };
	r = fix_prepare(&f);
	fix_failed(&f, r, EINVAL, "mounts[0] (/data)", "uid_map");
	f.mounts[0].uid_maps = f.mounts[0].gid_maps = (struct ctr_idmaps){ &map_a, 1 };
	f.mounts[0].type = "tmpfs";
	f.mounts[0].opt.bind = false;
	r = fix_prepare(&f);
	fix_failed(&f, r, EINVAL, "mounts[0] (/data)", "bind mounts only");
	f.mounts[0].type = "bind";
	f.mounts[0].source = "/proc/self";
	r = fix_prepare(&f);
	fix_failed(&f, r, EINVAL, "mounts[0] (/data)", "cannot idmap");
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	f.s.mount_fds = NULL;
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mounts, idmapped", mappings_of_the_mount, idmap_is_one_mount_and_ridmap_all,
	   without_own_mappings_the_containers_count, a_joined_user_namespace_counts,
	   seen_from_inside, on_the_disk, equal_mappings_share_a_namespace, many_mappings, refusals)
