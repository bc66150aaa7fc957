#ifndef CS_ENGINE_PREPARE_H
#define CS_ENGINE_PREPARE_H

struct cs_err;
struct eng;
struct eng_record;
struct img_image;
struct img_rootfs;
struct img_store;

/*
 * Before a start, by the command: root filesystem mounted, volumes there and filled, /etc's files,
 * config.json. The caller has the container's lock and its live lock (status.h). What was left of
 * an earlier run is taken down first. On failure nothing is left mounted.
 */
int eng_prepare(const struct eng *e, const struct eng_record *r, struct cs_err *err);

/* The config.json that eng_prepare() would give to the runtime for a record that was planned
 * (create.h) and is not kept: nothing is made. The caller frees it. */
int eng_prepare_dry(const struct eng *e, const struct img_store *st, const struct img_image *im,
		    const struct eng_record *r, char **config, struct cs_err *err);

/* The container's root filesystem, for who looks into one that does not run: mounted detached,
 * writable layer included (of a running one: open its rootfs folder). Returns an fd. */
int eng_rootfs_open(const struct eng *e, const struct eng_record *r, struct cs_err *err);

#endif
