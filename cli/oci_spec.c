#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "runtime/defaults.h"

struct spec_opts {
	const char *bundle;
	bool rootless;
};

static const struct cli_opt spec_optv[] = {
	CLI_STR(struct spec_opts, bundle, "bundle", 'b', "DIR",
		"folder to write config.json to (default: the working folder)"),
	CLI_BOOL(struct spec_opts, rootless, "rootless", 0,
		 "for a container of an ordinary user; not supported yet"),
};

enum { MOUNT_OPTIONS = 6 };

struct mount {
	const char *destination, *type, *source;
	const char *options[MOUNT_OPTIONS];
};

/* The file systems that config-linux.md (Default Filesystems) asks for, and the cgroup view. */
static const struct mount mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static const char *const args[] = { "sh" };
static const char *const env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
};
static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" };
static const char *const cap_sets[] = { "bounding", "effective", "permitted" };
static const char *const namespaces[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };

static void put_process(struct cs_jw *w)
{
	cs_jw_obj(w, "process");
	cs_jw_bool(w, "terminal", true);
	cs_jw_obj(w, "user");
	cs_jw_u64(w, "uid", 0);
	cs_jw_u64(w, "gid", 0);
	cs_jw_obj_end(w);
	cli_json_strings(w, "args", args, CS_LEN(args));
	cli_json_strings(w, "env", env, CS_LEN(env));
	cs_jw_str(w, "cwd", "/");
	cs_jw_obj(w, "capabilities");
	for (size_t i = 0; i < CS_LEN(cap_sets); i++)
		cli_json_strings(w, cap_sets[i], caps, CS_LEN(caps));
	cs_jw_obj_end(w);
	cs_jw_arr(w, "rlimits");
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "RLIMIT_NOFILE");
	cs_jw_u64(w, "hard", 1024);
	cs_jw_u64(w, "soft", 1024);
	cs_jw_obj_end(w);
	cs_jw_arr_end(w);
	cs_jw_bool(w, "noNewPrivileges", true);
	cs_jw_obj_end(w);
}

static void put_mounts(struct cs_jw *w)
{
	cs_jw_arr(w, "mounts");
	for (size_t i = 0; i < CS_LEN(mounts); i++) {
		cs_jw_obj(w, NULL);
		cs_jw_str(w, "destination", mounts[i].destination);
		cs_jw_str(w, "type", mounts[i].type);
		cs_jw_str(w, "source", mounts[i].source);
		if (mounts[i].options[0])
			cli_json_strings(w, "options", mounts[i].options, MOUNT_OPTIONS);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

static void put_linux(struct cs_jw *w)
{
	cs_jw_obj(w, "linux");
	cs_jw_obj(w, "resources");
	cs_jw_arr(w, "devices");
	cs_jw_obj(w, NULL);
	cs_jw_bool(w, "allow", false);
	cs_jw_str(w, "access", "rwm");
	cs_jw_obj_end(w);
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
	cs_jw_arr(w, "namespaces");
	for (size_t i = 0; i < CS_LEN(namespaces); i++) {
		cs_jw_obj(w, NULL);
		cs_jw_str(w, "type", namespaces[i]);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
	cli_json_strings(w, "maskedPaths", ctr_default_masked, SIZE_MAX);
	cli_json_strings(w, "readonlyPaths", ctr_default_readonly, SIZE_MAX);
	cs_jw_obj_end(w);
}

int cli_oci_spec_text(char **text, size_t *len, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "ociVersion", CLI_OCI_SPEC_VERSION);
	put_process(&w);
	cs_jw_obj(&w, "root");
	cs_jw_str(&w, "path", "rootfs");
	cs_jw_bool(&w, "readonly", true);
	cs_jw_obj_end(&w);
	cs_jw_str(&w, "hostname", "caisson");
	put_mounts(&w);
	put_linux(&w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, text, len, err);
}

static int write_new(int dir, const char *text, size_t len, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	int ret;

	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return cs_err_set(err, EEXIST, "config.json exists already; remove it first");
	if (fd < 0)
		return cs_err_sys(err, "create config.json");
	ret = cs_fd_write_all(fd, text, len, err);
	if (ret == 0)
		ret = cs_fd_write_all(fd, "\n", 1, err);
	if (ret < 0) {
		unlinkat(dir, "config.json", 0);
		return cs_err_wrap(err, "write config.json");
	}
	return 0;
}

static int spec_run(struct cli_call *call, struct cs_err *err)
{
	const struct spec_opts *o = call->opts;
	const char *bundle = o->bundle ? o->bundle : ".";
	cs_auto_free char *text = NULL;
	cs_auto_fd int dir = -EBADF;
	size_t len = 0;
	int ret;

	if (o->rootless)
		return cs_err_set(err, ENOTSUP, "option --rootless is not supported yet");
	dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cs_err_sys(err, "open bundle %s", bundle);
	ret = cli_oci_spec_text(&text, &len, err);
	return ret < 0 ? ret : write_new(dir, text, len, err);
}

const struct cli_cmd cli_oci_spec = {
	.name = "spec",
	.synopsis = "[OPTION...]",
	.help = "write a config.json to start from",
	.opts = CLI_OPTS(spec_optv),
	.opts_size = sizeof(struct spec_opts),
	.run = spec_run,
};
