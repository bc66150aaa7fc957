#include <errno.h>
#include <poll.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/container.h"

/* eng_update() of life.h. */

enum { SETTLE_MS = 120 * 1000, PAUSE_MS = 5 };

static bool runs(const struct eng_status *st)
{
	return st->state == ENG_RUNNING || st->state == ENG_PAUSED;
}

/* Its program has ended; its monitor may not have said so yet. */
static bool has_ended(const struct eng *e, const char *id)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	ctr_auto_info struct ctr_info info = { 0 };
	struct cs_err why = CS_ERR_INIT;
	int ret = ctr_info_get(&rt, id, &info, &why);

	return ret == -ENOENT || (ret == 0 && info.status == CTR_STOPPED);
}

/* 1: done, or there is nothing to tell; 0: ask again, it is between two states. */
static int tell(const struct eng *e, const struct eng_record *r, const struct cg_resources *res,
		int64_t *told_ns, struct cs_err *err)
{
	const struct ctr_rt rt = { .root = e->state, .wall = "container" };
	struct eng_status st = ENG_STATUS_INIT;
	int ret = eng_status_get(e, r->id, &st, err);

	if (ret < 0 || eng_status_reach(e, r->id, r->name, &st, err) < 0)
		return -err->code;
	if (st.state == ENG_STARTING)
		return 0;
	if (!runs(&st) || st.started_ns == *told_ns)
		return 1;
	ret = ctr_update(&rt, r->id, res, err);
	if (ret < 0) {
		if (!has_ended(e, r->id))
			return ret;
		cs_err_clear(err);
		return 0;
	}
	*told_ns = st.started_ns;
	return 1;
}

/* The run that there is, if any, has the limits. */
static int tell_run(const struct eng *e, const struct eng_record *r, const struct cg_resources *res,
		    int64_t *told_ns, struct cs_err *err)
{
	int64_t until = eng_mono_ms() + SETTLE_MS;
	int ret;

	while ((ret = tell(e, r, res, told_ns, err)) == 0) {
		if (eng_mono_ms() > until)
			return cs_err_set(err, EBUSY,
					  "container %s does not get to run, nor to end: try again "
					  "later, or stop it first",
					  r->name);
		poll(NULL, 0, PAUSE_MS);
	}
	return ret < 0 ? ret : 0;
}

/* A start by its policy takes no lock: one that read the record before it was changed is told now.
 * What the kernel refuses then is not kept, either: the next start would fail by it. */
static int tell_late(const struct eng *e, const struct eng_record *r, const struct eng_record *was,
		     const struct cg_resources *res, int64_t *told_ns, struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	int ret = tell_run(e, r, res, told_ns, err);

	if (ret < 0 && eng_store_save(e, was, &why) < 0)
		cs_log(CS_LOG_WARN, "container %s: the record keeps what was refused: %s", r->name,
		       why.msg);
	return ret;
}

int eng_update(const struct eng *e, const struct eng_record *r, const struct cg_resources *res,
	       struct cs_err *err)
{
	eng_auto_record struct eng_record was = ENG_RECORD_INIT;
	int64_t told_ns = 0;

	/* what the kernel refuses is not kept */
	if (res &&
	    (eng_record_load(e, r->id, &was, err) < 0 || tell_run(e, r, res, &told_ns, err) < 0))
		return -err->code;
	if (eng_store_save(e, r, err) < 0)
		return -err->code;
	return res ? tell_late(e, r, &was, res, &told_ns, err) : 0;
}
