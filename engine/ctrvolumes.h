#ifndef CS_ENGINE_CTRVOLUMES_H
#define CS_ENGINE_CTRVOLUMES_H

struct cs_err;
struct eng;
struct eng_mount;
struct eng_record;

/* The volumes of a container. */

/* Makes those that are not there, and fills empty ones from the image, whose root filesystem is
 * @rootfs. */
int eng_volumes_ready(const struct eng *e, const struct eng_record *r, int rootfs,
		      struct cs_err *err);

/* The same for one, the volume of mount @m. */
int eng_volume_ready(const struct eng *e, const struct eng_record *r, const struct eng_mount *m,
		     int rootfs, struct cs_err *err);

/* Removes its anonymous ones, whose container is going; one that another container uses stays. What
 * fails is logged. */
void eng_volumes_drop(const struct eng *e, const struct eng_record *r);

#endif
