#include "cli/proctable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/out.h"
#include "cli/pstable.h"
#include "runtime/container.h"

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, PERCENT = 100 };

/* "12:34" of today, else "Nov26". */
static void start_text(const struct ctr_proc *p, char *out, size_t size)
{
	const time_t start = (time_t)p->start;
	struct tm tm;

	if (!localtime_r(&start, &tm) ||
	    strftime(out, size, p->age < DAY_S ? "%H:%M" : "%b%d", &tm) == 0)
		snprintf(out, size, "?");
}

static void put_row(struct cs_buf *b, const struct ctr_proc *p)
{
	char start[16], uid[16] = "root";
	const uint64_t share = p->age ? p->cpu * PERCENT / p->age : 0;

	start_text(p, start, sizeof(start));
	if (p->uid)
		snprintf(uid, sizeof(uid), "%" PRIu32, p->uid);
	cs_buf_addf(b,
		    "%-8s %7" PRId64 " %7" PRId64 " %2" PRIu64 " %5s %-8s %02" PRIu64 ":%02" PRIu64
		    ":%02" PRIu64 " %s\n",
		    uid, p->pid, p->ppid, share > 99 ? 99 : share, start, p->tty, p->cpu / HOUR_S,
		    p->cpu / MINUTE_S % MINUTE_S, p->cpu % MINUTE_S, p->cmd);
}

static int print_own(const struct ctr_procs *procs, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_add(&b, "UID          PID    PPID  C STIME TTY          TIME CMD\n");
	for (size_t i = 0; i < procs->n; i++)
		put_row(&b, &procs->v[i]);
	return cli_out(&b, err);
}

int cli_proc_table(const struct ctr_rt *rt, const char *id, char *const *args, size_t n_args,
		   struct cs_err *err)
{
	cs_auto_free pid_t *pids = NULL;
	struct ctr_procs procs = { 0 };
	size_t n = 0;
	int ret = ctr_procs(rt, id, &procs, err);

	if (ret < 0)
		return ret;
	if (ret == 0) {
		if (ctr_pids(rt, id, &pids, &n, err) < 0)
			return -err->code;
		return cli_ps_table(pids, n, args, n_args, err);
	}
	ret = n_args ? cs_err_set(err, ENOTSUP,
				  "options of ps(1): not with isolation \"vm\": the host's ps does "
				  "not see into a machine; exec ps in it")
		     : print_own(&procs, err);
	cs_json_fini(&procs.doc);
	return ret;
}
