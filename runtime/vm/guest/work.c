#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "cgroups/resources.h"
#include "runtime/container.h"
#include "runtime/vm/guest/agent.h"

/* The requests themselves, each in a process of its own: what runtime/ does on a host, it does
 * here. */

static const char ctr_id[] = "caisson";
static const struct ctr_rt rt = { .root = AGENT_STATE, .wall = "container" };

/* What a request is worked on with. */
struct work {
	const struct cs_json_doc *doc;
	const struct cs_json *req;
	uint32_t id;
	int program_exit;
	struct cs_jw w; /* owned; the answer, an open object */
};

/* Writes a value of the request to a file. */
static int put_file(const char *path, const struct cs_json *v, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	if (fd < 0)
		return cs_err_sys(err, "make %s", path);
	cs_jw_value(&w, NULL, v);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cs_fd_write_all(fd, text, len, err);
}

static int do_create(struct work *k, struct cs_err *err)
{
	const struct cs_json *config = NULL;
	char console[64], pid[64];
	bool terminal = false;
	const struct ctr_create_opts opts = {
		.bundle = AGENT_BUNDLE,
		.console_socket = console,
		.pid_file = pid,
	};
	struct ctr_create_opts mine = opts;

	AGENT_NAMED(console, "console", k->id);
	AGENT_NAMED(pid, "pid", k->id);
	if (cs_json_obj(k->req, "config", &config, err) < 0 ||
	    cs_json_bool(cs_json_get(config, "process"), "terminal", &terminal, err) < 0 ||
	    put_file(AGENT_BUNDLE "/config.json", config, err) < 0)
		return -err->code;
	if (!terminal)
		mine.console_socket = NULL;
	if (agent_net(k->req, err) < 0)
		return cs_err_wrap(err, "the machine's network");
	return ctr_create(&rt, ctr_id, &mine, &k->program_exit, err);
}

static int do_start(struct work *k, struct cs_err *err)
{
	return ctr_start(&rt, ctr_id, &k->program_exit, err);
}

static int strings(struct work *k, const char *key, const char *const **out, struct cs_err *err)
{
	return cs_json_strv(k->doc, k->req, key, out, NULL, err);
}

/* The groups, in the document's memory. */
static int groups(struct work *k, struct ctr_exec_opts *o, struct cs_err *err)
{
	const struct cs_json *list = NULL, *v;
	uint64_t gid = 0;
	gid_t *out;

	if (cs_json_arr(k->req, "additionalGids", &list, err) <= 0)
		return -err->code;
	out = cs_json_alloc(k->doc, list->n, sizeof(*out));
	if (!out)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (v, list) {
		if (cs_json_as_u64(v, &gid, err) < 0)
			return -err->code;
		out[o->n_additional_gids++] = (gid_t)gid;
	}
	o->additional_gids = out;
	return 0;
}

static int do_exec(struct work *k, struct cs_err *err)
{
	char console[64], pid[64], process[64];
	struct ctr_exec_opts o = { .detach = true, .pid_file = pid };
	const struct cs_json *p = NULL;
	bool no_new_privs = false;
	int code = 0;

	AGENT_NAMED(console, "console", k->id);
	AGENT_NAMED(pid, "pid", k->id);
	AGENT_NAMED(process, "process", k->id);
	if (cs_json_obj(k->req, "process", &p, err) < 0 || strings(k, "args", &o.argv, err) < 0 ||
	    strings(k, "env", &o.env, err) < 0 || strings(k, "caps", &o.caps, err) < 0 ||
	    cs_json_str(k->req, "cwd", &o.cwd, err) < 0 ||
	    cs_json_str(k->req, "user", &o.user, err) < 0 ||
	    cs_json_bool(k->req, "noNewPrivileges", &no_new_privs, err) < 0 ||
	    cs_json_bool(k->req, "terminal", &o.tty, err) < 0 || groups(k, &o, err) < 0)
		return -err->code;
	o.no_new_privs = no_new_privs;
	if (p) {
		bool terminal = false;

		if (cs_json_bool(p, "terminal", &terminal, err) < 0 ||
		    put_file(process, p, err) < 0)
			return -err->code;
		o.process_file = process;
		o.console_socket = terminal ? console : NULL;
	} else {
		o.console_socket = o.tty ? console : NULL;
	}
	if (ctr_exec(&rt, ctr_id, &o, &code, err) < 0) {
		k->program_exit = code;
		return -err->code;
	}
	return 0;
}

static int do_kill(struct work *k, struct cs_err *err)
{
	int32_t signo = 0;

	if (cs_json_i32(k->req, "signal", &signo, err) < 0)
		return -err->code;
	return ctr_kill(&rt, ctr_id, signo, true, err);
}

static int do_stats(struct work *k, struct cs_err *err)
{
	int ret;

	cs_jw_obj(&k->w, "stats");
	ret = ctr_stats(&rt, ctr_id, &k->w, err);
	cs_jw_obj_end(&k->w);
	return ret;
}

static int do_pids(struct work *k, struct cs_err *err)
{
	cs_auto_free pid_t *pids = NULL;
	size_t n = 0;

	if (ctr_pids(&rt, ctr_id, &pids, &n, err) < 0)
		return -err->code;
	cs_jw_arr(&k->w, "pids");
	for (size_t i = 0; i < n; i++)
		cs_jw_i64(&k->w, NULL, pids[i]);
	cs_jw_arr_end(&k->w);
	return 0;
}

uint32_t agent_oom_kills(void)
{
	struct cs_err why = CS_ERR_INIT;
	uint64_t kills = 0;

	if (ctr_oom_kills(&rt, ctr_id, &kills, &why) < 0)
		return 0;
	return kills < UINT32_MAX ? (uint32_t)kills : UINT32_MAX;
}

static int do_processes(struct work *k, struct cs_err *err)
{
	return agent_ps(&rt, ctr_id, &k->w, err);
}

static int do_update(struct work *k, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	struct cg_resources res = { 0 };

	if (cs_json_obj(k->req, "resources", &obj, err) < 0 ||
	    cg_resources_parse(k->doc, obj, &res, err) < 0)
		return -err->code;
	return ctr_update(&rt, ctr_id, &res, err);
}

static int work(struct work *k, struct cs_err *err)
{
	static const struct {
		const char *name;
		int (*fn)(struct work *k, struct cs_err *err);
	} table[] = {
		{ "create", do_create },       { "start", do_start },	{ "exec", do_exec },
		{ "kill", do_kill },	       { "stats", do_stats },	{ "pids", do_pids },
		{ "processes", do_processes }, { "update", do_update },
	};
	const char *what = "";

	if (cs_json_str(k->req, "do", &what, err) < 0)
		return -err->code;
	for (size_t i = 0; i < CS_LEN(table); i++)
		if (strcmp(table[i].name, what) == 0)
			return table[i].fn(k, err);
	return cs_err_set(err, ENOSYS, "the machine's agent cannot do \"%s\"", what);
}

void agent_put_error(struct cs_jw *w, const struct cs_err *why, int program_exit)
{
	cs_jw_obj(w, "error");
	cs_jw_i64(w, "code", why->code);
	cs_jw_str(w, "text", why->msg);
	if (program_exit)
		cs_jw_i64(w, "exit", program_exit);
	cs_jw_obj_end(w);
}

int agent_work(const struct cs_json_doc *doc, uint32_t id, int answer)
{
	struct work k = {
		.doc = doc,
		.req = doc->root,
		.id = id,
	};
	struct cs_err err = CS_ERR_INIT, werr = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	cs_jw_obj(&k.w, NULL);
	ret = work(&k, &err);
	if (ret < 0) { /* instead of what was begun */
		cs_jw_fini(&k.w);
		k.w = CS_JW_INIT;
		cs_jw_obj(&k.w, NULL);
		agent_put_error(&k.w, &err, k.program_exit);
	}
	cs_jw_obj_end(&k.w);
	if (cs_jw_take(&k.w, &text, &len, &werr) < 0 ||
	    cs_fd_write_all(answer, text, len, &werr) < 0)
		return EXIT_FAILURE;
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
