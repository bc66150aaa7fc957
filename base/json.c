#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum { PATH_DEPTH = 80 }; /* of nodes in a path: the parser stops at 64 */

const struct cs_json *cs_json_get(const struct cs_json *obj, const char *key)
{
	const struct cs_json *c;

	if (!obj || obj->type != CS_JSON_OBJECT)
		return NULL;
	cs_json_for_each (c, obj) {
		if (cs_json_key_is(c, key))
			return c->type == CS_JSON_NULL ? NULL : c;
	}
	return NULL;
}

static bool plain_key(const char *key)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return *key && !key[strspn(key, plain)];
}

static unsigned int index_of(const struct cs_json *node)
{
	const struct cs_json *c;
	unsigned int i = 0;

	cs_json_for_each (c, node->parent) {
		if (c == node)
			break;
		i++;
	}
	return i;
}

void cs_json_path(const struct cs_json *node, char *out, size_t size)
{
	const struct cs_json *chain[PATH_DEPTH];
	size_t depth = 0, len = 0;

	if (!size)
		return;
	out[0] = '\0';
	for (; node && node->parent && depth < PATH_DEPTH; node = node->parent)
		chain[depth++] = node;
	while (depth && len < size) {
		const struct cs_json *n = chain[--depth];
		int did;

		if (!n->key)
			did = snprintf(out + len, size - len, "[%u]", index_of(n));
		else if (plain_key(n->key))
			did = snprintf(out + len, size - len, "%s%s", len ? "." : "", n->key);
		else
			did = snprintf(out + len, size - len, "[\"%s\"]", n->key);
		if (did < 0)
			break;
		len += (size_t)did;
	}
}

int(cs_json_err)(const struct cs_json *node, struct cs_err *err, int code, const char *fmt, ...)
{
	char path[256], text[sizeof(err->msg)];
	va_list ap;

	cs_json_path(node, path, sizeof(path));
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	if (!*path)
		return cs_err_set(err, code, "%s", text);
	return cs_err_set(err, code, "%s: %s", path, text);
}

static int need(const struct cs_json *v, enum cs_json_type type, struct cs_err *err)
{
	static const char *const names[] = {
		[CS_JSON_NULL] = "null",       [CS_JSON_BOOL] = "true or false",
		[CS_JSON_NUMBER] = "a number", [CS_JSON_STRING] = "a string",
		[CS_JSON_ARRAY] = "an array",  [CS_JSON_OBJECT] = "an object",
	};

	if (v->type != type)
		return cs_json_err(v, err, EINVAL, "must be %s", names[type]);
	return 1;
}

/* The member @key if it is there (1) and of @type, as the getters return it. */
static int member(const struct cs_json *obj, const char *key, enum cs_json_type type,
		  const struct cs_json **out, struct cs_err *err)
{
	const struct cs_json *v = cs_json_get(obj, key);
	int ret;

	if (!v)
		return 0;
	ret = need(v, type, err);
	if (ret > 0)
		*out = v;
	return ret;
}

/* Multiplies by ten to the power of @e; false on overflow. */
static bool shift(uint64_t *v, int64_t e)
{
	for (; e > 0; e--) {
		if (__builtin_mul_overflow(*v, 10, v))
			return false;
	}
	return true;
}

/* The number behind the 'e'. One too big for any use stays too big. */
static int64_t parse_exponent(const char *s)
{
	bool neg = *s == '-';
	int64_t e = 0;

	if (*s == '-' || *s == '+')
		s++;
	for (; *s; s++) {
		if (e < INT32_MAX)
			e = e * 10 + (*s - '0');
	}
	return neg ? -e : e;
}

enum whole {
	WHOLE_OK,
	WHOLE_FRACTION,
	WHOLE_RANGE,
};

/* Reads a number's digits, which the parser has checked, exactly: without a double in between.
 * The value is @v times ten to the power of @e, with no zero at the end of @v. */
static enum whole parse_whole(const char *s, uint64_t *out)
{
	int64_t e = 0; /* trailing zeros less digits behind the point, plus the exponent */
	uint64_t v = 0;
	int64_t zeros = 0;
	bool point = false, over = false;

	for (; *s && *s != 'e' && *s != 'E'; s++) {
		if (*s == '.') {
			point = true;
			continue;
		}
		e -= point;
		zeros++;
		if (*s == '0')
			continue;
		over = over || !shift(&v, v ? zeros : 0) ||
		       __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v);
		zeros = 0;
	}
	if (*s)
		e += parse_exponent(s + 1);
	e += zeros;
	if (!v && !over)
		e = 0;
	if (e < 0)
		return WHOLE_FRACTION;
	if (over || !shift(&v, e))
		return WHOLE_RANGE;
	*out = v;
	return WHOLE_OK;
}

int cs_json_as_str(const struct cs_json *v, const char **out, struct cs_err *err)
{
	int ret = need(v, CS_JSON_STRING, err);

	if (ret > 0)
		*out = v->str;
	return ret;
}

/* A whole number from -@low to @high. */
static int whole(const struct cs_json *v, uint64_t low, uint64_t high, bool *neg, uint64_t *mag,
		 struct cs_err *err)
{
	enum whole kind;
	uint64_t m = 0;
	bool minus;
	int ret;

	ret = need(v, CS_JSON_NUMBER, err);
	if (ret < 0)
		return ret;
	minus = v->str[0] == '-';
	kind = parse_whole(v->str + minus, &m);
	if (kind == WHOLE_FRACTION)
		return cs_json_err(v, err, EINVAL, "must be a whole number");
	if (kind == WHOLE_RANGE || m > (minus ? low : high))
		return cs_json_err(v, err, EINVAL, "must be from %s%" PRIu64 " to %" PRIu64,
				   low ? "-" : "", low, high);
	*neg = minus;
	*mag = m;
	return 1;
}

static int whole_signed(const struct cs_json *v, int64_t high, int64_t *out, struct cs_err *err)
{
	uint64_t mag;
	bool neg;
	int ret;

	ret = whole(v, (uint64_t)high + 1, (uint64_t)high, &neg, &mag, err);
	if (ret > 0)
		*out = (int64_t)(neg ? 0 - mag : mag);
	return ret;
}

static int whole_unsigned(const struct cs_json *v, uint64_t high, uint64_t *out, struct cs_err *err)
{
	bool neg;

	return whole(v, 0, high, &neg, out, err);
}

int cs_json_as_i64(const struct cs_json *v, int64_t *out, struct cs_err *err)
{
	return whole_signed(v, INT64_MAX, out, err);
}

int cs_json_as_u64(const struct cs_json *v, uint64_t *out, struct cs_err *err)
{
	return whole_unsigned(v, UINT64_MAX, out, err);
}

int cs_json_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err)
{
	const struct cs_json *v;
	int ret = member(obj, key, CS_JSON_STRING, &v, err);

	if (ret > 0)
		*out = v->str;
	return ret;
}

int cs_json_bool(const struct cs_json *obj, const char *key, bool *out, struct cs_err *err)
{
	const struct cs_json *v;
	int ret = member(obj, key, CS_JSON_BOOL, &v, err);

	if (ret > 0)
		*out = v->boolean;
	return ret;
}

int cs_json_i64(const struct cs_json *obj, const char *key, int64_t *out, struct cs_err *err)
{
	const struct cs_json *v = cs_json_get(obj, key);

	return v ? whole_signed(v, INT64_MAX, out, err) : 0;
}

int cs_json_u64(const struct cs_json *obj, const char *key, uint64_t *out, struct cs_err *err)
{
	const struct cs_json *v = cs_json_get(obj, key);

	return v ? whole_unsigned(v, UINT64_MAX, out, err) : 0;
}

int cs_json_i32(const struct cs_json *obj, const char *key, int32_t *out, struct cs_err *err)
{
	const struct cs_json *v = cs_json_get(obj, key);
	int64_t wide;
	int ret;

	ret = v ? whole_signed(v, INT32_MAX, &wide, err) : 0;
	if (ret > 0)
		*out = (int32_t)wide;
	return ret;
}

int cs_json_u32(const struct cs_json *obj, const char *key, uint32_t *out, struct cs_err *err)
{
	const struct cs_json *v = cs_json_get(obj, key);
	uint64_t wide;
	int ret;

	ret = v ? whole_unsigned(v, UINT32_MAX, &wide, err) : 0;
	if (ret > 0)
		*out = (uint32_t)wide;
	return ret;
}

int cs_json_obj(const struct cs_json *obj, const char *key, const struct cs_json **out,
		struct cs_err *err)
{
	return member(obj, key, CS_JSON_OBJECT, out, err);
}

int cs_json_arr(const struct cs_json *obj, const char *key, const struct cs_json **out,
		struct cs_err *err)
{
	return member(obj, key, CS_JSON_ARRAY, out, err);
}

int cs_json_strv(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		 const char *const **out, size_t *n, struct cs_err *err)
{
	const struct cs_json *arr, *c;
	const char **v;
	size_t i = 0;
	int ret;

	ret = cs_json_arr(obj, key, &arr, err);
	if (ret <= 0)
		return ret;
	cs_json_for_each (c, arr) {
		ret = need(c, CS_JSON_STRING, err);
		if (ret < 0)
			return ret;
	}
	v = cs_json_alloc(doc, (size_t)arr->n + 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (c, arr)
		v[i++] = c->str;
	*out = v;
	if (n)
		*n = i;
	return 1;
}
