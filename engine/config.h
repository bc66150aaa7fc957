#ifndef CS_ENGINE_CONFIG_H
#define CS_ENGINE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct cg_blkio_rate;
struct cg_blkio_weight;
struct cs_arena;
struct cs_err;
struct eng;
struct eng_record;
struct eng_strv;

/* A record becomes an OCI config (runtime-spec 1.3), with docker's defaults where nothing was asked
 * for. */

/* Where the small init stands inside: in a tmpfs of our own, so that nothing is left of it. */
#define ENG_INIT_INSIDE "/dev/.caisson-init"

/* What is known only when it is started. All borrowed. */
struct eng_place {
	int rootfs;		 /* fd of the mounted root filesystem: users are looked up in it */
	const char *rootfs_path; /* its mount point */
	const char *etc;	 /* folder with hosts, resolv.conf, hostname to bind; NULL: none */
	const char *init;	 /* path of the small init on the host; used with r->init */
	/* namespaces to join, "/proc/PID/ns/…"; NULL: as the record says (a new one, or host) */
	const char *net_ns, *pid_ns, *ipc_ns, *uts_ns;
	const char *apparmor; /* the profile of who asks for none; NULL: none */
	const char *hostname; /* of whose network it joins; NULL: none */
	const char *shm;      /* folder to bind on /dev/shm; NULL: as the record says */
	bool dry;	      /* volumes and files of @etc need not be there yet */
};

/* The config.json's text. Volumes must be there (volume.h). @out: the caller frees it. */
int eng_config_text(const struct eng *e, const struct eng_record *r, const struct eng_place *p,
		    char **out, size_t *len, struct cs_err *err);

/* For create: all that can be known to be wrong without a root filesystem. EINVAL names the option.
 */
int eng_config_check(const struct eng *e, const struct eng_record *r, struct cs_err *err);

/* Gives the config.json in folder @dir, made for an earlier run, the limits that the record has now
 * (update). */
int eng_config_limits(const struct eng_record *r, int dir, struct cs_err *err);

/* What "DEVICE:RATE"s of --device-read-bps and its kin (@units: 1mb is one), or "DEVICE:WEIGHT"s,
 * mean to a cgroup: as many as @v has, in @a. EINVAL, ENOENT name the option. */
int eng_config_rates(const char *option, const struct eng_strv *v, bool units, struct cs_arena *a,
		     const struct cg_blkio_rate **out, struct cs_err *err);
int eng_config_weights(const struct eng_strv *v, struct cs_arena *a,
		       const struct cg_blkio_weight **out, struct cs_err *err);

#endif
