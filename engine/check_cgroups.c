#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "engine/check_int.h"

/* Each controller by a limit that is set for real, on a cgroup that nobody is in. */
struct limit {
	const char *name, *help;
	struct cg_resources r;
};

#define HELP(what) "boot with the " what " controller: cgroup_enable=" what ", or another kernel"
#define ONE(field, n) .has = 1ULL << (field), .num = { [field] = (n) }

static const struct limit limits[] = {
	{ "memory", HELP("memory"), { ONE(CG_MEMORY_LIMIT, 64 << 20) } },
	{ "swap",
	  "boot with swapaccount=1: without, --memory-swap is refused",
	  { .has = 1ULL << CG_MEMORY_LIMIT | 1ULL << CG_MEMORY_SWAP,
	    .num = { [CG_MEMORY_LIMIT] = 64 << 20, [CG_MEMORY_SWAP] = 128 << 20 } } },
	{ "cpu", "use a kernel with CONFIG_CFS_BANDWIDTH", { ONE(CG_CPU_QUOTA, 50000) } },
	{ "cpuset", HELP("cpuset"), { .cpus = "0" } },
	{ "pids", HELP("pids"), { ONE(CG_PIDS_LIMIT, 100) } },
	{ "block io",
	  "use BFQ as the disks' scheduler: without, --blkio-weight is refused",
	  { ONE(CG_BLKIO_WEIGHT, 500) } },
};

/* The default device rules of a container, which every one gets. */
static const struct cg_device_rule no_devices[] = {
	{ .allow = false,
	  .type = 'a',
	  .major = -1,
	  .minor = -1,
	  .read = true,
	  .write = true,
	  .mknod = true },
};

static void check_limits(struct eng_check *c, const struct cg *cg)
{
	const struct cg_resources devices = { .devices = no_devices, .n_devices = 1 };
	struct cs_err why = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(limits); i++) {
		if (cg_apply(cg, &limits[i].r, &why) == 0)
			eng_check_pass(c, limits[i].name, "limits can be set");
		else
			eng_check_warn(c, limits[i].name, limits[i].help, "%s", why.msg);
		cs_err_clear(&why);
	}
	if (cg_apply(cg, &devices, &why) == 0)
		eng_check_pass(c, "devices", "access can be limited");
	else
		eng_check_fail(c, "devices",
			       "use a kernel with CONFIG_CGROUP_BPF (version 2) or the devices "
			       "controller (version 1)",
			       "%s", why.msg);
}

static void check_freeze(struct eng_check *c, const struct cg *cg)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = cg_freeze(cg, true, &why);

	if (ret == 0)
		ret = cg_freeze(cg, false, &why);
	if (ret == 0)
		eng_check_pass(c, "freezer", "containers can be paused");
	else
		eng_check_warn(c, "freezer",
			       "use a kernel with CONFIG_CGROUP_FREEZER: without, pause fails",
			       "%s", why.msg);
}

static void check_one(struct eng_check *c, const struct cg_host *h, const char *path)
{
	struct cs_err why = CS_ERR_INIT;
	struct cg cg = CG_INIT;

	if (cg_create(h, path, &cg, &why) < 0) {
		eng_check_fail(c, "create",
			       "mount cgroup file systems writable; inside another container, "
			       "give it a cgroup namespace and its own subtree",
			       "%s", why.msg);
		return;
	}
	eng_check_pass(c, "create", "cgroups can be made");
	check_limits(c, &cg);
	check_freeze(c, &cg);
	cg_fini(&cg);
	cs_err_clear(&why);
	if (cg_destroy(h, path, &why) < 0)
		eng_check_fail(c, "remove", "remove it by rmdir(1)", "%s", why.msg);
}

void eng_check_cgroups(struct eng_check *c)
{
	static const char *const modes[] = {
		[CG_V2] = "version 2", [CG_V1] = "version 1", [CG_HYBRID] = "versions 1 and 2"
	};
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&why);
	struct cg_host h;
	char path[64];

	if (procfd < 0 || cg_host_open(procfd, &h, &why) < 0) {
		eng_check_fail(c, "version", "mount /proc and /sys/fs/cgroup", "%s", why.msg);
		return;
	}
	if (h.n_hier == 0) {
		eng_check_fail(c, "version", "mount them: mount -t cgroup2 cgroup2 /sys/fs/cgroup",
			       "no cgroups are mounted");
	} else {
		if (h.mode == CG_V2)
			eng_check_pass(c, "version", "%s", modes[h.mode]);
		else
			eng_check_warn(c, "version",
				       "works; for all of it boot with "
				       "systemd.unified_cgroup_hierarchy=1",
				       "%s", modes[h.mode]);
		snprintf(path, sizeof(path), "/caisson-check-%d", (int)getpid());
		check_one(c, &h, path);
	}
	cg_host_fini(&h);
}
