#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cgroups/cgroup_int.h"

static void parse(const char *text, struct cg_host *host)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(cg_host_parse(text, host, &err) == 0, "%s", err.msg);
}

START_TEST(test_hybrid)
{
	static const char text[] =
		"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup "
		"rw,cpu,cpuacct\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		"43 31 0:39 / /sys/fs/cgroup/openrc rw - cgroup cgroup rw,name=openrc\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw shared:4 master:2 - cgroup2 cgroup2 rw\n";
	struct cg_host host;

	parse(text, &host);
	ck_assert_int_eq(host.mode, CG_HYBRID);
	ck_assert_uint_eq(host.n_hier, 4); /* neither the tmpfs nor openrc's */
	ck_assert_int_eq(host.v2, 3);
	ck_assert(host.hier[3].v2);
	ck_assert_str_eq(host.hier[0].controllers, "cpu,cpuacct");
	ck_assert_str_eq(host.hier[0].mountpoint, "/sys/fs/cgroup/cpu,cpuacct");
	ck_assert_str_eq(host.hier[2].controllers, "name=systemd");
	ck_assert_int_eq(cg_v1_hier(&host, CG_CTL_CPU), 0);
	ck_assert_int_eq(cg_v1_hier(&host, CG_CTL_CPUACCT), 0);
	ck_assert_int_eq(cg_v1_hier(&host, CG_CTL_MEMORY), 1);
	ck_assert_int_eq(cg_v1_hier(&host, CG_CTL_SYSTEMD), 2);
	ck_assert_int_eq(cg_v1_hier(&host, CG_CTL_PIDS), -1);
}
END_TEST

START_TEST(test_modes)
{
	struct cg_host host;

	parse("1 2 0:3 / /cg rw - cgroup cgroup rw,freezer\n", &host);
	ck_assert_int_eq(host.mode, CG_V1);
	ck_assert_int_eq(host.v2, -1);
	parse("1 2 0:3 / /mnt/cg rw - cgroup2 none rw,nsdelegate\n", &host);
	ck_assert_int_eq(host.mode, CG_V2);
	ck_assert_uint_eq(host.n_hier, 1);
	parse("22 27 0:21 / /proc rw,relatime - proc proc rw\n", &host);
	ck_assert_uint_eq(host.n_hier, 0);
	ck_assert_int_eq(host.v2, -1);
	parse("", &host);
	ck_assert_uint_eq(host.n_hier, 0);
}
END_TEST

/* The same hierarchy at several places: the whole of it at the usual one wins. */
START_TEST(test_twice)
{
	static const char text[] =
		"1 2 0:29 /docker/abc /srv/x/sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
		"2 2 0:29 / /srv/y/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"3 2 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"4 2 0:29 / /sys/fs/cgroup/again rw - cgroup cgroup rw,memory\n";
	struct cg_host host;

	parse(text, &host);
	ck_assert_uint_eq(host.n_hier, 1);
	ck_assert_str_eq(host.hier[0].mountpoint, "/sys/fs/cgroup/memory");
}
END_TEST

/* In a container without a cgroup namespace only a part is mounted: it is all there is. */
START_TEST(test_nested)
{
	struct cg_host host;

	parse("1 2 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	      "1 2 0:31 /../.. /sys/fs/cgroup/with\\040blank rw - cgroup cgroup rw,pids\n",
	      &host);
	ck_assert_uint_eq(host.n_hier, 2);
	ck_assert_str_eq(host.hier[1].mountpoint, "/sys/fs/cgroup/with blank");
}
END_TEST

START_TEST(test_garbage)
{
	static const char *const lines[] = {
		"\n",
		" \n",
		"cgroup",
		"1 2 0:3 / /x rw - cgroup\n",
		"1 2 0:3 / /x rw - cgroup a\n",
		"1 2 3 4 5 6 7 8 9\n",
		"1 2 0:3 / /x rw cgroup cgroup rw,memory\n",
		"1 2 0:3 / /x rw - cgroupfs cgroup rw,unknown\n",
		"- - - - - - - - -\n",
		"1 2 0:3 / /x rw - cgroup cgroup \n",
	};
	char longest[400];
	struct cg_host host;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(lines[i], &host);
		ck_assert_uint_eq(host.n_hier, 0);
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "1 2 0:3 / /", 11);
	memcpy(longest + 300, " rw - cgroup cgroup rw,memory\n", 31);
	parse(longest, &host); /* a mount point that does not fit */
	ck_assert_uint_eq(host.n_hier, 0);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(cg_ctl_name(CG_CTL_BLKIO, false), "blkio");
	ck_assert_str_eq(cg_ctl_name(CG_CTL_BLKIO, true), "io");
	for (unsigned int i = 0; i < CG_CTL_COUNT; i++)
		ck_assert_ptr_nonnull(cg_ctl_name(i, true));
}
END_TEST

START_TEST(test_text_key)
{
	static const char text[] =
		"low 0\nhigh 12\nmax_events 3\nmax 18446744073709551615\nbad x\n";
	uint64_t v = 7;

	ck_assert_int_eq(cg_text_key(text, "high", &v), 0);
	ck_assert_uint_eq(v, 12);
	ck_assert_int_eq(cg_text_key(text, "max", &v), 0);
	ck_assert_uint_eq(v, UINT64_MAX);
	ck_assert_int_eq(cg_text_key(text, "lo", &v), -ENOENT);
	ck_assert_int_eq(cg_text_key(text, "bad", &v), -EINVAL);
	ck_assert_int_eq(cg_text_key("", "low", &v), -ENOENT);
	ck_assert_uint_eq(v, UINT64_MAX);
}
END_TEST

/* Without cgroups all goes well but what is asked of them. */
START_TEST(test_no_cgroups)
{
	const struct cg_host none = { .mode = CG_V2, .root = -EBADF, .v2 = -1 };
	struct cg_resources res = { .has = 1 << CG_PIDS_LIMIT };
	const struct cg_device_rule rule = { .type = 'a', .major = -1, .minor = -1 };
	struct cs_err err = CS_ERR_INIT;
	struct cg cg = CG_INIT;
	pid_t *pids = NULL;
	size_t n = 1;

	ck_assert_int_eq(cg_create(&none, "/caisson/x", &cg, &err), 0);
	ck_assert_int_eq(cg_v2_fd(&cg), -EBADF);
	ck_assert_int_eq(cg_join_self(&cg, false, &err), 0);
	ck_assert_int_eq(cg_join_pid(&cg, getpid(), &err), 0);
	ck_assert_int_eq(cg_pids(&cg, &pids, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(cg_is_frozen(&cg, &err), 0);
	res.num[CG_PIDS_LIMIT] = -1;
	ck_assert_int_eq(cg_apply(&cg, &res, &err), 0);
	res.num[CG_PIDS_LIMIT] = 7;
	ck_assert_int_eq(cg_apply(&cg, &res, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "linux.resources.pids.limit: this host has no cgroups");
	cs_err_clear(&err);
	res = (struct cg_resources){ .devices = &rule, .n_devices = 1 };
	ck_assert_int_eq(cg_apply(&cg, &res, &err), -ENOENT);
	cs_err_clear(&err);
	ck_assert_int_eq(cg_kill(&cg, SIGKILL, &err), -ENOTSUP);
	cs_err_clear(&err);
	ck_assert_int_eq(cg_freeze(&cg, true, &err), -ENOTSUP);
	cs_err_clear(&err);
	cg_fini(&cg);
	cg_fini(&cg);
	ck_assert_int_eq(cg_destroy(&none, "/caisson/x", &err), 0);
}
END_TEST

UNIT_MAIN("cgroups/host", test_hybrid, test_modes, test_twice, test_nested, test_garbage,
	  test_names, test_text_key, test_no_cgroups)
