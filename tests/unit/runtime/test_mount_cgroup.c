#include "cgroups/cgroup.h"
#include "tests/unit/runtime/mntfix.h"

/* cgroup mounts, on the machine's own hierarchies: what of them there is. */

struct cgfix {
	struct fix f;
	struct cg_host host;
	struct cg cg;
};

/* The hierarchies of this machine: all, or of one version. */
static void find_hiers(struct cg_host *host, bool v1, bool v2)
{
	FILE *in = fopen("/proc/self/mounts", "re");
	char line[1024];

	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in) && host->n_hier < CG_MAX_HIER) {
		struct cg_hier *h = &host->hier[host->n_hier];
		char point[128], type[32];
		const char *name;

		if (sscanf(line, "%*s %127s %31s", point, type) != 2)
			continue;
		if (!(v1 && strcmp(type, "cgroup") == 0) && !(v2 && strcmp(type, "cgroup2") == 0))
			continue;
		name = strrchr(point, '/') + 1;
		*h = (struct cg_hier){ .v2 = strcmp(type, "cgroup2") == 0 };
		snprintf(h->mountpoint, sizeof(h->mountpoint), "%s", point);
		snprintf(h->controllers, sizeof(h->controllers), "%s%s",
			 strcmp(name, "systemd") == 0 ? "name=" : "", h->v2 ? "" : name);
		host->n_hier++;
	}
	fclose(in);
	host->mode = v1 ? CG_HYBRID : CG_V2;
}

static void each_folder(const struct cg_host *host, const char *name, int (*fn)(const char *path))
{
	for (size_t i = 0; i < host->n_hier; i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", host->hier[i].mountpoint, name);
		ck_assert_msg(fn(path) == 0, "%s: %s", path, strerror(errno));
	}
}

static int make(const char *path)
{
	return mkdir(path, 0755);
}

static int join(const char *path)
{
	char file[300];
	int fd;
	ssize_t n;

	if (strstr(path, "/cpuset/")) /* takes nobody before it has CPUs and memory */
		return 0;
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : write(fd, "0", 1);
	close(fd);
	return n == 1 ? 0 : -1;
}

/* Runs @fn in a child that is in cgroups of its own, which are gone afterwards. */
static void in_cgroup(void (*fn)(struct cgfix *c), bool v1, bool v2)
{
	static struct cgfix c;
	char name[64];
	int status;
	pid_t pid;

	find_hiers(&c.host, v1, v2);
	if (c.host.n_hier == 0)
		return;
	snprintf(name, sizeof(name), "caisson-unit-%d", getpid());
	snprintf(c.cg.path, sizeof(c.cg.path), "/%s", name);
	c.cg.host = &c.host;
	each_folder(&c.host, name, make);
	pid = fix_fork();
	if (pid == 0) {
		each_folder(&c.host, name, join);
		fix_init(&c.f, 0);
		c.f.s.cg = &c.cg;
		fn(&c);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	each_folder(&c.host, name, rmdir);
	ck_assert_int_eq(status, 0);
}

static const struct cg_hier *find(const struct cgfix *c, const char *name)
{
	for (size_t i = 0; i < c->host.n_hier; i++) {
		if (strcmp(strrchr(c->host.hier[i].mountpoint, '/') + 1, name) == 0)
			return &c->host.hier[i];
	}
	return NULL;
}

static void cgroup_mount(struct cgfix *c, uint64_t attrs)
{
	fix_mount(&c->f, "sysfs", "sysfs", "/sys");
	fix_mount(&c->f, "cgroup", "cgroup", "/sys/fs/cgroup")->opt.attr_set = attrs;
}

/* The file lists one process: this one. */
static bool only_me(const char *path)
{
	const char *text = fix_text(path);
	const char *nl = strchr(text, '\n');

	return nl && nl[1] == '\0' && strtol(text, NULL, 10) == getpid();
}

static void bound(struct cgfix *c)
{
	char root[600];

	cgroup_mount(c, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	/* as on a host that has two controllers in one hierarchy */
	if (!c->host.hier[0].v2) {
		size_t len = strlen(c->host.hier[0].controllers);

		snprintf(c->host.hier[0].controllers + len,
			 sizeof(c->host.hier[0].controllers) - len, ",second,third");
	}
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	fix_has(&c->f, "/sys/fs/cgroup", " ro,nosuid,nodev,noexec,");
	snprintf(root, sizeof(root), " %s /sys/fs/cgroup/", c->cg.path);
	for (size_t i = 0; i < c->host.n_hier; i++) {
		char point[256];

		snprintf(point, sizeof(point), "/sys/fs/cgroup/%s",
			 strrchr(c->host.hier[i].mountpoint, '/') + 1);
		fix_has(&c->f, point, root); /* its own cgroup alone */
		fix_has(&c->f, point, " ro,nosuid,nodev,noexec,");
		ck_assert_int_lt(mkdirat(AT_FDCWD, "/sys/fs/cgroup/x", 0755), 0);
		ck_assert_int_eq(errno, EROFS);
	}
	if (find(c, "memory"))
		ck_assert(only_me("/sys/fs/cgroup/memory/cgroup.procs"));
	if (!c->host.hier[0].v2) {
		char to[64] = "";

		ck_assert_int_gt(readlink("/sys/fs/cgroup/third", to, sizeof(to) - 1), 0);
		ck_assert_str_eq(to, strrchr(c->host.hier[0].mountpoint, '/') + 1);
	}
	fix_fini(&c->f);
}

START_TEST(v1_binds_the_own_cgroup)
{
	in_cgroup(bound, true, false);
}
END_TEST

START_TEST(hybrid_has_the_unified_tree_too)
{
	in_cgroup(bound, true, true);
}
END_TEST

static void a_hierarchy_less(struct cgfix *c)
{
	snprintf(c->host.hier[0].mountpoint, sizeof(c->host.hier[0].mountpoint), "/mnt/nothing");
	cgroup_mount(c, 0);
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	fix_has(&c->f, "/sys/fs/cgroup", " rw,");
	ck_assert_int_lt(access("/sys/fs/cgroup/nothing", F_OK), 0);
	fix_fini(&c->f);
}

START_TEST(a_hierarchy_without_the_container_is_left_out)
{
	in_cgroup(a_hierarchy_less, true, false);
}
END_TEST

static void with_namespace(struct cgfix *c)
{
	ck_assert_int_eq(unshare(CLONE_NEWCGROUP), 0);
	c->f.s.cgroupns = true;
	cgroup_mount(c, 0);
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	for (size_t i = 0; i < c->host.n_hier; i++) {
		char point[256], procs[300];

		snprintf(point, sizeof(point), "/sys/fs/cgroup/%s",
			 strrchr(c->host.hier[i].mountpoint, '/') + 1);
		fix_has(&c->f, point, c->host.hier[i].v2 ? "- cgroup2 " : "- cgroup ");
		fix_has(&c->f, point, " rw,nosuid,nodev,noexec,");
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", point);
		if (!strstr(point, "cpuset"))
			ck_assert_msg(only_me(procs), "%s: %s", procs, fix_text(procs));
	}
	fix_fini(&c->f);
}

START_TEST(v1_in_a_cgroup_namespace)
{
	in_cgroup(with_namespace, true, false);
}
END_TEST

START_TEST(hybrid_in_a_cgroup_namespace)
{
	in_cgroup(with_namespace, true, true);
}
END_TEST

static void unified(struct cgfix *c)
{
	ck_assert_int_eq(unshare(CLONE_NEWCGROUP), 0);
	c->f.s.cgroupns = true;
	cgroup_mount(c, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	fix_has(&c->f, "/sys/fs/cgroup", " ro,noexec,");
	fix_has(&c->f, "/sys/fs/cgroup", "- cgroup2 cgroup ");
	ck_assert(only_me("/sys/fs/cgroup/cgroup.procs"));
	fix_fini(&c->f);
}

START_TEST(v2_is_mounted)
{
	in_cgroup(unified, false, true);
}
END_TEST

/* The cgroup namespace is the host's: the kernel refuses a new mount. */
static void unified_userns(struct cgfix *c)
{
	char root[600];

	fix_chown_root();
	fix_mount(&c->f, "cgroup2", "cgroup2", "/cg")->opt.attr_set = MOUNT_ATTR_NOEXEC;
	fix_enter_userns(&c->f, 0);
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	snprintf(root, sizeof(root), " %s /cg ", c->cg.path);
	fix_has(&c->f, "/cg", root);
	fix_has(&c->f, "/cg", "noexec");
	ck_assert(only_me("/cg/cgroup.procs"));
	fix_fini(&c->f);
}

START_TEST(v2_falls_back_to_the_own_cgroup)
{
	in_cgroup(unified_userns, false, true);
}
END_TEST

/* An unprivileged user who was given no cgroup: nothing is shown, rather than the host's. */
static void unified_nothing(struct cgfix *c)
{
	fix_chown_root();
	snprintf(c->cg.path, sizeof(c->cg.path), "/caisson-unit-none");
	fix_mount(&c->f, "cgroup", "cgroup", "/cg");
	fix_enter_userns(&c->f, 0);
	fix_step_ok(&c->f, STEP_IN | STEP_PIVOT);
	fix_has(&c->f, "/cg", " ro,");
	fix_has(&c->f, "/cg", "- tmpfs ");
	fix_fini(&c->f);
}

START_TEST(v2_shows_nothing_where_there_is_none)
{
	in_cgroup(unified_nothing, false, true);
}
END_TEST

START_TEST(a_host_without_cgroups_is_named)
{
	static const struct cg_host none;
	static const struct cg cg = { .host = &none };
	struct fix f;
	int r;

	fix_init(&f, 0);
	fix_mount(&f, "cgroup", "cgroup", "/cg");
	r = fix_run(&f, STEP_IN);
	fix_failed(&f, r, ENODEV, "mounts[0] (/cg)", "no cgroup");
	f.s.cg = &cg;
	r = fix_run(&f, STEP_MOUNTS);
	fix_failed(&f, r, ENODEV, "mounts[0] (/cg)", "no cgroup");
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/mount_cgroup", v1_binds_the_own_cgroup, hybrid_has_the_unified_tree_too,
	   a_hierarchy_without_the_container_is_left_out, v1_in_a_cgroup_namespace,
	   hybrid_in_a_cgroup_namespace, v2_is_mounted, v2_falls_back_to_the_own_cgroup,
	   v2_shows_nothing_where_there_is_none, a_host_without_cgroups_is_named)
