#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "cgroups/cgroup_int.h"

static void resolves(const char *given, const char *want)
{
	struct cs_err err = CS_ERR_INIT;
	char path[512] = "";
	int ret = cg_path_resolve(given, "abc", false, path, sizeof(path), &err);

	ck_assert_msg(ret == 0, "%s: %s", given ? given : "(none)", err.msg);
	ck_assert_str_eq(path, want);
	ck_assert_int_eq(cg_path_check(path, &err), 0);
}

static void refused(const char *given, int code, const char *word)
{
	struct cs_err err = CS_ERR_INIT;
	char path[512] = "untouched";

	ck_assert_int_eq(cg_path_resolve(given, "abc", false, path, sizeof(path), &err), -code);
	ck_assert_msg(strstr(err.msg, word), "%s", err.msg);
	ck_assert_str_eq(path, "untouched");
}

START_TEST(test_resolve)
{
	resolves(NULL, "/caisson/abc");
	resolves("", "/caisson/abc");
	resolves("/docker/xyz", "/docker/xyz");
	resolves("/kubepods/burstable/pod12/34", "/kubepods/burstable/pod12/34");
	resolves("pod/xyz", "/caisson/pod/xyz");
	resolves("//a///b/./c//", "/a/b/c");
	resolves("/a:b/c:d:e", "/a:b/c:d:e");
	resolves("/...", "/...");
}
END_TEST

START_TEST(test_refused)
{
	char longest[700];

	refused("/", EINVAL, "no cgroup of the container's own");
	refused("/./", EINVAL, "no cgroup of the container's own");
	refused("./", EINVAL, "no cgroup of the container's own");
	refused("/a/../b", EINVAL, "\"..\"");
	refused("..", EINVAL, "\"..\"");
	refused("/a/..", EINVAL, "\"..\"");
	refused("/a\nb", EINVAL, "control character");
	refused("/a\x7f", EINVAL, "control character");
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	refused(longest, EINVAL, "too long");
	for (size_t i = 0; i < sizeof(longest) - 1; i += 100)
		longest[i] = '/';
	refused(longest, ENAMETOOLONG, "too long");
}
END_TEST

START_TEST(test_systemd)
{
	struct cs_err err = CS_ERR_INIT;
	char path[512];

	refused("system.slice:docker:abc", EINVAL, "systemd cgroup driver");
	refused(":libpod:abc", EINVAL, "systemd cgroup driver");
	ck_assert_int_eq(
		cg_path_resolve("system.slice:docker:abc", "abc", true, path, sizeof(path), &err),
		-ENOTSUP);
	ck_assert_msg(strstr(err.msg, "systemd cgroup driver"), "%s", err.msg);
}
END_TEST

START_TEST(test_check)
{
	static const char *const bad[] = {
		"", "/", "a", "/a/", "//a", "/a/./b", "/a/../b", "/a\n"
	};
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cg_path_check("/a/b.scope", &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(cg_path_check(bad[i], &err), -EINVAL);
		cs_err_clear(&err);
	}
}
END_TEST

static void rel_is(const struct cg_host *host, size_t h, const char *path, const char *name,
		   const char *want)
{
	char rel[CG_PATH_MAX];

	ck_assert_int_eq(cg_path_rel(host, h, path, name, rel), 0);
	ck_assert_str_eq(rel, want);
}

START_TEST(test_rel)
{
	static const struct cg_host host = {
		.hier = { { .mountpoint = "/sys/fs/cgroup/memory", .rel = 15 },
			  { .mountpoint = "/sys/fs/cgroup", .rel = 14 } },
		.n_hier = 2,
	};
	char name[2000], rel[CG_PATH_MAX];

	rel_is(&host, 0, "/a/b", "tasks", "memory/a/b/tasks");
	rel_is(&host, 0, "/a/b", "", "memory/a/b");
	rel_is(&host, 0, "/", "tasks", "memory/tasks");
	rel_is(&host, 1, "/a/b", "cgroup.procs", "a/b/cgroup.procs");
	rel_is(&host, 1, "/", "cgroup.procs", "cgroup.procs");
	rel_is(&host, 1, "/", "", "");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(cg_path_rel(&host, 0, "/a", name, rel), -ENAMETOOLONG);
}
END_TEST

UNIT_MAIN("cgroups/path", test_resolve, test_refused, test_systemd, test_check, test_rel)
