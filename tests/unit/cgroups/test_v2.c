#include "tests/unit/cgroups/cgtest.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/sys.h"

/* What a v2 tree does even with no controller in it. */

static const char *reason(void)
{
	return cgt_whole.v2 < 0 ? "this host has no cgroup v2 tree" : NULL;
}

/* Skips the variant without the v2 tree. */
#define USE_V2(variant)           \
	do {                      \
		if (variant == 1) \
			return;   \
		cgt_use(variant); \
	} while (0)

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

START_TEST(test_clone_into)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	struct cg cg = CG_INIT;
	int ready[2];
	char c;
	pid_t pid;

	USE_V2(_i);
	cgt_create("clone", &cg);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	args.cgroup = (uint32_t)cg_v2_fd(&cg);
	pid = cs_sys_clone3(&args);
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct cs_err err = CS_ERR_INIT;

		if (cg_join_self(&cg, true, &err) < 0 || write(ready[1], "j", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	for (size_t h = 0; h < cgt_host.n_hier; h++)
		ck_assert(lists(&cg, h, pid));
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

/* exec into a container whose init has moved to a cgroup of its own below. */
START_TEST(test_follow)
{
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int proc = cs_path_proc_open(&err);
	struct cg cg = CG_INIT, below = CG_INIT, other = CG_INIT;
	pid_t init, pid;
	int ret;

	USE_V2(_i);
	cgt_create("follow", &cg);
	cgt_create("follow/init.scope", &below);
	cgt_create("other", &other);
	init = cgt_spawn(&below, NULL, NULL);
	ret = cg_follow(&cg, proc, init, &err);
	ck_ok(ret, err);
	pid = cgt_spawn(&cg, NULL, NULL);
	ck_assert(lists(&below, (size_t)cgt_host.v2, pid));
	ck_assert_int_eq(cg_follow(&other, proc, init, &err), -EINVAL);
	cg_fini(&below);
	cgt_destroy(&cg);
	cgt_destroy(&other);
	cgt_died_of(init, SIGKILL);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

START_TEST(test_delegate)
{
	enum { UID = 4711, GID = 4712 };
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	struct stat sb;
	int ret;

	USE_V2(_i);
	cgt_create("delegate", &cg);
	ret = cg_delegate(&cg, UID, GID, &err);
	ck_ok(ret, err);
	ck_assert_int_eq(fstat(cg_v2_fd(&cg), &sb), 0);
	ck_assert(sb.st_uid == UID && sb.st_gid == GID);
	ck_assert_int_eq(fstatat(cg_v2_fd(&cg), "cgroup.procs", &sb, 0), 0);
	ck_assert(sb.st_uid == UID && sb.st_gid == GID);
	ck_assert_int_eq(fstatat(cg_v2_fd(&cg), "cgroup.subtree_control", &sb, 0), 0);
	ck_assert(sb.st_uid == UID);
	/* not what limits it or ends it */
	ck_assert_int_eq(fstatat(cg_v2_fd(&cg), "cgroup.max.depth", &sb, 0), 0);
	ck_assert(sb.st_uid == 0);
	if (!fstatat(cg_v2_fd(&cg), "cgroup.kill", &sb, 0))
		ck_assert(sb.st_uid == 0);
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_hugetlb)
{
	struct cg cg = CG_INIT;

	USE_V2(_i);
	cgt_create("hugetlb", &cg);
	if (!cgt_has_v2(CG_CTL_HUGETLB) && !cgt_has(CG_CTL_HUGETLB)) {
		cgt_refused(&cg, "{\"hugepageLimits\": [{\"pageSize\": \"2MB\", \"limit\": 0}]}",
			    "no hugetlb controller");
	} else if (!cgt_has(CG_CTL_HUGETLB)) {
		cgt_set(&cg, "{\"hugepageLimits\": [{\"pageSize\": \"2MB\", \"limit\": 4194304}]}");
		cgt_file_is(&cg, cgt_host.v2, "hugetlb.2MB.max", "4194304");
		cgt_file_is(&cg, cgt_host.v2, "hugetlb.2MB.rsvd.max", "4194304");
		cgt_refused(&cg, "{\"hugepageLimits\": [{\"pageSize\": \"3MB\", \"limit\": 1}]}",
			    "linux.resources.hugepageLimits \"3MB\": this kernel has no "
			    "hugetlb.3MB.max");
		cgt_set(&cg, "{\"unified\": {\"hugetlb.2MB.max\": \"2097152\"}}");
		cgt_file_is(&cg, cgt_host.v2, "hugetlb.2MB.max", "2097152");
	}
	cgt_destroy(&cg);
}
END_TEST

START_TEST(test_unified)
{
	struct cg cg = CG_INIT;

	USE_V2(_i);
	cgt_create("unified", &cg);
	cgt_set(&cg, "{\"unified\": {\"cgroup.max.depth\": \"3\", \"cgroup.max.descendants\":"
		     " \"2\"}}");
	cgt_file_is(&cg, cgt_host.v2, "cgroup.max.depth", "3");
	cgt_file_is(&cg, cgt_host.v2, "cgroup.max.descendants", "2");
	cgt_refused(&cg, "{\"unified\": {\"nonsense.max\": \"3\"}}",
		    "linux.resources.unified \"nonsense.max\": no such file");
	cgt_refused(&cg, "{\"unified\": {\"cgroup.max.depth\": \"x\"}}",
		    "linux.resources.unified \"cgroup.max.depth\"");
	/* several lines, several writes */
	cgt_set(&cg, "{\"unified\": {\"cgroup.max.depth\": \"5\\n6\\n\"}}");
	cgt_file_is(&cg, cgt_host.v2, "cgroup.max.depth", "6");
	cgt_destroy(&cg);
}
END_TEST

/* The eBPF program, asked by the kernel itself. */

enum { TRY_NULL = 1, TRY_KMSG_READ = 2, TRY_KMSG_WRITE = 4, TRY_LOOP_NODE = 8, TRY_ZERO = 16 };

/* What a process in the cgroup can do with devices, as bits. */
static unsigned int try_devices(const struct cg *cg)
{
	char dir[] = "/tmp/cstest-XXXXXX";
	int status = 0;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct cs_err err = CS_ERR_INIT;
		unsigned int can = 0;
		char node[64];

		if (cg_join_self(cg, false, &err) < 0)
			_exit(255);
		can |= open("/dev/null", O_RDWR | O_CLOEXEC) >= 0 ? TRY_NULL : 0;
		can |= open("/dev/zero", O_RDONLY | O_CLOEXEC) >= 0 ? TRY_ZERO : 0;
		snprintf(node, sizeof(node), "%s/kmsg", dir);
		if (!mknod(node, S_IFCHR | 0600, makedev(1, 11))) {
			can |= open(node, O_RDONLY | O_CLOEXEC) >= 0 ? TRY_KMSG_READ : 0;
			can |= open(node, O_WRONLY | O_CLOEXEC) >= 0 ? TRY_KMSG_WRITE : 0;
			unlink(node);
		}
		snprintf(node, sizeof(node), "%s/loop", dir);
		if (!mknod(node, S_IFBLK | 0600, makedev(7, 0))) {
			can |= TRY_LOOP_NODE;
			unlink(node);
		}
		_exit((int)can);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255);
	return (unsigned int)WEXITSTATUS(status);
}

#define DENY_ALL "{\"allow\": false, \"access\": \"rwm\"}"
#define KMSG(allow, access)                                                    \
	"{\"allow\": " allow ", \"type\": \"c\", \"major\": 1, \"minor\": 11," \
	" \"access\": \"" access "\"}"

/* Only the v2 tree's: a v1 devices hierarchy would be used first. */
static bool uses_bpf(int variant)
{
	cgt_use(variant);
	return !cgt_has(CG_CTL_DEVICES) && cgt_host.v2 >= 0;
}

START_TEST(test_devices)
{
	static const unsigned int always = TRY_NULL | TRY_ZERO | TRY_LOOP_NODE;
	struct cg cg = CG_INIT;

	if (!uses_bpf(_i))
		return;
	cgt_create("devices", &cg);
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_READ | TRY_KMSG_WRITE);
	cgt_set(&cg, "{\"devices\": [" DENY_ALL "]}");
	ck_assert_uint_eq(try_devices(&cg), always);

	/* updates, as by another process: nothing is known of the first program */
	cg_fini(&cg);
	ck_assert_int_eq(cg_open(&cgt_host, cgt_path("devices"), &cg, &(struct cs_err){ 0 }), 0);
	cgt_set(&cg, "{\"devices\": [" DENY_ALL "," KMSG("true", "rw") "," KMSG("false", "w") "]}");
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_READ);
	cgt_set(&cg, "{\"devices\": [" DENY_ALL "," KMSG("true", "w") "]}");
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_WRITE);
	cgt_set(&cg, "{\"pids\": {}}"); /* no rules: left alone */
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_WRITE);
	cgt_set(&cg, "{\"devices\": [{\"allow\": true, \"access\": \"rwm\"},"
		     " {\"allow\": false, \"type\": \"b\", \"access\": \"m\"}]}");
	/* the default devices come last, and to make a node is one of theirs */
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_READ | TRY_KMSG_WRITE);
	cgt_set(&cg, "{\"devices\": [{\"allow\": true}]}");
	ck_assert_uint_eq(try_devices(&cg), always | TRY_KMSG_READ | TRY_KMSG_WRITE);
	cgt_destroy(&cg);
}
END_TEST

static void knock(void *arg)
{
	volatile unsigned int *opened = arg;

	for (;;) {
		int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

		++opened[fd >= 0];
		if (fd >= 0)
			close(fd);
	}
}

/* While rules are replaced, what both the old and the new deny stays denied. */
START_TEST(test_devices_always)
{
	volatile unsigned int *opened;
	struct cg cg = CG_INIT;
	pid_t pid;

	if (!uses_bpf(_i))
		return;
	opened = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)(uintptr_t)opened, MAP_FAILED);
	cgt_create("always", &cg);
	cgt_set(&cg, "{\"devices\": [" DENY_ALL "]}");
	memset(cg.created, 0, sizeof(cg.created));
	pid = cgt_spawn(&cg, knock, (void *)(uintptr_t)opened);
	for (int i = 0; i < 100; i++)
		cgt_set(&cg, i % 2 ? "{\"devices\": [" DENY_ALL "]}"
				   : "{\"devices\": [" DENY_ALL "," KMSG("true", "w") "]}");
	for (int i = 0; i < 1000 && opened[0] < 100; i++)
		poll(NULL, 0, 1);
	ck_assert_uint_ge(opened[0], 100);
	ck_assert_uint_eq(opened[1], 0);
	cgt_destroy(&cg);
	cgt_died_of(pid, SIGKILL);
}
END_TEST

CGT_MAIN("cgroups/v2", reason, test_clone_into, test_follow, test_delegate, test_hugetlb,
	 test_unified, test_devices, test_devices_always)
