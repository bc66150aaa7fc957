#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/out.h"
#include "engine/life.h"
#include "engine/status.h"

enum { INTERVAL_MS = 250, INTERVAL_MAX = 24 * 3600 * 1000 };

struct wait_opts {
	struct cli_strv condition;
	struct cli_time interval;
};

static const struct cli_opt wait_optv[] = {
	CLI_STRV(struct wait_opts, condition, "condition", 0, "STATE",
		 "until it is so: created, running, paused, restarting, exited, stopped, removed"),
	CLI_TIME(struct wait_opts, interval, "interval", 'i', "TIME",
		 "between two looks, with --condition (default: 250ms)"),
};

/* The conditions by name: those of a state, and that it is there no longer. */
enum { REMOVED = 1U << 31 };
static const struct condition {
	const char *name;
	unsigned int bit;
} conditions[] = {
	{ "created", 1U << ENG_CREATED }, { "running", 1U << ENG_RUNNING },
	{ "paused", 1U << ENG_PAUSED },	  { "restarting", 1U << ENG_RESTARTING },
	{ "exited", 1U << ENG_EXITED },	  { "stopped", 1U << ENG_EXITED },
	{ "removed", REMOVED },
};

struct wait_how {
	unsigned int until; /* bits of conditions; 0: the end of this run */
	int interval_ms;
};

static int parse_condition(const char *text, unsigned int *bits, struct cs_err *err)
{
	for (const char *s = text;; s++) {
		size_t len = strcspn(s, ","), i = 0;

		while (i < CS_LEN(conditions) && (strlen(conditions[i].name) != len ||
						  strncmp(conditions[i].name, s, len) != 0))
			i++;
		if (i == CS_LEN(conditions))
			return cs_err_set(err, EINVAL,
					  "option --condition: \"%.*s\" is not created, running, "
					  "paused, restarting, exited, stopped or removed",
					  (int)(len < 40 ? len : 40), s);
		*bits |= conditions[i].bit;
		s += len;
		if (!*s)
			return 0;
	}
}

/* One look: 1 it is so, 0 not yet. *@last is what it was last seen to end with, -1: nothing. */
static int look(const struct eng *e, const char *id, const struct wait_how *how, int *last,
		struct cs_err *err)
{
	bool ends_only = (how->until & ~(REMOVED | 1U << ENG_EXITED)) == 0;
	struct eng_status st = ENG_STATUS_INIT;
	int ret = eng_mend(e, id, err);

	if (ret >= 0)
		ret = eng_status_get(e, id, &st, err);
	if (ret < 0)
		return ret;
	if (how->until & (1U << st.state)) {
		*last = st.state == ENG_EXITED ? st.exit_code : -1;
		return 1;
	}
	/* its end tells at once, and with --rm only who waits for it all the time learns of it; but
	 * before it runs there is nobody to ask yet, and between two runs nothing to wait for */
	if (st.state == ENG_CREATED || st.state == ENG_STARTING || st.state == ENG_EXITED)
		poll(NULL, 0, how->interval_ms);
	else
		ret = eng_wait(e, id, ends_only ? -1 : how->interval_ms, last, err);
	return ret < 0 ? ret : 0;
}

/* Until it is in one of the states. What it ended with, -1 in a state that is no end. */
static int wait_state(const struct eng *e, const char *id, const struct wait_how *how, int *code,
		      struct cs_err *err)
{
	int ret;

	*code = -1;
	while ((ret = look(e, id, how, code, err)) == 0)
		;
	if (ret != -ENOENT)
		return ret < 0 ? ret : 0;
	/* with --rm its end is not there to be seen */
	if (!(how->until & REMOVED) && !(*code >= 0 && (how->until & (1U << ENG_EXITED))))
		return ret;
	cs_err_clear(err);
	return 0;
}

static int wait_one(const struct eng *e, const char *id, const void *arg, struct cs_err *err)
{
	const struct wait_how *how = arg;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int code = 0;
	int ret = how->until ? wait_state(e, id, how, &code, err) : eng_wait(e, id, -1, &code, err);

	if (ret < 0)
		return ret;
	cs_buf_addf(&b, "%d\n", code);
	return cli_out(&b, err);
}

static int wait_run(struct cli_call *call, struct cs_err *err)
{
	const struct wait_opts *o = call->opts;
	struct wait_how how = { .interval_ms = INTERVAL_MS };

	for (size_t i = 0; i < o->condition.n; i++)
		if (parse_condition(o->condition.v[i], &how.until, err) < 0)
			return -err->code;
	if (o->interval.set && (o->interval.ms < 1 || o->interval.ms > INTERVAL_MAX))
		return cs_err_set(err, EINVAL, "option --interval: must be 1ms to 24h");
	if (o->interval.set)
		how.interval_ms = (int)o->interval.ms;
	return cli_ctr_each(call, false, NULL, 0, wait_one, &how, err);
}

const struct cli_cmd cli_cmd_wait = {
	.name = "wait",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "wait until containers have ended, and print their exit status",
	.opts = CLI_OPTS(wait_optv),
	.opts_size = sizeof(struct wait_opts),
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = wait_run,
};
