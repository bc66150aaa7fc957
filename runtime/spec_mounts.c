#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/spec_int.h"

/* config.md, Mounts */

/* Where it goes, from "/": relative ones are deprecated but valid (config.md, Mounts). */
static int destination(const struct cs_json_doc *doc, const struct cs_json *item,
		       struct ctr_mount *m, struct cs_err *err)
{
	int rc = ctr_spec_need_str(item, "destination", &m->destination, err);
	size_t len;
	char *abs;

	if (rc < 0 || m->destination[0] == '/')
		return rc;
	cs_log(CS_LOG_WARN, "mount destination \"%s\" is relative (deprecated), taken from /",
	       m->destination);
	len = strlen(m->destination);
	abs = cs_json_alloc(doc, len + 2, 1);
	if (!abs)
		return ctr_spec_oom(err);
	abs[0] = '/';
	memcpy(abs + 1, m->destination, len + 1);
	m->destination = abs;
	return 0;
}

static int idmapping(const struct cs_json_doc *doc, const struct cs_json *item, struct ctr_mount *m,
		     struct cs_err *err)
{
	int rc;

	rc = ctr_spec_idmaps(doc, item, "uidMappings", &m->uid_maps, err);
	if (rc == 0)
		rc = ctr_spec_idmaps(doc, item, "gidMappings", &m->gid_maps, err);
	if (rc < 0)
		return rc;
	if (!m->uid_maps.n != !m->gid_maps.n)
		return cs_json_err(item, err, EINVAL,
				   "uidMappings and gidMappings must be given together");
	if (m->uid_maps.n)
		m->opt.idmap = true;
	if (m->opt.idmap && !m->opt.bind)
		return cs_json_err(item, err, EINVAL, "only a bind mount can be id-mapped");
	return 0;
}

static int mount_check(const struct cs_json *item, const struct ctr_mount *m, struct cs_err *err)
{
	if (!m->type && !m->opt.bind && !m->opt.remount)
		return ctr_spec_missing(item, "type", err);
	if (m->type && strcmp(m->type, "none") == 0 && !m->opt.bind && !m->opt.remount)
		return cs_json_err(cs_json_get(item, "type"), err, EINVAL,
				   "\"none\" is only for the options bind, rbind and remount");
	if (m->opt.bind && !m->source)
		return ctr_spec_missing(item, "source", err);
	/* the kernel would ignore it in silence */
	if (m->opt.bind && m->opt.data)
		return cs_json_err(cs_json_get(item, "options"), err, EINVAL,
				   "\"%.64s\" is no option of a bind mount", m->opt.data[0]);
	return 0;
}

static int mount_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		      struct cs_err *err)
{
	const char *const *options = NULL;
	struct ctr_mount *m = out;
	int rc;

	rc = destination(doc, item, m, err);
	if (rc >= 0)
		rc = ctr_spec_str(item, "type", &m->type, err);
	if (rc >= 0)
		rc = ctr_spec_str(item, "source", &m->source, err);
	if (rc >= 0)
		rc = cs_json_strv(doc, item, "options", &options, NULL, err);
	if (rc >= 0)
		rc = ctr_mountopt_parse(doc, options, &m->opt, err);
	if (rc < 0)
		return rc;
	if (m->type && strcmp(m->type, "bind") == 0)
		m->opt.bind = true;
	rc = idmapping(doc, item, m, err);
	if (rc < 0)
		return rc;
	return mount_check(item, m, err);
}

int ctr_spec_mounts(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err)
{
	const struct ctr_spec_list list = { "mounts", sizeof(struct ctr_mount), mount_item };
	void *v = NULL;
	int rc;

	rc = ctr_spec_items(&s->doc, root, &list, &v, &s->n_mounts, err);
	s->mounts = v;
	return rc;
}
