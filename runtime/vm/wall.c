#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/isolation.h"
#include "runtime/ns/socket.h"
#include "runtime/vm/host.h"

/* The second wall: a virtual machine with a kernel of its own. One function a member of struct
 * ctr_isolation_ops. Its keeper (keeper.c) is what init is behind the first wall: it is signalled,
 * waited for, frozen and killed alike. */

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
		ret = ask(c, CTR_VM_ASK_PLAIN, &w, NULL, err);
	}
	if (ret != -ESRCH || !all)
		return ret;
	cs_err_clear(err);
	return 0;
}

static int vm_update(struct ctr *c, const struct cg_resources *res, struct cs_err *err)
{
	(void)c;
	(void)res;
	return cs_err_set(err, ENOTSUP, "update: a machine's size cannot be changed yet");
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
	return ctr_isolation_ns.oom_open(c, out, err);
}

static int vm_oom_next(struct ctr *c, struct cg_oom *oom, struct cs_err *err)
{
	return ctr_isolation_ns.oom_next(c, oom, err);
}

static int vm_destroy(struct ctr *c, struct cs_err *err)
{
	return ctr_isolation_ns.destroy(c, err);
}

/* What is not there yet, by name. The cgroup's freezer would not do: a thread of KVM's own in it
 * never freezes. */

static int vm_pause(struct ctr *c, struct cs_err *err)
{
	return cs_err_set(err, ENOTSUP, "container %s: a machine cannot be paused yet", c->id);
}

static int vm_frozen(struct ctr *c, struct cs_err *err)
{
	(void)c;
	(void)err;
	return 0;
}

static int vm_pids(struct ctr *c, pid_t **pids, size_t *n, struct cs_err *err)
{
	(void)pids;
	(void)n;
	return cs_err_set(err, ENOTSUP,
			  "container %s: the processes in a machine cannot be listed from the host "
			  "yet; exec ps in it",
			  c->id);
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
	.resume = vm_pause,
	.frozen = vm_frozen,
	.update = vm_update,
	.stats = vm_stats,
	.pids = vm_pids,
	.oom_open = vm_oom_open,
	.oom_next = vm_oom_next,
	.destroy = vm_destroy,
};
