#include "runtime/ns/lsm.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

/* What the kernel of this machine runs decides what can be tried. */

static bool file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	char buf[4096] = "";
	bool has;

	if (!f)
		return false;
	has = fread(buf, 1, sizeof(buf) - 1, f) > 0 && strstr(buf, text);
	fclose(f);
	return has;
}

static bool apparmor(void)
{
	return file_has("/sys/module/apparmor/parameters/enabled", "Y");
}

static bool selinux(void)
{
	return file_has("/proc/filesystems", "\tselinuxfs\n");
}

static int set_exec(const struct ctr_process *p, struct cs_err *err)
{
	struct cs_err open_err = CS_ERR_INIT;
	int proc = cs_path_proc_open(&open_err), rc;

	ck_assert_msg(proc >= 0, "%s", open_err.msg);
	rc = ctr_lsm_set_exec(p, proc, err);
	close(proc);
	return rc;
}

START_TEST(test_none)
{
	const struct ctr_process p = { 0 }, empty = { .apparmor_profile = "", .selinux_label = "" };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(set_exec(&p, &err), 0);
	ck_assert_int_eq(set_exec(&empty, &err), 0);
	ck_assert_int_eq(ctr_lsm_set_keyring(&p, -EBADF, &err), 0);
	ck_assert_int_eq(ctr_lsm_set_keyring(&empty, -EBADF, &err), 0);
}
END_TEST

START_TEST(test_unconfined)
{
	const struct ctr_process p = { .apparmor_profile = "unconfined" };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(set_exec(&p, &err) == 0, "%s", err.msg);
}
END_TEST

START_TEST(test_profile)
{
	const struct ctr_process p = { .apparmor_profile = "no-such-profile" };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(set_exec(&p, &err), apparmor() ? -ENOENT : -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "process.apparmorProfile"));
	ck_assert_ptr_nonnull(strstr(err.msg, "\"no-such-profile\""));
	ck_assert_ptr_nonnull(strstr(err.msg, apparmor() ? "not loaded" : "not run AppArmor"));
}
END_TEST

START_TEST(test_label)
{
	const struct ctr_process p = { .selinux_label = "no:such:label" };
	struct cs_err err = CS_ERR_INIT;
	int proc = cs_path_proc_open(&err);

	ck_assert_int_eq(set_exec(&p, &err), selinux() ? -EINVAL : -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "process.selinuxLabel"));
	ck_assert_ptr_nonnull(strstr(err.msg, "\"no:such:label\""));
	cs_err_clear(&err);
	ck_assert_int_eq(ctr_lsm_set_keyring(&p, proc, &err), selinux() ? -EINVAL : -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "process.selinuxLabel"));
	close(proc);
}
END_TEST

UNIT_MAIN("runtime/lsm", test_none, test_unconfined, test_profile, test_label)
