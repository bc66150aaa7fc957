#include "engine/mon_int.h"
#include "runtime/container.h"

/* The cgroup is new with each run, so whatever it counts is this run's. Asked at the end: a watch
 * would cost an inotify instance a container, of which a user has 128. */
bool eng_mon_oom_killed(const struct mon *m)
{
	struct ctr_rt rt = { .root = m->e.state, .wall = m->r.isolation };
	struct cs_err why = CS_ERR_INIT;
	uint64_t kills = 0;

	return ctr_oom_kills(&rt, m->id, &kills, &why) == 0 && kills > 0;
}
