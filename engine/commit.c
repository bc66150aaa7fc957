#include "engine/commit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "engine/diff.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/life.h"
#include "engine/status.h"
#include "engine/store.h"
#include "images/commit.h"
#include "images/store.h"

static void put_array(struct cs_jw *w, const char *key, const struct eng_strv *v)
{
	cs_jw_arr(w, key);
	for (size_t i = 0; i < v->n; i++)
		cs_jw_str(w, NULL, v->v[i]);
	cs_jw_arr_end(w);
}

static int put_labels(struct cs_jw *w, const struct eng_strv *labels, struct cs_err *err)
{
	cs_jw_obj(w, "Labels");
	for (size_t i = 0; i < labels->n; i++) {
		const char *s = labels->v[i];
		size_t n = strcspn(s, "=");
		cs_auto_free char *key = strndup(s, n);

		if (!key)
			return cs_err_set(err, ENOMEM, "out of memory");
		cs_jw_str(w, key, s[n] ? s + n + 1 : "");
	}
	cs_jw_obj_end(w);
	return 0;
}

int eng_commit_config(const struct eng_record *r, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	size_t len;

	cs_jw_obj(&w, NULL);
	if (r->user && *r->user)
		cs_jw_str(&w, "User", r->user);
	put_array(&w, "Env", &r->env);
	put_array(&w, "Entrypoint", &r->entrypoint);
	put_array(&w, "Cmd", &r->cmd);
	if (r->workdir && *r->workdir)
		cs_jw_str(&w, "WorkingDir", r->workdir);
	if (r->stop_signal)
		cs_jw_str(&w, "StopSignal", r->stop_signal);
	cs_jw_obj(&w, "ExposedPorts");
	for (size_t i = 0; i < r->expose.n; i++) {
		cs_jw_obj(&w, r->expose.v[i]);
		cs_jw_obj_end(&w);
	}
	cs_jw_obj_end(&w);
	if (put_labels(&w, &r->labels, err) < 0)
		return -err->code;
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, &len, err);
}

static int created_by(const struct eng_record *r, struct cs_buf *b, struct cs_err *err)
{
	for (size_t i = 0; i < r->entrypoint.n; i++)
		cs_buf_addf(b, "%s%s", b->len ? " " : "", r->entrypoint.v[i]);
	for (size_t i = 0; i < r->cmd.n; i++)
		cs_buf_addf(b, "%s%s", b->len ? " " : "", r->cmd.v[i]);
	return cs_buf_ok(b, err);
}

static int make(const struct eng *e, const struct eng_record *r, const struct eng_commit *c,
		char *image, struct cs_err *err)
{
	cs_auto_buf struct cs_buf by = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	cs_auto_free char *config = NULL;
	cs_auto_fd int upper = eng_upper_open(e, r->id, err);
	struct img_commit ic = {
		.base = r->image_id,
		.upper = upper,
		.name = c->name,
		.author = c->author,
		.message = c->message,
		.changes = c->changes.v,
		.n_changes = c->changes.n,
	};
	char path[PATH_MAX];

	if (err->code || created_by(r, &by, err) < 0 || eng_commit_config(r, &config, err) < 0 ||
	    cs_str_fmt(path, sizeof(path), err, "%s/images", e->root) < 0 ||
	    img_store_open(path, &st, err) < 0)
		return -err->code;
	ic.config = config;
	ic.created_by = by.s;
	return img_commit(st, &ic, image, err);
}

int eng_commit(const struct eng *e, const char *id, const struct eng_commit *c, char *image,
	       struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;
	/* meanwhile it is neither started nor removed, and no other commit wakes it */
	cs_auto_fd int lock = eng_lock(e, id, err);
	int ret;

	if (lock < 0 || eng_record_load(e, id, &r, err) < 0 || eng_status_get(e, id, &st, err) < 0)
		return -err->code;
	if (!r.image_id)
		return cs_err_set(err, EINVAL, "container %s has no image to be laid on", r.name);
	if (c->pause && st.state == ENG_RUNNING && eng_pause(e, id, err) < 0)
		return -err->code;
	ret = make(e, &r, c, image, err);
	if (c->pause && st.state == ENG_RUNNING && eng_unpause(e, id, &why) < 0 && ret == 0) {
		*err = why;
		return -err->code;
	}
	if (ret < 0)
		return cs_err_wrap(err, "container %s", r.name);
	eng_event(e, "commit", &r, "imageID", image);
	return 0;
}
