#include "runtime/ns/execcg.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"

/* "sub" or "controller:sub" */
static int go_below(struct ctr_exec_cgroup *x, const char *text, struct cs_err *err)
{
	const char *colon = strchr(text, ':');
	cs_auto_free char *controller = NULL;

	if (colon) {
		controller = strndup(text, (size_t)(colon - text));
		if (!controller)
			return cs_err_set(err, ENOMEM, "--cgroup: out of memory");
	}
	x->sub = true;
	if (cg_sub(&x->cg, controller, colon ? colon + 1 : text, err) < 0)
		return cs_err_wrap(err, "--cgroup %s", text);
	return 0;
}

int ctr_exec_cgroup_open(const struct ctr *c, const char *const *subs, struct ctr_exec_cgroup *out,
			 struct cs_err *err)
{
	int rc;

	*out = (struct ctr_exec_cgroup){ .clone_fd = -EBADF };
	rc = cg_host_open(c->host_proc, &out->host, err);
	if (rc < 0)
		return rc;
	rc = cg_open(&out->host, c->state.cgroup, &out->cg, err);
	if (rc < 0) {
		cg_host_fini(&out->host);
		return rc;
	}
	for (; rc == 0 && subs && *subs; subs++)
		rc = go_below(out, *subs, err);
	if (rc < 0) {
		ctr_exec_cgroup_fini(out);
		return rc;
	}
	out->clone_fd = cg_v2_fd(&out->cg);
	return 0;
}

void ctr_exec_cgroup_fini(struct ctr_exec_cgroup *x)
{
	cg_fini(&x->cg);
	cg_host_fini(&x->host);
	x->clone_fd = -EBADF;
}

int ctr_exec_cgroup_join(const struct ctr_exec_cgroup *x, struct cs_err *err)
{
	return cg_join_self(&x->cg, x->clone_fd >= 0, err);
}

int ctr_exec_cgroup_follow_init(const struct ctr *c, struct ctr_exec_cgroup *x, struct cs_err *err)
{
	int rc = cg_follow(&x->cg, c->host_proc, c->state.pid, err);

	if (rc == 0)
		x->clone_fd = cg_v2_fd(&x->cg);
	return rc;
}
