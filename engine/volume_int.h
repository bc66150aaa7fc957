#ifndef CS_ENGINE_VOLUME_INT_H
#define CS_ENGINE_VOLUME_INT_H

struct cs_err;
struct eng;

/* What the files of volume.h share. */

/* The folder of volumes, made if need be. Returns an fd. */
int eng_volumes_dir(const struct eng *e, struct cs_err *err);

/* The volume's folder with flock(2) as @how says: it is still the one of that name then. ENOENT,
 * EWOULDBLOCK with LOCK_NB. */
int eng_volume_lock(int volumes, const char *name, int how, struct cs_err *err);

#endif
