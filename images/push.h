#ifndef CS_IMAGES_PUSH_H
#define CS_IMAGES_PUSH_H

struct cs_err;
struct img_ref;
struct img_reg;
struct img_store;
struct img_watch;

/*
 * A push: every blob that the registry does not have, several at once, byte by byte as they were
 * pulled or made; then the config, then the manifest. A blob that another image of the store was
 * pulled with from the same registry is mounted from there if the registry will.
 */

/* Pushes the image that @text means to @ref (img_reg_name()). @watch may be NULL. */
int img_push(struct img_store *st, struct img_reg *reg, const char *text, const struct img_ref *ref,
	     const struct img_watch *watch, struct cs_err *err);

#endif
