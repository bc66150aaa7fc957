#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec_int.h"

/* Sets of numbers as the config writes them: lists of CPUs and memory nodes, id mappings. */

/* The number at *@p, which moves behind it. -EINVAL: none there, -ERANGE: above @max. */
static int number(const char **p, unsigned long max, unsigned long *out)
{
	unsigned long v = 0;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	for (; isdigit((unsigned char)**p); (*p)++) {
		v = v * 10 + (unsigned long)(**p - '0');
		if (v > max)
			return -ERANGE;
	}
	*out = v;
	return 0;
}

/* The item at *@p, "3" or "0-3"; what follows must end it. */
static int range(const char **p, unsigned long max, unsigned long *from, unsigned long *to)
{
	int rc = number(p, max, from);

	if (rc < 0)
		return rc;
	*to = *from;
	if (**p == '-') {
		(*p)++;
		rc = number(p, max, to);
		if (rc < 0)
			return rc;
	}
	*p += strspn(*p, " ");
	return **p && **p != ',' ? -EINVAL : *from <= *to ? 0 : -EINVAL;
}

/* Marks one item and writes it to @out; returns the bytes written. */
static size_t take(struct ctr_spec_set *set, unsigned long from, unsigned long to, char *out)
{
	enum { BITS = sizeof(unsigned long) * 8 };

	for (unsigned long i = from; set->bits && i <= to; i++)
		set->bits[i / BITS] |= 1UL << (i % BITS);
	if (to > set->top)
		set->top = to;
	if (from == to)
		return (size_t)snprintf(out, 24, "%lu", from);
	return (size_t)snprintf(out, 48, "%lu-%lu", from, to);
}

int ctr_spec_numbers(const struct cs_json_doc *doc, const struct cs_json *node,
		     struct ctr_spec_set *set, const char **text, struct cs_err *err)
{
	enum { MAX_TEXT = 64 << 10 };
	const char *s = NULL;
	size_t len;
	char *out;
	int rc;

	rc = cs_json_as_str(node, &s, err);
	if (rc < 0)
		return rc;
	len = strlen(s);
	if (len > MAX_TEXT)
		return cs_json_err(node, err, EINVAL, "is longer than %d bytes", MAX_TEXT);
	/* without leading zeros and blanks no item grows; 48 is room for the last one */
	out = cs_json_alloc(doc, len + 48, 1);
	if (!out)
		return ctr_spec_oom(err);
	len = 0;
	for (const char *p = s;; p++) {
		unsigned long from = 0, to = 0;

		p += strspn(p, " ");
		if (*p && *p != ',') {
			rc = range(&p, set->max, &from, &to);
			if (rc == -ERANGE)
				return cs_json_err(node, err, EINVAL,
						   "\"%.64s\" has a number above %lu", s, set->max);
			if (rc < 0)
				return cs_json_err(node, err, EINVAL,
						   "\"%.64s\" is no list such as \"0-3,7\"", s);
			if (len)
				out[len++] = ',';
			len += take(set, from, to, out + len);
		}
		if (!*p)
			break;
	}
	if (!len)
		return cs_json_err(node, err, EINVAL, "\"%.64s\" has no number in it", s);
	*text = out;
	return 0;
}

static int need_u32(const struct cs_json *obj, const char *key, uint32_t *out, struct cs_err *err)
{
	int rc = cs_json_u32(obj, key, out, err);

	if (rc == 0)
		return ctr_spec_missing(obj, key, err);
	return rc < 0 ? rc : 0;
}

static int idmap_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		      struct cs_err *err)
{
	struct ctr_idmap *m = out;
	int rc;

	(void)doc;
	rc = need_u32(item, "containerID", &m->container_id, err);
	if (rc == 0)
		rc = need_u32(item, "hostID", &m->host_id, err);
	if (rc == 0)
		rc = need_u32(item, "size", &m->size, err);
	if (rc < 0)
		return rc;
	if (m->size == 0)
		return cs_json_err(cs_json_get(item, "size"), err, EINVAL, "must not be 0");
	/* the id 2^32-1 cannot be mapped (user_namespaces(7)) */
	if (m->size > UINT32_MAX - m->container_id || m->size > UINT32_MAX - m->host_id)
		return cs_json_err(item, err, EINVAL, "ends above the last id, %u", UINT32_MAX - 1);
	return 0;
}

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static int idmaps_overlap(const struct cs_json *arr, const struct ctr_idmap *v, size_t n,
			  struct cs_err *err)
{
	const struct cs_json *c = arr->child;

	for (size_t i = 0; i < n; i++, c = c->next) {
		for (size_t j = 0; j < i; j++) {
			const struct ctr_idmap *a = &v[i], *b = &v[j];

			if (overlap(a->container_id, a->size, b->container_id, b->size))
				return cs_json_err(c, err, EINVAL,
						   "its ids in the container overlap with those of "
						   "mapping %zu",
						   j);
			if (overlap(a->host_id, a->size, b->host_id, b->size))
				return cs_json_err(c, err, EINVAL,
						   "its ids on the host overlap with those of "
						   "mapping %zu",
						   j);
		}
	}
	return 0;
}

int ctr_spec_idmaps(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		    struct ctr_idmaps *out, struct cs_err *err)
{
	const struct ctr_spec_list list = { key, sizeof(struct ctr_idmap), idmap_item };
	const struct cs_json *arr = NULL;
	void *v = NULL;
	size_t n = 0;
	int rc;

	rc = cs_json_arr(obj, key, &arr, err);
	if (rc <= 0)
		return rc;
	if (arr->n > CTR_SPEC_MAX_IDMAPS)
		return cs_json_err(arr, err, EINVAL, "has more than %d mappings",
				   CTR_SPEC_MAX_IDMAPS);
	rc = ctr_spec_items(doc, obj, &list, &v, &n, err);
	if (rc == 0)
		rc = idmaps_overlap(arr, v, n, err);
	if (rc < 0)
		return rc;
	out->v = v;
	out->n = n;
	return 0;
}
