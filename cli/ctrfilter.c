#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/ctrview.h"
#include "engine/engine.h"
#include "engine/stamp.h"
#include "engine/store.h"

/* ps's filters. */

/* 1 the container is so, 0 not, or an error. @value follows "KEY=". */
typedef int (*filter_fn)(const struct eng *e, const struct cli_ctr *c, const char *value,
			 struct cs_err *err);

static int by_id(const struct eng *e, const struct cli_ctr *c, const char *value,
		 struct cs_err *err)
{
	(void)e;
	(void)err;
	return cs_str_starts(c->r.id, value);
}

/* A part of the name, as docker has it, or a pattern. */
static int by_name(const struct eng *e, const struct cli_ctr *c, const char *value,
		   struct cs_err *err)
{
	(void)e;
	(void)err;
	if (*value == '^') {
		size_t len = strlen(++value);
		bool end = len > 0 && value[len - 1] == '$';

		return end ? strlen(c->r.name) == len - 1 && strncmp(c->r.name, value, len - 1) == 0
			   : cs_str_starts(c->r.name, value);
	}
	return strstr(c->r.name, value) || fnmatch(value, c->r.name, 0) == 0;
}

static int by_label(const struct eng *e, const struct cli_ctr *c, const char *value,
		    struct cs_err *err)
{
	const char *eq = strchr(value, '=');
	size_t len = eq ? (size_t)(eq - value) : strlen(value);

	(void)e;
	(void)err;
	for (size_t i = 0; i < c->r.labels.n; i++) {
		const char *l = c->r.labels.v[i];

		if (strncmp(l, value, len) == 0 && l[len] == '=' &&
		    (!eq || strcmp(l + len + 1, eq + 1) == 0))
			return 1;
	}
	return 0;
}

static int by_no_label(const struct eng *e, const struct cli_ctr *c, const char *value,
		       struct cs_err *err)
{
	return !by_label(e, c, value, err);
}

static int by_kind(const struct eng *e, const struct cli_ctr *c, const char *value,
		   struct cs_err *err)
{
	static const char *const known[] = { "container", "vm" };

	(void)e;
	if (!cs_str_in(value, known, CS_LEN(known)))
		return cs_err_set(err, EINVAL,
				  "option --filter: kind \"%s\" is not container or vm", value);
	return eng_is_vm(&c->r) == (strcmp(value, "vm") == 0);
}

/* Created before a time, or longer ago than so long. */
static int by_until(const struct eng *e, const struct cli_ctr *c, const char *value,
		    struct cs_err *err)
{
	int64_t t;

	(void)e;
	if (eng_when_parse(value, eng_now(), &t, err) < 0)
		return cs_err_wrap(err, "option --filter: until");
	return c->r.created_ns < t;
}

static int by_status(const struct eng *e, const struct cli_ctr *c, const char *value,
		     struct cs_err *err)
{
	static const char *const known[] = { "created", "starting",   "running", "paused",
					     "exited",	"restarting", "dead",	 "stopped" };

	(void)e;
	if (!cs_str_in(value, known, CS_LEN(known)))
		return cs_err_set(err, EINVAL,
				  "option --filter: status \"%s\" is not created, running, "
				  "paused, restarting, exited or dead",
				  value);
	if (strcmp(value, "stopped") == 0)
		value = "exited";
	return strcmp(eng_state_name(c->st.state), value) == 0;
}

static int by_exited(const struct eng *e, const struct cli_ctr *c, const char *value,
		     struct cs_err *err)
{
	uint64_t code;

	(void)e;
	if (cs_str_u64(value, &code) < 0 || code > 255)
		return cs_err_set(err, EINVAL, "option --filter: exited=\"%s\" is no exit status",
				  value);
	return c->st.state == ENG_EXITED && (uint64_t)c->st.exit_code == code;
}

static int by_ancestor(const struct eng *e, const struct cli_ctr *c, const char *value,
		       struct cs_err *err)
{
	const char *image = c->r.image ? c->r.image : "";
	const char *hex = c->r.image_id ? c->r.image_id : "";
	size_t len = strlen(value);

	(void)e;
	(void)err;
	if (cs_str_starts(hex, "sha256:") && !cs_str_starts(value, "sha256:"))
		hex += strlen("sha256:");
	/* "web" is "web:1" and "host/web" too */
	return strcmp(image, value) == 0 || (len >= 6 && cs_str_starts(hex, value)) ||
	       (strncmp(image, value, len) == 0 && (image[len] == ':' || image[len] == '@'));
}

static int by_network(const struct eng *e, const struct cli_ctr *c, const char *value,
		      struct cs_err *err)
{
	(void)e;
	(void)err;
	if (c->r.network_mode && strcmp(c->r.network_mode, value) == 0)
		return 1;
	for (size_t i = 0; i < c->r.n_nets; i++)
		if (strcmp(c->r.nets[i].network, value) == 0)
			return 1;
	return 0;
}

static int by_volume(const struct eng *e, const struct cli_ctr *c, const char *value,
		     struct cs_err *err)
{
	(void)e;
	(void)err;
	for (size_t i = 0; i < c->r.n_mounts; i++) {
		const struct eng_mount *m = &c->r.mounts[i];

		if ((m->source && strcmp(m->source, value) == 0) || strcmp(m->target, value) == 0)
			return 1;
	}
	return 0;
}

/* When the container named was created. */
static int created_of(const struct eng *e, const char *text, int64_t *out, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	char id[ENG_ID_LEN + 1];

	if (eng_find(e, text, id, err) < 0 || eng_record_load(e, id, &r, err) < 0)
		return cs_err_wrap(err, "option --filter");
	*out = r.created_ns;
	return 0;
}

static int by_before(const struct eng *e, const struct cli_ctr *c, const char *value,
		     struct cs_err *err)
{
	int64_t t;
	int ret = created_of(e, value, &t, err);

	return ret < 0 ? ret : c->r.created_ns < t;
}

static int by_since(const struct eng *e, const struct cli_ctr *c, const char *value,
		    struct cs_err *err)
{
	int64_t t;
	int ret = created_of(e, value, &t, err);

	return ret < 0 ? ret : c->r.created_ns > t;
}

static const struct filter {
	const char *key;
	filter_fn fn;
} filters[] = {
	{ "ancestor", by_ancestor }, { "before", by_before },
	{ "exited", by_exited },     { "id", by_id },
	{ "kind", by_kind },	     { "label", by_label },
	{ "label!", by_no_label },   { "name", by_name },
	{ "network", by_network },   { "since", by_since },
	{ "status", by_status },     { "until", by_until },
	{ "volume", by_volume },
};

static const struct filter *find(const char *text, const char **value)
{
	size_t len = strcspn(text, "=");

	for (size_t i = 0; i < CS_LEN(filters); i++)
		if (text[len] == '=' && strlen(filters[i].key) == len &&
		    strncmp(filters[i].key, text, len) == 0) {
			*value = text + len + 1;
			return &filters[i];
		}
	return NULL;
}

int cli_ctr_filter_check(const struct cli_strv *given, struct cs_err *err)
{
	const char *value;

	for (size_t i = 0; i < given->n; i++)
		if (!find(given->v[i], &value))
			return cs_err_set(err, EINVAL,
					  "option --filter: \"%s\" is not KEY=VALUE with id, name, "
					  "label, label!, status, kind, exited, ancestor, network, "
					  "volume, before, since or until",
					  given->v[i]);
	return 0;
}

int cli_ctr_filter(const struct eng *e, const struct cli_strv *given, const struct cli_ctr *c,
		   struct cs_err *err)
{
	for (size_t k = 0; k < CS_LEN(filters); k++) {
		bool all = filters[k].fn == by_label || filters[k].fn == by_no_label;
		size_t asked = 0, met = 0;

		for (size_t i = 0; i < given->n; i++) {
			const char *value = "";
			int ret;

			if (find(given->v[i], &value) != &filters[k])
				continue;
			asked++;
			ret = filters[k].fn(e, c, value, err);
			if (ret < 0)
				return ret;
			met += ret > 0;
		}
		if (asked && (met == 0 || (all && met < asked)))
			return 0;
	}
	return 1;
}
