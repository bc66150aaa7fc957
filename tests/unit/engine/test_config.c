#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/config.h"
#include "engine/config_int.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/volume.h"
#include "runtime/spec.h"
#include "tests/unit/fixture.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CAP(c) (1ULL << (c))

static struct cs_err err;
static struct unit_tmp tmp;

static struct eng_strv strv(const char *const *v)
{
	struct eng_strv s = { v, 0 };

	while (v[s.n])
		s.n++;
	return s;
}
#define V(...) strv((const char *const[]){ __VA_ARGS__, NULL })

static struct eng_record record(void)
{
	static const char *const cmd[] = { "sh", "-c", "true", NULL };
	struct eng_record r = ENG_RECORD_INIT;

	r.id = ID;
	r.name = "n";
	r.cmd = strv(cmd);
	return r;
}

/* The config of @r, parsed as the runtime does; its text in *@text. */
static struct ctr_spec make(const struct eng_record *r, char **text)
{
	const struct eng e = { .root = tmp.path, .state = "/run/caisson" };
	const struct eng_place p = {
		.rootfs = tmp.fd,
		.rootfs_path = tmp.path,
		.init = "/usr/libexec/caisson/caisson-init",
		.net_ns = r->network_mode ? NULL : "/proc/1/ns/net",
	};
	struct ctr_spec s = { 0 };
	size_t len = 0;

	err = CS_ERR_INIT;
	ck_assert_msg(eng_config_check(&e, r, &err) == 0, "check: %s", err.msg);
	ck_assert_msg(eng_config_text(&e, r, &p, text, &len, &err) == 0, "%s", err.msg);
	ck_assert_msg(ctr_spec_parse(*text, len, &s, &err) == 0, "%s", err.msg);
	return s;
}

/* What is refused, at create already. */
static void refused(const struct eng_record *r, const char *says)
{
	const struct eng e = { .root = "/var/lib/caisson", .state = "/run/caisson" };

	err = CS_ERR_INIT;
	ck_assert_msg(eng_config_check(&e, r, &err) == -EINVAL, "not refused: %s", says);
	ck_assert_msg(strstr(err.msg, says), "%s: %s", says, err.msg);
}

/* One without a destination when there is none. */
static const struct ctr_mount *mount_at(const struct ctr_spec *s, const char *target)
{
	static const struct ctr_mount none = { .source = "", .type = "" };

	for (size_t i = 0; i < s->n_mounts; i++) {
		if (strcmp(s->mounts[i].destination, target) == 0)
			return &s->mounts[i];
	}
	return &none;
}

static void make_volume(const char *name, const struct eng_strv *options)
{
	const struct eng e = { .root = tmp.path };
	struct eng_volume v = ENG_VOLUME_INIT;

	v.name = name;
	if (options)
		v.options = *options;
	ck_assert_int_eq(eng_volume_create(&e, &v, &err), 1);
}

static const char *env(const struct ctr_spec *s, const char *name)
{
	for (size_t i = 0; i < s->process.n_env; i++) {
		const char *e = s->process.env[i];

		if (strncmp(e, name, strlen(name)) == 0 && e[strlen(name)] == '=')
			return e + strlen(name) + 1;
	}
	return NULL;
}

static void setup(void)
{
	tmp = unit_tmp_init();
	ck_assert_int_eq(mkdirat(tmp.fd, "etc", 0755), 0);
	unit_write_str(tmp.fd, "etc/passwd", "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/srv:/x\n");
}

static void teardown(void)
{
	unit_tmp_fini(&tmp);
}

START_TEST(test_defaults)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	s = make(&r, &text);
	ck_assert_str_eq(s.hostname, "0123456789ab");
	ck_assert_uint_eq(s.process.n_args, 3);
	ck_assert_str_eq(s.process.cwd, "/");
	ck_assert_str_eq(env(&s, "HOME"), "/root");
	ck_assert_str_eq(env(&s, "HOSTNAME"), "0123456789ab");
	ck_assert_ptr_nonnull(env(&s, "PATH"));
	ck_assert_ptr_null(env(&s, "TERM"));
	ck_assert_uint_eq(s.process.caps.effective, s.process.caps.bounding);
	ck_assert_int_eq(__builtin_popcountll(s.process.caps.bounding), 14);
	ck_assert_uint_eq(s.process.caps.inheritable | s.process.caps.ambient, 0);
	ck_assert(!s.process.no_new_privileges && !s.root_readonly && !s.process.terminal);
	ck_assert(s.seccomp.present);
	ck_assert_str_eq(s.cgroups_path, "/caisson/" ID);
	ck_assert(s.ns[CTR_NS_PID].present && s.ns[CTR_NS_CGROUP].present);
	ck_assert_str_eq(s.ns[CTR_NS_NETWORK].path, "/proc/1/ns/net");
	ck_assert(!s.ns[CTR_NS_USER].present);
	ck_assert_int_eq(s.resources.num[CG_PIDS_LIMIT], 2048);
	ck_assert_ptr_nonnull(s.masked_paths);
	ck_assert(mount_at(&s, "/sys")->opt.attr_set & 1); /* MOUNT_ATTR_RDONLY */
	ck_assert_ptr_nonnull(mount_at(&s, "/dev/shm")->destination);
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_process)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	r.user = "www";
	r.group_add = V("7");
	r.tty = true;
	r.init = true;
	r.entrypoint = V("/entry");
	r.env = V("PATH=/x", "A=b");
	r.workdir = "rel";
	r.umask = "0027";
	r.hostname = "web";
	r.domainname = "example";
	r.ulimits = V("nofile=10:20", "core=-1", "nofile=30");
	r.oom_score_adj = 500;
	r.no_new_privileges = true;
	r.network_mode = "none";
	r.annotations = V("k=v");
	s = make(&r, &text);
	ck_assert_uint_eq(s.process.user.uid, 33);
	ck_assert_uint_eq(s.process.user.n_additional_gids, 2);
	ck_assert_uint_eq(s.process.caps.effective, 0);
	ck_assert_uint_ne(s.process.caps.bounding, 0);
	ck_assert_str_eq(s.process.args[0], ENG_INIT_INSIDE);
	ck_assert_str_eq(s.process.args[2], "/entry");
	ck_assert_str_eq(s.process.args[3], "sh");
	ck_assert_ptr_nonnull(mount_at(&s, ENG_INIT_INSIDE)->destination);
	ck_assert_str_eq(env(&s, "PATH"), "/x");
	ck_assert_str_eq(env(&s, "A"), "b");
	ck_assert_str_eq(env(&s, "TERM"), "xterm");
	ck_assert_str_eq(env(&s, "HOME"), "/srv");
	ck_assert_str_eq(env(&s, "HOSTNAME"), "web");
	ck_assert_str_eq(s.process.cwd, "/rel");
	ck_assert_uint_eq(s.process.user.umask, 027);
	ck_assert_uint_eq(s.process.n_rlimits, 2);
	ck_assert_uint_eq(s.process.rlimits[0].hard, 30);
	ck_assert_uint_eq(s.process.rlimits[1].soft, UINT64_MAX);
	ck_assert_int_eq(s.process.oom_score_adj, 500);
	ck_assert(s.process.no_new_privileges && s.process.terminal);
	ck_assert_str_eq(s.domainname, "example");
	ck_assert(s.ns[CTR_NS_NETWORK].present && !s.ns[CTR_NS_NETWORK].path);
	ck_assert_str_eq(ctr_spec_annotation(&s, "k"), "v");
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_caps)
{
	static const struct {
		const char *add, *drop;
		uint64_t has, not ;
	} rows[] = {
		{ "net_admin", "CAP_CHOWN", CAP(CAP_NET_ADMIN) | CAP(CAP_KILL), CAP(CAP_CHOWN) },
		{ "NET_RAW", "ALL", CAP(CAP_NET_RAW), ~CAP(CAP_NET_RAW) },
		{ "ALL", "MKNOD", CAP(CAP_CHOWN) | CAP(CAP_SYS_PTRACE), CAP(CAP_MKNOD) },
	};

	setup();
	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct eng_record r = record();
		cs_auto_free char *text = NULL;
		struct ctr_spec s;

		r.cap_add = V(rows[i].add);
		r.cap_drop = V(rows[i].drop);
		s = make(&r, &text);
		ck_assert_uint_eq(s.process.caps.bounding & rows[i].has, rows[i].has);
		ck_assert_uint_eq(s.process.caps.bounding & rows[i].not, 0);
		ctr_spec_fini(&s);
	}
	teardown();
}
END_TEST

START_TEST(test_privileged)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	r.privileged = true;
	s = make(&r, &text);
	ck_assert(!s.seccomp.present);
	ck_assert(!s.masked_paths || !s.masked_paths[0]);
	ck_assert(!(mount_at(&s, "/sys")->opt.attr_set & 1));
	ck_assert(!(mount_at(&s, "/sys/fs/cgroup")->opt.attr_set & 1));
	ck_assert_int_gt(__builtin_popcountll(s.process.caps.effective), 14);
	ck_assert_uint_gt(s.n_devices, 5);
	ck_assert_uint_eq(s.resources.n_devices, 1);
	ck_assert(s.resources.devices[0].allow);
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_mounts)
{
	struct eng_mount m[] = {
		{ .type = ENG_MOUNT_VOLUME, .source = "vol", .target = "/a/b/c" },
		{ .type = ENG_MOUNT_BIND,
		  .source = "/x",
		  .target = "/a",
		  .read_only = true,
		  .options = "rslave,rro" },
		{ .type = ENG_MOUNT_TMPFS, .target = "/a/b", .options = "exec,size=1m" },
		{ .type = ENG_MOUNT_BIND, .source = "/dev", .target = "/dev" },
		{ .type = ENG_MOUNT_VOLUME, .source = "nfs", .target = "/nfs" },
		{ .type = ENG_MOUNT_VOLUME, .source = "bound", .target = "/bound" },
	};
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct eng_strv nfs, bound;
	const struct ctr_mount *last;
	struct ctr_spec s;

	setup();
	nfs = V("type=nfs", "o=addr=10.0.0.1,ro", "device=:/x");
	bound = V("type=none", "o=bind", "device=/srv");
	make_volume("vol", NULL);
	make_volume("nfs", &nfs);
	make_volume("bound", &bound);
	r.mounts = m;
	r.n_mounts = CS_LEN(m);
	r.read_only = true;
	s = make(&r, &text);
	ck_assert(s.root_readonly);
	/* what the user mounts takes the place of ours, and of ours below it */
	ck_assert_str_eq(mount_at(&s, "/dev")->source, "/dev");
	ck_assert_ptr_null(mount_at(&s, "/dev/shm")->destination);
	last = &s.mounts[s.n_mounts - 1];
	ck_assert_str_eq(last->destination, "/a/b/c");
	ck_assert(strstr(last->source, "/volumes/vol/_data"));
	ck_assert_str_eq(mount_at(&s, "/nfs")->type, "nfs");
	ck_assert_str_eq(mount_at(&s, "/nfs")->source, ":/x");
	ck_assert(!mount_at(&s, "/nfs")->opt.bind);
	ck_assert_str_eq(mount_at(&s, "/bound")->source, "/srv");
	ck_assert(mount_at(&s, "/bound")->opt.bind);
	ck_assert_str_eq(last[-1].destination, "/a/b");
	ck_assert(last[-1].opt.attr_set && last[-1].opt.data);
	ck_assert(mount_at(&s, "/a") < &last[-1]);
	ck_assert(mount_at(&s, "/a")->opt.recursive_bind);
	ck_assert(mount_at(&s, "/a")->opt.rec_attr_set & 1);
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_namespaces)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	r.pid = "host";
	r.ipc = "host";
	r.uts = "host";
	r.cgroupns = "host";
	r.network_mode = "host";
	s = make(&r, &text);
	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		ck_assert(s.ns[i].present == (i == CTR_NS_MOUNT));
	ck_assert_ptr_null(s.hostname);
	ck_assert(mount_at(&s, "/dev/shm")->opt.bind);
	ctr_spec_fini(&s);
	free(cs_take_ptr(&text));
	r = record();
	r.uidmap = V("0:100000:65536");
	r.network_mode = "host";
	s = make(&r, &text);
	ck_assert(ctr_spec_new_userns(&s));
	ck_assert_uint_eq(s.gid_maps.v[0].host_id, 100000);
	ck_assert(mount_at(&s, "/sys")->opt.bind);
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_resources)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	r.memory = 64 << 20;
	r.memory_reservation = 32 << 20;
	r.memory_swap = -1;
	r.nano_cpus = 1500000000;
	r.cpu_shares = 512;
	r.cpuset_cpus = "0-1";
	r.pids_limit = -1;
	r.blkio_weight = 300;
	r.cgroup_parent = "mine";
	r.device_cgroup_rules = V("c 1:3 rwm", "b *:* m");
	r.sysctl = V("net.ipv4.ip_forward=1", "kernel/shmmax=65536");
	r.shm_size = 1 << 20;
	s = make(&r, &text);
	ck_assert_int_eq(s.resources.num[CG_MEMORY_LIMIT], 64 << 20);
	ck_assert_int_eq(s.resources.num[CG_MEMORY_SWAP], -1);
	ck_assert_int_eq(s.resources.num[CG_CPU_QUOTA], 150000);
	ck_assert_int_eq(s.resources.num[CG_CPU_PERIOD], 100000);
	ck_assert_int_eq(s.resources.num[CG_PIDS_LIMIT], -1);
	ck_assert_int_eq(s.resources.num[CG_BLKIO_WEIGHT], 300);
	ck_assert_str_eq(s.cgroups_path, "/mine/" ID);
	ck_assert_uint_eq(s.resources.n_devices, 5);
	ck_assert_uint_eq(s.n_sysctl, 4);
	ck_assert_ptr_nonnull(strstr(text, "size=1048576"));
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_security)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	char profile[128];
	struct ctr_spec s;

	setup();
	unit_write_str(tmp.fd, "p.json",
		       "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":"
		       "\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
		       "\"syscalls\":[{\"name\":\"mkdir\",\"action\":\"SCMP_ACT_ERRNO\"},"
		       "{\"names\":[\"chmod\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		       "{\"names\":[\"chown\"],\"action\":\"SCMP_ACT_ERRNO\","
		       "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},"
		       "\"includes\":{\"minKernel\":\"4.8\"}}]}");
	snprintf(profile, sizeof(profile), "seccomp=%s/p.json", tmp.path);
	r.security_opt = V(profile, "no-new-privileges", "apparmor=mine", "mask=/proc/cpuinfo:/x",
			   "unmask=/proc/kcore", "label=type:t");
	s = make(&r, &text);
	ck_assert(s.process.no_new_privileges);
	ck_assert_str_eq(s.process.apparmor_profile, "mine");
	ck_assert_str_eq(s.process.selinux_label, "system_u:system_r:t:s0");
	ck_assert_uint_eq(s.seccomp.n_rules, 2);
	ck_assert_ptr_nonnull(strstr(text, "/proc/cpuinfo"));
	ck_assert_ptr_null(strstr(text, "/proc/kcore"));
	ctr_spec_fini(&s);
	free(cs_take_ptr(&text));
	r.security_opt = V("seccomp=unconfined", "systempaths=unconfined", "label=disable");
	s = make(&r, &text);
	ck_assert(!s.seccomp.present);
	ck_assert(!s.masked_paths || !s.masked_paths[0]);
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_systemd)
{
	struct eng_record r = record();
	cs_auto_free char *text = NULL;
	struct ctr_spec s;

	setup();
	r.systemd = true;
	s = make(&r, &text);
	ck_assert_str_eq(mount_at(&s, "/run")->type, "tmpfs");
	ck_assert_ptr_nonnull(mount_at(&s, "/run/lock")->destination);
	ck_assert_ptr_nonnull(mount_at(&s, "/tmp")->destination);
	ck_assert(!(mount_at(&s, "/sys/fs/cgroup")->opt.attr_set & 1));
	ck_assert_str_eq(env(&s, "container"), "caisson");
	ctr_spec_fini(&s);
	teardown();
}
END_TEST

START_TEST(test_refused)
{
	struct eng_record r;

#define REFUSED(field, value, says) \
	do {                        \
		r = record();       \
		r.field = value;    \
		refused(&r, says);  \
	} while (0)
	REFUSED(cap_add, V("frob"), "--cap-add frob");
	REFUSED(cap_drop, V("frob"), "--cap-drop frob");
	REFUSED(ulimits, V("nofile"), "--ulimit nofile");
	REFUSED(ulimits, V("frob=1"), "--ulimit frob");
	REFUSED(ulimits, V("nofile=2:1"), "above");
	REFUSED(ulimits, V("nofile=x"), "number");
	REFUSED(sysctl, V("kernel.panic=1"), "whole host");
	REFUSED(sysctl, V("net.x"), "NAME=VALUE");
	REFUSED(security_opt, V("frob=1"), "unknown");
	REFUSED(security_opt, V("mask=x"), "absolute");
	REFUSED(pid, "frob", "--pid frob");
	REFUSED(ipc, "frob", "--ipc frob");
	REFUSED(userns, "frob", "--userns frob");
	REFUSED(uidmap, V("0:1"), "--uidmap 0:1");
	REFUSED(uidmap, V("0:1:0"), "--uidmap");
	REFUSED(umask, "9", "--umask");
	REFUSED(devices, V("null"), "--device null");
	REFUSED(devices, V("/dev/null:/dev/x:q"), "--device");
	REFUSED(device_cgroup_rules, V("c 1:3"), "--device-cgroup-rule");
	REFUSED(device_cgroup_rules, V("d 1:3 r"), "--device-cgroup-rule");
	REFUSED(memory, 4096, "--memory");
	REFUSED(memory_swap, 1 << 30, "--memory-swap");
	REFUSED(blkio_weight, 5, "--blkio-weight");
	REFUSED(read_bps, V("sda:1"), "--device-read-bps");
	REFUSED(nano_cpus, 1, "--cpus");
	r = record();
	r.network_mode = "host";
	r.sysctl = V("net.ipv4.ip_forward=1");
	refused(&r, "would change the host");
}
END_TEST

START_TEST(test_mask_all)
{
	struct unit_tmp t = unit_tmp_init();
	struct cfg c = { .a = cs_arena_new(0) };
	char pattern[100], path[100];

	err = CS_ERR_INIT;
	mkdirat(t.fd, "cpu0", 0755);
	mkdirat(t.fd, "cpu0/throttle", 0755);
	mkdirat(t.fd, "cpu1", 0755);
	mkdirat(t.fd, "cpu12", 0755);
	mkdirat(t.fd, "cpu12/throttle", 0755);
	mkdirat(t.fd, "cpufreq", 0755);
	mkdirat(t.fd, "cpufreq/throttle", 0755);
	snprintf(pattern, sizeof(pattern), "%s/cpu[0-9]*/throttle", t.path);
	ck_assert_int_eq(eng_cfg_mask_all(&c, pattern, &err), 0);
	ck_assert_uint_eq(c.sec.mask.n, 2);
	snprintf(path, sizeof(path), "%s/cpu0/throttle", t.path);
	c.sec.mask = (struct eng_strv){ 0 };
	c.sec.unmask = V(path);
	ck_assert_int_eq(eng_cfg_mask_all(&c, pattern, &err), 0);
	ck_assert_uint_eq(c.sec.mask.n, 1);
	ck_assert_ptr_nonnull(strstr(c.sec.mask.v[0], "/cpu12/throttle"));
	cs_arena_free(c.a);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("engine/config", test_defaults, test_process, test_caps, test_privileged, test_mounts,
	  test_namespaces, test_resources, test_security, test_systemd, test_refused, test_mask_all)
