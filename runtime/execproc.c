#include "runtime/execproc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/attend.h"
#include "runtime/container.h"

/* What a --process file leaves out comes from the container, as with runc. */
static void inherit(const struct ctr_process *from, struct ctr_process *to)
{
	if (!to->caps.present)
		to->caps = from->caps;
	if (to->n_rlimits == 0) {
		to->rlimits = from->rlimits;
		to->n_rlimits = from->n_rlimits;
	}
	if (!to->apparmor_profile)
		to->apparmor_profile = from->apparmor_profile;
	if (!to->selinux_label)
		to->selinux_label = from->selinux_label;
	if (!to->has_oom_score_adj) {
		to->has_oom_score_adj = from->has_oom_score_adj;
		to->oom_score_adj = from->oom_score_adj;
	}
	if (!to->scheduler.present)
		to->scheduler = from->scheduler;
	if (!to->has_io_priority) {
		to->has_io_priority = from->has_io_priority;
		to->io_priority = from->io_priority;
	}
}

/* What a --process file describes is not described a second time. conmon gives --tty beside a file
 * that asks for a terminal, which says the same. */
static int check_alone(const struct ctr_exec_opts *o, struct cs_err *err)
{
	const struct {
		const char *name;
		bool given;
	} options[] = {
		{ "additional-gids", o->n_additional_gids > 0 },
		{ "apparmor", o->apparmor != NULL },
		{ "cap", o->caps && o->caps[0] },
		{ "cwd", o->cwd != NULL },
		{ "env", o->env && o->env[0] },
		{ "no-new-privs", o->no_new_privs != 0 },
		{ "process-label", o->process_label != NULL },
		{ "user", o->user != NULL },
	};

	for (size_t i = 0; i < CS_LEN(options); i++)
		if (options[i].given)
			return cs_err_set(err, EINVAL,
					  "--%s: does not go with --process; say it in %s",
					  options[i].name, o->process_file);
	return 0;
}

static int from_file(const struct ctr_spec *spec, const struct ctr_exec_opts *o,
		     struct ctr_execproc *x, struct cs_err *err)
{
	const char *path = o->process_file;
	cs_auto_free char *text = NULL;
	size_t len;
	int rc;

	rc = check_alone(o, err);
	if (rc < 0)
		return rc;
	rc = cs_file_read(AT_FDCWD, path, CTR_SPEC_MAX_BYTES, &text, &len, err);
	if (rc == 0)
		rc = cs_json_parse(text, len, path, &x->doc, err);
	if (rc == 0)
		rc = ctr_spec_parse_process(&x->doc, x->doc.root, &x->p, err);
	if (rc < 0)
		return cs_err_wrap(err, "--process");
	if (o->tty && !x->p.terminal)
		return cs_err_set(
			err, EINVAL,
			"--tty: %s says that the process has no terminal; say \"terminal\": "
			"true in it",
			path);
	inherit(&spec->process, &x->p);
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* The container's environment with --env on top: a later one of the same name wins. */
static int set_env(const struct ctr_process *base, const char *const *more, struct ctr_execproc *x,
		   struct cs_err *err)
{
	size_t n_more = 0, n = 0;

	while (more && more[n_more])
		n_more++;
	x->env = calloc(base->n_env + n_more + 1, sizeof(*x->env));
	if (!x->env)
		return cs_err_set(err, ENOMEM, "--env: out of memory");
	for (; n < base->n_env; n++)
		x->env[n] = base->env[n];
	for (size_t i = 0; i < n_more; i++) {
		size_t at = 0;

		if (!strchr(more[i], '='))
			return cs_err_set(err, EINVAL, "--env %s: must be NAME=VALUE", more[i]);
		while (at < n && !same_name(more[i], x->env[at]))
			at++;
		x->env[at] = more[i];
		n += at == n;
	}
	x->p.env = x->env;
	x->p.n_env = n;
	return 0;
}

static int set_user(const char *text, struct ctr_user *user, struct cs_err *err)
{
	const char *colon = strchrnul(text, ':');
	char uid_text[16];
	uint64_t uid, gid = user->gid;

	if (cs_str_fmt(uid_text, sizeof(uid_text), err, "%.*s", (int)(colon - text), text) < 0)
		return cs_err_wrap(err, "--user");
	if (cs_str_u64(uid_text, &uid) < 0 || uid >= UINT32_MAX ||
	    (*colon && (cs_str_u64(colon + 1, &gid) < 0 || gid >= UINT32_MAX)))
		return cs_err_set(err, EINVAL, "--user %s: must be UID or UID:GID, as numbers",
				  text);
	user->uid = (uid_t)uid;
	user->gid = (gid_t)gid;
	return 0;
}

static int add_gids(const struct ctr_exec_opts *o, struct ctr_execproc *x, struct cs_err *err)
{
	struct ctr_user *u = &x->p.user;
	size_t n = u->n_additional_gids;

	if (o->n_additional_gids == 0)
		return 0;
	x->gids = calloc(n + o->n_additional_gids, sizeof(*x->gids));
	if (!x->gids)
		return cs_err_set(err, ENOMEM, "--additional-gids: out of memory");
	if (n)
		memcpy(x->gids, u->additional_gids, n * sizeof(*x->gids));
	memcpy(x->gids + n, o->additional_gids, o->n_additional_gids * sizeof(*x->gids));
	u->additional_gids = x->gids;
	u->n_additional_gids = n + o->n_additional_gids;
	return 0;
}

/* --cap adds to what a program gets on execve(2), not to what its own children inherit. */
static int add_caps(const char *const *caps, struct ctr_caps *to, struct cs_err *err)
{
	for (; caps && *caps; caps++) {
		int cap = ctr_spec_cap_by_name(*caps);

		if (cap < 0)
			return cs_err_set(err, EINVAL, "--cap %s: no such capability", *caps);
		to->present = true;
		to->bounding |= 1ULL << cap;
		to->effective |= 1ULL << cap;
		to->permitted |= 1ULL << cap;
	}
	return 0;
}

static int from_options(const struct ctr_spec *spec, const struct ctr_exec_opts *o,
			struct ctr_execproc *x, struct cs_err *err)
{
	struct ctr_process *p = &x->p;
	int rc;

	*p = spec->process;
	p->args = o->argv;
	p->n_args = 0;
	while (o->argv && o->argv[p->n_args])
		p->n_args++;
	if (p->n_args == 0)
		return cs_err_set(err, EINVAL, "exec: no command given");
	if (o->cwd)
		p->cwd = o->cwd;
	if (p->cwd[0] != '/')
		return cs_err_set(err, EINVAL, "--cwd %s: must be absolute", p->cwd);
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label)
		p->selinux_label = o->process_label;
	if (o->no_new_privs)
		p->no_new_privileges = true;
	p->terminal = o->tty;
	p->has_console_size = false;
	p->console_height = p->console_width = 0;
	rc = set_env(&spec->process, o->env, x, err);
	if (rc == 0 && o->user)
		rc = set_user(o->user, &p->user, err);
	if (rc == 0)
		rc = add_gids(o, x, err);
	return rc < 0 ? rc : add_caps(o->caps, &p->caps, err);
}

int ctr_execproc_make(const struct ctr_spec *spec, const struct ctr_exec_opts *opts,
		      struct ctr_execproc *out, struct cs_err *err)
{
	struct ctr_execproc x = { .doc = CS_JSON_DOC_INIT };
	int rc;

	if (!spec->process.present && !opts->process_file)
		return cs_err_set(
			err, EINVAL,
			"exec: the container has no process to take after; give --process");
	rc = opts->process_file ? from_file(spec, opts, &x, err)
				: from_options(spec, opts, &x, err);
	if (rc == 0)
		rc = ctr_attend_check_console(x.p.terminal, opts->detach, opts->console_socket,
					      err);
	if (rc < 0) {
		ctr_execproc_fini(&x);
		return rc;
	}
	*out = x;
	return 0;
}

void ctr_execproc_fini(struct ctr_execproc *x)
{
	cs_json_fini(&x->doc);
	free(x->env);
	free(x->gids);
	x->env = NULL;
	x->gids = NULL;
}
