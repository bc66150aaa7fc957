#ifndef CS_RUNTIME_SPEC_INT_H
#define CS_RUNTIME_SPEC_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "runtime/spec.h"

/* What the files of ctr_spec_parse() share; nobody else includes it. */

/* Getters beside base/json.h's, with its results: 1 there, 0 absent, -EINVAL. "" counts as
 * absent, as it does for the JSON of Go, where optional strings are left out when empty. */
int ctr_spec_str(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err);
/* Must be there, and not empty. Returns 0 or -EINVAL. */
int ctr_spec_need_str(const struct cs_json *obj, const char *key, const char **out,
		      struct cs_err *err);
/* As ctr_spec_str(), and must be an absolute path. */
int ctr_spec_path(const struct cs_json *obj, const char *key, const char **out, struct cs_err *err);
/* An array of absolute paths, NULL-terminated; *@out stays as it is for an empty one. */
int ctr_spec_paths(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		   const char *const **out, struct cs_err *err);
/* A number from @min to @max. */
int ctr_spec_int(const struct cs_json *obj, const char *key, int64_t min, int64_t max, int64_t *out,
		 struct cs_err *err);
/* A user or group id: 2^32-1 is "no change" to every system call and no id. */
int ctr_spec_id(const struct cs_json *obj, const char *key, uint32_t *out, struct cs_err *err);
/* An array of numbers up to @max. */
int ctr_spec_u32v(const struct cs_json_doc *doc, const struct cs_json *arr, uint32_t max,
		  const uint32_t **out, struct cs_err *err);
/* A word of @t; an unknown one is refused. "" counts as absent. */
int ctr_spec_word(const struct cs_json *obj, const char *key, const struct ctr_names *t,
		  uint64_t *out, struct cs_err *err);
/* An array of words of @t, their values or-ed; absent: 0. Returns 1 if the array is there. */
int ctr_spec_words(const struct cs_json *obj, const char *key, const struct ctr_names *t,
		   uint64_t *out, struct cs_err *err);

/* "<path of obj>.<key>: missing"; returns -EINVAL. */
int ctr_spec_missing(const struct cs_json *obj, const char *key, struct cs_err *err)
	__attribute__((cold));
/* Returns -ENOMEM. */
int ctr_spec_oom(struct cs_err *err) __attribute__((cold));
/* Error about the value of the word at @node; lists the words there are if they are few. */
int ctr_spec_unknown(const struct cs_json *node, const struct ctr_names *t, struct cs_err *err)
	__attribute__((cold));

/* The row of @t with that name, NULL if there is none. */
const struct ctr_name *ctr_spec_find(const struct ctr_names *t, const char *name);

/* An array of objects, each parsed by @item into @size bytes of zeroed memory. */
typedef int (*ctr_spec_item_fn)(const struct cs_json_doc *doc, const struct cs_json *item,
				void *out, struct cs_err *err);
struct ctr_spec_list {
	const char *key;
	size_t size;
	ctr_spec_item_fn item;
};
/* Sets *@v (an array of them) and *@n; leaves both if the list is absent. 0 or an error. */
int ctr_spec_items(const struct cs_json_doc *doc, const struct cs_json *obj,
		   const struct ctr_spec_list *list, void **v, size_t *n, struct cs_err *err);

/* An object whose values are strings (not null). Keys are not empty. */
int ctr_spec_map(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		 const struct ctr_kv **v, size_t *n, struct cs_err *err);

/* A name in a list of them, for finding duplicates. */
struct ctr_spec_key {
	const char *s;
	size_t len;
	size_t i; /* place in the list */
};
/* Sorts by name, the same names by place. */
void ctr_spec_sort(struct ctr_spec_key *v, size_t n);
bool ctr_spec_same(const struct ctr_spec_key *a, const struct ctr_spec_key *b);
/* Where a name is that an earlier one has too; @n if there is none. Sorts @v. */
size_t ctr_spec_twice(struct ctr_spec_key *v, size_t n);

/* Numbers and ranges ("0-3, 7") up to @max, blanks and empty items allowed, at least one member.
 * *@text is the list without them. The bits of @bits (NULL: not wanted), which must have room for
 * @max, are set; *@top is the highest number. @node is the string's place for the error. */
struct ctr_spec_set {
	unsigned long max;
	unsigned long *bits;
	unsigned long top;
};
int ctr_spec_numbers(const struct cs_json_doc *doc, const struct cs_json *node,
		     struct ctr_spec_set *set, const char **text, struct cs_err *err);

/* A list of id mappings: not empty ones, none wrapping, none overlapping. */
int ctr_spec_idmaps(const struct cs_json_doc *doc, const struct cs_json *obj, const char *key,
		    struct ctr_idmaps *out, struct cs_err *err);

/* The sections. @obj is the section's object, NULL if it is absent. */
int ctr_spec_hooks(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err);
int ctr_spec_mounts(struct ctr_spec *s, const struct cs_json *root, struct cs_err *err);
int ctr_spec_linux(struct ctr_spec *s, const struct cs_json *obj, struct cs_err *err);
int ctr_spec_devices(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err);
int ctr_spec_tuning(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err);
int ctr_spec_seccomp(const struct cs_json_doc *doc, const struct cs_json *linux_obj,
		     struct ctr_seccomp *out, struct cs_err *err);
int ctr_spec_vm(const struct cs_json_doc *doc, const struct cs_json *obj, struct ctr_vm *out,
		struct cs_err *err);
int ctr_spec_caps(const struct cs_json *process, struct ctr_caps *out, struct cs_err *err);
int ctr_spec_sched(const struct cs_json_doc *doc, const struct cs_json *process,
		   struct ctr_process *p, struct cs_err *err);

/* What only the whole config shows: sections that contradict one another. */
int ctr_spec_check(const struct ctr_spec *s, struct cs_err *err);

#endif
