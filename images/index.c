#include "images/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "images/manifest.h"

#define A_NAME "org.opencontainers.image.ref.name"
#define A_ID "caisson.id"
#define A_SOURCE "caisson.source"
#define A_FIX "caisson.fix"
#define A_SIZE "caisson.size"
#define A_CREATED "caisson.created"

enum { INDEX_BYTES_MAX = 64 << 20 };

/* What a list's memory is: its document and its records. */
struct list_mem {
	struct cs_json_doc doc;
	struct img_record *v;
};

void img_list_fini(struct img_list *l)
{
	struct list_mem *m = l->mem;

	if (m) {
		cs_json_fini(&m->doc);
		free(m->v);
		free(m);
	}
	*l = IMG_LIST_INIT;
}

void img_list_drop(struct img_list *l, size_t i)
{
	memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(*l->v));
	l->n--;
}

/* The record of that name; l->n if there is none. */
static size_t find_named(const struct img_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n && strcmp(l->v[i].name, name) != 0; i++)
		;
	return i;
}

/* Has another record the image of record @i? */
static bool known_elsewhere(const struct img_list *l, size_t i)
{
	for (size_t j = 0; j < l->n; j++) {
		if (j != i && strcmp(l->v[j].digest, l->v[i].digest) == 0)
			return true;
	}
	return false;
}

void img_list_unname(struct img_list *l, size_t i)
{
	if (known_elsewhere(l, i))
		img_list_drop(l, i);
	else
		l->v[i].name = "";
}

void img_list_enter(struct img_list *l, const struct img_record *r)
{
	size_t i;

	if (*r->name) {
		i = find_named(l, r->name);
		if (i < l->n && strcmp(l->v[i].digest, r->digest) != 0)
			img_list_unname(l, i);
		else if (i < l->n)
			goto replace;
	}
	/* one without a name makes room for one with */
	for (i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].digest, r->digest) == 0 && (!*l->v[i].name || !*r->name))
			goto replace;
	}
	l->v[l->n++] = *r;
	return;
replace:
	if (*l->v[i].name && !*r->name)
		return;
	l->v[i] = *r;
}

static const char *note(const struct cs_json *notes, const char *key)
{
	const struct cs_json *v = cs_json_get(notes, key);

	return v && v->type == CS_JSON_STRING ? v->str : "";
}

static int parse_record(const struct cs_json *obj, struct img_record *r, struct cs_err *err)
{
	const struct cs_json *notes = NULL;
	struct img_desc d;
	int ret = img_desc_parse(obj, &d, err);

	if (ret >= 0)
		ret = cs_json_obj(obj, "annotations", &notes, err);
	if (ret < 0)
		return ret;
	*r = (struct img_record){
		.name = note(notes, A_NAME),
		.digest = d.digest,
		.media_type = d.media_type,
		.manifest_size = d.size,
		.source = note(notes, A_SOURCE),
		.id = note(notes, A_ID),
		.fix = note(notes, A_FIX),
		.platform = d.platform,
	};
	if (cs_str_u64(note(notes, A_SIZE), &r->size) < 0)
		r->size = 0;
	if (cs_str_i64(note(notes, A_CREATED), &r->created) < 0)
		r->created = 0;
	/* Of an entry that others wrote here: the image is what its manifest is. */
	if (!img_ref_digest_ok(r->id))
		r->id = r->digest;
	if (*r->source && !img_ref_digest_ok(r->source))
		r->source = "";
	if (*r->fix && !img_ref_digest_ok(r->fix))
		r->fix = "";
	return 0;
}

static int parse_records(struct list_mem *m, size_t *n, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	int ret;

	if (m->doc.root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "index.json: must be an object");
	ret = cs_json_arr(m->doc.root, "manifests", &arr, err);
	if (ret == 0)
		return cs_err_set(err, EINVAL, "index.json: has no manifests");
	if (ret < 0)
		return cs_err_wrap(err, "index.json");
	m->v = calloc((size_t)arr->n + 1, sizeof(*m->v));
	if (!m->v)
		return cs_err_set(err, ENOMEM, "index.json: out of memory");
	cs_json_for_each (c, arr) {
		ret = parse_record(c, &m->v[(*n)++], err);
		if (ret < 0)
			return cs_err_wrap(err, "index.json");
	}
	return 0;
}

int img_index_parse(const char *buf, size_t len, struct img_list *out, struct cs_err *err)
{
	struct img_list l = IMG_LIST_INIT;
	struct list_mem *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return cs_err_set(err, ENOMEM, "index.json: out of memory");
	l.mem = m;
	ret = cs_json_parse(buf, len, "index.json", &m->doc, err);
	if (ret == 0)
		ret = parse_records(m, &l.n, err);
	if (ret < 0) {
		img_list_fini(&l);
		return ret;
	}
	l.v = m->v;
	*out = l;
	return 0;
}

static void put_number(struct cs_jw *w, const char *key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	cs_jw_str(w, key, text);
}

static void put_if(struct cs_jw *w, const char *key, const char *v)
{
	if (*v)
		cs_jw_str(w, key, v);
}

static void put_record(struct cs_jw *w, const struct img_record *r)
{
	cs_jw_obj(w, NULL);
	put_if(w, "mediaType", r->media_type);
	cs_jw_str(w, "digest", r->digest);
	cs_jw_u64(w, "size", r->manifest_size);
	if (*r->platform.arch) {
		cs_jw_obj(w, "platform");
		cs_jw_str(w, "architecture", r->platform.arch);
		cs_jw_str(w, "os", r->platform.os);
		put_if(w, "os.version", r->platform.os_version);
		put_if(w, "variant", r->platform.variant);
		cs_jw_obj_end(w);
	}
	cs_jw_obj(w, "annotations");
	put_if(w, A_NAME, r->name);
	cs_jw_str(w, A_ID, r->id);
	put_if(w, A_SOURCE, r->source);
	put_if(w, A_FIX, r->fix);
	put_number(w, A_SIZE, (int64_t)r->size);
	put_number(w, A_CREATED, r->created);
	cs_jw_obj_end(w);
	cs_jw_obj_end(w);
}

int img_index_text(const struct img_record *v, size_t n, char **out, size_t *len,
		   struct cs_err *err)
{
	struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "schemaVersion", 2);
	cs_jw_str(&w, "mediaType", IMG_MT_OCI_INDEX);
	cs_jw_arr(&w, "manifests");
	for (size_t i = 0; i < n; i++)
		put_record(&w, &v[i]);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, len, err);
}

/* Reads index.json; one that is not there is empty. */
static int read_index(const struct img_store *st, struct img_list *out, struct cs_err *err)
{
	static const char empty[] = "{\"manifests\":[]}";
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = cs_file_read(img_store_fd(st), "index.json", INDEX_BYTES_MAX, &text, &len, err);

	if (ret == -ENOENT) {
		cs_err_clear(err);
		return img_index_parse(empty, sizeof(empty) - 1, out, err);
	}
	return ret < 0 ? ret : img_index_parse(text, len, out, err);
}

static int by_age(const void *a, const void *b)
{
	const struct img_record *x = a, *y = b;

	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	return strcmp(x->name, y->name);
}

int img_store_list(const struct img_store *st, struct img_list *out, struct cs_err *err)
{
	struct img_list l = IMG_LIST_INIT;
	int ret = read_index(st, &l, err);

	if (ret < 0)
		return ret;
	qsort(l.v, l.n, sizeof(*l.v), by_age);
	*out = l;
	return 0;
}

int img_edit_begin(const struct img_store *st, struct img_edit *out, struct cs_err *err)
{
	struct img_edit e = IMG_EDIT_INIT;
	int ret;

	e.lock = cs_file_lock(img_store_fd(st), "index.lock", false, err);
	if (e.lock < 0)
		return e.lock;
	ret = read_index(st, &e.list, err);
	if (ret < 0) {
		img_edit_fini(&e);
		return ret;
	}
	*out = e;
	return 0;
}

int img_edit_commit(const struct img_store *st, struct img_edit *e, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = img_index_text(e->list.v, e->list.n, &text, &len, err);

	if (ret == 0)
		ret = cs_file_replace(img_store_fd(st), "index.json", text, len, 0600, true, err);
	if (ret == 0 && fsync(img_store_fd(st)) < 0)
		ret = cs_err_sys(err, "sync the store's folder");
	img_edit_fini(e);
	return ret;
}

void img_edit_fini(struct img_edit *e)
{
	img_list_fini(&e->list);
	cs_close_fd(&e->lock);
}
