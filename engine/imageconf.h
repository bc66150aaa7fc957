#ifndef CS_ENGINE_IMAGECONF_H
#define CS_ENGINE_IMAGECONF_H

struct cs_arena;
struct cs_err;
struct eng_record;
struct img_config;

/*
 * Puts what the image says under what the user said, as docker does: what was not asked for is
 * taken from @c; env and labels by name; the image's VOLUMEs become anonymous volumes where nothing
 * else is mounted; its ports are added to r->expose. An entrypoint of the user's drops the image's
 * entrypoint and cmd; one that is "" drops both and is none. A cmd of the user's keeps the image's
 * entrypoint. With r->systemd the stop signal is SIGRTMIN+3 if nobody gives one.
 *
 * Strings are borrowed from @c (which must live as long as @r is used) or are of @a. EINVAL: there
 * is nothing to run. @c NULL: no image (--rootfs).
 */
int eng_record_merge_image(struct eng_record *r, const struct img_config *c, struct cs_arena *a,
			   struct cs_err *err);

#endif
