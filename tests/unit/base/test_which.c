#include "base/which.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static void put(const struct unit_tmp *t, const char *name, mode_t mode)
{
	cs_auto_fd int fd = openat(t->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
}

START_TEST(found)
{
	struct unit_tmp t = unit_tmp_init();
	char path[PATH_MAX], want[PATH_MAX], dirs[2 * PATH_MAX];

	put(&t, "csprog", 0755);
	put(&t, "csdata", 0600);
	snprintf(want, sizeof(want), "%s/csprog", t.path);
	snprintf(dirs, sizeof(dirs), "/nowhere::%s", t.path);
	setenv("PATH", dirs, 1);
	ck_assert(cs_which("csprog", path, sizeof(path)));
	ck_assert_str_eq(path, want);
	ck_assert(!cs_which("csprog", path, strlen(want)));
	ck_assert(!cs_which("csother", path, sizeof(path)));
	ck_assert(!cs_which("csdata", path, sizeof(path)));
	/* a folder that is not absolute */
	ck_assert_int_eq(fchdir(t.fd), 0);
	setenv("PATH", ".:", 1);
	ck_assert(!cs_which("csprog", path, sizeof(path)));
	/* the usual ones */
	setenv("PATH", "", 1);
	ck_assert(cs_which("sh", path, sizeof(path)));
	unsetenv("PATH");
	ck_assert(cs_which("sh", path, sizeof(path)));
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("base/which", found)
