#include "cgroups/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* A member that is one number or boolean. */
struct number {
	const char *key;
	enum cg_field field;
	bool boolean;
	int64_t min, max;
};

static const struct number memory_numbers[] = {
	{ "limit", CG_MEMORY_LIMIT, false, -1, INT64_MAX },
	{ "reservation", CG_MEMORY_RESERVATION, false, -1, INT64_MAX },
	{ "swap", CG_MEMORY_SWAP, false, -1, INT64_MAX },
	{ "kernel", CG_MEMORY_KERNEL, false, -1, INT64_MAX },
	{ "kernelTCP", CG_MEMORY_KERNEL_TCP, false, -1, INT64_MAX },
	{ "swappiness", CG_MEMORY_SWAPPINESS, false, 0, 200 },
	{ "disableOOMKiller", CG_MEMORY_DISABLE_OOM, true, 0, 1 },
	{ "useHierarchy", CG_MEMORY_USE_HIERARCHY, true, 0, 1 },
	{ "checkBeforeUpdate", CG_MEMORY_CHECK_BEFORE_UPDATE, true, 0, 1 },
};

static const struct number cpu_numbers[] = {
	{ "shares", CG_CPU_SHARES, false, 0, INT64_MAX },
	{ "quota", CG_CPU_QUOTA, false, INT64_MIN, INT64_MAX },
	{ "burst", CG_CPU_BURST, false, 0, INT64_MAX },
	{ "period", CG_CPU_PERIOD, false, 0, INT64_MAX },
	{ "realtimeRuntime", CG_CPU_RT_RUNTIME, false, -1, INT64_MAX },
	{ "realtimePeriod", CG_CPU_RT_PERIOD, false, 0, INT64_MAX },
	{ "idle", CG_CPU_IDLE, false, 0, 1 },
};

static const struct number pids_numbers[] = {
	{ "limit", CG_PIDS_LIMIT, false, INT64_MIN, INT64_MAX },
};

static const struct number blkio_numbers[] = {
	{ "weight", CG_BLKIO_WEIGHT, false, 0, 1000 },
	{ "leafWeight", CG_BLKIO_LEAF_WEIGHT, false, 0, 1000 },
};

static const struct number net_numbers[] = {
	{ "classID", CG_NET_CLASS_ID, false, 0, UINT32_MAX },
};

struct parse {
	const struct cs_json_doc *doc;
	struct cg_resources *r;
	struct cs_err *err;
};

static int get_number(const struct cs_json *obj, const char *key, int64_t min, int64_t max,
		      int64_t *out, struct cs_err *err)
{
	int64_t v;
	int ret = cs_json_i64(obj, key, &v, err);

	if (ret <= 0)
		return ret;
	if (v < min || v > max)
		return cs_json_err(cs_json_get(obj, key), err, EINVAL,
				   "must be from %" PRId64 " to %" PRId64, min, max);
	*out = v;
	return 1;
}

static int parse_numbers(struct parse *p, const struct cs_json *obj, const struct number *table,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = 0;
		bool on = false;
		int ret;

		if (table[i].boolean) {
			ret = cs_json_bool(obj, table[i].key, &on, p->err);
			v = on;
		} else {
			ret = get_number(obj, table[i].key, table[i].min, table[i].max, &v, p->err);
		}
		if (ret < 0)
			return ret;
		if (!ret)
			continue;
		p->r->has |= UINT64_C(1) << table[i].field;
		p->r->num[table[i].field] = v;
	}
	return 0;
}

/* A string that will be one word of a line written to a kernel file. */
static int check_word(const struct cs_json *obj, const char *key, const char *s, bool spaces,
		      struct cs_err *err)
{
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || (*c == ' ' && !spaces))
			return cs_json_err(cs_json_get(obj, key), err, EINVAL,
					   "must not have blanks or control characters");
	return 0;
}

static int parse_memory(struct parse *p, const struct cs_json *obj)
{
	return parse_numbers(p, obj, memory_numbers, CS_LEN(memory_numbers));
}

static int parse_list(struct parse *p, const struct cs_json *obj, const char *key, const char **out)
{
	const char *s = NULL;
	int ret = cs_json_str(obj, key, &s, p->err);

	if (ret > 0)
		ret = check_word(obj, key, s, true, p->err);
	if (ret < 0)
		return ret;
	if (s && *s)
		*out = s;
	return 0;
}

static int parse_cpu(struct parse *p, const struct cs_json *obj)
{
	int ret = parse_numbers(p, obj, cpu_numbers, CS_LEN(cpu_numbers));

	if (!ret)
		ret = parse_list(p, obj, "cpus", &p->r->cpus);
	return ret < 0 ? ret : parse_list(p, obj, "mems", &p->r->mems);
}

static int parse_pids(struct parse *p, const struct cs_json *obj)
{
	return parse_numbers(p, obj, pids_numbers, CS_LEN(pids_numbers));
}

/* A new array for the elements of @list; NULL and an error when there is no memory. */
static void *new_array(struct parse *p, const struct cs_json *list, size_t size)
{
	void *v = cs_json_alloc(p->doc, list->n, size);

	if (!v)
		cs_err_set(p->err, ENOMEM, "linux.resources: out of memory");
	return v;
}

static int parse_dev_number(const struct cs_json *obj, int64_t *major, int64_t *minor,
			    struct cs_err *err)
{
	int ret = get_number(obj, "major", 0, UINT32_MAX, major, err);

	if (ret > 0)
		ret = get_number(obj, "minor", 0, UINT32_MAX, minor, err);
	if (ret < 0)
		return ret;
	return ret ? 0 : cs_json_err(obj, err, EINVAL, "major and minor are needed");
}

static int parse_weights(struct parse *p, const struct cs_json *list)
{
	struct cg_blkio_weight *v = new_array(p, list, sizeof(*v));
	const struct cs_json *e;
	int64_t n = 0;

	if (!v)
		return -ENOMEM;
	p->r->blkio_weights = v;
	cs_json_for_each (e, list) {
		int ret = parse_dev_number(e, &v->major, &v->minor, p->err);

		if (!ret)
			ret = get_number(e, "weight", 0, 1000, &n, p->err);
		if (ret > 0) {
			v->has_weight = true;
			v->weight = (uint16_t)n;
		}
		if (ret >= 0)
			ret = get_number(e, "leafWeight", 0, 1000, &n, p->err);
		if (ret > 0) {
			v->has_leaf_weight = true;
			v->leaf_weight = (uint16_t)n;
		}
		if (ret < 0)
			return ret;
		v++;
		p->r->n_blkio_weights++;
	}
	return 0;
}

static int parse_rates(struct parse *p, const struct cs_json *list, int kind)
{
	struct cg_blkio_rate *v = new_array(p, list, sizeof(*v));
	const struct cs_json *e;

	if (!v)
		return -ENOMEM;
	p->r->blkio_rates[kind] = v;
	cs_json_for_each (e, list) {
		int ret = parse_dev_number(e, &v->major, &v->minor, p->err);

		if (!ret)
			ret = cs_json_u64(e, "rate", &v->rate, p->err);
		if (ret < 0)
			return ret;
		if (!ret)
			return cs_json_err(e, p->err, EINVAL, "rate is needed");
		v++;
		p->r->n_blkio_rates[kind]++;
	}
	return 0;
}

static int parse_blkio(struct parse *p, const struct cs_json *obj)
{
	static const char *const rates[CG_RATE_COUNT] = {
		[CG_RATE_RBPS] = "throttleReadBpsDevice",
		[CG_RATE_WBPS] = "throttleWriteBpsDevice",
		[CG_RATE_RIOPS] = "throttleReadIOPSDevice",
		[CG_RATE_WIOPS] = "throttleWriteIOPSDevice",
	};
	const struct cs_json *list;
	int ret = parse_numbers(p, obj, blkio_numbers, CS_LEN(blkio_numbers));

	if (ret >= 0)
		ret = cs_json_arr(obj, "weightDevice", &list, p->err);
	if (ret > 0)
		ret = parse_weights(p, list);
	for (int i = 0; ret >= 0 && i < CG_RATE_COUNT; i++) {
		ret = cs_json_arr(obj, rates[i], &list, p->err);
		if (ret > 0)
			ret = parse_rates(p, list, i);
	}
	return ret;
}

static int parse_network(struct parse *p, const struct cs_json *obj)
{
	const struct cs_json *list, *e;
	struct cg_net_prio *v;
	int ret = parse_numbers(p, obj, net_numbers, CS_LEN(net_numbers));

	if (ret >= 0)
		ret = cs_json_arr(obj, "priorities", &list, p->err);
	if (ret <= 0)
		return ret;
	v = new_array(p, list, sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->r->net_prios = v;
	cs_json_for_each (e, list) {
		ret = cs_json_str(e, "name", &v->name, p->err);
		if (ret > 0)
			ret = check_word(e, "name", v->name, false, p->err);
		if (ret >= 0)
			ret = cs_json_u32(e, "priority", &v->priority, p->err);
		if (ret < 0)
			return ret;
		if (!ret || !v->name || !*v->name)
			return cs_json_err(e, p->err, EINVAL, "name and priority are needed");
		v++;
		p->r->n_net_prios++;
	}
	return 0;
}

/* "2MB": becomes part of a file name. */
static bool is_page_size(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n < 16 && s[0] != '0' && s[n] && strchr("KMG", s[n]) &&
	       strcmp(s + n + 1, "B") == 0;
}

static int parse_hugepages(struct parse *p, const struct cs_json *list)
{
	struct cg_hugepage *v = new_array(p, list, sizeof(*v));
	const struct cs_json *e;

	if (!v)
		return -ENOMEM;
	p->r->hugepages = v;
	cs_json_for_each (e, list) {
		int ret = cs_json_str(e, "pageSize", &v->page_size, p->err);

		if (ret > 0 && !is_page_size(v->page_size))
			return cs_json_err(cs_json_get(e, "pageSize"), p->err, EINVAL,
					   "must be like \"2MB\" or \"1GB\"");
		if (ret >= 0)
			ret = cs_json_u64(e, "limit", &v->limit, p->err);
		if (ret < 0)
			return ret;
		if (!ret || !v->page_size)
			return cs_json_err(e, p->err, EINVAL, "pageSize and limit are needed");
		v++;
		p->r->n_hugepages++;
	}
	return 0;
}

static int parse_rdma(struct parse *p, const struct cs_json *obj)
{
	struct cg_rdma *v = new_array(p, obj, sizeof(*v));
	const struct cs_json *e;

	if (!v)
		return -ENOMEM;
	p->r->rdma = v;
	cs_json_for_each (e, obj) {
		int ret = check_word(obj, e->key, e->key, false, p->err);

		v->device = e->key;
		if (!ret && (e->type != CS_JSON_OBJECT || !*e->key))
			return cs_json_err(e, p->err, EINVAL,
					   "must be an object by a device's name");
		if (!ret)
			ret = cs_json_u32(e, "hcaHandles", &v->handles, p->err);
		v->has_handles = ret > 0;
		if (ret >= 0)
			ret = cs_json_u32(e, "hcaObjects", &v->objects, p->err);
		v->has_objects = ret > 0;
		if (ret < 0)
			return ret;
		v++;
		p->r->n_rdma++;
	}
	return 0;
}

/* Files of the cgroup core that move or end processes, or change what the runtime relies on. */
static const char *const core_files[] = {
	"cgroup.freeze",	  "cgroup.kill",    "cgroup.procs",
	"cgroup.subtree_control", "cgroup.threads", "cgroup.type",
};

static int parse_unified(struct parse *p, const struct cs_json *obj)
{
	struct cg_unified *v = new_array(p, obj, sizeof(*v));
	const struct cs_json *e;

	if (!v)
		return -ENOMEM;
	p->r->unified = v;
	cs_json_for_each (e, obj) {
		int ret = check_word(obj, e->key, e->key, false, p->err);

		if (ret < 0)
			return ret;
		if (strchr(e->key, '/') || !strchr(e->key, '.') || e->key[0] == '.')
			return cs_json_err(e, p->err, EINVAL,
					   "the key must be a file of a cgroup (controller.name)");
		if (cs_str_in(e->key, core_files, CS_LEN(core_files)))
			return cs_json_err(e, p->err, EINVAL, "is the runtime's own to write");
		ret = cs_json_as_str(e, &v->value, p->err);
		if (ret < 0)
			return ret;
		v->key = e->key;
		v++;
		p->r->n_unified++;
	}
	return 0;
}

static int parse_access(const struct cs_json *obj, struct cg_device_rule *v, struct cs_err *err)
{
	const char *s = "rwm";
	int ret = cs_json_str(obj, "access", &s, err);

	if (ret < 0)
		return ret;
	if (!*s)
		s = "rwm";
	for (; *s; s++) {
		if (!strchr("rwm", *s))
			return cs_json_err(cs_json_get(obj, "access"), err, EINVAL,
					   "must be made of r, w and m");
		v->read |= *s == 'r';
		v->write |= *s == 'w';
		v->mknod |= *s == 'm';
	}
	return 0;
}

static int parse_rule(const struct cs_json *obj, struct cg_device_rule *v, struct cs_err *err)
{
	const char *type = "a";
	int ret = cs_json_bool(obj, "allow", &v->allow, err);

	if (!ret)
		return cs_json_err(obj, err, EINVAL, "allow is needed");
	if (ret > 0)
		ret = cs_json_str(obj, "type", &type, err);
	if (ret < 0)
		return ret;
	if (!*type)
		type = "a";
	if (!strchr("acb", type[0]) || type[1])
		return cs_json_err(cs_json_get(obj, "type"), err, EINVAL, "must be a, c or b");
	v->type = type[0];
	v->major = v->minor = -1;
	ret = get_number(obj, "major", -1, UINT32_MAX, &v->major, err);
	if (ret >= 0)
		ret = get_number(obj, "minor", -1, UINT32_MAX, &v->minor, err);
	return ret < 0 ? ret : parse_access(obj, v, err);
}

static int parse_devices(struct parse *p, const struct cs_json *list)
{
	struct cg_device_rule *v = new_array(p, list, sizeof(*v));
	const struct cs_json *e;

	if (!v)
		return -ENOMEM;
	p->r->devices = v;
	cs_json_for_each (e, list) {
		int ret = parse_rule(e, v, p->err);

		if (ret < 0)
			return ret;
		v++;
		p->r->n_devices++;
	}
	return 0;
}

int cg_resources_parse(const struct cs_json_doc *doc, const struct cs_json *obj,
		       struct cg_resources *out, struct cs_err *err)
{
	static const struct {
		const char *key;
		bool array;
		int (*parse)(struct parse *p, const struct cs_json *node);
	} members[] = {
		{ "devices", true, parse_devices },  { "memory", false, parse_memory },
		{ "cpu", false, parse_cpu },	     { "pids", false, parse_pids },
		{ "blockIO", false, parse_blkio },   { "hugepageLimits", true, parse_hugepages },
		{ "network", false, parse_network }, { "rdma", false, parse_rdma },
		{ "unified", false, parse_unified },
	};
	struct parse p = { .doc = doc, .r = out, .err = err };

	if (obj && obj->type != CS_JSON_OBJECT)
		return cs_json_err(obj, err, EINVAL, "must be an object");
	for (size_t i = 0; i < CS_LEN(members); i++) {
		const struct cs_json *node = NULL;
		int ret = members[i].array ? cs_json_arr(obj, members[i].key, &node, err)
					   : cs_json_obj(obj, members[i].key, &node, err);

		if (ret > 0)
			ret = members[i].parse(&p, node);
		if (ret < 0)
			return ret;
	}
	return 0;
}
