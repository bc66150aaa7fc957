#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "engine/engine.h"
#include "engine/logread.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "engine/store.h"

enum { BATCH = 32 * 1024, BOOT_MAX = 1 << 20 };

struct logs_opts {
	const char *tail, *since, *until;
	bool follow, timestamps, details, boot, names;
};

static const struct cli_opt logs_optv[] = {
	CLI_BOOL(struct logs_opts, boot, "boot", 0, "of a machine: the last of its console"),
	CLI_BOOL(struct logs_opts, details, "details", 0,
		 "accepted for docker's sake: logs have no more than lines and times"),
	CLI_BOOL(struct logs_opts, follow, "follow", 'f', "go on until the container has ended"),
	CLI_BOOL(struct logs_opts, names, "names", 0, "begin each line with the container's name"),
	CLI_STR(struct logs_opts, since, "since", 0, "TIME",
		"from then on: 2026-01-02T03:04:05Z, Unix time, or how long ago (10m)"),
	CLI_STR(struct logs_opts, tail, "tail", 'n', "N", "the last N lines only (default: all)"),
	CLI_BOOL(struct logs_opts, timestamps, "timestamps", 't', "begin each line with its time"),
	CLI_STR(struct logs_opts, until, "until", 0, "TIME", "up to then"),
};

/* What is printed: a batch for one of our files at a time, so that their order is kept. */
struct printer {
	bool timestamps;
	const char *name; /* begins each line; NULL: nothing does */
	size_t batch;
	struct cs_buf b;
	enum eng_log_stream to;
	bool mid[2]; /* in the middle of a line */
};

static int flush(struct printer *p, struct cs_err *err)
{
	int ret = cs_buf_ok(&p->b, err);

	if (ret == 0)
		ret = cs_fd_write_all(p->to == ENG_LOG_STDOUT ? STDOUT_FILENO : STDERR_FILENO,
				      p->b.s, p->b.len, err);
	p->b.len = 0;
	return ret < 0 ? cs_err_wrap(err, "print the log") : 0;
}

static int print(void *arg, const struct eng_log_entry *e, struct cs_err *err)
{
	struct printer *p = arg;
	char stamp[ENG_STAMP_LEN + 1];

	if (p->b.len && (!e || e->stream != p->to || p->b.len > p->batch) && flush(p, err) < 0)
		return -err->code;
	if (!e)
		return 0;
	p->to = e->stream;
	if (p->name && !p->mid[e->stream])
		cs_buf_addf(&p->b, "%s ", p->name);
	if (p->timestamps && !p->mid[e->stream]) {
		eng_stamp_put(e->time_ns, stamp);
		cs_buf_addf(&p->b, "%s ", stamp);
	}
	cs_buf_add_mem(&p->b, e->text, e->len);
	/* with names each piece is a line: another container's may come next */
	if (e->ended || p->name)
		cs_buf_add(&p->b, "\n");
	p->mid[e->stream] = !e->ended && !p->name;
	return 0;
}

static int read_opts(const struct logs_opts *o, struct eng_logs_opts *out, struct cs_err *err)
{
	int64_t now = eng_now();
	uint64_t n;

	*out = (struct eng_logs_opts){
		.tail = SIZE_MAX, .since_ns = INT64_MIN, .until_ns = INT64_MAX, .follow = o->follow
	};
	if (o->tail && strcmp(o->tail, "all") != 0 && strcmp(o->tail, "-1") != 0) {
		if (cs_str_u64(o->tail, &n) < 0)
			return cs_err_set(err, EINVAL,
					  "option --tail: \"%s\" is no number, nor all", o->tail);
		out->tail = n;
	}
	if (o->since && eng_when_parse(o->since, now, &out->since_ns, err) < 0)
		return cs_err_wrap(err, "option --since");
	if (o->until && eng_when_parse(o->until, now, &out->until_ns, err) < 0)
		return cs_err_wrap(err, "option --until");
	return 0;
}

static int print_boot(const struct eng *e, const char *id, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = eng_boot_log(e, id, err);
	size_t len;

	if (fd < 0 || cs_fd_read_all(fd, BOOT_MAX, &text, &len, err) < 0)
		return -err->code;
	return cs_fd_write_all(STDOUT_FILENO, text, len, err);
}

/* One container's, which may go on for long. */
static int print_log(const struct logs_opts *o, const struct eng *e, const char *id, size_t batch,
		     struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct printer p = { .timestamps = o->timestamps, .batch = batch };
	struct eng_logs_opts lo;
	int ret = read_opts(o, &lo, err);

	if (ret == 0)
		ret = eng_record_load(e, id, &r, err);
	/* is anything kept? */
	if (ret == 0 && r.log_driver && strcmp(r.log_driver, "none") == 0)
		ret = cs_err_set(err, ENODATA,
				 "container %s was created with --log-driver none: nothing it "
				 "writes is kept",
				 r.name);
	p.name = o->names ? r.name : NULL;
	if (ret == 0)
		ret = eng_logs(e, id, &lo, print, &p, err);
	cs_buf_fini(&p.b);
	return ret;
}

/* In a process of its own, for a log that is followed beside others; it ends with us. */
static pid_t fork_log(const struct logs_opts *o, const struct eng *e, const char *id)
{
	struct cs_err err = CS_ERR_INIT;
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* a write of so much is in one piece in a pipe: lines of two are not mixed */
	if (getppid() == parent && print_log(o, e, id, PIPE_BUF / 2, &err) < 0)
		cs_log(CS_LOG_ERROR, "%s", err.msg);
	_exit(err.code ? CAISSON_FAILED : EXIT_SUCCESS);
}

static int follow_all(struct cli_call *call, const struct eng *e, const struct eng_ids *ids,
		      struct cs_err *err)
{
	cs_auto_free pid_t *pids = calloc(ids->n, sizeof(*pids));
	size_t n = 0;

	if (!pids)
		return cs_err_set(err, ENOMEM, "out of memory");
	while (n < ids->n) {
		pids[n] = fork_log(call->opts, e, ids->v[n]);
		if (pids[n] < 0) {
			cs_err_sys(err, "start a process");
			break;
		}
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		int status = 0;

		if (err->code)
			kill(pids[i], SIGTERM);
		while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
			call->status = CAISSON_FAILED; /* it has said why */
	}
	return -err->code;
}

/* All are found before anything of one is printed. */
static int find_all(const struct cli_call *call, const struct eng *e, struct eng_ids *ids,
		    struct cs_err *err)
{
	ids->v = calloc(call->argc, sizeof(*ids->v));
	if (!ids->v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < call->argc; i++)
		if (eng_find(e, call->argv[i], ids->v[ids->n++], err) < 0)
			return -err->code;
	return 0;
}

static int logs_run(struct cli_call *call, struct cs_err *err)
{
	const struct logs_opts *o = call->opts;
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;
	struct eng_logs_opts lo;
	int ret = read_opts(o, &lo, err);

	if (o->boot && (o->follow || o->timestamps || o->tail || o->since || o->until || o->names ||
			o->details || call->argc > 1))
		return cs_err_set(err, EINVAL,
				  "option --boot: there are no others with it, and one container");
	if (ret == 0)
		ret = cli_ctr_engine(call, &e, err);
	if (ret == 0)
		ret = find_all(call, &e, &ids, err);
	if (ret < 0)
		return ret;
	if (o->boot)
		return print_boot(&e, ids.v[0], err);
	if (o->follow && ids.n > 1)
		return follow_all(call, &e, &ids, err);
	for (size_t i = 0; i < ids.n && ret == 0; i++)
		ret = print_log(o, &e, ids.v[i], BATCH, err);
	return ret;
}

const struct cli_cmd cli_cmd_logs = {
	.name = "logs",
	.synopsis = "[OPTION...] CONTAINER...",
	.help = "print what containers wrote",
	.opts = CLI_OPTS(logs_optv),
	.opts_size = sizeof(struct logs_opts),
	.min_args = 1,
	.max_args = CLI_ANY_ARGS,
	.fail_status = CAISSON_FAILED,
	.run = logs_run,
};
