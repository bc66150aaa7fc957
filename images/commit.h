#ifndef CS_IMAGES_COMMIT_H
#define CS_IMAGES_COMMIT_H

#include <stddef.h>

struct cs_err;
struct cs_json;
struct cs_jw;
struct img_store;

/* An image out of another one and the files of an overlay's upper, as a further layer. */
struct img_commit {
	const char *base;	/* id of the image below */
	int upper;		/* borrowed; -EBADF: nothing was changed */
	const char *name;	/* normal form; NULL: dangling */
	const char *author;	/* NULL: none */
	const char *message;	/* NULL: none */
	const char *created_by; /* the command that ran */
	/* JSON of a "config" object that is laid over the base's; NULL: none */
	const char *config;
	const char *const *changes; /* Dockerfile instructions, laid over that */
	size_t n_changes;
};
/* @id: IMG_DIGEST_TEXT bytes. ENOENT: the base is not there. */
int img_commit(struct img_store *st, const struct img_commit *c, char *id, struct cs_err *err);

/* The members of a "config" object @over laid over @base (either may be NULL), into the open object
 * of @w: Env by name, objects by member; what else is in @over replaces. Pure. */
void img_config_merge(struct cs_jw *w, const struct cs_json *base, const struct cs_json *over);

#endif
