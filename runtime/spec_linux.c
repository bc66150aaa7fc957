#include <errno.h>
#include <linux/mount.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec_int.h"

/* config-linux.md but for devices, seccomp and what spec_tuning.c has. */

static int ns_by_name(const char *name)
{
	for (int i = 0; i < CTR_NS_COUNT; i++) {
		if (strcmp(ctr_ns_table[i].name, name) == 0)
			return i;
	}
	return -1;
}

static int ns_item(struct ctr_spec *s, const struct cs_json *item, struct cs_err *err)
{
	const char *type = NULL;
	int rc, ns;

	if (item->type != CS_JSON_OBJECT)
		return cs_json_err(item, err, EINVAL, "must be an object");
	rc = ctr_spec_need_str(item, "type", &type, err);
	if (rc < 0)
		return rc;
	ns = ns_by_name(type);
	if (ns < 0)
		return cs_json_err(cs_json_get(item, "type"), err, EINVAL,
				   "\"%.64s\" is no namespace", type);
	if (s->ns[ns].present)
		return cs_json_err(item, err, EINVAL, "a second %s namespace", type);
	s->ns[ns].present = true;
	rc = ctr_spec_path(item, "path", &s->ns[ns].path, err);
	return rc < 0 ? rc : 0;
}

static int namespaces(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	int rc = cs_json_arr(obj, "namespaces", &arr, err);

	if (rc <= 0)
		return rc;
	cs_json_for_each (c, arr) {
		rc = ns_item(s, c, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int clock_offset(const struct cs_json *clocks, const char *key, int64_t *secs,
			uint32_t *nanosecs, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int64_t ns = 0;
	int rc;

	rc = cs_json_obj(clocks, key, &obj, err);
	if (rc <= 0)
		return rc;
	rc = cs_json_i64(obj, "secs", secs, err);
	if (rc >= 0)
		rc = ctr_spec_int(obj, "nanosecs", 0, 999999999, &ns, err);
	*nanosecs = (uint32_t)ns;
	return rc < 0 ? rc : 0;
}

static int time_offsets(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	const struct cs_json *clocks = NULL, *c;
	int rc;

	rc = cs_json_obj(obj, "timeOffsets", &clocks, err);
	if (rc <= 0 || clocks->n == 0)
		return rc < 0 ? rc : 0;
	cs_json_for_each (c, clocks) {
		if (strcmp(c->key, "monotonic") != 0 && strcmp(c->key, "boottime") != 0)
			return cs_json_err(c, err, EINVAL,
					   "is no clock, only monotonic and boottime are");
	}
	s->has_timens_offsets = true;
	rc = clock_offset(clocks, "monotonic", &s->timens_monotonic_s, &s->timens_monotonic_ns,
			  err);
	if (rc < 0)
		return rc;
	return clock_offset(clocks, "boottime", &s->timens_boottime_s, &s->timens_boottime_ns, err);
}

static int cgroups_path(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	int rc = ctr_spec_str(obj, "cgroupsPath", &s->cgroups_path, err);

	if (rc <= 0)
		return rc;
	for (const char *p = s->cgroups_path; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return cs_json_err(cs_json_get(obj, "cgroupsPath"), err, EINVAL,
					   "has a control character in it");
	}
	return 0;
}

static int propagation(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	static const struct ctr_name rows[] = {
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "rshared", MS_SHARED | MS_REC },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
		{ "shared", MS_SHARED },
		{ "slave", MS_SLAVE },
		{ "unbindable", MS_UNBINDABLE },
	};
	static const struct ctr_names names = { rows, CS_LEN(rows) };
	uint64_t v = 0;
	int rc = ctr_spec_word(obj, "rootfsPropagation", &names, &v, err);

	s->rootfs_propagation = (unsigned long)v;
	return rc < 0 ? rc : 0;
}

/*
 * A sysctl's name with "/" for every separator, as its file below /proc/sys: in a name whose first
 * separator is a dot, dots separate and slashes stand for dots of a component, else the other way
 * round (sysctl.d(5)). Returns false for what cannot be a file there.
 */
static bool sysctl_file(const char *key, char *out)
{
	bool dots = key[strcspn(key, "./")] == '.';
	char last = '/';

	for (; *key; key++) {
		char c = *key;

		if ((unsigned char)c <= ' ' || c == 0x7f)
			return false;
		if (dots && (c == '.' || c == '/'))
			c = c == '.' ? '/' : '.';
		if (c == '/' && last == '/')
			return false;
		if (c == '.' && last == '/')
			return false;
		*out++ = c;
		last = c;
	}
	*out = '\0';
	return last != '/';
}

static int sysctls(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	cs_auto_free struct ctr_spec_key *keys = NULL;
	const struct cs_json *map = cs_json_get(obj, "sysctl");
	size_t twice;
	int rc;

	rc = ctr_spec_map(&s->doc, obj, "sysctl", &s->sysctl, &s->n_sysctl, err);
	if (rc < 0 || !s->n_sysctl)
		return rc;
	keys = calloc(s->n_sysctl, sizeof(*keys));
	if (!keys)
		return ctr_spec_oom(err);
	for (size_t i = 0; i < s->n_sysctl; i++) {
		const char *key = s->sysctl[i].key;
		char *file = cs_json_alloc(&s->doc, strlen(key) + 1, 1);

		if (!file)
			return ctr_spec_oom(err);
		if (!sysctl_file(key, file))
			return cs_json_err(map, err, EINVAL, "\"%.128s\" is no sysctl", key);
		keys[i] = (struct ctr_spec_key){ file, strlen(file), i };
	}
	twice = ctr_spec_twice(keys, s->n_sysctl);
	if (twice < s->n_sysctl)
		return cs_json_err(map, err, EINVAL, "\"%.128s\" is there twice",
				   s->sysctl[twice].key);
	return 0;
}

/* As the kernel has it for a new name (dev_valid_name()); it would expand a '%'. */
static bool if_name_ok(const char *name)
{
	if (!name[0] || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name; name++) {
		if ((unsigned char)*name <= ' ' || strchr("/:%\x7f", *name))
			return false;
	}
	return true;
}

static int net_device(const struct cs_json *node, struct ctr_net_device *d, struct cs_err *err)
{
	int rc;

	if (!if_name_ok(node->key))
		return cs_json_err(node, err, EINVAL, "is no name of a network interface");
	if (node->type != CS_JSON_OBJECT)
		return cs_json_err(node, err, EINVAL, "must be an object");
	d->host_name = node->key;
	d->name = node->key;
	rc = ctr_spec_str(node, "name", &d->name, err);
	if (rc > 0 && !if_name_ok(d->name))
		return cs_json_err(cs_json_get(node, "name"), err, EINVAL,
				   "\"%.64s\" is no name of a network interface", d->name);
	return rc < 0 ? rc : 0;
}

static int net_devices(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	cs_auto_free struct ctr_spec_key *keys = NULL;
	const struct cs_json *map = NULL, *c;
	struct ctr_net_device *v;
	size_t n = 0, twice;
	int rc;

	rc = cs_json_obj(obj, "netDevices", &map, err);
	if (rc <= 0 || map->n == 0)
		return rc < 0 ? rc : 0;
	v = cs_json_alloc(&s->doc, map->n, sizeof(*v));
	keys = calloc(map->n, sizeof(*keys));
	if (!v || !keys)
		return ctr_spec_oom(err);
	cs_json_for_each (c, map) {
		rc = net_device(c, &v[n], err);
		if (rc < 0)
			return rc;
		keys[n] = (struct ctr_spec_key){ v[n].name, strlen(v[n].name), n };
		n++;
	}
	twice = ctr_spec_twice(keys, n);
	if (twice < n)
		return cs_json_err(map, err, EINVAL, "two interfaces would be \"%s\" inside",
				   v[twice].name);
	s->net_devices = v;
	s->n_net_devices = n;
	return 0;
}

static int resources(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	const struct cs_json *res = NULL;
	int rc = cs_json_obj(obj, "resources", &res, err);

	return rc <= 0 ? rc : cg_resources_parse(&s->doc, res, &s->resources, err);
}

int ctr_spec_linux(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err)
{
	int rc = namespaces(s, obj, err);

	if (rc >= 0)
		rc = ctr_spec_idmaps(&s->doc, obj, "uidMappings", &s->uid_maps, err);
	if (rc >= 0)
		rc = ctr_spec_idmaps(&s->doc, obj, "gidMappings", &s->gid_maps, err);
	if (rc >= 0)
		rc = time_offsets(s, obj, err);
	if (rc >= 0)
		rc = ctr_spec_devices(s, obj, err);
	if (rc >= 0)
		rc = net_devices(s, obj, err);
	if (rc >= 0)
		rc = cgroups_path(s, obj, err);
	if (rc >= 0)
		rc = resources(s, obj, err);
	if (rc >= 0)
		rc = propagation(s, obj, err);
	if (rc >= 0)
		rc = ctr_spec_paths(&s->doc, obj, "maskedPaths", &s->masked_paths, err);
	if (rc >= 0)
		rc = ctr_spec_paths(&s->doc, obj, "readonlyPaths", &s->readonly_paths, err);
	if (rc >= 0)
		rc = sysctls(s, obj, err);
	if (rc >= 0)
		rc = ctr_spec_str(obj, "mountLabel", &s->mount_label, err);
	if (rc >= 0)
		rc = ctr_spec_seccomp(&s->doc, obj, &s->seccomp, err);
	if (rc >= 0)
		rc = ctr_spec_tuning(s, obj, err);
	return rc < 0 ? rc : 0;
}
