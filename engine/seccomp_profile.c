#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/seccomp_default.h"
#include "runtime/spec.h"

/* Docker's format: OCI's, with an "archMap" in the place of "architectures", a single "name" in the
 * place of "names", and conditions on rules. */

#if defined(__x86_64__)
static const char native_arch[] = "SCMP_ARCH_X86_64";
static const char native_name[] = "amd64";
#elif defined(__aarch64__)
static const char native_arch[] = "SCMP_ARCH_AARCH64";
static const char native_name[] = "arm64";
#else
static const char native_arch[] = "";
static const char native_name[] = "";
#endif

/* Is the capability or architecture @s one of ours? -EINVAL: no such capability. */
static int has_cap(const struct cs_json *v, const void *arg, struct cs_err *err)
{
	const uint64_t *caps = arg;
	int cap = v->type == CS_JSON_STRING ? ctr_spec_cap_by_name(v->str) : -1;

	if (v->type != CS_JSON_STRING)
		return cs_json_err(v, err, EINVAL, "must be a capability's name");
	return cap >= 0 && (*caps >> cap & 1);
}

static int is_arch(const struct cs_json *v, const void *arg, struct cs_err *err)
{
	(void)arg;
	if (v->type != CS_JSON_STRING)
		return cs_json_err(v, err, EINVAL, "must be an architecture's name");
	return strcmp(v->str, native_name) == 0;
}

/* How many of the list's members @is true for. */
static int count(const struct cs_json *obj, const char *key,
		 int (*is)(const struct cs_json *, const void *, struct cs_err *), const void *arg,
		 size_t *all, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *v;
	int ret = cs_json_arr(obj, key, &arr, err), n = 0;

	*all = 0;
	if (ret <= 0)
		return ret;
	*all = arr->n;
	cs_json_for_each (v, arr) {
		ret = is(v, arg, err);
		if (ret < 0)
			return ret;
		n += ret;
	}
	return n;
}

/* "4.8" against the kernel that runs. 1: it is as new. */
static int kernel_is(const struct cs_json *obj, struct cs_err *err)
{
	const char *want = NULL;
	unsigned int wa = 0, wb = 0, ha = 0, hb = 0;
	struct utsname u;
	char end;
	int ret = cs_json_str(obj, "minKernel", &want, err);

	if (ret <= 0 || !*want)
		return ret < 0 ? ret : 1;
	/* NOLINTNEXTLINE(cert-err34-c): the pieces' number says whether it was one */
	if (sscanf(want, "%4u.%4u%c", &wa, &wb, &end) != 2)
		return cs_json_err(cs_json_get(obj, "minKernel"), err, EINVAL,
				   "must be like \"4.8\"");
	/* NOLINTNEXTLINE(cert-err34-c) */
	if (uname(&u) < 0 || sscanf(u.release, "%4u.%4u", &ha, &hb) != 2)
		return 1;
	return ha > wa || (ha == wa && hb >= wb);
}

/* Does a rule apply here? 1, 0 or an error. */
static int applies(const struct cs_json *rule, uint64_t caps, struct cs_err *err)
{
	const struct cs_json *in = NULL, *ex = NULL;
	size_t n = 0;
	int ret = cs_json_obj(rule, "includes", &in, err);

	if (ret >= 0)
		ret = cs_json_obj(rule, "excludes", &ex, err);
	if (ret < 0)
		return ret;
	/* all capabilities, one of the architectures */
	ret = in ? count(in, "caps", has_cap, &caps, &n, err) : 0;
	if (ret < 0 || (size_t)ret < n)
		return ret < 0 ? ret : 0;
	ret = in ? count(in, "arches", is_arch, NULL, &n, err) : 0;
	if (ret < 0 || (in && n && ret == 0))
		return ret;
	ret = in ? kernel_is(in, err) : 1;
	if (ret <= 0 || !ex)
		return ret;
	/* none of any */
	ret = count(ex, "caps", has_cap, &caps, &n, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = count(ex, "arches", is_arch, NULL, &n, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (!cs_json_get(ex, "minKernel"))
		return 1;
	ret = kernel_is(ex, err);
	return ret < 0 ? ret : !ret;
}

static int put_rule(const struct cs_json *rule, uint64_t caps, struct cs_jw *w, struct cs_err *err)
{
	static const char *const kept[] = { "names", "action", "errnoRet", "args" };
	const char *name = NULL;
	int ret;

	if (rule->type != CS_JSON_OBJECT)
		return cs_json_err(rule, err, EINVAL, "must be an object");
	ret = applies(rule, caps, err);
	if (ret > 0)
		ret = cs_json_str(rule, "name", &name, err) < 0 ? -err->code : 1;
	if (ret <= 0)
		return ret;
	cs_jw_obj(w, NULL);
	if (name && *name) {
		cs_jw_arr(w, "names");
		cs_jw_str(w, NULL, name);
		cs_jw_arr_end(w);
	}
	for (size_t i = name && *name ? 1 : 0; i < CS_LEN(kept); i++) {
		const struct cs_json *v = cs_json_get(rule, kept[i]);

		if (v)
			cs_jw_value(w, kept[i], v);
	}
	cs_jw_obj_end(w);
	return 0;
}

/* The architectures of "archMap" that are run here. */
static int put_archs(const struct cs_json *root, struct cs_jw *w, struct cs_err *err)
{
	const struct cs_json *map = NULL, *m, *sub, *list = NULL;
	const char *arch = NULL;
	int ret = cs_json_arr(root, "archMap", &map, err);

	if (ret < 0)
		return ret;
	if (ret == 0) {
		list = cs_json_get(root, "architectures");
		if (list)
			cs_jw_value(w, "architectures", list);
		return 0;
	}
	cs_jw_arr(w, "architectures");
	cs_json_for_each (m, map) {
		if (m->type != CS_JSON_OBJECT)
			return cs_json_err(m, err, EINVAL, "must be an object");
		arch = NULL;
		ret = cs_json_str(m, "architecture", &arch, err);
		if (ret >= 0)
			ret = cs_json_arr(m, "subArchitectures", &list, err);
		if (ret < 0)
			return ret;
		if (!arch || strcmp(arch, native_arch) != 0)
			continue;
		cs_jw_str(w, NULL, arch);
		if (ret > 0) {
			cs_json_for_each (sub, list)
				cs_jw_value(w, NULL, sub);
		}
	}
	cs_jw_arr_end(w);
	return 0;
}

static int translate(const struct cs_json *root, uint64_t caps, struct cs_jw *w, struct cs_err *err)
{
	static const char *const kept[] = { "defaultAction", "defaultErrnoRet", "flags",
					    "listenerPath", "listenerMetadata" };
	const struct cs_json *rules = NULL;
	int ret;

	if (!root || root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "a seccomp profile is a JSON object");
	if (!cs_json_get(root, "defaultAction"))
		return cs_err_set(err, EINVAL, "the profile has no defaultAction");
	cs_jw_obj(w, "seccomp");
	for (size_t i = 0; i < CS_LEN(kept); i++) {
		const struct cs_json *v = cs_json_get(root, kept[i]);

		if (v)
			cs_jw_value(w, kept[i], v);
	}
	ret = put_archs(root, w, err);
	if (ret == 0)
		ret = cs_json_arr(root, "syscalls", &rules, err);
	cs_jw_arr(w, "syscalls");
	if (ret > 0) {
		const struct cs_json *rule;

		cs_json_for_each (rule, rules) {
			ret = put_rule(rule, caps, w, err);
			if (ret < 0)
				return ret;
		}
	}
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
	return ret < 0 ? ret : 0;
}

int eng_seccomp_profile(const char *text, size_t len, uint64_t caps, struct cs_jw *w,
			struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	int ret = cs_json_parse(text, len, "seccomp profile", &doc, err);

	return ret < 0 ? ret : translate(doc.root, caps, w, err);
}
