#include <errno.h>

#include "base/err.h"
#include "runtime/spec_int.h"

/* What contradicts something in another section. The texts about namespaces are the ones runc has:
 * callers and their tests look for them. */

static int about(const struct ctr_spec *s, const char *section, const char *key, const char *text,
		 struct cs_err *err)
{
	const struct cs_json *obj = s->doc.root;

	if (section)
		obj = cs_json_get(obj, section);
	return cs_json_err(cs_json_get(obj, key), err, EINVAL, "%s", text);
}

static int uts_check(const struct ctr_spec *s, struct cs_err *err)
{
	if (s->ns[CTR_NS_UTS].present)
		return 0;
	if (s->hostname)
		return about(s, NULL, "hostname",
			     "unable to set hostname without a private UTS namespace", err);
	if (s->domainname)
		return about(s, NULL, "domainname",
			     "unable to set domainname without a private UTS namespace", err);
	return 0;
}

static int ns_check(const struct ctr_spec *s, struct cs_err *err)
{
	const struct ctr_ns_spec *time_ns = &s->ns[CTR_NS_TIME];

	if (s->has_timens_offsets && (!time_ns->present || time_ns->path))
		return about(s, "linux", "timeOffsets",
			     "unable to set offsets without a new time namespace", err);
	if (s->n_net_devices && !s->ns[CTR_NS_NETWORK].present)
		return about(s, "linux", "netDevices",
			     "unable to move network devices without a private NET namespace", err);
	if (s->ns[CTR_NS_MOUNT].present)
		return 0;
	if (s->masked_paths)
		return about(s, "linux", "maskedPaths",
			     "unable to restrict sys entries without a private MNT namespace", err);
	if (s->readonly_paths)
		return about(s, "linux", "readonlyPaths",
			     "unable to restrict sys entries without a private MNT namespace", err);
	return 0;
}

static int userns_check(const struct ctr_spec *s, struct cs_err *err)
{
	const char *first = s->uid_maps.n ? "uidMappings" : "gidMappings";

	if (s->uid_maps.n && s->gid_maps.n)
		return s->ns[CTR_NS_USER].present
			       ? 0
			       : about(s, "linux", first, "need a user namespace", err);
	if (s->uid_maps.n || s->gid_maps.n)
		return about(s, "linux", first,
			     "uidMappings and gidMappings must be given together", err);
	if (ctr_spec_new_userns(s))
		return about(s, "linux", "namespaces",
			     "a new user namespace needs uidMappings and gidMappings", err);
	return 0;
}

static bool mapped(const struct ctr_idmaps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (id >= maps->v[i].container_id && id - maps->v[i].container_id < maps->v[i].size)
			return true;
	}
	return false;
}

/* An id that is not mapped is none in the container: setresuid(2) would say only EINVAL. */
static int ids_check(const struct ctr_spec *s, struct cs_err *err)
{
	const struct ctr_user *u = &s->process.user;

	if (!s->process.present || !ctr_spec_new_userns(s))
		return 0;
	if (!mapped(&s->uid_maps, u->uid))
		return cs_err_set(err, EINVAL,
				  "process.user.uid: %u is not mapped in the user namespace",
				  u->uid);
	if (!mapped(&s->gid_maps, u->gid))
		return cs_err_set(err, EINVAL,
				  "process.user.gid: %u is not mapped in the user namespace",
				  u->gid);
	for (size_t i = 0; i < u->n_additional_gids; i++) {
		if (!mapped(&s->gid_maps, u->additional_gids[i]))
			return cs_err_set(err, EINVAL,
					  "process.user.additionalGids[%zu]: %u is not mapped in "
					  "the user namespace",
					  i, u->additional_gids[i]);
	}
	return 0;
}

static int mounts_check(const struct ctr_spec *s, struct cs_err *err)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct ctr_mount *m = &s->mounts[i];

		if (m->opt.idmap && !m->uid_maps.n && !s->ns[CTR_NS_USER].present)
			return cs_err_set(err, EINVAL,
					  "mounts[%zu]: idmap needs uidMappings and gidMappings "
					  "or a user namespace",
					  i);
	}
	return 0;
}

int ctr_spec_check(const struct ctr_spec *s, struct cs_err *err)
{
	int rc = uts_check(s, err);

	if (rc == 0)
		rc = ns_check(s, err);
	if (rc == 0)
		rc = userns_check(s, err);
	if (rc == 0)
		rc = ids_check(s, err);
	if (rc == 0)
		rc = mounts_check(s, err);
	return rc;
}
