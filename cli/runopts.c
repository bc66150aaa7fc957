#include "cli/runopts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/signame.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/envfile.h"
#include "engine/mountspec.h"
#include "engine/record.h"
#include "engine/store.h"
#include "engine/strv.h"

/* What docker knows and we do not have yet, by name. */
static int refuse(const struct cli_run_opts *o, struct cs_err *err)
{
	static const char *const names[] = {
		"health-cmd is not supported yet",
		"health-interval is not supported yet",
		"health-retries is not supported yet",
		"secret is not supported yet: mount a file, --mount type=bind,ro,...",
		"health-start-interval is not supported yet",
		"health-start-period is not supported yet",
		"health-timeout is not supported yet",
		"link is not supported: containers on one network know each other's names",
		"runtime is not supported: the wall is chosen by --isolation",
		"storage-opt is not supported yet",
		"volume-driver is not supported: there is the local one, volume create --opt",
	};

	for (size_t i = 0; i < CS_LEN(names); i++)
		if (o->refused[i])
			return cs_err_set(err, ENOTSUP, "option --%s", names[i]);
	if (o->isolation && strcmp(o->isolation, "container") != 0 &&
	    strcmp(o->isolation, "vm") != 0)
		return cs_err_set(err, EINVAL,
				  "option --isolation: \"%s\" is not \"container\" or \"vm\"",
				  o->isolation);
	if (o->vm && o->isolation && strcmp(o->isolation, "vm") != 0)
		return cs_err_set(err, EINVAL, "options --vm and --isolation=%s: one or the other",
				  o->isolation);
	return 0;
}

static struct eng_strv strv(const struct cli_strv *v)
{
	return (struct eng_strv){ .v = v->v, .n = v->n };
}

/* Vectors and strings that go over as they are. */
static void copy(const struct cli_run_opts *o, struct eng_record *r)
{
	r->name = o->name;
	r->isolation = o->vm ? "vm" : o->isolation ? o->isolation : "container";
	r->append = o->append;
	r->workdir = o->workdir;
	r->user = o->user;
	r->stop_signal = o->stop_signal;
	r->umask = o->umask;
	r->group_add = strv(&o->group_add);
	r->tty = o->tty;
	r->stdin_open = o->interactive;
	r->init = o->init;
	r->annotations = strv(&o->annotation);
	r->hostname = o->hostname;
	r->domainname = o->domainname;
	r->privileged = o->privileged;
	r->read_only = o->read_only;
	r->cap_add = strv(&o->cap_add);
	r->cap_drop = strv(&o->cap_drop);
	r->security_opt = strv(&o->security_opt);
	r->devices = strv(&o->device);
	r->device_cgroup_rules = strv(&o->device_cgroup_rule);
	r->sysctl = strv(&o->sysctl);
	r->ulimits = strv(&o->ulimit);
	r->uidmap = strv(&o->uidmap);
	r->gidmap = strv(&o->gidmap);
	r->userns = o->userns;
	r->pid = o->pid;
	r->ipc = o->ipc;
	r->uts = o->uts;
	r->cgroupns = o->cgroupns;
	r->systemd = o->systemd;
	r->ports = strv(&o->publish);
	r->expose = strv(&o->expose);
	r->publish_all = o->publish_all;
	r->add_host = strv(&o->add_host);
	r->dns = strv(&o->dns);
	r->dns_search = strv(&o->dns_search);
	r->dns_option = strv(&o->dns_option);
	r->cgroup_parent = o->cgroup_parent;
	r->log_driver = o->log_driver;
	r->log_opt = strv(&o->log_opt);
	r->auto_remove = o->rm;
}

static void copy_resources(const struct cli_run_opts *o, struct eng_record *r)
{
	r->shm_size = o->shm_size.v;
	r->memory = o->memory.v;
	r->memory_reservation = o->memory_reservation.v;
	r->memory_swap = o->memory_swap.v;
	if (o->memory_swappiness.set)
		r->memory_swappiness = o->memory_swappiness.v;
	r->cpu_period = o->cpu_period.v;
	r->cpu_quota = o->cpu_quota.v;
	r->cpu_shares = o->cpu_shares.v;
	r->cpuset_cpus = o->cpuset_cpus;
	r->cpuset_mems = o->cpuset_mems;
	r->pids_limit = o->pids_limit.v;
	r->blkio_weight = o->blkio_weight.v;
	r->blkio_weight_device = strv(&o->blkio_weight_device);
	r->read_bps = strv(&o->read_bps);
	r->write_bps = strv(&o->write_bps);
	r->read_iops = strv(&o->read_iops);
	r->write_iops = strv(&o->write_iops);
	r->oom_score_adj = o->oom_score_adj.v;
	r->oom_kill_disable = o->oom_kill_disable;
	r->timeout_s = o->timeout.v;
	if (o->stop_timeout.set)
		r->stop_timeout_s = o->stop_timeout.v < 0 ? ENG_STOP_NEVER_KILL : o->stop_timeout.v;
}

/* "1.5" in 1e-9. */
int cli_run_cpus(const char *text, int64_t *out, struct cs_err *err)
{
	uint64_t whole = 0, part = 0;
	size_t digits = strspn(text, "0123456789"), more = 0;
	char buf[16];

	if (digits > 0 && digits < 8) {
		memcpy(buf, text, digits);
		buf[digits] = '\0';
		cs_str_u64(buf, &whole);
	}
	if (text[digits] == '.') {
		more = strspn(text + digits + 1, "0123456789");
		for (size_t i = 0; i < 9; i++)
			part = part * 10 + (i < more ? (uint64_t)(text[digits + 1 + i] - '0') : 0);
	}
	if (digits + more == 0 || digits >= 8 ||
	    text[digits + (text[digits] == '.') + more] != '\0' || whole * 1000000000 + part == 0)
		return cs_err_set(err, EINVAL, "option --cpus: \"%s\" is no number of CPUs", text);
	*out = (int64_t)(whole * 1000000000 + part);
	return 0;
}

int cli_run_restart(const char *text, struct cs_arena *a, struct eng_record *r, struct cs_err *err)
{
	static const char *const policies[] = { "no", "always", "unless-stopped", "on-failure" };
	const char *colon = strchr(text, ':');
	uint64_t max = 0;

	r->restart = text;
	if (colon) {
		r->restart = cs_arena_str(a, text, (size_t)(colon - text));
		if (!r->restart)
			return cs_err_set(err, ENOMEM, "out of memory");
		if (strcmp(r->restart, "on-failure") != 0 || cs_str_u64(colon + 1, &max) < 0 ||
		    max > INT_MAX)
			return cs_err_set(err, EINVAL,
					  "option --restart: \"%s\": only on-failure takes a "
					  "number, on-failure:3",
					  text);
	}
	if (!cs_str_in(r->restart, policies, CS_LEN(policies)))
		return cs_err_set(err, EINVAL,
				  "option --restart: \"%s\" is not no, on-failure[:N], always or "
				  "unless-stopped",
				  text);
	r->restart_max = (int64_t)max;
	return 0;
}

/* --entrypoint: a word, or a JSON array of them; "" stays one empty word. */
static int entrypoint(const char *text, struct cs_arena *a, struct eng_record *r,
		      struct cs_err *err)
{
	struct cs_json_doc doc = { 0 };
	int ret = 0;

	if (*text != '[')
		return eng_strv_add(a, &r->entrypoint, text, err);
	if (cs_json_parse(text, strlen(text), "option --entrypoint", &doc, err) < 0)
		return -err->code;
	for (const struct cs_json *v = doc.root->child; v && ret == 0; v = v->next) {
		const char *word = NULL;

		ret = cs_json_as_str(v, &word, err);
		if (ret < 0)
			break;
		word = cs_arena_str(a, word, strlen(word));
		ret = word ? eng_strv_add(a, &r->entrypoint, word, err)
			   : cs_err_set(err, ENOMEM, "out of memory");
	}
	cs_json_fini(&doc);
	return ret;
}

static int mounts(const struct cli_run_opts *o, struct cs_arena *a, struct eng_record *r,
		  struct cs_err *err)
{
	size_t max = o->volume.n + o->mount.n + o->tmpfs.n;
	struct eng_mount *m;
	char cwd[PATH_MAX];
	int ret = 0;

	if (max == 0)
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return cs_err_sys(err, "working folder");
	m = cs_arena_alloc(a, max * sizeof(*m));
	if (!m)
		return cs_err_set(err, ENOMEM, "out of memory");
	memset(m, 0, max * sizeof(*m));
	r->mounts = m;
	for (size_t i = 0; i < o->volume.n && ret == 0; i++)
		ret = eng_mount_parse_volume(a, o->volume.v[i], cwd, m++, err);
	for (size_t i = 0; i < o->mount.n && ret == 0; i++)
		ret = eng_mount_parse_mount(a, o->mount.v[i], cwd, m++, err);
	for (size_t i = 0; i < o->tmpfs.n && ret == 0; i++)
		ret = eng_mount_parse_tmpfs(a, o->tmpfs.v[i], m++, err);
	if (ret < 0)
		return ret;
	r->n_mounts = max;
	return eng_mounts_check(r->mounts, r->n_mounts, err);
}

/* --volumes-from: another container's mounts, where nothing else is mounted. */
static int volumes_from(const struct eng *e, const char *text, struct cs_arena *a,
			struct eng_record *r, struct cs_err *err)
{
	eng_auto_record struct eng_record other = ENG_RECORD_INIT;
	const char *colon = strrchr(text, ':');
	char id[ENG_ID_LEN + 1], name[256];
	struct eng_mount *m;
	bool ro = colon && strcmp(colon, ":ro") == 0;
	int len = (int)(colon ? (size_t)(colon - text) : strlen(text));

	if (colon && !ro && strcmp(colon, ":rw") != 0)
		return cs_err_set(err, EINVAL,
				  "option --volumes-from: \"%s\" must end in :ro or :rw", text);
	if (cs_str_fmt(name, sizeof(name), err, "%.*s", len, text) < 0 ||
	    eng_find(e, name, id, err) < 0 || eng_record_load(e, id, &other, err) < 0)
		return cs_err_wrap(err, "option --volumes-from");
	m = cs_arena_alloc(a, (r->n_mounts + other.n_mounts) * sizeof(*m));
	if (!m)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (r->n_mounts)
		memcpy(m, r->mounts, r->n_mounts * sizeof(*m));
	r->mounts = m;
	for (size_t i = 0; i < other.n_mounts; i++) {
		struct eng_mount *to = &m[r->n_mounts];
		size_t j = 0;

		while (j < r->n_mounts && strcmp(m[j].target, other.mounts[i].target) != 0)
			j++;
		if (j < r->n_mounts || other.mounts[i].type == ENG_MOUNT_TMPFS)
			continue;
		*to = other.mounts[i];
		to->target = cs_arena_str(a, to->target, strlen(to->target));
		to->source = cs_arena_str(a, to->source, strlen(to->source));
		if (to->options)
			to->options = cs_arena_str(a, to->options, strlen(to->options));
		if (to->subpath)
			to->subpath = cs_arena_str(a, to->subpath, strlen(to->subpath));
		to->read_only |= ro;
		to->anonymous = false; /* it goes with the one it was made for */
		if (!to->target || !to->source)
			return cs_err_set(err, ENOMEM, "out of memory");
		r->n_mounts++;
	}
	return 0;
}

static int add_net(const struct cli_run_opts *o, const char *name, bool first, struct eng_net *n,
		   struct cs_err *err)
{
	n->network = name;
	if (!first)
		return 0;
	n->ip = o->ip;
	n->ip6 = o->ip6;
	n->mac = o->mac_address;
	n->aliases = strv(&o->network_alias);
	if (!name || !*name)
		return cs_err_set(err, EINVAL, "option --network: the name is empty");
	return 0;
}

/* They are written into /etc/hosts and /etc/hostname: one word each, of the kernel's length. */
static int check_host_name(const char *option, const char *name, struct cs_err *err)
{
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_.")
			: 0;

	if (!name || (n <= HOST_NAME_MAX && name[n] == '\0' && *name != '-'))
		return 0;
	return cs_err_set(err, EINVAL,
			  "option --%s: \"%.64s\" is no name of a host: up to %d letters, digits, "
			  "\"-\", \"_\" and \".\"",
			  option, name, HOST_NAME_MAX);
}

/* With a mode there is no network of its own: what would describe it is refused. */
static int only_mode(const struct cli_run_opts *o, struct eng_record *r, struct cs_err *err)
{
	if (o->ip || o->ip6 || o->mac_address || o->network_alias.n)
		return cs_err_set(err, EINVAL,
				  "option --network: \"%s\" takes no --ip, --ip6, --mac-address or "
				  "--network-alias",
				  r->network_mode);
	/* its files in /etc are the other's */
	if (cs_str_starts(r->network_mode, "container:") &&
	    (o->hostname || o->dns.n || o->dns_search.n || o->dns_option.n || o->add_host.n))
		return cs_err_set(err, EINVAL,
				  "option --network: \"%s\" takes no --hostname, --dns, "
				  "--dns-search, --dns-option or --add-host: they are as in that "
				  "container",
				  r->network_mode);
	if (r->ports.n && strcmp(r->network_mode, "host") != 0)
		return cs_err_set(err, EINVAL,
				  "option --publish: no ports can be published with --network=%s",
				  r->network_mode);
	r->ports = (struct eng_strv){ 0 };
	return 0;
}

/* --network: one mode, or some networks; by default the default one. */
static int networks(const struct cli_run_opts *o, struct cs_arena *a, struct eng_record *r,
		    struct cs_err *err)
{
	static const char *const modes[] = { "none", "host" };
	static const char *const plain[] = { "default", "bridge" };
	size_t n = o->network.n;

	for (size_t i = 0; i < n; i++) {
		const char *net = o->network.v[i];

		if (!cs_str_in(net, modes, CS_LEN(modes)) && !cs_str_starts(net, "container:"))
			continue;
		if (n > 1)
			return cs_err_set(err, EINVAL,
					  "option --network: \"%s\" stands alone, without other "
					  "networks",
					  net);
		r->network_mode = net;
	}
	if (r->network_mode)
		return only_mode(o, r, err);
	r->nets = cs_arena_alloc(a, (n + 1) * sizeof(*r->nets));
	if (!r->nets)
		return cs_err_set(err, ENOMEM, "out of memory");
	memset(r->nets, 0, (n + 1) * sizeof(*r->nets));
	r->n_nets = n ? n : 1;
	for (size_t i = 0; i < r->n_nets; i++) {
		const char *name = n ? o->network.v[i] : "default";

		if (cs_str_in(name, plain, CS_LEN(plain)))
			name = "default";
		if (add_net(o, name, i == 0, &r->nets[i], err) < 0)
			return -err->code;
	}
	return 0;
}

static int env_and_labels(const struct cli_run_opts *o, struct cs_arena *a, struct eng_record *r,
			  struct cs_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < o->env_file.n && ret == 0; i++)
		ret = eng_envfile_read(a, o->env_file.v[i], true, &r->env, err);
	for (size_t i = 0; i < o->env.n && ret == 0; i++)
		ret = eng_env_add(a, o->env.v[i], &r->env, err);
	for (size_t i = 0; i < o->label_file.n && ret == 0; i++)
		ret = eng_envfile_read(a, o->label_file.v[i], false, &r->labels, err);
	for (size_t i = 0; i < o->label.n && ret == 0; i++)
		ret = eng_label_add(a, o->label.v[i], &r->labels, err);
	return ret;
}

/* A GPU is a device of CDI: the files that nvidia-ctk writes have one for each, by its number and
 * by its UUID, and "all". */
static int add_gpu(const char *name, size_t len, struct cs_arena *a, struct eng_record *r,
		   struct cs_err *err)
{
	const char *device = eng_strf(a, err, "nvidia.com/gpu=%.*s", (int)len, name);

	return device ? eng_strv_add(a, &r->devices, device, err) : -err->code;
}

/* --gpus, as docker has it: "all", how many, "device=0,GPU-1234" (quotes around it are docker's).
 */
static int gpus(const char *text, struct cs_arena *a, struct eng_record *r, struct cs_err *err)
{
	enum { MAX_GPUS = 64 };
	size_t len = strlen(text);
	bool quoted = len > 1 && *text == '"' && text[len - 1] == '"';
	const char *s = text + quoted, *end = text + len - quoted;
	uint64_t n = 0;

	if (strcmp(text, "all") == 0 || strcmp(text, "-1") == 0)
		return add_gpu("all", 3, a, r, err);
	if (cs_str_u64(text, &n) == 0 && n > 0 && n <= MAX_GPUS) {
		for (unsigned int i = 0; i < n; i++) {
			char number[8];

			snprintf(number, sizeof(number), "%u", i);
			if (add_gpu(number, strlen(number), a, r, err) < 0)
				return -err->code;
		}
		return 0;
	}
	if (cs_str_starts(s, "device="))
		s += strlen("device=");
	else
		s = end;
	for (;;) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *to = comma ? comma : end;

		if (to == s || memchr(s, '=', (size_t)(to - s)))
			return cs_err_set(err, EINVAL,
					  "option --gpus: \"%.80s\" is not all, a number up to %d, "
					  "or device=0,1",
					  text, MAX_GPUS);
		if (add_gpu(s, (size_t)(to - s), a, r, err) < 0)
			return -err->code;
		if (!comma)
			return 0;
		s = comma + 1;
	}
}

static int check(const struct cli_run_opts *o, const struct eng_record *r, struct cs_err *err)
{
	static const char *const drivers[] = { "json-file", "k8s-file", "none" };
	static const char *const streams[] = { "stdin", "stdout", "stderr" };

	if (r->name && eng_name_check(r->name, err) < 0)
		return cs_err_wrap(err, "option --name");
	if (r->log_driver && !cs_str_in(r->log_driver, drivers, CS_LEN(drivers)))
		return cs_err_set(err, EINVAL,
				  "option --log-driver: \"%s\" is not json-file, k8s-file or none",
				  r->log_driver);
	if (r->stop_signal && cs_signal_parse(r->stop_signal) <= 0)
		return cs_err_set(err, EINVAL, "option --stop-signal: \"%s\" is no signal",
				  r->stop_signal);
	if (r->auto_remove && r->restart && strcmp(r->restart, "no") != 0)
		return cs_err_set(err, EINVAL, "options --rm and --restart exclude each other");
	if (o->detach && o->attach.n)
		return cs_err_set(err, EINVAL, "options --detach and --attach exclude each other");
	for (size_t i = 0; i < o->attach.n; i++)
		if (!cs_str_in(o->attach.v[i], streams, CS_LEN(streams)))
			return cs_err_set(err, EINVAL,
					  "option --attach: \"%s\" is not stdin, stdout or stderr",
					  o->attach.v[i]);
	if (r->memory && r->memory < INT64_C(6) << 20)
		return cs_err_set(err, EINVAL, "option --memory: must be 6m at least");
	return 0;
}

/* The machine is started by another process, which stands elsewhere. */
static int absolute(const char *option, const char *path, struct cs_arena *a, const char **out,
		    struct cs_err *err)
{
	cs_auto_free char *whole = NULL;

	if (!path)
		return 0;
	whole = realpath(path, NULL);
	if (!whole)
		return cs_err_sys(err, "option %s: %s", option, path);
	*out = cs_arena_str(a, whole, strlen(whole));
	return *out ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

/* A file that is made later, elsewhere: its folder is there. */
static int to_make(const char *option, const char *path, struct cs_arena *a, const char **out,
		   struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *dir = NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path;
	struct stat sb;

	if (!path)
		return 0;
	cs_buf_add_mem(&b, path, (size_t)(name - path));
	if (cs_buf_ok(&b, err) < 0)
		return -err->code;
	dir = realpath(b.len ? b.s : ".", NULL);
	if (!dir)
		return cs_err_sys(err, "option %s: %s: its folder", option, path);
	b.len = 0;
	cs_buf_addf(&b, "%s/%s", dir[1] ? dir : "", name);
	if (cs_buf_ok(&b, err) < 0)
		return -err->code;
	if (!*name || (stat(b.s, &sb) == 0 && !S_ISREG(sb.st_mode)))
		return cs_err_set(err, EINVAL, "option %s: \"%s\" is no file", option, path);
	*out = cs_arena_str(a, b.s, b.len);
	return *out ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

int cli_run_record(const struct cli_run_opts *o, const struct eng *e, struct cs_arena *a,
		   struct eng_record *r, struct cs_err *err)
{
	int ret = refuse(o, err);

	if (ret == 0)
		ret = check_host_name("hostname", o->hostname, err);
	if (ret == 0)
		ret = check_host_name("domainname", o->domainname, err);
	copy(o, r);
	copy_resources(o, r);
	if (ret == 0 && o->cpus)
		ret = cli_run_cpus(o->cpus, &r->nano_cpus, err);
	if (ret == 0 && o->restart)
		ret = cli_run_restart(o->restart, a, r, err);
	if (ret == 0 && o->entrypoint)
		ret = entrypoint(o->entrypoint, a, r, err);
	for (size_t i = 0; i < o->gpus.n && ret == 0; i++)
		ret = gpus(o->gpus.v[i], a, r, err);
	if (ret == 0)
		ret = mounts(o, a, r, err);
	for (size_t i = 0; i < o->volumes_from.n && ret == 0; i++)
		ret = volumes_from(e, o->volumes_from.v[i], a, r, err);
	if (ret == 0)
		ret = networks(o, a, r, err);
	if (ret == 0)
		ret = env_and_labels(o, a, r, err);
	if (ret == 0)
		ret = absolute("--kernel", o->kernel, a, &r->kernel, err);
	if (ret == 0)
		ret = absolute("--initrd", o->initrd, a, &r->initrd, err);
	if (ret == 0)
		ret = to_make("--pidfile", o->pidfile, a, &r->pidfile, err);
	return ret < 0 ? ret : check(o, r, err);
}
