#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "cli/timetext.h"
#include "runtime/container.h"

struct list_opts {
	const char *format;
	bool quiet;
};

static const struct cli_opt list_optv[] = {
	CLI_STR(struct list_opts, format, "format", 'f', "FORMAT",
		"\"table\" (default) or \"json\""),
	CLI_BOOL(struct list_opts, quiet, "quiet", 'q', "show ids only"),
};

static const char *const head[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };

/* One container into whatever is asked for. */
struct sink {
	struct cli_table table;
	struct cs_jw json;
	bool as_json;
};

static int add_row(struct cli_table *t, const struct ctr_info *info, struct cs_err *err)
{
	const struct ctr_state *st = &info->state;
	pid_t pid = info->status == CTR_STOPPED ? 0 : st->pid;
	char pid_text[16], created[CLI_TIME_TEXT];
	const char *cells[CS_LEN(head)];
	int ret;

	snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	cli_time_text(st->created_ns, created);
	cells[0] = st->id;
	cells[1] = pid_text;
	cells[2] = ctr_status_name(info->status);
	cells[3] = st->bundle;
	cells[4] = created;
	cells[5] = st->owner ? st->owner : "";
	for (size_t i = 0; i < CS_LEN(cells); i++) {
		ret = cli_table_add(t, cells[i], err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* A container that goes away or is damaged must not hide the others. */
static int add(struct sink *s, const struct ctr_rt *rt, const char *id, struct cs_err *err)
{
	ctr_auto_info struct ctr_info info = { 0 };
	struct cs_err one = CS_ERR_INIT;
	int ret;

	ret = ctr_info_get(rt, id, &info, &one);
	if (ret == -ENOENT)
		return 0;
	if (ret < 0) {
		cs_log(CS_LOG_WARN, "container %s: %s", id, one.msg);
		return 0;
	}
	if (s->as_json)
		return ctr_state_json(&info, true, &s->json, err);
	return add_row(&s->table, &info, err);
}

static int print(struct sink *s, size_t n, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (s->as_json && n == 0) {
		cs_buf_add(&b, "null\n");
		return cli_out(&b, err);
	}
	if (s->as_json) {
		cs_jw_arr_end(&s->json);
		return cli_out_json(&s->json, true, err);
	}
	cli_table_format(&s->table, &b);
	return cli_out(&b, err);
}

static int print_ids(char **ids, size_t n, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < n; i++)
		cs_buf_addf(&b, "%s\n", ids[i]);
	return cli_out(&b, err);
}

static int list_run(struct cli_call *call, struct cs_err *err)
{
	const struct list_opts *o = call->opts;
	struct sink s = { .table = { .head = head, .n_cols = CS_LEN(head) } };
	char **ids = NULL;
	size_t n = 0;
	int ret;

	if (o->format && strcmp(o->format, "json") == 0)
		s.as_json = true;
	else if (o->format && strcmp(o->format, "table") != 0)
		return cs_err_set(err, EINVAL,
				  "option --format: \"%s\" is not \"table\" or \"json\"",
				  o->format);
	ret = ctr_ids(call->rt, &ids, &n, err);
	if (ret < 0)
		return ret;
	if (o->quiet) {
		ret = print_ids(ids, n, err);
	} else {
		if (s.as_json && n > 0)
			cs_jw_arr(&s.json, NULL);
		for (size_t i = 0; i < n && ret == 0; i++)
			ret = add(&s, call->rt, ids[i], err);
		if (ret == 0)
			ret = print(&s, n, err);
	}
	ctr_ids_free(ids);
	cli_table_fini(&s.table);
	cs_jw_fini(&s.json);
	return ret;
}

const struct cli_cmd cli_oci_list = {
	.name = "list",
	.synopsis = "[OPTION...]",
	.help = "list the containers below --root",
	.opts = CLI_OPTS(list_optv),
	.opts_size = sizeof(struct list_opts),
	.run = list_run,
};
