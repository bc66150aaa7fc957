#ifndef CS_ENGINE_COMMIT_H
#define CS_ENGINE_COMMIT_H

#include <stdbool.h>

#include "engine/record.h"

struct cs_err;
struct eng;

/* A container's files and settings become an image. */
struct eng_commit {
	const char *name; /* normal form; NULL: none */
	const char *author, *message;
	struct eng_strv changes; /* Dockerfile instructions */
	bool pause;		 /* while its files are read, if it runs */
};
/* Holds the container's lock. @image: "sha256:...", IMG_DIGEST_TEXT bytes. */
int eng_commit(const struct eng *e, const char *id, const struct eng_commit *c, char *image,
	       struct cs_err *err);

/* What the record says of an image's "config" object, as its JSON; the caller frees it. Pure. */
int eng_commit_config(const struct eng_record *r, char **out, struct cs_err *err);

#endif
