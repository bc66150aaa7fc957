#ifndef CS_ENGINE_ENVFILE_H
#define CS_ENGINE_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

struct cs_arena;
struct cs_err;
struct eng_strv;

/* -e, --env-file, -l and --label-file. */

enum { ENG_ENVFILE_MAX = 1 << 20 };

/* A file's text: a "NAME=VALUE" a line, taken as it stands (no quotes); empty lines and those that
 * begin with "#" are passed over. "NAME" alone: with @own, its value in our own environment, or
 * nothing if it has none; without, an empty value. EINVAL gives the line. Pure but for @own. */
int eng_envfile_parse(struct cs_arena *a, const char *text, size_t len, const char *what, bool own,
		      struct eng_strv *to, struct cs_err *err);
/* The file at @path. */
int eng_envfile_read(struct cs_arena *a, const char *path, bool own, struct eng_strv *to,
		     struct cs_err *err);

/* One -e: "NAME=VALUE", or "NAME" for the value in our own environment (nothing if it has none).
 * A name that ends in "*" is refused: podman has that. */
int eng_env_add(struct cs_arena *a, const char *text, struct eng_strv *to, struct cs_err *err);
/* One -l: "KEY=VALUE" or "KEY". */
int eng_label_add(struct cs_arena *a, const char *text, struct eng_strv *to, struct cs_err *err);

#endif
