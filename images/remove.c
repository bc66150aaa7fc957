#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/gc.h"
#include "images/index.h"

enum { PARTIAL_AGE = 7 * 24 * 3600 }; /* downloads broken off are kept for a week */

int img_tag(struct img_store *st, const char *text, const struct img_ref *name, struct cs_err *err)
{
	img_auto_edit struct img_edit e = IMG_EDIT_INIT;
	const struct img_record *r = NULL;
	char full[IMG_REF_TEXT];
	struct img_record tagged;
	int ret;

	img_ref_format(name, full);
	ret = img_edit_begin(st, &e, err);
	if (ret < 0)
		return ret;
	ret = img_list_find(&e.list, text, &r, err);
	if (ret < 0)
		return ret;
	tagged = *r;
	tagged.name = full;
	img_list_enter(&e.list, &tagged);
	return img_edit_commit(st, &e, err);
}

/* What a removal is about to do; told to the caller once it is done. */
struct removal {
	struct img_edit edit;
	const struct img_remove *r;
	struct cs_buf told; /* "N<name>\0" or "I<id>\0" */
};

static void tell(struct removal *m, enum img_gone_kind kind, const char *what)
{
	cs_buf_add(&m->told, kind == IMG_GONE_NAME ? "N" : "I");
	cs_buf_add_mem(&m->told, what, strlen(what) + 1);
}

static size_t count_id(const struct img_list *l, const char *id, bool named)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += strcmp(l->v[i].id, id) == 0 && (!named || *l->v[i].name);
	return n;
}

/* Does somebody use the image, and would it go? */
static int check_use(const struct removal *m, const char *id, struct cs_err *err)
{
	char who[128] = "";

	if (m->r->keep_last)
		return 0;
	if (m->r->needed && m->r->needed(m->r->ctx, id, who, sizeof(who)))
		return cs_err_set(err, EBUSY, "image %.12s is used by %s: remove that first",
				  id + 7, who);
	if (m->r->force || !m->r->in_use)
		return 0;
	if (!m->r->in_use(m->r->ctx, id, who, sizeof(who)))
		return 0;
	return cs_err_set(err, EBUSY, "image %.12s is used by %s: end that first, or use --force",
			  id + 7, who);
}

static int drop_name(struct removal *m, size_t i, struct cs_err *err)
{
	struct img_list *l = &m->edit.list;
	const char *id = l->v[i].id;
	int ret = 0;

	if (count_id(l, id, false) == 1)
		ret = check_use(m, id, err);
	if (ret < 0)
		return ret;
	if (*l->v[i].name)
		tell(m, IMG_GONE_NAME, l->v[i].name);
	if (m->r->keep_last) {
		img_list_unname(l, i);
		return 0;
	}
	img_list_drop(l, i);
	if (count_id(l, id, false) == 0)
		tell(m, IMG_GONE_IMAGE, id);
	return 0;
}

static int drop_id(struct removal *m, const char *id, struct cs_err *err)
{
	struct img_list *l = &m->edit.list;
	int ret;

	if (count_id(l, id, true) > 1 && !m->r->force)
		return cs_err_set(err, EBUSY,
				  "image %.12s has %zu names: remove it by name, or use "
				  "--force for all of them",
				  id + 7, count_id(l, id, true));
	ret = check_use(m, id, err);
	if (ret < 0)
		return ret;
	for (size_t i = l->n; i-- > 0;) {
		if (strcmp(l->v[i].id, id) != 0)
			continue;
		if (*l->v[i].name)
			tell(m, IMG_GONE_NAME, l->v[i].name);
		img_list_drop(l, i);
	}
	tell(m, IMG_GONE_IMAGE, id);
	return 0;
}

/* Writes the index, tells what went, and removes what nothing refers to any more. */
static int finish(struct img_store *st, struct removal *m, struct cs_err *err)
{
	uint64_t freed = 0;
	const char *s;
	int ret = cs_buf_ok(&m->told, err);

	if (ret == 0)
		ret = img_edit_commit(st, &m->edit, err);
	if (ret < 0)
		return ret;
	for (s = m->told.s; s && s < m->told.s + m->told.len; s += strlen(s) + 1) {
		if (m->r->gone)
			m->r->gone(m->r->gone_ctx, *s == 'N' ? IMG_GONE_NAME : IMG_GONE_IMAGE,
				   s + 1);
	}
	return m->r->keep_last ? 0
			       : img_gc(st, PARTIAL_AGE, m->r->freed ? m->r->freed : &freed, err);
}

int img_remove(struct img_store *st, const char *text, const struct img_remove *r,
	       struct cs_err *err)
{
	struct removal m = { .edit = IMG_EDIT_INIT, .r = r, .told = CS_BUF_INIT };
	const struct img_record *rec = NULL;
	bool by_id = false;
	int ret = img_edit_begin(st, &m.edit, err);

	if (ret == 0)
		ret = img_list_resolve(&m.edit.list, text, &rec, &by_id, err);
	if (ret == 0 && by_id && !r->keep_last)
		ret = drop_id(&m, rec->id, err);
	else if (ret == 0)
		ret = drop_name(&m, (size_t)(rec - m.edit.list.v), err);
	if (ret == 0)
		ret = finish(st, &m, err);
	img_edit_fini(&m.edit);
	cs_buf_fini(&m.told);
	return ret;
}

int img_remove_records(struct img_store *st, const struct img_record *const *v, size_t n,
		       const struct img_remove *r, struct cs_err *err)
{
	struct removal m = { .edit = IMG_EDIT_INIT, .r = r, .told = CS_BUF_INIT };
	struct img_list *l = &m.edit.list;
	int ret = img_edit_begin(st, &m.edit, err);

	/* What changed since they were chosen stays. */
	for (size_t k = 0; k < n && ret == 0; k++) {
		for (size_t i = 0; i < l->n; i++) {
			if (strcmp(l->v[i].digest, v[k]->digest) != 0 ||
			    strcmp(l->v[i].name, v[k]->name) != 0)
				continue;
			if (check_use(&m, l->v[i].id, err) < 0)
				cs_err_clear(err);
			else
				ret = drop_name(&m, i, err);
			break;
		}
	}
	if (ret == 0)
		ret = finish(st, &m, err);
	img_edit_fini(&m.edit);
	cs_buf_fini(&m.told);
	return ret;
}
