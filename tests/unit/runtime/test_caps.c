#include "runtime/ns/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* What a child does and must find afterwards in its /proc/self/status. */
struct wish {
	struct ctr_user user;
	struct ctr_caps caps;
	bool setgroups;
	uint64_t inh, prm, eff, bnd, amb;
	const char *groups;
	mode_t umask;
};

static int become_and_look(void *arg)
{
	const struct wish *w = arg;
	struct cs_err err = CS_ERR_INIT;
	uid_t r, e, s;
	gid_t rg, eg, sg;
	char groups[128];

	if (ctr_caps_become(&w->user, &w->caps, w->setgroups, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	if (r != w->user.uid || e != r || s != r)
		return 2;
	if (rg != w->user.gid || eg != rg || sg != rg)
		return 3;
	if (child_status_hex("CapInh") != w->inh)
		return 4;
	if (child_status_hex("CapPrm") != w->prm)
		return 5;
	if (child_status_hex("CapEff") != w->eff)
		return 6;
	if (child_status_hex("CapBnd") != w->bnd)
		return 7;
	if (child_status_hex("CapAmb") != w->amb)
		return 8;
	child_status_line("Groups", groups, sizeof(groups));
	if (strcmp(groups, w->groups) != 0)
		return 9;
	if (umask(0) != w->umask)
		return 10;
	if (prctl(PR_GET_KEEPCAPS) != 0)
		return 11;
	return 0;
}

START_TEST(test_root)
{
	const uint64_t set = CAP(CHOWN) | CAP(KILL) | CAP(SETUID);
	struct wish w = {
		.caps = { true, set, set, 0, set, 0 },
		.setgroups = true,
		.prm = set,
		.eff = set,
		.bnd = set,
		.groups = "",
		.umask = 0022,
	};

	ck_assert_child_ok(become_and_look, &w);
}
END_TEST

START_TEST(test_user)
{
	static const gid_t gids[] = { 7, 2000, 100000 };
	const uint64_t some = CAP(NET_BIND_SERVICE) | CAP(CHOWN);
	struct wish w = {
		.user = { .uid = 4711,
			  .gid = 4712,
			  .has_umask = true,
			  .umask = 0137,
			  .additional_gids = gids,
			  .n_additional_gids = 3 },
		.caps = { .present = true,
			  .bounding = some | CAP(KILL),
			  .effective = CAP(CHOWN),
			  .inheritable = CAP(NET_BIND_SERVICE),
			  .permitted = some,
			  .ambient = CAP(NET_BIND_SERVICE) },
		.setgroups = true,
		.inh = CAP(NET_BIND_SERVICE),
		.prm = some,
		.eff = CAP(CHOWN),
		.bnd = some | CAP(KILL),
		.amb = CAP(NET_BIND_SERVICE),
		.groups = "7 2000 100000",
		.umask = 0137,
	};

	ck_assert_child_ok(become_and_look, &w);
}
END_TEST

/* No capabilities in the config: none, not those of the runtime. */
START_TEST(test_absent)
{
	struct wish w = { .setgroups = true, .groups = "", .umask = 0022 };

	ck_assert_child_ok(become_and_look, &w);
	w.user.uid = 4711;
	w.user.gid = 4712;
	ck_assert_child_ok(become_and_look, &w);
}
END_TEST

static int with_own_groups(void *arg)
{
	const gid_t own[] = { 11, 12 };

	if (setgroups(2, own) < 0)
		return CHILD_SETUP;
	return become_and_look(arg);
}

/* The supplementary groups of the runtime do not leak into the container. */
START_TEST(test_groups_dropped)
{
	struct wish w = { .setgroups = true, .groups = "", .umask = 0022 };

	ck_assert_child_ok(with_own_groups, &w);
	w.setgroups = false;
	w.groups = "11 12";
	ck_assert_child_ok(with_own_groups, &w);
}
END_TEST

static int expect_eperm(void *arg)
{
	const struct wish *w = arg;
	struct cs_err err = CS_ERR_INIT;

	if (ctr_caps_become(&w->user, &w->caps, w->setgroups, &err) != -EPERM)
		return 1;
	return strstr(err.msg, "process.user.additionalGids") ? 0 : 2;
}

START_TEST(test_groups_denied)
{
	static const gid_t gids[] = { 7 };
	struct wish w = { .user = { .additional_gids = gids, .n_additional_gids = 1 } };

	ck_assert_child_ok(expect_eperm, &w);
}
END_TEST

/* A runtime that has itself lost a capability (it is in a container) gives what it has. */
static int without_sys_admin(void *arg)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const uint32_t bit = 1U << CAP_SYS_ADMIN;
	char log[512] = "";
	int pipefd[2], rc;

	if (pipe2(pipefd, O_CLOEXEC) < 0 || prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) < 0 ||
	    syscall(SYS_capget, &hdr, data) < 0)
		return CHILD_SETUP;
	data[0].permitted &= ~bit;
	data[0].effective &= ~bit;
	data[0].inheritable &= ~bit;
	if (syscall(SYS_capset, &hdr, data) < 0)
		return CHILD_SETUP;
	cs_log_setup(pipefd[1], CS_LOG_TEXT, CS_LOG_WARN, "test");
	rc = become_and_look(arg);
	if (rc)
		return rc;
	if (read(pipefd[0], log, sizeof(log) - 1) <= 0)
		return 20;
	if (!strstr(log, "process.capabilities") || !strstr(log, "CAP_SYS_ADMIN"))
		return 21;
	return strstr(log, "CAP_CHOWN") ? 22 : 0;
}

START_TEST(test_missing)
{
	const uint64_t want = CAP(CHOWN) | CAP(SYS_ADMIN);
	struct wish w = {
		.caps = { true, want, want, want, want, want },
		.setgroups = true,
		.inh = CAP(CHOWN),
		.prm = CAP(CHOWN),
		.eff = CAP(CHOWN),
		.bnd = CAP(CHOWN),
		.amb = CAP(CHOWN),
		.groups = "",
		.umask = 0022,
	};

	ck_assert_child_ok(without_sys_admin, &w);
}
END_TEST

static int map_write(pid_t pid, const char *file)
{
	static const char map[] = "0 0 60000\n";
	char path[64];
	int fd, ok;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, map, sizeof(map) - 1) == sizeof(map) - 1;
	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

/* Runs @arg's wish in a user namespace, which the parent maps. */
static int in_userns(void *arg)
{
	int up[2], down[2], status = CHILD_SETUP;
	char c = 0;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0)
		return CHILD_SETUP;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(up[1], &c, 1) != 1 ||
		    read(down[0], &c, 1) != 1)
			_exit(CHILD_SETUP);
		_exit(become_and_look(arg));
	}
	if (read(up[0], &c, 1) != 1 || map_write(pid, "uid_map") < 0 ||
	    map_write(pid, "gid_map") < 0 || write(down[1], &c, 1) != 1)
		return CHILD_SETUP;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* In a new user namespace a process has every capability again, also those that the runtime has not
 * got: what is unwanted must go, and what is wanted stays. */
START_TEST(test_userns)
{
	const uint64_t set = CAP(CHOWN) | CAP(SYS_RESOURCE);
	struct wish w = {
		.user = { .uid = 4711, .gid = 4712 },
		.caps = { true, set, set, 0, set, 0 },
		.setgroups = true,
		.prm = set,
		.eff = set,
		.bnd = set,
		.groups = "",
		.umask = 0022,
	};

	ck_assert_child_ok(in_userns, &w);
	w.caps = (struct ctr_caps){ .present = true };
	w.prm = w.eff = w.bnd = 0;
	ck_assert_child_ok(in_userns, &w);
}
END_TEST

/* As in the config that `runc spec` writes: ambient ones that are not inheritable stay out. */
START_TEST(test_ambient_not_inheritable)
{
	const uint64_t set = CAP(CHOWN) | CAP(KILL);
	struct wish w = {
		.caps = { true, set, set, CAP(KILL), set, set },
		.setgroups = true,
		.inh = CAP(KILL),
		.prm = set,
		.eff = set,
		.bnd = set,
		.amb = CAP(KILL),
		.groups = "",
		.umask = 0022,
	};

	ck_assert_child_ok(become_and_look, &w);
}
END_TEST

START_TEST(test_last)
{
	FILE *f = fopen("/proc/sys/kernel/cap_last_cap", "re");
	int last = -1;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &last), 1);
	fclose(f);
	ck_assert_int_eq(ctr_caps_last(), last);
}
END_TEST

CHILD_MAIN("runtime/caps", test_root, test_user, test_absent, test_groups_dropped,
	   test_groups_denied, test_missing, test_userns, test_ambient_not_inheritable, test_last)
