#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/spec_int.h"

/* config-linux.md, Seccomp */

static const struct ctr_name action_rows[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
};
const struct ctr_names ctr_spec_seccomp_actions = { action_rows, CS_LEN(action_rows) };

static const struct ctr_name op_rows[] = {
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT }, { "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
};
const struct ctr_names ctr_spec_seccomp_ops = { op_rows, CS_LEN(op_rows) };

static const struct ctr_name flag_rows[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};
const struct ctr_names ctr_spec_seccomp_flags = { flag_rows, CS_LEN(flag_rows) };

static const struct ctr_name arch_rows[] = {
	{ "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
#ifdef SCMP_ARCH_LOONGARCH64
	{ "SCMP_ARCH_LOONGARCH64", SCMP_ARCH_LOONGARCH64 },
#endif
#ifdef SCMP_ARCH_M68K
	{ "SCMP_ARCH_M68K", SCMP_ARCH_M68K },
#endif
	{ "SCMP_ARCH_MIPS", SCMP_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PARISC", SCMP_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64 },
	{ "SCMP_ARCH_PPC", SCMP_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", SCMP_ARCH_PPC64 },
	{ "SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE },
	{ "SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64 },
	{ "SCMP_ARCH_S390", SCMP_ARCH_S390 },
	{ "SCMP_ARCH_S390X", SCMP_ARCH_S390X },
#ifdef SCMP_ARCH_SH
	{ "SCMP_ARCH_SH", SCMP_ARCH_SH },
	{ "SCMP_ARCH_SHEB", SCMP_ARCH_SHEB },
#endif
	{ "SCMP_ARCH_X32", SCMP_ARCH_X32 },
	{ "SCMP_ARCH_X86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
};
const struct ctr_names ctr_spec_seccomp_archs = { arch_rows, CS_LEN(arch_rows) };

/* Of the spec, but of a later libseccomp than this may be built with. No program of theirs runs
 * on a machine of ours, so leaving them out changes nothing. */
static const char *const later_archs[] = {
	"SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",
	"SCMP_ARCH_SH",
	"SCMP_ARCH_SHEB",
};

/* Highest errno a system call can return (linux/err.h, MAX_ERRNO). */
enum { MAX_ERRNO = 4095, EPERM_DEFAULT = EPERM };

/* The action named by @key, with the errno or trace value of @errno_key in it. 1, 0: absent. */
static int action(const struct cs_json *obj, const char *key, const char *errno_key, uint32_t *out,
		  struct cs_err *err)
{
	int64_t data = EPERM_DEFAULT, max;
	uint64_t act = 0;
	int rc;

	rc = ctr_spec_word(obj, key, &ctr_spec_seccomp_actions, &act, err);
	if (rc <= 0)
		return rc;
	max = act == SCMP_ACT_TRACE(0) ? UINT16_MAX : MAX_ERRNO;
	rc = ctr_spec_int(obj, errno_key, 0, max, &data, err);
	if (rc < 0)
		return rc;
	if (act == SCMP_ACT_ERRNO(0) || act == SCMP_ACT_TRACE(0))
		act |= (uint64_t)data;
	else if (rc > 0)
		return cs_json_err(cs_json_get(obj, errno_key), err, EINVAL,
				   "%s has no errno to return", cs_json_get(obj, key)->str);
	*out = (uint32_t)act;
	return 1;
}

static int arg_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		    struct cs_err *err)
{
	enum { LAST_ARG = 5 };
	struct ctr_seccomp_arg *a = out;
	int64_t index = 0;
	uint64_t op = 0;
	int rc;

	(void)doc;
	rc = ctr_spec_int(item, "index", 0, LAST_ARG, &index, err);
	if (rc == 0)
		return ctr_spec_missing(item, "index", err);
	if (rc > 0) {
		rc = cs_json_u64(item, "value", &a->value, err);
		if (rc == 0)
			return ctr_spec_missing(item, "value", err);
	}
	if (rc > 0)
		rc = cs_json_u64(item, "valueTwo", &a->value_two, err);
	if (rc >= 0) {
		rc = ctr_spec_word(item, "op", &ctr_spec_seccomp_ops, &op, err);
		if (rc == 0)
			return ctr_spec_missing(item, "op", err);
	}
	a->index = (uint32_t)index;
	a->op = (int)op;
	return rc < 0 ? rc : 0;
}

static int rule_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		     struct cs_err *err)
{
	const struct ctr_spec_list list = { "args", sizeof(struct ctr_seccomp_arg), arg_item };
	struct ctr_seccomp_rule *r = out;
	void *v = NULL;
	int rc;

	rc = cs_json_strv(doc, item, "names", &r->names, &r->n_names, err);
	if (rc == 0)
		return ctr_spec_missing(item, "names", err);
	if (rc < 0)
		return rc;
	if (!r->n_names)
		return cs_json_err(cs_json_get(item, "names"), err, EINVAL, "must not be empty");
	rc = action(item, "action", "errnoRet", &r->action, err);
	if (rc == 0)
		return ctr_spec_missing(item, "action", err);
	if (rc > 0)
		rc = ctr_spec_items(doc, item, &list, &v, &r->n_args, err);
	r->args = v;
	return rc;
}

static int architectures(const struct cs_json_doc *doc, const struct cs_json *obj,
			 struct ctr_seccomp *out, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	uint32_t *v;
	int rc;

	rc = cs_json_arr(obj, "architectures", &arr, err);
	if (rc <= 0)
		return rc;
	v = cs_json_alloc(doc, (size_t)arr->n + 1, sizeof(*v));
	if (!v)
		return ctr_spec_oom(err);
	cs_json_for_each (c, arr) {
		const struct ctr_name *row;
		const char *name = NULL;

		rc = cs_json_as_str(c, &name, err);
		if (rc < 0)
			return rc;
		row = ctr_spec_find(&ctr_spec_seccomp_archs, name);
		if (row)
			v[out->n_archs++] = (uint32_t)row->value;
		else if (cs_str_in(name, later_archs, CS_LEN(later_archs)))
			cs_log(CS_LOG_WARN, "seccomp: %s is not known to this libseccomp, left out",
			       name);
		else
			return ctr_spec_unknown(c, &ctr_spec_seccomp_archs, err);
	}
	out->archs = v;
	return 0;
}

static int flags(const struct cs_json *obj, struct ctr_seccomp *out, struct cs_err *err)
{
	uint64_t bits = 0;
	int rc = ctr_spec_words(obj, "flags", &ctr_spec_seccomp_flags, &bits, err);

	if (rc == 0)
		bits = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	out->filter_flags = (uint32_t)bits;
	return rc;
}

static int listener(const struct cs_json *obj, struct ctr_seccomp *out, struct cs_err *err)
{
	int rc = ctr_spec_path(obj, "listenerPath", &out->listener_path, err);

	if (rc >= 0)
		rc = ctr_spec_str(obj, "listenerMetadata", &out->listener_metadata, err);
	if (rc < 0)
		return rc;
	if (out->listener_metadata && !out->listener_path)
		return cs_json_err(cs_json_get(obj, "listenerMetadata"), err, EINVAL,
				   "must not be set without listenerPath");
	if (out->default_action == SCMP_ACT_NOTIFY)
		return cs_json_err(cs_json_get(obj, "defaultAction"), err, EINVAL,
				   "SCMP_ACT_NOTIFY cannot be the default");
	for (size_t i = 0; i < out->n_rules; i++)
		out->uses_notify = out->uses_notify || out->rules[i].action == SCMP_ACT_NOTIFY;
	if (out->uses_notify && !out->listener_path)
		return cs_json_err(obj, err, EINVAL,
				   "listenerPath: missing, SCMP_ACT_NOTIFY needs it");
	/* says how a listener waits; the kernel refuses it where there is none */
	if (!out->uses_notify)
		out->filter_flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	return 0;
}

static int filter(const struct cs_json_doc *doc, const struct cs_json *obj, struct ctr_seccomp *out,
		  struct cs_err *err)
{
	const struct ctr_spec_list list = { "syscalls", sizeof(struct ctr_seccomp_rule),
					    rule_item };
	void *v = NULL;
	int rc;

	rc = ctr_spec_items(doc, obj, &list, &v, &out->n_rules, err);
	out->rules = v;
	if (rc >= 0)
		rc = architectures(doc, obj, out, err);
	if (rc >= 0)
		rc = flags(obj, out, err);
	if (rc >= 0)
		rc = listener(obj, out, err);
	return rc;
}

int ctr_spec_seccomp(const struct cs_json_doc *doc, const struct cs_json *linux_obj,
		     struct ctr_seccomp *out, struct cs_err *err)
{
	const struct cs_json *obj = NULL, *rules = NULL;
	int rc = cs_json_obj(linux_obj, "seccomp", &obj, err);

	if (rc <= 0)
		return rc;
	rc = action(obj, "defaultAction", "defaultErrnoRet", &out->default_action, err);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		rc = cs_json_arr(obj, "syscalls", &rules, err);
		if (rc > 0 && rules->n)
			return ctr_spec_missing(obj, "defaultAction", err);
		if (rc < 0)
			return rc;
		/* how some callers write that there is no filter */
		cs_log(CS_LOG_WARN, "linux.seccomp has no defaultAction and no rule: no filter");
		return 0;
	}
	out->present = true;
	rc = filter(doc, obj, out, err);
	return rc < 0 ? rc : 0;
}
