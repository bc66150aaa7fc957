#ifndef CS_ENGINE_MOUNTSPEC_H
#define CS_ENGINE_MOUNTSPEC_H

#include <stddef.h>

struct cs_arena;
struct cs_err;
struct eng_mount;

/*
 * The text of -v, --mount, --tmpfs and an image's VOLUME becomes a mount. Pure: nothing is looked
 * up or made. Strings are of @a, or borrowed from the text. EINVAL names the option, what is wrong
 * and what to write instead; EOPNOTSUPP: a thing of docker's or podman's that is not there.
 */

/* -v [SOURCE:]TARGET[:OPTION,...]. SOURCE: a path ("/" or "." in front; taken from the absolute
 * folder @cwd) or a volume's name; without it an anonymous volume. Options: ro, rw, nocopy, the
 * propagations, bind or rbind, [no]exec, [no]dev, [no]suid, idmap; z, Z, cached, consistent and
 * delegated are known and change nothing. */
int eng_mount_parse_volume(struct cs_arena *a, const char *text, const char *cwd,
			   struct eng_mount *out, struct cs_err *err);

/* --mount type=bind|volume|tmpfs,KEY=VALUE,...: docker's keys, and podman's where they mean
 * something here. A value with a comma stands in double quotes, as CSV has it. */
int eng_mount_parse_mount(struct cs_arena *a, const char *text, const char *cwd,
			  struct eng_mount *out, struct cs_err *err);

/* --tmpfs TARGET[:OPTION,...] */
int eng_mount_parse_tmpfs(struct cs_arena *a, const char *text, struct eng_mount *out,
			  struct cs_err *err);

/* A VOLUME of an image: an anonymous volume at @target. */
int eng_mount_image_volume(struct cs_arena *a, const char *target, struct eng_mount *out,
			   struct cs_err *err);

/* Refuses two mounts on one target. */
int eng_mounts_check(const struct eng_mount *v, size_t n, struct cs_err *err);

/* A volume's name: [A-Za-z0-9][A-Za-z0-9_.-]{1,254}, as docker has it (one character is too short
 * there, and here). @what is put in front of the error ("-v", "volume"). */
int eng_volume_name_check(const char *what, const char *name, struct cs_err *err);

#endif
