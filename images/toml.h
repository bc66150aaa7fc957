#ifndef CS_IMAGES_TOML_H
#define CS_IMAGES_TOML_H

#include <stdbool.h>
#include <stddef.h>

struct cs_arena;
struct cs_err;

/*
 * The part of TOML 1.0 that registries.conf is written in: tables, arrays of tables, keys that are
 * bare or quoted, strings of one line, booleans, arrays of strings. All else (dotted keys, inline
 * tables, numbers, dates, strings of several lines) is refused by its name, with the line.
 */

enum img_toml_type {
	IMG_TOML_STRING,
	IMG_TOML_BOOL,
	IMG_TOML_STRINGS,
};

struct img_toml {
	unsigned int line; /* from 1 */
	const char *table; /* "" is the top; "registry.mirror" */
	unsigned int nth;  /* which [[table]] of the file, from 1; 0: [table] or the top */
	const char *key;   /* NULL: the table begins here */
	enum img_toml_type type;
	bool boolean;
	const char *str;
	const char *const *strv; /* NULL-terminated */
	size_t n;
};

typedef int (*img_toml_fn)(void *ctx, const struct img_toml *t, struct cs_err *err);

enum { IMG_TOML_MAX = 1 << 20, IMG_TOML_STRINGS_MAX = 4096 };

/* Pure. Calls @fn for each table and each key, in order; strings are in @arena. A key twice in one
 * table is EINVAL. @what names the text in errors. */
int img_toml_parse(const char *buf, size_t len, const char *what, struct cs_arena *arena,
		   img_toml_fn fn, void *ctx, struct cs_err *err);

/* Error about @t: "line N: ...", EINVAL. */
int img_toml_err(const struct img_toml *t, struct cs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

#endif
