#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "engine/cgpath.h"

#define ID "0123abc"

static void is(const char *parent, const char *want)
{
	struct cs_err err = CS_ERR_INIT;
	char path[PATH_MAX];

	ck_assert_int_eq(eng_cgroup_path(parent, ID, path, sizeof(path), &err), 0);
	ck_assert_str_eq(path, want);
}

static void refused(const char *parent, int code)
{
	struct cs_err err = CS_ERR_INIT;
	char path[PATH_MAX] = "as it was";

	ck_assert_int_eq(eng_cgroup_path(parent, ID, path, sizeof(path), &err), -code);
	ck_assert_ptr_nonnull(strstr(err.msg, "option --cgroup-parent"));
	ck_assert_str_eq(path, "as it was");
}

START_TEST(test_places)
{
	is(NULL, "/caisson/" ID);
	is("", "/caisson/" ID);
	is("mine", "/mine/" ID);
	is("/mine", "/mine/" ID);
	is("/mine//", "/mine/" ID);
	is("a/./b/", "/a/b/" ID);
	is("user.slice:a:b", "/user.slice:a:b/" ID);
	is("/", "/" ID);
}
END_TEST

START_TEST(test_bad)
{
	char name[300], path[PATH_MAX + 10];

	refused("..", EINVAL);
	refused("/a/../../b", EINVAL);
	refused("a\nb", EINVAL);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	refused(name, EINVAL);
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? 'y' : '/';
	path[sizeof(path) - 1] = '\0';
	refused(path, ENAMETOOLONG);
	path[1000] = '\0';
	refused(path, ENAMETOOLONG);
}
END_TEST

UNIT_MAIN("engine/cgpath", test_places, test_bad)
