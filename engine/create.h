#ifndef CS_ENGINE_CREATE_H
#define CS_ENGINE_CREATE_H

struct cs_arena;
struct cs_err;
struct eng;
struct eng_record;
struct img_image;

/*
 * A container comes to be: the image's config is merged in, id and name are chosen where none is
 * given, anonymous volumes get names, ports to publish are listed, then the record is written.
 * Nothing is mounted or started. Strings that are made are of @a; @im must live as long as @r is
 * used. EEXIST: the name is taken.
 */
int eng_create(const struct eng *e, const struct img_image *im, struct cs_arena *a,
	       struct eng_record *r, struct cs_err *err);

/* All of that but the writing: the record as it would be. */
int eng_create_plan(const struct eng *e, const struct img_image *im, struct cs_arena *a,
		    struct eng_record *r, struct cs_err *err);

#endif
