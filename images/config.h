#ifndef CS_IMAGES_CONFIG_H
#define CS_IMAGES_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "images/manifest.h"

struct cs_err;

/* An image's configuration (image-spec config.md, and docker's, which has more members). Pure
 * parser; strings are borrowed from the document. Vectors are NULL-terminated, never NULL. */

struct img_history {
	const char *created; /* RFC 3339; "" = not given */
	const char *created_by;
	const char *author;
	const char *comment;
	bool empty_layer;
};

struct img_healthcheck {
	const char *const *test; /* "NONE" | "CMD", ... | "CMD-SHELL", text; empty: none */
	size_t n_test;
	int64_t interval_ns, timeout_ns, start_period_ns; /* 0 = default */
	int64_t retries;
};

struct img_config {
	struct cs_json_doc doc; /* owned */
	const char *created;	/* RFC 3339; "" = not given */
	const char *author;
	struct img_platform platform;
	/* how to run it */
	const char *user, *workdir, *stop_signal;
	const char *const *entrypoint, *const *cmd, *const *env, *const *shell;
	size_t n_entrypoint, n_cmd, n_env, n_shell;
	const struct cs_json *volumes; /* an object, members are paths; NULL = none */
	const struct cs_json *ports;   /* an object, members are "80/tcp"; NULL = none */
	const struct cs_json *labels;  /* an object of strings; NULL = none */
	const struct cs_json *onbuild; /* an array; NULL = none */
	struct img_healthcheck health;
	/* what it is made of, lowest first */
	const char *const *diff_ids; /* checked digests */
	size_t n_diff_ids;
	struct img_history *history;
	size_t n_history;
};
#define IMG_CONFIG_INIT ((struct img_config){ 0 })

/* Parses it. EINVAL names the member; EFBIG past a limit of manifest.h. */
int img_config_parse(const char *buf, size_t len, const char *what, struct img_config *out,
		     struct cs_err *err);
void img_config_fini(struct img_config *c);
#define img_auto_config CS_CLEANUP(img_config_fini) /* needs base/cleanup.h */

/* The value of label @key, NULL if there is none. */
const char *img_config_label(const struct img_config *c, const char *key);

/* When it was created, in seconds since 1970; 0 if that is not said or no time. */
int64_t img_config_created(const struct img_config *c);

/* RFC 3339 ("2026-01-02T03:04:05.6Z", "+01:00") to seconds since 1970; EINVAL without a message. */
int img_time_parse(const char *s, int64_t *out);

#endif
