#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/config_int.h"
#include "runtime/spec.h"

#define BIT(cap) (1ULL << (cap))

/* What a container has that asks for nothing: enough for packages to be installed and servers to
 * change to their user, nothing that reaches the host. */
static const uint64_t defaults = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) |
				 BIT(CAP_FOWNER) | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) |
				 BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) |
				 BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
				 BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE);

/* All this process can give away: the kernel knows fewer than the headers, or we were started
 * with less. */
static uint64_t all(void)
{
	uint64_t set = 0;

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= BIT(cap);
	}
	return set;
}

/* One list; *@every: ALL is in it. */
static int list(const char *option, const struct eng_strv *v, uint64_t *set, bool *every,
		struct cs_err *err)
{
	for (size_t i = 0; i < v->n; i++) {
		int cap;

		if (strcasecmp(v->v[i], "ALL") == 0 || strcasecmp(v->v[i], "CAP_ALL") == 0) {
			*every = true;
			continue;
		}
		cap = ctr_spec_cap_by_name(v->v[i]);
		if (cap < 0)
			return cs_err_set(
				err, EINVAL,
				"%s %.64s: no such capability; capabilities(7) lists them, "
				"with or without \"CAP_\", and ALL",
				option, v->v[i]);
		*set |= BIT(cap);
	}
	return 0;
}

int eng_cfg_caps(struct cfg *c, struct cs_err *err)
{
	uint64_t add = 0, drop = 0, base = defaults;
	bool add_all = false, drop_all = false;
	int ret = list("--cap-add", &c->r->cap_add, &add, &add_all, err);

	if (ret == 0)
		ret = list("--cap-drop", &c->r->cap_drop, &drop, &drop_all, err);
	if (ret < 0)
		return ret;
	if (c->r->privileged || add_all)
		base = all();
	if (c->r->privileged)
		c->caps = (drop_all ? 0 : base & ~drop) | add;
	else if (drop_all && !add_all)
		c->caps = add;
	else
		c->caps = add_all ? base & ~drop : (base & ~drop) | add;
	return 0;
}

static void put_set(struct cs_jw *w, const char *name, uint64_t set)
{
	cs_jw_arr(w, name);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (set & BIT(cap))
			cs_jw_str(w, NULL, ctr_spec_cap_name(cap));
	}
	cs_jw_arr_end(w);
}

/* A user other than root may get them by setuid programs alone; nothing is inheritable
 * (CVE-2022-24769). */
void eng_cfg_put_caps(struct cfg *c)
{
	uint64_t now = c->user.uid == 0 ? c->caps : 0;

	cs_jw_obj(&c->w, "capabilities");
	put_set(&c->w, "bounding", c->caps);
	put_set(&c->w, "effective", now);
	put_set(&c->w, "permitted", now);
	cs_jw_obj_end(&c->w);
}
