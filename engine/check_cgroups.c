#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "engine/check_int.h"

/* Each controller by a limit that is set for real, on a cgroup that nobody is in. What helps where
 * it is one of version 1, and where it is of version 2. */
struct limit {
	const char *name, *controller, *help1, *help2;
	struct cg_resources r;
};

#define HELP1(what) "boot with the " what " controller: cgroup_enable=" what ", or another kernel"
#define HELP2(what)                                                                              \
	"boot with cgroup_enable=" what ", and cgroup_no_v1=" what " if a hierarchy of version " \
	"1 has it; in a unit or container, have it delegated (Delegate=yes)"
#define ONE(field, n) .has = 1ULL << (field), .num = { [field] = (n) }

static const struct limit limits[] = {
	{ "memory",
	  "memory",
	  HELP1("memory"),
	  HELP2("memory"),
	  { ONE(CG_MEMORY_LIMIT, 64 << 20) } },
	{ "swap",
	  "memory",
	  "boot with swapaccount=1: without, --memory-swap is refused",
	  "use a kernel with CONFIG_SWAP (before Linux 6.1, CONFIG_MEMCG_SWAP, and swapaccount=1): "
	  "without, --memory-swap is refused",
	  { .has = 1ULL << CG_MEMORY_LIMIT | 1ULL << CG_MEMORY_SWAP,
	    .num = { [CG_MEMORY_LIMIT] = 64 << 20, [CG_MEMORY_SWAP] = 128 << 20 } } },
	{ "cpu",
	  "cpu",
	  "use a kernel with CONFIG_CFS_BANDWIDTH, and mount the cpu controller",
	  "use a kernel with CONFIG_CFS_BANDWIDTH, and have the cpu controller delegated",
	  { ONE(CG_CPU_QUOTA, 50000) } },
	{ "cpu shares",
	  "cpu",
	  "use a kernel with CONFIG_FAIR_GROUP_SCHED, and mount the cpu controller",
	  "use a kernel with CONFIG_FAIR_GROUP_SCHED, and have the cpu controller delegated",
	  { ONE(CG_CPU_SHARES, 512) } },
	{ "cpuset", "cpuset", HELP1("cpuset"), HELP2("cpuset"), { .cpus = "0" } },
	{ "pids", "pids", HELP1("pids"), HELP2("pids"), { ONE(CG_PIDS_LIMIT, 100) } },
	{ "block io",
	  "blkio",
	  "use BFQ as the disks' scheduler: without, --blkio-weight is refused",
	  "use BFQ as the disks' scheduler, or a kernel with CONFIG_BLK_CGROUP_IOCOST: without, "
	  "--blkio-weight is refused",
	  { ONE(CG_BLKIO_WEIGHT, 500) } },
};

/* Which version has it: a controller is in one hierarchy. */
static int version_of(const struct cg_host *h, const char *controller)
{
	const size_t len = strlen(controller);

	for (size_t i = 0; i < h->n_hier; i++) {
		const char *s = h->hier[i].controllers;

		for (; *s && !h->hier[i].v2; s += strcspn(s, ","), s += *s == ',')
			if (strncmp(s, controller, len) == 0 && (s[len] == ',' || !s[len]))
				return 1;
	}
	return 2;
}

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
	for (size_t i = 0; i < CS_LEN(limits); i++) {
		const struct limit *l = &limits[i];
		int version = version_of(cg->host, l->controller);
		struct cs_err why = CS_ERR_INIT;

		if (cg_apply(cg, &l->r, &why) == 0)
			eng_check_pass(c, l->name, "limits can be set (version %d)", version);
		else
			eng_check_warn(c, l->name, version == 1 ? l->help1 : l->help2,
				       "version %d: %s", version, why.msg);
	}
}

/* The number of some disk, whole. */
static bool find_disk(struct cg_blkio_rate *out)
{
	cs_auto_dir DIR *d = opendir("/sys/block");
	const struct dirent *f;
	char path[PATH_MAX], text[32];

	while (d && (f = readdir(d))) {
		unsigned int major, minor;

		snprintf(path, sizeof(path), "/sys/block/%s/dev", f->d_name);
		if (*f->d_name == '.' || eng_check_line_of(path, text, sizeof(text)) < 0)
			continue;
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own */
		if (sscanf(text, "%u:%u", &major, &minor) != 2)
			continue;
		*out = (struct cg_blkio_rate){ .major = major, .minor = minor, .rate = 1 << 20 };
		return true;
	}
	return false;
}

static void check_rates(struct eng_check *c, const struct cg *cg)
{
	struct cs_err why = CS_ERR_INIT;
	struct cg_blkio_rate rate;
	const struct cg_resources r = {
		.blkio_rates = { [CG_RATE_RBPS] = &rate },
		.n_blkio_rates = { [CG_RATE_RBPS] = 1 },
	};

	if (!find_disk(&rate))
		eng_check_pass(c, "block io rates", "no disk is there; not needed");
	else if (cg_apply(cg, &r, &why) == 0)
		eng_check_pass(c, "block io rates", "limits can be set (version %d)",
			       version_of(cg->host, "blkio"));
	else
		eng_check_warn(c, "block io rates",
			       "use a kernel with CONFIG_BLK_DEV_THROTTLING: without, bytes and "
			       "operations a second cannot be limited",
			       "%s", why.msg);
}

static void check_hugetlb(struct eng_check *c, const struct cg *cg)
{
	const struct cg_hugepage page = { .page_size = "2MB" };
	const struct cg_resources r = { .hugepages = &page, .n_hugepages = 1 };
	struct cs_err why = CS_ERR_INIT;

	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0)
		eng_check_pass(c, "hugetlb", "no huge pages are there; not needed");
	else if (cg_apply(cg, &r, &why) == 0)
		eng_check_pass(c, "hugetlb", "limits can be set (version %d)",
			       version_of(cg->host, "hugetlb"));
	else
		eng_check_warn(c, "hugetlb",
			       "mount its controller (version 1), or have it delegated (version "
			       "2); CONFIG_CGROUP_HUGETLB: without, huge pages are not limited",
			       "%s", why.msg);
}

static void check_devices(struct eng_check *c, const struct cg *cg)
{
	const struct cg_resources r = { .devices = no_devices, .n_devices = 1 };
	const int version = version_of(cg->host, "devices");
	struct cs_err why = CS_ERR_INIT;

	if (cg_apply(cg, &r, &why) == 0)
		eng_check_pass(c, "devices", "access can be limited (version %d)", version);
	else
		eng_check_fail(c, "devices",
			       version == 1 ? "mount the devices controller writable"
					    : "use a kernel with CONFIG_CGROUP_BPF; inside another "
					      "container, let it load programs (CAP_BPF)",
			       "version %d: %s", version, why.msg);
}

static void check_freeze(struct eng_check *c, const struct cg *cg)
{
	const int version = version_of(cg->host, "freezer");
	struct cs_err why = CS_ERR_INIT;
	int ret = cg_freeze(cg, true, &why);

	if (ret == 0)
		ret = cg_freeze(cg, false, &why);
	if (ret == 0)
		eng_check_pass(c, "freezer", "containers can be paused (version %d)", version);
	else
		eng_check_warn(c, "freezer",
			       version == 1 ? "use a kernel with CONFIG_CGROUP_FREEZER: without, "
					      "pause fails"
					    : "use Linux 5.2 or newer: without, pause fails",
			       "version %d: %s", version, why.msg);
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
	check_rates(c, &cg);
	check_hugetlb(c, &cg);
	check_devices(c, &cg);
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
