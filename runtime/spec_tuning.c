#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/spec_int.h"

/* config-linux.md: IntelRdt, Memory Policy, Personality */

/* One line of resctrl's schemata file. */
static int schema_line(const struct cs_json *node, const char *s, struct cs_err *err)
{
	if (strchr(s, '\n'))
		return cs_json_err(node, err, EINVAL, "must be one line");
	return 0;
}

/* The name of a folder, or "/" for the root group. */
static int clos_id(const struct cs_json *obj, const char **out, struct cs_err *err)
{
	const char *id = NULL;
	int rc = ctr_spec_str(obj, "closID", &id, err);

	if (rc <= 0)
		return rc;
	if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || (strchr(id, '/') && id[1]) ||
	    strchr(id, '\n'))
		return cs_json_err(cs_json_get(obj, "closID"), err, EINVAL,
				   "\"%.64s\" is no name of a folder", id);
	*out = id;
	return 1;
}

static int schemata(const struct cs_json_doc *doc, const struct cs_json *obj,
		    struct ctr_intel_rdt *r, struct cs_err *err)
{
	const struct cs_json *c = cs_json_get(obj, "schemata");
	size_t n = 0;
	int rc;

	rc = cs_json_strv(doc, obj, "schemata", &r->schemata, &n, err);
	if (rc <= 0)
		return rc;
	c = c->child;
	for (size_t i = 0; i < n; i++, c = c->next) {
		rc = schema_line(c, r->schemata[i], err);
		if (rc < 0)
			return rc;
	}
	if (!n)
		r->schemata = NULL;
	return 0;
}

static int mem_bw(const struct cs_json *obj, struct ctr_intel_rdt *r, struct cs_err *err)
{
	const struct cs_json *node = cs_json_get(obj, "memBwSchema");
	int rc = ctr_spec_str(obj, "memBwSchema", &r->mem_bw_schema, err);

	if (rc <= 0)
		return rc;
	if (!cs_str_starts(r->mem_bw_schema, "MB:"))
		return cs_json_err(node, err, EINVAL, "must start with \"MB:\"");
	return schema_line(node, r->mem_bw_schema, err);
}

static int intel_rdt(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err)
{
	/* before 1.3 there was one switch a technology */
	static const char *const switches[] = { "enableMonitoring", "enableCMT", "enableMBM" };
	struct ctr_intel_rdt *r = &s->intel_rdt;
	const struct cs_json *obj = NULL;
	int rc;

	rc = cs_json_obj(linux_obj, "intelRdt", &obj, err);
	if (rc <= 0)
		return rc;
	r->present = true;
	rc = clos_id(obj, &r->clos_id, err);
	if (rc >= 0)
		rc = ctr_spec_str(obj, "l3CacheSchema", &r->l3_cache_schema, err);
	if (rc >= 0)
		rc = mem_bw(obj, r, err);
	if (rc >= 0)
		rc = schemata(&s->doc, obj, r, err);
	for (size_t i = 0; rc >= 0 && i < CS_LEN(switches); i++) {
		bool on = false;

		rc = cs_json_bool(obj, switches[i], &on, err);
		r->enable_monitoring = r->enable_monitoring || on;
	}
	return rc;
}

/* Newer than the headers this may be built with (Linux 6.9). */
enum { WEIGHTED_INTERLEAVE = 6 };

static const struct ctr_name mode_rows[] = {
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_WEIGHTED_INTERLEAVE", WEIGHTED_INTERLEAVE },
};
const struct ctr_names ctr_spec_mpol_modes = { mode_rows, CS_LEN(mode_rows) };

static const struct ctr_name flag_rows[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};
const struct ctr_names ctr_spec_mpol_flags = { flag_rows, CS_LEN(flag_rows) };

static int nodes(const struct cs_json_doc *doc, const struct cs_json *obj,
		 struct ctr_memory_policy *p, struct cs_err *err)
{
	struct ctr_spec_set set = { .max = CTR_SPEC_MAX_NODE };
	const char *s = NULL, *text = NULL;
	int rc = ctr_spec_str(obj, "nodes", &s, err);

	if (rc <= 0)
		return rc;
	set.bits = cs_json_alloc(doc, CTR_SPEC_MAX_NODE / 8 + 1, 1);
	if (!set.bits)
		return ctr_spec_oom(err);
	rc = ctr_spec_numbers(doc, cs_json_get(obj, "nodes"), &set, &text, err);
	if (rc < 0)
		return rc;
	p->nodes = set.bits;
	p->max_node = set.top + 1;
	return 0;
}

/* set_mempolicy(2) */
static int policy_check(const struct cs_json *obj, const struct ctr_memory_policy *p,
			const char *mode, struct cs_err *err)
{
	const unsigned int both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	bool none = p->mode == MPOL_DEFAULT || p->mode == MPOL_LOCAL;

	if (none && p->nodes)
		return cs_json_err(cs_json_get(obj, "nodes"), err, EINVAL,
				   "set_mempolicy(2): invalid argument: %s takes no nodes", mode);
	/* MPOL_PREFERRED without nodes is MPOL_LOCAL */
	if (!none && p->mode != MPOL_PREFERRED && !p->nodes)
		return cs_json_err(obj, err, EINVAL, "nodes: missing, %s needs them", mode);
	if ((p->flags & both) == both)
		return cs_json_err(cs_json_get(obj, "flags"), err, EINVAL,
				   "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each "
				   "other");
	if ((p->flags & MPOL_F_NUMA_BALANCING) && p->mode != MPOL_BIND &&
	    p->mode != MPOL_PREFERRED_MANY)
		return cs_json_err(cs_json_get(obj, "flags"), err, EINVAL,
				   "MPOL_F_NUMA_BALANCING is not for %s", mode);
	return 0;
}

static int memory_policy(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err)
{
	struct ctr_memory_policy *p = &s->memory_policy;
	const struct cs_json *obj = NULL;
	uint64_t mode = 0, flags = 0;
	int rc;

	rc = cs_json_obj(linux_obj, "memoryPolicy", &obj, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_word(obj, "mode", &ctr_spec_mpol_modes, &mode, err);
	if (rc == 0)
		return ctr_spec_missing(obj, "mode", err);
	if (rc > 0)
		rc = ctr_spec_words(obj, "flags", &ctr_spec_mpol_flags, &flags, err);
	if (rc >= 0)
		rc = nodes(&s->doc, obj, p, err);
	if (rc < 0)
		return rc;
	p->present = true;
	p->mode = (int)mode;
	p->flags = (unsigned int)flags;
	return policy_check(obj, p, cs_json_get(obj, "mode")->str, err);
}

static int personality(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err)
{
	static const struct ctr_name rows[] = {
		{ "LINUX", CTR_PER_LINUX },
		{ "LINUX32", CTR_PER_LINUX32 },
	};
	static const struct ctr_names domains = { rows, CS_LEN(rows) };
	const struct cs_json *obj = NULL, *flags = NULL;
	uint64_t v = 0;
	int rc;

	rc = cs_json_obj(linux_obj, "personality", &obj, err);
	if (rc <= 0)
		return rc;
	rc = ctr_spec_word(obj, "domain", &domains, &v, err);
	if (rc == 0)
		return ctr_spec_missing(obj, "domain", err);
	if (rc > 0)
		rc = cs_json_arr(obj, "flags", &flags, err);
	if (rc < 0)
		return rc;
	if (flags && flags->n)
		return cs_json_err(flags, err, EINVAL, "must be empty, there are no flags");
	s->personality = (enum ctr_personality_domain)v;
	return 0;
}

int ctr_spec_tuning(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err)
{
	int rc = intel_rdt(s, linux_obj, err);

	if (rc >= 0)
		rc = memory_policy(s, linux_obj, err);
	if (rc >= 0)
		rc = personality(s, linux_obj, err);
	return rc < 0 ? rc : 0;
}
