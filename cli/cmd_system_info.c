#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrview.h"
#include "cli/format.h"
#include "cli/imgview.h"
#include "cli/network.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "images/rootfs.h"

struct info_opts {
	const char *format;
};

static const struct cli_opt info_optv[] = {
	CLI_STR(struct info_opts, format, "format", 'f', "FORMAT",
		"\"json\", \"jsonl\", \"yaml\", or a template (default: text)"),
};

/* What is shown, in this order: a name for people and one for programs. */
struct info {
	size_t containers, running, paused, stopped, images, volumes, networks;
	uint64_t mem_total, free_bytes;
	long ncpu;
	struct utsname u;
	char os[128], security[128];
	const char *cgroups, *layers;
};

static int count_containers(const struct cli_call *call, struct info *in, struct cs_err *err)
{
	eng_auto_volume_list struct eng_volume_list volumes = { 0 };
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_mend_all(&e, err) < 0 ||
	    eng_list(&e, &ids, err) < 0 || eng_volume_list(&e, &volumes, err) < 0)
		return -err->code;
	in->volumes = volumes.n;
	in->containers = ids.n;
	for (size_t i = 0; i < ids.n; i++) {
		struct eng_status st = ENG_STATUS_INIT;
		struct cs_err gone = CS_ERR_INIT;

		if (eng_status_get(&e, ids.v[i], &st, &gone) < 0)
			continue;
		in->running += st.state == ENG_RUNNING;
		in->paused += st.state == ENG_PAUSED;
		in->stopped += st.state != ENG_RUNNING && st.state != ENG_PAUSED;
	}
	return 0;
}

static int count_images(const struct cli_call *call, struct info *in, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_list struct img_list l = IMG_LIST_INIT;
	net_auto_store struct net_store nets = NET_STORE_INIT;
	net_auto_list struct net_list names = { 0 };

	if (cli_img_store(call, &st, err) < 0 || img_store_list(st, &l, err) < 0 ||
	    cli_net_store(call, &nets, err) < 0 || net_store_list(&nets, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++) {
		size_t k = 0;

		while (strcmp(l.v[k].id, l.v[i].id) != 0)
			k++;
		in->images += k == i;
	}
	in->networks = names.n;
	return 0;
}

/* PRETTY_NAME of os-release(5). */
static void read_os(struct info *in)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	const char *at, *end;
	size_t len;

	snprintf(in->os, sizeof(in->os), "Linux");
	if (cs_file_read(AT_FDCWD, "/etc/os-release", 65536, &text, &len, &why) < 0 &&
	    cs_file_read(AT_FDCWD, "/usr/lib/os-release", 65536, &text, &len, &why) < 0)
		return;
	at = strstr(text, "PRETTY_NAME=\"");
	if (!at)
		return;
	at += strlen("PRETTY_NAME=\"");
	end = strchr(at, '"');
	if (end)
		snprintf(in->os, sizeof(in->os), "%.*s", (int)(end - at), at);
}

static const char *cgroup_mode(void)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int procfd = cs_path_proc_open(&why);
	struct cg_host h;
	const char *s;

	if (procfd < 0 || cg_host_open(procfd, &h, &why) < 0)
		return "none";
	s = h.n_hier == 0 ? "none" : h.mode == CG_V2 ? "2" : h.mode == CG_V1 ? "1" : "1 and 2";
	cg_host_fini(&h);
	return s;
}

static void read_host(const struct cli_call *call, struct info *in)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *lsm = NULL;
	struct sysinfo si;
	struct statvfs fs;
	size_t len;

	read_os(in);
	uname(&in->u);
	in->ncpu = sysconf(_SC_NPROCESSORS_ONLN);
	if (sysinfo(&si) == 0)
		in->mem_total = (uint64_t)si.totalram * si.mem_unit;
	if (statvfs(call->dirs->root, &fs) == 0)
		in->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	in->cgroups = cgroup_mode();
	in->layers = img_rootfs_can_erofs() ? "erofs" : "folders";
	if (cs_file_read(AT_FDCWD, "/sys/kernel/security/lsm", 4096, &lsm, &len, &why) == 0)
		snprintf(in->security, sizeof(in->security), "seccomp,%.*s", 100, lsm);
	else
		snprintf(in->security, sizeof(in->security), "seccomp");
}

static void put_security(const struct info *in, struct cs_jw *w)
{
	char text[sizeof(in->security)], *save = NULL;

	snprintf(text, sizeof(text), "%s", in->security);
	cs_jw_arr(w, "SecurityOptions");
	for (const char *s = strtok_r(text, ",\n", &save); s; s = strtok_r(NULL, ",\n", &save))
		cs_jw_str(w, NULL, s);
	cs_jw_arr_end(w);
}

/* Docker's names where it has one for the thing. */
static void put_json(const struct cli_call *call, const struct info *in, struct cs_jw *w)
{
	cs_jw_obj(w, NULL);
	cs_jw_u64(w, "Containers", in->containers);
	cs_jw_u64(w, "ContainersRunning", in->running);
	cs_jw_u64(w, "ContainersPaused", in->paused);
	cs_jw_u64(w, "ContainersStopped", in->stopped);
	cs_jw_u64(w, "Images", in->images);
	cs_jw_u64(w, "Volumes", in->volumes);
	cs_jw_u64(w, "Networks", in->networks);
	cs_jw_str(w, "Driver", "overlay");
	cs_jw_str(w, "Layers", in->layers);
	cs_jw_str(w, "LoggingDriver", "json-file");
	cs_jw_str(w, "CgroupDriver", "cgroupfs");
	cs_jw_str(w, "CgroupVersion", in->cgroups);
	cs_jw_str(w, "DefaultIsolation", "container");
	cs_jw_arr(w, "Isolations");
	cs_jw_str(w, NULL, "container");
	cs_jw_arr_end(w);
	put_security(in, w);
	cs_jw_str(w, "KernelVersion", in->u.release);
	cs_jw_str(w, "OperatingSystem", in->os);
	cs_jw_str(w, "OSType", "linux");
	cs_jw_str(w, "Architecture", in->u.machine);
	cs_jw_i64(w, "NCPU", in->ncpu);
	cs_jw_u64(w, "MemTotal", in->mem_total);
	cs_jw_str(w, "Name", in->u.nodename);
	cs_jw_str(w, "RootDir", call->dirs->root);
	cs_jw_str(w, "StateDir", call->dirs->state);
	cs_jw_u64(w, "RootFree", in->free_bytes);
	cs_jw_str(w, "ServerVersion", CS_VERSION);
	cs_jw_obj_end(w);
}

static int print_text(const struct cli_call *call, struct info *in, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	char mem[32], space[32];

	cli_size_text(in->mem_total, mem);
	cli_size_text(in->free_bytes, space);
	in->security[strcspn(in->security, "\n")] = '\0';
	cs_buf_addf(&b, "Version: %s\n", CS_VERSION);
	cs_buf_addf(&b, "Containers: %zu\n Running: %zu\n Paused: %zu\n Stopped: %zu\n",
		    in->containers, in->running, in->paused, in->stopped);
	cs_buf_addf(&b, "Images: %zu\nVolumes: %zu\nNetworks: %zu\n", in->images, in->volumes,
		    in->networks);
	cs_buf_addf(&b, "Isolation: container\nStorage: overlay over %s\n",
		    strcmp(in->layers, "erofs") == 0 ? "EROFS layers" : "layers in folders");
	cs_buf_addf(&b, "Logging: json-file\nCgroups: version %s, driver cgroupfs\n", in->cgroups);
	cs_buf_addf(&b, "Security: %s\n", in->security);
	cs_buf_addf(&b, "Kernel: %s\nOperating system: %s\nArchitecture: %s\n", in->u.release,
		    in->os, in->u.machine);
	cs_buf_addf(&b, "CPUs: %ld\nMemory: %s\nHost: %s\n", in->ncpu, mem, in->u.nodename);
	cs_buf_addf(&b, "Root: %s (%s free)\nState: %s\n", call->dirs->root, space,
		    call->dirs->state);
	return cli_out(&b, err);
}

static int info_run(struct cli_call *call, struct cs_err *err)
{
	const struct info_opts *o = call->opts;
	bool text = !o->format || !*o->format;
	cli_auto_format struct cli_format *f = NULL;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *json = NULL;
	struct info in = { 0 };
	size_t len = 0;

	if (cli_format_parse(o->format, "json", "{{.Name}}\\t{{.ServerVersion}}", &f, err) < 0 ||
	    count_containers(call, &in, err) < 0 || count_images(call, &in, err) < 0)
		return -err->code;
	read_host(call, &in);
	if (text)
		return print_text(call, &in, err);
	w.pretty = strcmp(o->format, "json") == 0;
	put_json(call, &in, &w);
	if (w.pretty) /* one object, as docker has it, and no list of one */
		return cli_out_json(&w, true, err);
	if (cs_jw_take(&w, &json, &len, err) < 0 || cli_format_add(f, json, len, err) < 0)
		return -err->code;
	return cli_format_print(f, err);
}

#define INFO(var, nm)                                                \
	const struct cli_cmd cli_cmd_##var = {                       \
		.name = (nm),                                        \
		.synopsis = "[OPTION...]",                           \
		.help = "show what there is, and what it stands on", \
		.opts = CLI_OPTS(info_optv),                         \
		.opts_size = sizeof(struct info_opts),               \
		.fail_status = CAISSON_FAILED,                       \
		.run = info_run,                                     \
	}

INFO(info, "info");
INFO(system_info, "system info");
