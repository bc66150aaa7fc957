#ifndef CS_BASE_JSON_H
#define CS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/*
 * JSON over yajl's event parser: a read-only tree in one arena, and a writer. Every getter's
 * error names the path of what is wrong ("process.rlimits[2].hard: must be a whole number").
 */

enum cs_json_type {
	CS_JSON_NULL,
	CS_JSON_BOOL,
	CS_JSON_NUMBER,
	CS_JSON_STRING,
	CS_JSON_ARRAY,
	CS_JSON_OBJECT,
};

struct cs_json {
	enum cs_json_type type;
	bool boolean;		      /* CS_JSON_BOOL */
	uint32_t n;		      /* number of children */
	const char *key;	      /* name in the parent object, else NULL */
	const char *str;	      /* CS_JSON_STRING: text; CS_JSON_NUMBER: its literal text */
	const struct cs_json *parent; /* NULL for the root */
	const struct cs_json *child;  /* first child of an array or object */
	const struct cs_json *next;   /* next sibling */
};

struct cs_json_doc {
	const struct cs_json *root;
	void *arena; /* owned */
};
#define CS_JSON_DOC_INIT ((struct cs_json_doc){ 0 })

/* Parses @len bytes (one value, UTF-8). Refused: nesting deeper than 64, a string with an
 * embedded NUL, a key twice in one object, trailing text (EINVAL); more than 262144 values or
 * 64 MiB (EFBIG), which bounds time and memory whatever the text. @what names the text in the error
 * ("config.json"), which gives the line as well. Strings live as long as the doc. */
int cs_json_parse(const char *buf, size_t len, const char *what, struct cs_json_doc *out,
		  struct cs_err *err);
void cs_json_fini(struct cs_json_doc *doc);
#define cs_auto_json CS_CLEANUP(cs_json_fini) /* needs base/cleanup.h */

#define cs_json_for_each(c, node) for ((c) = (node)->child; (c); (c) = (c)->next)

/* Is it the member @key? Most others are told by their first letter. */
static inline bool cs_json_key_is(const struct cs_json *member, const char *key)
{
	return member->key[0] == key[0] && strcmp(member->key, key) == 0;
}

/* The member @key of @obj; NULL if absent, null, or @obj is NULL. */
const struct cs_json *cs_json_get(const struct cs_json *obj, const char *key);

/* "linux.resources.devices[3].allow" */
void cs_json_path(const struct cs_json *node, char *out, size_t size);

/* Error about @node: "<path>: <text>", code @code (mostly EINVAL). Returns -@code. */
int cs_json_err(const struct cs_json *node, struct cs_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));
#ifdef CS_ERR_NEGATIVE /* see base/err.h */
#define cs_json_err(...) CS_ERR_NEGATIVE(cs_json_err(__VA_ARGS__))
#endif

/* Member getters. Return 1 and set *@out if the member is there, 0 and leave *@out if it is
 * absent or null, -EINVAL if it has the wrong type or is out of range. Strings are borrowed from
 * the doc. Numbers must be whole; 1e3 and 1.0 count as whole, since not every writer knows
 * integers. */
int cs_json_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err);
int cs_json_bool(const struct cs_json *obj, const char *key, bool *out, struct cs_err *err);
int cs_json_i64(const struct cs_json *obj, const char *key, int64_t *out, struct cs_err *err);
int cs_json_u64(const struct cs_json *obj, const char *key, uint64_t *out, struct cs_err *err);
int cs_json_i32(const struct cs_json *obj, const char *key, int32_t *out, struct cs_err *err);
int cs_json_u32(const struct cs_json *obj, const char *key, uint32_t *out, struct cs_err *err);
int cs_json_obj(const struct cs_json *obj, const char *key, const struct cs_json **out,
		struct cs_err *err);
int cs_json_arr(const struct cs_json *obj, const char *key, const struct cs_json **out,
		struct cs_err *err);
/* A member that is an array of strings, as a NULL-terminated vector. The vector is in the doc's
 * arena: borrowed. *@n (if not NULL) is its length. */
int cs_json_strv(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		 const char *const **out, size_t *n, struct cs_err *err);

/* The same on a value itself (an array's element); the value must be of that type. */
int cs_json_as_str(const struct cs_json *v, const char **out, struct cs_err *err);
int cs_json_as_i64(const struct cs_json *v, int64_t *out, struct cs_err *err);
int cs_json_as_u64(const struct cs_json *v, uint64_t *out, struct cs_err *err);

/* Zeroed memory in the doc's arena (NULL when out of memory), for checked structs that live as
 * long as their document. */
void *cs_json_alloc(const struct cs_json_doc *doc, size_t n, size_t size);

/* The writer. @key is NULL inside arrays and for the root. Check once at the end with
 * cs_jw_take(). Invalid UTF-8 is written as U+FFFD. */
struct cs_jw {
	struct cs_buf buf;
	bool pretty;	/* indent by two spaces */
	bool comma;	/* private: a value stands before the next one */
	unsigned depth; /* private */
};
#define CS_JW_INIT ((struct cs_jw){ 0 })

void cs_jw_obj(struct cs_jw *w, const char *key);
void cs_jw_obj_end(struct cs_jw *w);
void cs_jw_arr(struct cs_jw *w, const char *key);
void cs_jw_arr_end(struct cs_jw *w);
void cs_jw_str(struct cs_jw *w, const char *key, const char *v); /* NULL writes null */
void cs_jw_bool(struct cs_jw *w, const char *key, bool v);
void cs_jw_i64(struct cs_jw *w, const char *key, int64_t v);
void cs_jw_u64(struct cs_jw *w, const char *key, uint64_t v);
void cs_jw_double(struct cs_jw *w, const char *key, double v); /* not finite: null */
void cs_jw_null(struct cs_jw *w, const char *key);
/* Copies a parsed value. */
void cs_jw_value(struct cs_jw *w, const char *key, const struct cs_json *v);
/* The text, NUL-terminated, with *@len bytes (NULL allowed); the caller frees it. */
int cs_jw_take(struct cs_jw *w, char **out, size_t *len, struct cs_err *err);
void cs_jw_fini(struct cs_jw *w);
#define cs_auto_jw CS_CLEANUP(cs_jw_fini)

#endif
