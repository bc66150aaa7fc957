#include <errno.h>
#include <limits.h>

#include "base/err.h"
#include "runtime/spec_int.h"

/* config.md, POSIX-platform Hooks */

const char *const ctr_hook_names[CTR_HOOK_COUNT] = {
	[CTR_HOOK_PRESTART] = "prestart",
	[CTR_HOOK_CREATE_RUNTIME] = "createRuntime",
	[CTR_HOOK_CREATE_CONTAINER] = "createContainer",
	[CTR_HOOK_START_CONTAINER] = "startContainer",
	[CTR_HOOK_POSTSTART] = "poststart",
	[CTR_HOOK_POSTSTOP] = "poststop",
};

static int hook_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		     struct cs_err *err)
{
	struct ctr_hook *h = out;
	int64_t timeout = 0;
	int rc;

	rc = ctr_spec_need_str(item, "path", &h->path, err);
	if (rc == 0)
		rc = ctr_spec_path(item, "path", &h->path, err);
	if (rc >= 0)
		rc = cs_json_strv(doc, item, "args", &h->args, NULL, err);
	if (rc >= 0)
		rc = cs_json_strv(doc, item, "env", &h->env, NULL, err);
	if (rc >= 0)
		rc = ctr_spec_int(item, "timeout", 1, INT_MAX / 1000, &timeout, err);
	if (rc < 0)
		return rc;
	/* an empty list is as good as none */
	if (h->args && !h->args[0])
		h->args = NULL;
	if (h->env && !h->env[0])
		h->env = NULL;
	h->timeout_s = (int)timeout;
	return 0;
}

int ctr_spec_hooks(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	for (size_t i = 0; i < CTR_HOOK_COUNT; i++) {
		const struct ctr_spec_list list = { ctr_hook_names[i], sizeof(struct ctr_hook),
						    hook_item };
		void *v = NULL;
		int rc = ctr_spec_items(&s->doc, obj, &list, &v, &s->hooks[i].n, err);

		if (rc < 0)
			return rc;
		s->hooks[i].v = v;
	}
	return 0;
}
