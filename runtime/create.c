#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "runtime/attend.h"
#include "runtime/container.h"
#include "runtime/info.h"
#include "runtime/isolation.h"
#include "runtime/notify.h"
#include "runtime/ns/hooks.h"
#include "runtime/passwd.h"
#include "runtime/teardown.h"

/* create and run: from a bundle to a container. */

static int set_string(char **out, const char *s, struct cs_err *err)
{
	*out = strdup(s);
	return *out ? 0 : cs_err_set(err, ENOMEM, "state: out of memory");
}

/* The bundle's absolute path. Symlinks in it stay: the caller may mean them. */
static int name_bundle(struct ctr *c, const char *bundle, struct cs_err *err)
{
	char cwd[PATH_MAX], path[PATH_MAX];
	int rc;

	if (bundle && bundle[0] == '/') {
		rc = cs_str_fmt(path, sizeof(path), err, "%s", bundle);
	} else {
		if (!getcwd(cwd, sizeof(cwd)))
			return cs_err_sys(err, "working folder");
		rc = cs_str_fmt(path, sizeof(path), err, "%s%s%s", cwd, bundle ? "/" : "",
				bundle ? bundle : "");
	}
	return rc < 0 ? cs_err_wrap(err, "bundle") : set_string(&c->state.bundle, path, err);
}

/* Reads the bundle's config. *@text is what state keeps of it. */
static int load_bundle(struct ctr *c, const struct ctr_create_opts *opts, char **text, size_t *len,
		       struct cs_err *err)
{
	const char *name = opts->config ? opts->config : "config.json";
	int rc;

	rc = name_bundle(c, opts->bundle, err);
	if (rc < 0)
		return rc;
	c->bundle = open(c->state.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->bundle < 0)
		return cs_err_sys(err, "open bundle %s", c->state.bundle);
	rc = cs_file_read(opts->config ? AT_FDCWD : c->bundle, name, CTR_SPEC_MAX_BYTES, text, len,
			  err);
	if (rc == 0)
		rc = ctr_spec_parse(*text, *len, &c->spec, err);
	if (rc < 0)
		return cs_err_wrap(err, "bundle %s", c->state.bundle);
	c->has_spec = true;
	return 0;
}

/* The container's facts for state.json, as far as they stand before there is a process. */
static int fill_state(struct ctr *c, struct cs_err *err)
{
	struct ctr_state *st = &c->state;
	const struct ctr_spec *spec = &c->spec;
	char path[PATH_MAX];
	struct timespec now;
	int rc;

	clock_gettime(CLOCK_REALTIME, &now);
	st->created_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	st->has_rdt = spec->intel_rdt.present;
	st->systemd_cgroup = c->rt->systemd_cgroup;
	st->own_pidns = spec->ns[CTR_NS_PID].present && !spec->ns[CTR_NS_PID].path;
	rc = set_string(&st->id, c->id, err);
	if (rc == 0)
		rc = set_string(&st->oci_version, spec->oci_version, err);
	if (rc == 0)
		rc = set_string(&st->wall, c->wall->name, err);
	if (rc == 0)
		rc = ctr_passwd_owner(geteuid(), &st->owner, err);
	if (rc == 0)
		rc = spec->root_path[0] == '/'
			     ? cs_str_fmt(path, sizeof(path), err, "%s", spec->root_path)
			     : cs_str_fmt(path, sizeof(path), err, "%s/%s", st->bundle,
					  spec->root_path);
	if (rc == 0)
		rc = set_string(&st->rootfs, path, err);
	if (rc == 0)
		rc = cg_path_resolve(spec->cgroups_path, c->id, st->systemd_cgroup, path,
				     sizeof(path), err);
	if (rc == 0)
		rc = set_string(&st->cgroup, path, err);
	return rc;
}

/* What can be refused is refused before anything is made. */
static int check(struct ctr *c, const struct ctr_create_opts *opts, struct cs_err *err)
{
	const struct ctr_process *p = &c->spec.process;
	int rc;

	c->wall = ctr_isolation_by_name(c->rt->wall);
	if (!c->wall)
		return cs_err_set(err, ENOTSUP,
				  "isolation \"%s\" is not there (only \"container\" is)",
				  c->rt->wall);
	rc = c->wall->check(c, err);
	if (rc < 0)
		return rc;
	return ctr_attend_check_console(p->terminal, opts->detach || !opts->run,
					opts->console_socket, err);
}

/* Keeps the config as it was at create. There is no container yet that somebody could read half of.
 */
static int save_config(struct ctr *c, const char *text, size_t len, struct cs_err *err)
{
	cs_auto_fd int fd = openat(c->dir, "config.json",
				   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return cs_err_sys(err, "container %s: save its config.json", c->id);
	return cs_fd_write_all(fd, text, len, err);
}

/* Writes the first state and has the wall made. */
static int build(struct ctr *c, const struct ctr_create_opts *opts, const char *config,
		 size_t config_len, struct ctr_child *child, struct cs_err *err)
{
	int rc;

	rc = save_config(c, config, config_len, err);
	if (rc == 0)
		rc = ctr_state_write(c->dir, &c->state, err);
	if (rc == 0)
		rc = ctr_notify_prepare(c, err);
	if (rc == 0)
		rc = c->wall->create(c, opts, child, err);
	return rc;
}

/* From nothing to a container whose init waits. On failure nothing is left. */
static int make(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		struct cs_err *err)
{
	cs_auto_free char *config = NULL;
	size_t config_len = 0;
	int rc;

	rc = ctr_id_check(c->id, err);
	if (rc == 0)
		rc = load_bundle(c, opts, &config, &config_len, err);
	if (rc == 0)
		rc = check(c, opts, err);
	if (rc == 0)
		rc = fill_state(c, err);
	if (rc < 0)
		return rc;
	c->state.no_new_keyring = opts->no_new_keyring;
	c->host_proc = cs_path_proc_open(err);
	if (c->host_proc < 0 || cs_proc_unignore_signals(c->host_proc, err) < 0)
		return -err->code;
	c->root_fd = ctr_state_root_open(c->rt->root, true, err);
	if (c->root_fd < 0)
		return -err->code;
	rc = ctr_state_create(c->root_fd, c->id, &c->dir, &c->lock, err);
	if (rc < 0)
		return rc;
	rc = build(c, opts, config, config_len, child, err);
	if (rc < 0)
		ctr_teardown_failed(c);
	return rc;
}

/* Lets init go, then what follows a start. A poststart hook that fails does not end the container
 * (config.md, Poststart). */
static int start(struct ctr *c, bool attended, struct cs_err *err)
{
	struct cs_err unheard = CS_ERR_INIT;
	cs_auto_fd int notify = -EBADF;
	int rc;

	rc = ctr_notify_bind(c, &notify, err);
	if (rc == 0)
		rc = c->wall->start(c, err);
	if (rc < 0)
		return rc;
	cs_close_fd(&c->lock); /* it runs: others may look at it and end it */
	ctr_teardown_hooks(c, CTR_HOOK_POSTSTART, CTR_RUNNING);
	if (ctr_notify_wait(c, notify, attended, &unheard) < 0)
		cs_log(CS_LOG_WARN, "%s", unheard.msg);
	return 0;
}

int ctr_create(const struct ctr_rt *rt, const char *id, const struct ctr_create_opts *opts,
	       int *program_exit, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	ctr_auto_child struct ctr_child child = CTR_CHILD_INIT;
	int rc;

	c.rt = rt;
	c.id = id;
	rc = make(&c, opts, &child, err);
	if (rc < 0 && program_exit && child.program_exit)
		*program_exit = child.program_exit;
	return rc;
}

int ctr_start(const struct ctr_rt *rt, const char *id, int *program_exit, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	enum ctr_status status;
	int rc;

	rc = ctr_open(rt, id, true, &c, err);
	if (rc < 0)
		return rc;
	rc = ctr_status_get(&c, &status, err);
	if (rc < 0)
		return rc;
	if (status != CTR_CREATED)
		return cs_err_set(err, EBUSY,
				  "container %s is %s, only a created one can be started", id,
				  ctr_status_name(status));
	rc = start(&c, false, err);
	if (rc < 0 && program_exit && c.program_exit)
		*program_exit = c.program_exit;
	return rc;
}

/* Stays with a container that runs, then takes it down. */
static int attend(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		  int *exit_code, struct cs_err *err)
{
	int code = 0;
	int rc;

	rc = ctr_attend(child, NULL, &code, err);
	if (rc == 0 && !opts->keep)
		rc = ctr_teardown_ended(c, err);
	if (rc < 0)
		return rc;
	*exit_code = code;
	return 0;
}

/* The program of a run was not executed: what the command exits with says why. */
static int not_run(const struct ctr *c, int program_exit, int *exit_code, const struct cs_err *err)
{
	int signo = ctr_attend_stopped(c->stop);

	if (signo)
		*exit_code = 128 + signo;
	else if (program_exit)
		*exit_code = program_exit;
	return -err->code;
}

int ctr_run(const struct ctr_rt *rt, const char *id, const struct ctr_create_opts *opts,
	    int *exit_code, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	ctr_auto_child struct ctr_child child = CTR_CHILD_INIT;
	struct ctr_create_opts mine = *opts;
	int rc = 0;

	mine.run = true;
	c.rt = rt;
	c.id = id;
	if (!opts->detach)
		rc = ctr_attend_prepare(&c.stop, err);
	if (rc == 0)
		rc = make(&c, &mine, &child, err);
	if (rc < 0)
		return not_run(&c, child.program_exit, exit_code, err);
	if (!opts->detach && !opts->no_subreaper && !c.state.own_pidns)
		rc = ctr_attend_orphans(err);
	if (rc == 0)
		rc = start(&c, !opts->detach, err);
	if (rc < 0) {
		ctr_teardown_failed(&c);
		return not_run(&c, c.program_exit, exit_code, err);
	}
	if (opts->detach) {
		*exit_code = 0;
		return 0;
	}
	return attend(&c, opts, &child, exit_code, err);
}
