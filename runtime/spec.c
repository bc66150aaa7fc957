#include "runtime/spec.h"

#include <ctype.h>
#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec_int.h"

const struct ctr_ns_info ctr_ns_table[CTR_NS_COUNT] = {
	[CTR_NS_USER] = { "user", "user", CLONE_NEWUSER },
	[CTR_NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[CTR_NS_NETWORK] = { "network", "net", CLONE_NEWNET },
	[CTR_NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[CTR_NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[CTR_NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[CTR_NS_TIME] = { "time", "time", CLONE_NEWTIME },
	[CTR_NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
};

/* Skips one number of a SemVer core, "0" or without a leading zero; NULL if there is none. */
static const char *semver_number(const char *s)
{
	if (!isdigit((unsigned char)*s) || (*s == '0' && isdigit((unsigned char)s[1])))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

/* Skips dot-separated identifiers of letters, digits and hyphens. In a pre-release (@strict) an
 * all-digit one has no leading zero. */
static const char *semver_identifiers(const char *s, bool strict)
{
	for (;; s++) {
		bool digits = true, zero = *s == '0';
		size_t len = 0;

		for (; isalnum((unsigned char)*s) || *s == '-'; s++, len++)
			digits = digits && isdigit((unsigned char)*s);
		if (!len || (strict && digits && zero && len > 1))
			return NULL;
		if (*s != '.')
			return s;
	}
}

/* Is @s a version as https://semver.org/spec/v2.0.0.html has it? */
static bool semver_ok(const char *s)
{
	for (int i = 0; s && i < 3; i++) {
		s = semver_number(s);
		if (s && i < 2)
			s = *s == '.' ? s + 1 : NULL;
	}
	if (s && *s == '-')
		s = semver_identifiers(s + 1, true);
	if (s && *s == '+')
		s = semver_identifiers(s + 1, false);
	return s && !*s;
}

static int oci_version(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	int rc = ctr_spec_need_str(root, "ociVersion", &s->oci_version, err);

	if (rc < 0)
		return rc;
	if (!semver_ok(s->oci_version))
		return cs_json_err(cs_json_get(root, "ociVersion"), err, EINVAL,
				   "\"%.64s\" is no version such as \"1.3.0\"", s->oci_version);
	if (strncmp(s->oci_version, "1.", 2) != 0)
		return cs_json_err(cs_json_get(root, "ociVersion"), err, EINVAL,
				   "%.64s is not supported, only 1.x", s->oci_version);
	return 0;
}

static int root_fs(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int rc = cs_json_obj(root, "root", &obj, err);

	if (rc == 0)
		return ctr_spec_missing(root, "root", err);
	if (rc > 0)
		rc = ctr_spec_need_str(obj, "path", &s->root_path, err);
	if (rc == 0)
		rc = cs_json_bool(obj, "readonly", &s->root_readonly, err);
	return rc < 0 ? rc : 0;
}

/* hostname or domainname: as long as the kernel lets it be (__NEW_UTS_LEN, sethostname(2)). */
static int uts_name(const struct cs_json *root, const char *key, const char **out,
		    struct cs_err *err)
{
	enum { UTS_LEN = 64 };
	int rc = ctr_spec_str(root, key, out, err);

	if (rc > 0 && strlen(*out) > UTS_LEN)
		return cs_json_err(cs_json_get(root, key), err, EINVAL, "is longer than %d bytes",
				   UTS_LEN);
	return rc < 0 ? rc : 0;
}

/* Sections for other systems: not ours to read, but objects if they are there. */
static int other_platforms(const struct cs_json *root, struct cs_err *err)
{
	static const char *const names[] = { "freebsd", "solaris", "windows", "zos" };

	for (size_t i = 0; i < CS_LEN(names); i++) {
		const struct cs_json *obj = NULL;
		int rc = cs_json_obj(root, names[i], &obj, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The object @key of the root goes to *@out, NULL if it is absent. */
static int section(const struct cs_json *root, const char *key, const struct cs_json **out,
		   struct cs_err *err)
{
	int rc = cs_json_obj(root, key, out, err);

	return rc < 0 ? rc : 0;
}

static int process(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int rc = section(root, "process", &obj, err);

	if (rc < 0 || !obj)
		return rc;
	return ctr_spec_parse_process(&s->doc, obj, &s->process, err);
}

static int top(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	int rc = oci_version(s, root, err);

	if (rc == 0)
		rc = root_fs(s, root, err);
	if (rc == 0)
		rc = uts_name(root, "hostname", &s->hostname, err);
	if (rc == 0)
		rc = uts_name(root, "domainname", &s->domainname, err);
	if (rc == 0)
		rc = ctr_spec_map(&s->doc, root, "annotations", &s->annotations, &s->n_annotations,
				  err);
	if (rc == 0)
		rc = other_platforms(root, err);
	return rc;
}

static int sections(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	const struct cs_json *hooks = NULL, *linux_obj = NULL, *vm = NULL;
	int rc;

	rc = section(root, "hooks", &hooks, err);
	if (rc == 0)
		rc = section(root, "linux", &linux_obj, err);
	if (rc == 0)
		rc = section(root, "vm", &vm, err);
	if (rc == 0)
		rc = process(s, root, err);
	if (rc == 0)
		rc = ctr_spec_mounts(s, root, err);
	if (rc == 0)
		rc = ctr_spec_hooks(s, hooks, err);
	if (rc == 0)
		rc = ctr_spec_linux(s, linux_obj, err);
	if (rc == 0)
		rc = ctr_spec_vm(&s->doc, vm, &s->vm, err);
	return rc;
}

int ctr_spec_parse(const char *buf, size_t len, struct ctr_spec *out, struct cs_err *err)
{
	const struct cs_json *root;
	struct ctr_spec s = { 0 };
	int rc;

	if (len > CTR_SPEC_MAX_BYTES)
		return cs_err_set(err, EFBIG, "config.json: larger than %d bytes",
				  CTR_SPEC_MAX_BYTES);
	rc = cs_json_parse(buf, len, "config.json", &s.doc, err);
	if (rc < 0)
		return rc;
	root = s.doc.root;
	if (root->type != CS_JSON_OBJECT)
		rc = cs_err_set(err, EINVAL, "config.json: must be an object");
	if (rc == 0)
		rc = top(&s, root, err);
	if (rc == 0)
		rc = sections(&s, root, err);
	if (rc == 0)
		rc = ctr_spec_check(&s, err);
	if (rc < 0) {
		ctr_spec_fini(&s);
		return rc;
	}
	*out = s;
	return 0;
}

void ctr_spec_fini(struct ctr_spec *spec)
{
	cs_json_fini(&spec->doc);
	memset(spec, 0, sizeof(*spec));
}

bool ctr_spec_new_userns(const struct ctr_spec *spec)
{
	return spec->ns[CTR_NS_USER].present && !spec->ns[CTR_NS_USER].path;
}

const char *ctr_spec_annotation(const struct ctr_spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_annotations; i++) {
		if (strcmp(spec->annotations[i].key, key) == 0)
			return spec->annotations[i].value;
	}
	return NULL;
}
