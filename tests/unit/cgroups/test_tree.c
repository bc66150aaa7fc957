#include "tests/unit/cgroups/cgtest.h"

#include "base/sys.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Making, joining and removing, on whatever cgroups the host has. */

static bool lists(const struct cg *cg, size_t h, pid_t pid)
{
	struct cg_pidv v = { 0 };
	bool found = false;

	ck_assert_int_eq(cg_hier_pids(cg, h, &v), 0);
	for (size_t i = 0; i < v.n; i++)
		found = found || v.v[i] == pid;
	free(v.v);
	return found;
}

START_TEST(test_create_destroy)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	int ret;

	cgt_use(_i);
	cgt_create("made", &cg);
	for (size_t h = 0; h < cgt_host.n_hier; h++) {
		ck_assert(cgt_exists(h, cg.path));
		ck_assert(cg.created[h]);
		ck_assert_int_lt(cg.join[h], 0);
	}
	ck_assert_int_eq(cg_open_join(&cg, &err), 0);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert_int_eq(cg.join[h] >= 0, !cgt_host.hier[h].v2);
	ck_assert_int_eq(cg_v2_fd(&cg) >= 0, cgt_host.v2 >= 0);
	cgt_destroy(&cg);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(!cgt_exists(h, cgt_path("made")));
	ret = cg_destroy(&cgt_host, cgt_path("made"), &err); /* gone is success */
	ck_ok(ret, err);
	ret = cg_destroy(&cgt_host, cgt_path("never/was/there"), &err);
	ck_ok(ret, err);
}
END_TEST

START_TEST(test_parents)
{
	struct cg cg = CG_INIT, again = CG_INIT;
	pid_t pid;

	cgt_use(_i);
	cgt_create("a/b/c/d", &cg);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(cgt_exists(h, cgt_path("a/b/c")));
	/* a new cpuset can be joined although every folder above was new, too */
	pid = cgt_spawn(&cg, NULL, NULL);
	kill(pid, SIGKILL);
	cgt_died_of(pid, SIGKILL);
	cgt_create("a/b/c/e", &again);
	cgt_destroy(&again);
	cgt_destroy(&cg);
	ck_assert(cgt_exists(0, cgt_path("a/b/c")));
}
END_TEST

START_TEST(test_join)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, other = CG_INIT;
	pid_t pid;
	int ret;

	cgt_use(_i);
	cgt_create("join", &cg);
	cgt_create("other", &other);
	pid = cgt_spawn(&cg, NULL, NULL);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert_msg(lists(&cg, h, pid), "not in %s", cgt_host.hier[h].mountpoint);
	ret = cg_join_pid(&other, pid, &err);
	ck_ok(ret, err);
	for (size_t h = 0; h < cgt_host.n_hier; h++) {
		ck_assert(lists(&other, h, pid));
		ck_assert(!lists(&cg, h, pid));
	}
	cgt_destroy(&other); /* kills it */
	cgt_died_of(pid, SIGKILL);
	cgt_destroy(&cg);
}
END_TEST

/* As exec does it: no join files were opened before. */
START_TEST(test_join_opened)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, opened = CG_INIT;
	pid_t pid;
	int ret;

	cgt_use(_i);
	cgt_create("opened", &cg);
	ret = cg_open(&cgt_host, cg.path, &opened, &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&opened, NULL, NULL);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(lists(&cg, h, pid));
	cg_fini(&opened);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_join_gone)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;

	cgt_use(_i);
	cg_init(&cg, &cgt_host, cgt_path("not-there"));
	ck_assert_int_eq(cg_join_self(&cg, false, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(cg_join_pid(&cg, getpid(), &err), -ENOENT);
	cg_fini(&cg);
}
END_TEST

START_TEST(test_taken)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, second = CG_INIT;
	pid_t pid;
	int ret;

	cgt_use(_i);
	cgt_create("taken", &cg);
	/* an empty one is taken over, and not removed when that fails later */
	ret = cg_create(&cgt_host, cg.path, &second, &err);
	ck_ok(ret, err);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(!second.created[h]);
	cg_fini(&second);

	pid = cgt_spawn(&cg, NULL, NULL);
	ck_assert_int_eq(cg_create(&cgt_host, cg.path, &second, &err), -EBUSY);
	ck_assert_msg(strstr(err.msg, "holds processes"), "%s", err.msg);
	ck_assert(cgt_exists(0, cg.path));
	kill(pid, SIGKILL);
	cgt_died_of(pid, SIGKILL);
	cs_err_clear(&err);

	ret = cg_freeze(&cg, true, &err);
	ck_ok(ret, err);
	ck_assert_int_eq(cg_create(&cgt_host, cg.path, &second, &err), -EBUSY);
	ck_assert_msg(strstr(err.msg, "frozen"), "%s", err.msg);
	cgt_destroy(&cg); /* frozen or not */
}
END_TEST

/* Processes in a cgroup below make it as unusable as its own. */
START_TEST(test_taken_below)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, below = CG_INIT, second = CG_INIT;
	pid_t pid;

	cgt_use(_i);
	cgt_create("above", &cg);
	cgt_create("above/below", &below);
	pid = cgt_spawn(&below, NULL, NULL);
	ck_assert_int_eq(cg_create(&cgt_host, cg.path, &second, &err), -EBUSY);
	cg_fini(&below);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

/* A name that is a file somewhere: what was made elsewhere goes away again. */
START_TEST(test_undo)
{
	static const char *const files[] = { "cgroup.procs", "cpu.shares", "memory.stat" };
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, parent = CG_INIT;

	cgt_use(_i);
	cgt_create("undo", &parent);
	for (size_t i = 0; i < CS_LEN(files); i++) {
		char name[64];
		bool is_file = false;

		for (size_t h = 0; h < cgt_host.n_hier; h++) {
			cs_auto_fd int fd = cg_file_open(&parent, h, files[i], O_PATH);

			is_file = is_file || fd >= 0;
		}
		if (!is_file)
			continue;
		snprintf(name, sizeof(name), "undo/%s", files[i]);
		ck_assert_int_lt(cg_create(&cgt_host, cgt_path(name), &cg, &err), 0);
		for (size_t h = 0; h < cgt_host.n_hier; h++)
			ck_assert(!cgt_exists(h, cgt_path(name)));
		cs_err_clear(&err);
	}
	cgt_destroy(&parent);
}
END_TEST

/* A create that was killed half way. */
START_TEST(test_half_made)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	char rel[CG_PATH_MAX];
	int ret;

	cgt_use(_i);
	cgt_create("half", &cg);
	for (size_t h = 1; h < cgt_host.n_hier; h++) {
		ck_assert_int_eq(cg_path_rel(&cgt_host, h, cg.path, "", rel), 0);
		ck_assert_int_eq(unlinkat(cgt_host.root, rel, AT_REMOVEDIR), 0);
	}
	cg_fini(&cg);
	ret = cg_destroy(&cgt_host, cgt_path("half"), &err);
	ck_ok(ret, err);
	ck_assert(!cgt_exists(0, cgt_path("half")));
}
END_TEST

START_TEST(test_destroy_all)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, below = CG_INIT;
	pid_t pid, deep;
	int ret;

	cgt_use(_i);
	cgt_create("all", &cg);
	pid = cgt_spawn(&cg, NULL, NULL); /* first: v2 lets none in beside controllers */
	cgt_create("all/x/y", &below);
	deep = cgt_spawn(&below, NULL, NULL);
	ret = cg_freeze(&cg, true, &err);
	ck_ok(ret, err);
	cg_fini(&below);
	cgt_destroy(&cg);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(!cgt_exists(h, cgt_path("all")));
	cgt_died_of(pid, SIGKILL);
	cgt_died_of(deep, SIGKILL);
}
END_TEST

/* In one hierarchy only: it moved itself away in the others. */
START_TEST(test_destroy_strayed)
{
	struct cg cg = CG_INIT;
	char text[16];
	pid_t pid;
	size_t last;

	cgt_use(_i);
	last = cgt_host.n_hier - 1;
	cgt_create("strayed", &cg);
	pid = cgt_spawn(&cg, NULL, NULL);
	snprintf(text, sizeof(text), "%d", pid);
	for (size_t h = 0; h < last; h++)
		ck_assert_int_eq(cg_file_write_at(&cgt_host, h, "/", "cgroup.procs", text), 0);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

/* A container may nest cgroups until we have neither fds nor path names nor stack for them. */
START_TEST(test_deep)
{
	enum { DEPTH = 300, FDS = 64 };
	struct rlimit limit = { FDS, FDS };
	struct cg cg = CG_INIT;
	pid_t *pids = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t n = 0;
	int dir, ret;

	cgt_use(_i);
	cgt_create("deep", &cg);
	dir = cg_file_open(&cg, 0, "", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < DEPTH; i++) {
		static const char name[] = "a-name-that-fills-a-path-quickly";
		int next;

		ck_assert_int_eq(mkdirat(dir, name, 0755), 0);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(dir);
		dir = next;
	}
	close(dir);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ret = cg_pids(&cg, &pids, &n, &err);
	ck_ok(ret, err);
	ck_assert_uint_eq(n, 0);
	free(pids);
	cgt_destroy(&cg);
	ck_assert(!cgt_exists(0, cgt_path("deep")));
}
END_TEST

START_TEST(test_pids)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, below = CG_INIT;
	pid_t one, two;
	pid_t *pids = NULL;
	size_t n = 0;
	int ret;

	cgt_use(_i);
	cgt_create("pids", &cg);
	one = cgt_spawn(&cg, NULL, NULL);
	cgt_create("pids/below", &below);
	two = cgt_spawn(&below, NULL, NULL);
	ret = cg_pids(&cg, &pids, &n, &err);
	ck_ok(ret, err);
	ck_assert_uint_eq(n, 2);
	ck_assert((pids[0] == one && pids[1] == two) || (pids[0] == two && pids[1] == one));
	free(pids);
	cg_fini(&below);
	cgt_destroy(&cg);
	cgt_died_of(one, SIGKILL);
	cgt_died_of(two, SIGKILL);
}
END_TEST

START_TEST(test_sub)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, sub = CG_INIT;
	pid_t pid;
	int ret;

	cgt_use(_i);
	cgt_create("sub", &cg);
	cgt_create("sub/a", &sub);
	ret = cg_sub(&cg, NULL, "a", &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, NULL, NULL);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(lists(&sub, h, pid));
	ck_assert_int_lt(cg_sub(&cg, NULL, "../escape", &err), 0);
	cs_err_clear(&err);
	ck_assert_int_lt(cg_sub(&cg, NULL, "not-there", &err), 0);
	cs_err_clear(&err);
	ck_assert_int_lt(cg_sub(&cg, "nonsense", "a", &err), 0);
	cg_fini(&cg);
	cgt_destroy(&sub);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_sub_one)
{
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT, sub = CG_INIT;
	pid_t pid;
	int h, ret;

	cgt_use(_i);
	h = cg_v1_hier(&cgt_host, CG_CTL_PIDS);
	if (h < 0)
		return; /* only v1 has more than one hierarchy */
	cgt_create("one", &cg);
	cgt_create("one/a", &sub);
	ret = cg_sub(&cg, "pids", "a", &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, NULL, NULL);
	for (size_t i = 0; i < cgt_host.n_hier; i++)
		ck_assert_int_eq(lists(&sub, i, pid), (int)i == h);
	cg_fini(&sub);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

/* Puts in the place of every hierarchy only the part of it that is @cg's, as in a container without
 * a cgroup namespace. */
static void mount_nested(const struct cg *cg)
{
	int tree[CG_MAX_HIER] = { 0 };

	for (size_t h = 0; h < cgt_host.n_hier; h++) {
		cs_auto_fd int dir = cg_file_open(cg, h, "", O_PATH | O_DIRECTORY);

		tree[h] = cs_sys_open_tree(dir, "",
					   AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		ck_assert_int_ge(tree[h], 0);
	}
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(umount2("/sys/fs/cgroup", MNT_DETACH), 0);
	if (cgt_host.mode != CG_V2)
		ck_assert_int_eq(mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "mode=755"), 0);
	for (size_t h = 0; h < cgt_host.n_hier; h++) {
		const char *point = cgt_host.hier[h].mountpoint;

		if (cgt_host.mode != CG_V2)
			ck_assert_int_eq(mkdir(point, 0755), 0);
		ck_assert_int_eq(
			cs_sys_move_mount(tree[h], "", AT_FDCWD, point, MOVE_MOUNT_F_EMPTY_PATH),
			0);
		close(tree[h]);
	}
}

START_TEST(test_nested)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int proc = cs_path_proc_open(&err);
	struct cg outer = CG_INIT, cg = CG_INIT;
	struct cg_host inner;
	char name[32], text[4096], want[64];
	size_t n_hier;
	FILE *f;
	pid_t pid;
	int ret;

	if (_i)
		return; /* cg_host_open() finds the whole of it */
	cgt_use(_i);
	n_hier = cgt_host.n_hier;
	cgt_create("outer", &outer);
	mount_nested(&outer);
	ret = cg_host_open(proc, &inner, &err);
	ck_ok(ret, err);
	ck_assert_uint_eq(inner.n_hier, n_hier);
	ck_assert_int_eq(inner.mode, cgt_host.mode);
	ret = cg_create(&inner, "/caisson/x", &cg, &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, NULL, NULL);
	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	snprintf(want, sizeof(want), ":%s/outer/caisson/x", cgt_top);
	f = fopen(name, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(text, sizeof(text), f))
		n_hier -= strstr(text, want) != NULL;
	fclose(f);
	ck_assert_uint_eq(n_hier, 0);
	cg_fini(&cg);
	ret = cg_destroy(&inner, "/caisson/x", &err);
	ck_ok(ret, err);
	cgt_died_of(pid, SIGKILL);
	cg_host_fini(&inner);
	cg_fini(&outer);
}
END_TEST

CGT_MAIN("cgroups/tree", NULL, test_create_destroy, test_parents, test_join, test_join_opened,
	 test_join_gone, test_taken, test_taken_below, test_undo, test_half_made, test_destroy_all,
	 test_destroy_strayed, test_deep, test_pids, test_sub, test_sub_one, test_nested)
