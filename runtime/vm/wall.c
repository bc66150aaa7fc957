#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/isolation.h"
#include "runtime/ns/socket.h"
#include "runtime/vm/host.h"

/* The second wall: a virtual machine with a kernel of its own. One function a member of struct
 * ctr_isolation_ops. Its keeper (keeper.c) is what init is behind the first wall: it is signalled,
 * waited for, frozen and killed alike. */

enum { OOM_MAX = 32 }; /* bytes of the file */

static int vm_check(const struct ctr *c, struct cs_err *err)
{
	return ctr_vm_check(&c->spec, err);
}

static struct cs_jw request(const char *what)
{
	struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "do", what);
	return w;
}

static int ask(struct ctr *c, enum ctr_vm_ask kind, struct cs_jw *w, struct cs_json_doc *answer,
	       struct cs_err *err)
{
	int ret;

	cs_jw_obj_end(w);
	ret = ctr_vm_ask(c, kind, w, answer, NULL, err);
	cs_jw_fini(w);
	return ret;
}

static int vm_start(struct ctr *c, struct cs_err *err)
{
	struct cs_jw w = request("start");

	return ask(c, CTR_VM_ASK_START, &w, NULL, err);
}

static int vm_waits(struct ctr *c, struct cs_err *err)
{
	return ctr_socket_listens(c->dir, err);
}

static int vm_signal(struct ctr *c, int signo, bool all, struct cs_err *err)
{
	struct cs_jw w;
	int ret;

	/* it would stop the keeper, which answers for the machine */
	if (signo == SIGSTOP)
		return cs_err_set(err, ENOTSUP,
				  "container %s: a machine cannot be stopped by SIGSTOP", c->id);
	/* its end does not depend on what is in it */
	if (!all || signo == SIGKILL) {
		ret = ctr_isolation_ns.signal(c, signo, false, err);
	} else {
		w = request("kill");
		cs_jw_i64(&w, "signal", signo);
		ret = ask(c, CTR_VM_ASK_TELL, &w, NULL, err);
	}
	if (ret != -ESRCH || !all)
		return ret;
	cs_err_clear(err);
	return 0;
}

/* In the machine, and on the host what create limits there: its processors. */
static int vm_update(struct ctr *c, const struct cg_resources *res, struct cs_err *err)
{
	struct cg_resources host;
	struct cs_jw w = request("update");
	int ret = ctr_vm_fits(&c->spec, res, err);

	if (ret == 0)
		ret = ctr_vm_put_resources(&w, res, err);
	ctr_vm_host_limits(res, &host);
	/* the host's first: what is in the machine has no say in it */
	if (ret == 0)
		ret = ctr_isolation_ns.update(c, &host, err);
	if (ret == 0)
		ret = ask(c, CTR_VM_ASK_PLAIN, &w, NULL, err);
	cs_jw_fini(&w);
	return ret;
}

static int vm_stats(struct ctr *c, struct cs_jw *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_jw w = request("stats");
	const struct cs_json *stats = NULL, *f;

	if (ask(c, CTR_VM_ASK_PLAIN, &w, &doc, err) < 0 ||
	    cs_json_obj(doc.root, "stats", &stats, err) < 0)
		return -err->code;
	for (f = stats ? stats->child : NULL; f; f = f->next)
		cs_jw_value(out, f->key, f);
	return 0;
}

/* What acts on the keeper and its cgroup is as behind the first wall. */

static int vm_oom_open(struct ctr *c, struct cg_oom *out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct cs_err none = CS_ERR_INIT;
	uint64_t kills = 0;
	size_t len;
	int ret = ctr_isolation_ns.oom_open(c, out, err);

	/* what was killed in the machine, once it has ended */
	if (ret == -ENOENT) {
		cs_err_clear(err);
		*out = CG_OOM_INIT;
		ret = 0;
	}
	if (ret == 0 && cs_file_read(c->dir, CTR_VM_OOM_FILE, OOM_MAX, &text, &len, &none) == 0 &&
	    cs_str_u64(text, &kills) == 0)
		out->kills += kills;
	return ret;
}

static int vm_oom_next(struct ctr *c, struct cg_oom *oom, struct cs_err *err)
{
	return ctr_isolation_ns.oom_next(c, oom, err);
}

static int vm_destroy(struct ctr *c, struct cs_err *err)
{
	return ctr_isolation_ns.destroy(c, err);
}

/* The cgroup's freezer would not do: a thread of KVM's own in it never freezes. So the keeper has
 * the monitor stop the machine's processors. That somebody paused it once is noted: of others no
 * keeper is asked. */

static const char pause_note[] = "paused";

static int vm_pause(struct ctr *c, struct cs_err *err)
{
	cs_auto_fd int note = openat(c->dir, pause_note, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct cs_jw w = request("pause");

	if (note < 0) {
		cs_jw_fini(&w);
		return cs_err_sys(err, "container %s: note that it is paused", c->id);
	}
	return ask(c, CTR_VM_ASK_PAUSE, &w, NULL, err);
}

static int vm_resume(struct ctr *c, struct cs_err *err)
{
	struct cs_jw w = request("resume");

	return ask(c, CTR_VM_ASK_RESUME, &w, NULL, err);
}

static int vm_frozen(struct ctr *c, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	bool paused = false;
	struct cs_jw w;
	int ret;

	if (faccessat(c->dir, pause_note, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	w = request("paused");
	ret = ask(c, CTR_VM_ASK_PAUSED, &w, &doc, err);
	/* it ends at this moment, or cannot say: that it is ended does not depend on it */
	if (ret == -ESRCH || ret == -ETIMEDOUT || ret == -EIO) {
		cs_err_clear(err);
		return 0;
	}
	if (ret < 0 || cs_json_bool(doc.root, "paused", &paused, err) < 0)
		return -err->code;
	return paused;
}

static int vm_pids(struct ctr *c, pid_t **pids, size_t *n, struct cs_err *err)
{
	struct ctr_procs procs = { 0 };
	pid_t *out;

	if (ctr_vm_procs(c, &procs, err) < 0)
		return -err->code;
	out = calloc(procs.n + 1, sizeof(*out));
	for (size_t i = 0; out && i < procs.n; i++)
		out[i] = (pid_t)procs.v[i].pid;
	*pids = out;
	*n = procs.n;
	cs_json_fini(&procs.doc);
	return out ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

static int vm_procs(struct ctr *c, struct ctr_procs *out, struct cs_err *err)
{
	return ctr_vm_procs(c, out, err) < 0 ? -err->code : 1;
}

const struct ctr_isolation_ops ctr_isolation_vm = {
	.name = "vm",
	.check = vm_check,
	.create = ctr_vm_create,
	.start = vm_start,
	.waits = vm_waits,
	.exec = ctr_vm_exec,
	.signal = vm_signal,
	.pause = vm_pause,
	.resume = vm_resume,
	.frozen = vm_frozen,
	.update = vm_update,
	.stats = vm_stats,
	.pids = vm_pids,
	.procs = vm_procs,
	.oom_open = vm_oom_open,
	.oom_next = vm_oom_next,
	.destroy = vm_destroy,
};
