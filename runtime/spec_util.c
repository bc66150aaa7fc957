#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/spec_int.h"

int ctr_spec_missing(const struct cs_json *obj, const char *key, struct cs_err *err)
{
	char path[256];

	cs_json_path(obj, path, sizeof(path));
	return cs_err_set(err, EINVAL, "%s%s%s: missing", path, path[0] ? "." : "", key);
}

int ctr_spec_oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "config.json: out of memory");
}

int ctr_spec_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err)
{
	const char *s = NULL;
	int rc = cs_json_str(obj, key, &s, err);

	if (rc <= 0)
		return rc;
	if (!s[0])
		return 0;
	*out = s;
	return 1;
}

int ctr_spec_need_str(const struct cs_json *obj, const char *key, const char **out,
		      struct cs_err *err)
{
	int rc = ctr_spec_str(obj, key, out, err);

	if (rc < 0)
		return rc;
	if (rc > 0)
		return 0;
	if (!cs_json_get(obj, key))
		return ctr_spec_missing(obj, key, err);
	return cs_json_err(cs_json_get(obj, key), err, EINVAL, "must not be empty");
}

int ctr_spec_path(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err)
{
	const char *s = NULL;
	int rc = ctr_spec_str(obj, key, &s, err);

	if (rc <= 0)
		return rc;
	if (s[0] != '/')
		return cs_json_err(cs_json_get(obj, key), err, EINVAL,
				   "\"%s\" is not an absolute path", s);
	*out = s;
	return 1;
}

int ctr_spec_paths(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		   const char *const **out, struct cs_err *err)
{
	const struct cs_json *c = cs_json_get(obj, key);
	const char *const *v = NULL;
	size_t n = 0;
	int rc;

	rc = cs_json_strv(doc, obj, key, &v, &n, err);
	if (rc <= 0 || n == 0)
		return rc;
	c = c->child;
	for (size_t i = 0; i < n; i++, c = c->next) {
		if (v[i][0] != '/')
			return cs_json_err(c, err, EINVAL, "\"%s\" is not an absolute path", v[i]);
	}
	*out = v;
	return 1;
}

int ctr_spec_int(const struct cs_json *obj, const char *key, int64_t min, int64_t max, int64_t *out,
		 struct cs_err *err)
{
	int64_t v = 0;
	int rc = cs_json_i64(obj, key, &v, err);

	if (rc <= 0)
		return rc;
	if (v < min || v > max)
		return cs_json_err(cs_json_get(obj, key), err, EINVAL,
				   "must be from %" PRId64 " to %" PRId64, min, max);
	*out = v;
	return 1;
}

int ctr_spec_id(const struct cs_json *obj, const char *key, uint32_t *out, struct cs_err *err)
{
	int64_t v = 0;
	int rc = ctr_spec_int(obj, key, 0, UINT32_MAX - 1, &v, err);

	if (rc > 0)
		*out = (uint32_t)v;
	return rc;
}

int ctr_spec_u32v(const struct cs_json_doc *doc, const struct cs_json *arr, uint32_t max,
		  const uint32_t **out, struct cs_err *err)
{
	const struct cs_json *c;
	uint32_t *v;
	size_t n = 0;

	v = cs_json_alloc(doc, (size_t)arr->n + 1, sizeof(*v));
	if (!v)
		return ctr_spec_oom(err);
	cs_json_for_each (c, arr) {
		uint64_t num = 0;
		int rc = cs_json_as_u64(c, &num, err);

		if (rc < 0)
			return rc;
		if (num > max)
			return cs_json_err(c, err, EINVAL, "must be from 0 to %u", max);
		v[n++] = (uint32_t)num;
	}
	*out = v;
	return 0;
}

static int name_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct ctr_name *)row)->name);
}

const struct ctr_name *ctr_spec_find(const struct ctr_names *t, const char *name)
{
	return bsearch(name, t->v, t->n, sizeof(t->v[0]), name_cmp);
}

int ctr_spec_unknown(const struct cs_json *node, const struct ctr_names *t, struct cs_err *err)
{
	enum { FEW = 9 };
	cs_auto_buf struct cs_buf known = CS_BUF_INIT;

	if (t->n > FEW)
		return cs_json_err(node, err, EINVAL, "\"%.64s\" is not known", node->str);
	for (size_t i = 0; i < t->n; i++)
		cs_buf_addf(&known, "%s%s", i ? ", " : "", t->v[i].name);
	return cs_json_err(node, err, EINVAL, "\"%.64s\" is not known, only %s", node->str,
			   known.s ? known.s : "");
}

int ctr_spec_word(const struct cs_json *obj, const char *key, const struct ctr_names *t,
		  uint64_t *out, struct cs_err *err)
{
	const struct ctr_name *row;
	const char *s = NULL;
	int rc = ctr_spec_str(obj, key, &s, err);

	if (rc <= 0)
		return rc;
	row = ctr_spec_find(t, s);
	if (!row)
		return ctr_spec_unknown(cs_json_get(obj, key), t, err);
	*out = row->value;
	return 1;
}

int ctr_spec_words(const struct cs_json *obj, const char *key, const struct ctr_names *t,
		   uint64_t *out, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	uint64_t bits = 0;
	int rc = cs_json_arr(obj, key, &arr, err);

	if (rc <= 0)
		return rc;
	cs_json_for_each (c, arr) {
		const struct ctr_name *row;
		const char *s = NULL;

		rc = cs_json_as_str(c, &s, err);
		if (rc < 0)
			return rc;
		row = ctr_spec_find(t, s);
		if (!row)
			return ctr_spec_unknown(c, t, err);
		bits |= row->value;
	}
	*out = bits;
	return 1;
}

int ctr_spec_items(const struct cs_json_doc *doc, const struct cs_json *obj,
		   const struct ctr_spec_list *list, void **v, size_t *n, struct cs_err *err)
{
	const struct cs_json *arr = NULL, *c;
	int rc = cs_json_arr(obj, list->key, &arr, err);
	char *items, *at;

	if (rc <= 0 || arr->n == 0)
		return rc < 0 ? rc : 0;
	items = cs_json_alloc(doc, arr->n, list->size);
	if (!items)
		return ctr_spec_oom(err);
	at = items;
	cs_json_for_each (c, arr) {
		if (c->type != CS_JSON_OBJECT)
			return cs_json_err(c, err, EINVAL, "must be an object");
		rc = list->item(doc, c, at, err);
		if (rc < 0)
			return rc;
		at += list->size;
	}
	*v = items;
	*n = arr->n;
	return 0;
}

int ctr_spec_map(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		 const struct ctr_kv **v, size_t *n, struct cs_err *err)
{
	const struct cs_json *map = NULL, *c;
	int rc = cs_json_obj(obj, key, &map, err);
	struct ctr_kv *kv;

	if (rc <= 0 || map->n == 0)
		return rc < 0 ? rc : 0;
	kv = cs_json_alloc(doc, map->n, sizeof(*kv));
	if (!kv)
		return ctr_spec_oom(err);
	*v = kv;
	*n = map->n;
	cs_json_for_each (c, map) {
		if (!c->key[0])
			return cs_json_err(map, err, EINVAL, "a name in it is empty");
		rc = cs_json_as_str(c, &kv->value, err);
		if (rc < 0)
			return rc;
		kv++->key = c->key;
	}
	return 0;
}

static int key_cmp(const void *va, const void *vb)
{
	const struct ctr_spec_key *a = va, *b = vb;
	int rc = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);

	if (rc)
		return rc;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->i < b->i ? -1 : a->i > b->i;
}

void ctr_spec_sort(struct ctr_spec_key *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), key_cmp);
}

bool ctr_spec_same(const struct ctr_spec_key *a, const struct ctr_spec_key *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

size_t ctr_spec_twice(struct ctr_spec_key *v, size_t n)
{
	ctr_spec_sort(v, n);
	for (size_t i = 1; i < n; i++) {
		if (ctr_spec_same(&v[i - 1], &v[i]))
			return v[i].i;
	}
	return n;
}
