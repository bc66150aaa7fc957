#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/vm/host.h"

/* The guest's word for what it runs: nothing of it is believed but its form. */

/* A copy that a terminal can be shown, in the document's memory. */
static int plain(const struct cs_json_doc *doc, const struct cs_json *p, const char *key,
		 const char **out, struct cs_err *err)
{
	const char *text = "?";
	char *copy;

	if (cs_json_str(p, key, &text, err) < 0)
		return -err->code;
	copy = cs_json_alloc(doc, strlen(text) + 1, 1);
	if (!copy)
		return cs_err_set(err, ENOMEM, "out of memory");
	memcpy(copy, text, strlen(text) + 1);
	cs_str_plain(copy);
	*out = copy;
	return 0;
}

static int read_proc(const struct cs_json_doc *doc, const struct cs_json *p, struct ctr_proc *out,
		     struct cs_err *err)
{
	int32_t pid = 0, ppid = 0;

	if (cs_json_i32(p, "pid", &pid, err) < 0 || cs_json_i32(p, "ppid", &ppid, err) < 0 ||
	    cs_json_u32(p, "uid", &out->uid, err) < 0 ||
	    cs_json_i64(p, "start", &out->start, err) < 0 ||
	    cs_json_u64(p, "age", &out->age, err) < 0 ||
	    cs_json_u64(p, "time", &out->cpu, err) < 0 ||
	    plain(doc, p, "tty", &out->tty, err) < 0 || plain(doc, p, "cmd", &out->cmd, err) < 0)
		return -err->code;
	out->pid = pid;
	out->ppid = ppid;
	return 0;
}

int ctr_vm_procs_parse(struct cs_json_doc *doc, struct ctr_procs *out, struct cs_err *err)
{
	const struct cs_json *list = NULL, *p;
	struct ctr_proc *v;
	size_t n = 0;

	if (cs_json_arr(doc->root, "processes", &list, err) < 0)
		return -err->code;
	v = cs_json_alloc(doc, (list ? list->n : 0) + 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (p = list ? list->child : NULL; p; p = p->next)
		if (read_proc(doc, p, &v[n++], err) < 0)
			return -err->code;
	*out = (struct ctr_procs){ .v = v, .n = n, .doc = *doc };
	*doc = CS_JSON_DOC_INIT;
	return 0;
}

int ctr_vm_procs(struct ctr *c, struct ctr_procs *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "do", "processes");
	cs_jw_obj_end(&w);
	if (ctr_vm_ask(c, CTR_VM_ASK_PLAIN, &w, &doc, NULL, err) < 0)
		return -err->code;
	return ctr_vm_procs_parse(&doc, out, err) < 0 ? cs_err_wrap(err, "the agent's answer") : 0;
}
