#include "base/cleanup.h"
#include "cgroups/cgroup.h"
#include "engine/mon_int.h"
#include "runtime/container.h"

/* The cgroup is new with each run, so whatever it counts is this run's. Asked at the end: a watch
 * would cost an inotify instance a container, of which a user has 128. */
bool eng_mon_oom_killed(const struct mon *m)
{
	struct ctr_rt rt = { .root = m->e.state, .wall = m->r.isolation };
	struct cs_err why = CS_ERR_INIT;
	struct cg_oom oom = CG_OOM_INIT;
	bool killed;

	if (ctr_oom_open(&rt, m->id, &oom, &why) < 0)
		return false;
	killed = oom.kills > 0;
	cg_oom_fini(&oom);
	return killed;
}
