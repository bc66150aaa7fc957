#include "engine/eventread.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/follow.h"
#include "engine/stamp.h"
#include "engine/tail.h"

/* --- filters ---------------------------------------------------------------------------------- */

static const char *const keys[] = { "container", "event", "image", "label",
				    "network",	 "type",  "volume" };

int eng_events_check(const char *const *filters, size_t n, struct cs_err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(filters[i], "=");
		bool known = false;

		for (size_t k = 0; k < CS_LEN(keys); k++)
			known = known ||
				(strlen(keys[k]) == len && strncmp(keys[k], filters[i], len) == 0);
		if (!known || !filters[i][len])
			return cs_err_set(err, EINVAL,
					  "filter \"%s\": give container=, event=, image=, label=, "
					  "network=, type= or volume= with a value",
					  filters[i]);
	}
	return 0;
}

static const char *text_of(const struct cs_json *obj, const char *key)
{
	const struct cs_json *v = cs_json_get(obj, key);

	return v && v->type == CS_JSON_STRING ? v->str : "";
}

/* "KEY" or "KEY=VALUE" among the attributes. */
static bool has_label(const struct cs_json *attrs, const char *label)
{
	const struct cs_json *v;

	cs_json_for_each (v, attrs) {
		size_t len = strlen(v->key);

		if (strncmp(label, v->key, len) != 0)
			continue;
		if (!label[len])
			return true;
		if (label[len] == '=' && v->type == CS_JSON_STRING &&
		    strcmp(label + len + 1, v->str) == 0)
			return true;
	}
	return false;
}

/* A name, an id or the beginning of either. */
static bool is_named(const struct cs_json *event, const char *type, const char *value)
{
	const struct cs_json *actor = cs_json_get(event, "Actor");
	const struct cs_json *attrs = cs_json_get(actor, "Attributes");

	if (strcmp(text_of(event, "Type"), type) != 0 || !*value)
		return false;
	return cs_str_starts(text_of(actor, "ID"), value) ||
	       cs_str_starts(text_of(attrs, "name"), value);
}

static bool is_true(const struct cs_json *event, const char *filter)
{
	const struct cs_json *attrs = cs_json_get(cs_json_get(event, "Actor"), "Attributes");
	const char *eq = strchr(filter, '='), *value = eq ? eq + 1 : "";

	if (cs_str_starts(filter, "event="))
		return strcmp(text_of(event, "Action"), value) == 0;
	if (cs_str_starts(filter, "type="))
		return strcmp(text_of(event, "Type"), value) == 0;
	if (cs_str_starts(filter, "image="))
		return strcmp(text_of(attrs, "image"), value) == 0 ||
		       is_named(event, "image", value);
	if (cs_str_starts(filter, "container="))
		return is_named(event, "container", value);
	if (cs_str_starts(filter, "network="))
		return is_named(event, "network", value);
	return is_named(event, "volume", value);
}

/* Labels must all be there; of another key one filter must be true. */
int eng_events_pass(const struct cs_json *event, const char *const *filters, size_t n)
{
	const struct cs_json *attrs = cs_json_get(cs_json_get(event, "Actor"), "Attributes");

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(filters[i], "=") + 1;
		bool any = false;

		if (cs_str_starts(filters[i], "label=")) {
			if (!attrs || !has_label(attrs, filters[i] + 6))
				return 0;
			continue;
		}
		for (size_t k = 0; k < n; k++)
			any = any || (strncmp(filters[k], filters[i], len) == 0 &&
				      is_true(event, filters[k]));
		if (!any)
			return 0;
	}
	return 1;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
	const struct eng_events_opts *o;
	eng_event_fn fn;
	void *arg;
	struct eng_tail tail;
	bool past;
};

/* A line that is none is what a crash or a full disk left. */
static int one(struct reader *r, const char *line, size_t len, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err why = CS_ERR_INIT;
	int64_t at = 0;

	if (cs_json_parse(line, len, "event", &doc, &why) < 0 || doc.root->type != CS_JSON_OBJECT ||
	    cs_json_i64(doc.root, "timeNano", &at, &why) < 1)
		return 0;
	if (r->o->since_ns != INT64_MAX && at < r->o->since_ns)
		return 0;
	r->past = at > r->o->until_ns;
	if (r->past || !eng_events_pass(doc.root, r->o->filters, r->o->n_filters))
		return 0;
	return r->fn(r->arg, doc.root, line, err);
}

static int give(struct reader *r, struct cs_err *err)
{
	size_t len;
	char *line;
	int ret;

	while (!r->past) {
		ret = eng_tail_next(&r->tail, &line, &len, err);
		if (ret <= 0)
			return ret;
		ret = one(r, line, len, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int eng_events(const struct eng *e, const struct eng_events_opts *o, eng_event_fn fn, void *arg,
	       struct cs_err *err)
{
	struct reader r = { .o = o, .fn = fn, .arg = arg, .tail = ENG_TAIL_INIT };
	cs_auto_fd int watch = eng_tail_watch(e->containers, err);
	int ret;

	if (watch < 0)
		return watch;
	ret = eng_tail_open(&r.tail, e->containers, ".events",
			    o->since_ns == INT64_MAX ? 0 : SIZE_MAX, err);
	if (ret < 0)
		return ret;
	for (;;) {
		struct pollfd p = { watch, POLLIN, 0 };
		bool over = o->until_ns <= eng_now();

		ret = give(&r, err);
		if (ret < 0 || r.past || over)
			break;
		if (poll(&p, 1, eng_follow_timeout(o->until_ns)) < 0 && errno != EINTR) {
			ret = cs_err_sys(err, "wait for events");
			break;
		}
		eng_tail_seen(watch);
	}
	eng_tail_close(&r.tail);
	return ret;
}
