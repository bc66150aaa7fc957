#ifndef CS_ENGINE_VOLUME_H
#define CS_ENGINE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/record.h"

struct cs_err;
struct cs_jw;
struct eng;

/*
 * Volumes: files that outlive a container.
 *
 *   <root>/volumes/NAME/volume.json   what was asked for; without it the folder is a leftover
 *   <root>/volumes/NAME/_data/        the files
 *   <root>/volumes/NAME/_filling/     a copy from an image, not yet whole
 *   <root>/volumes/NAME/_filled/      one that is, on its way into _data
 *   <root>/volumes/.new.X, .old.X     being made or removed; locked by who does it, else a leftover
 *
 * Locks (flock(2) on the folder NAME): shared by who is about to use it, exclusive for filling and
 * removing. A volume is made by a rename and gone by a rename: whatever is killed, it is there or
 * not.
 */
enum { ENG_VOLUME_NAME_MAX = 255, ENG_VOLUME_JSON_MAX = 1 << 20 };

struct eng_volume {
	struct cs_json_doc doc; /* owned; empty while it is made */
	const char *name;
	int64_t created_ns; /* Unix time */
	bool anonymous;
	struct eng_strv labels;	 /* "KEY=VALUE", sorted */
	struct eng_strv options; /* "type=nfs", "o=...", "device=...": docker's local driver */
};
#define ENG_VOLUME_INIT ((struct eng_volume){ 0 })

/* volume.json; pure. */
int eng_volume_parse(const char *buf, size_t len, struct eng_volume *out, struct cs_err *err);
void eng_volume_write(const struct eng_volume *v, struct cs_jw *w); /* members */
void eng_volume_fini(struct eng_volume *v);			    /* idempotent */
#define eng_auto_volume CS_CLEANUP(eng_volume_fini)		    /* needs base/cleanup.h */

/* Options that fit together: type, o and device, device with a type. Pure. */
int eng_volume_check_options(const struct eng_strv *options, struct cs_err *err);
/* The value of one, or of a label; NULL if there is none. */
const char *eng_volume_get(const struct eng_strv *v, const char *key);

/* Makes it: 1, or 0 when there is one of that name already (which stays as it is). @v: name,
 * labels, options, anonymous; the time is set here. */
int eng_volume_create(const struct eng *e, const struct eng_volume *v, struct cs_err *err);
/* 64 random hex digits, for an anonymous one. */
int eng_volume_new_name(char out[65], struct cs_err *err);

/* ENOENT: no such volume. */
int eng_volume_load(const struct eng *e, const char *name, struct eng_volume *out,
		    struct cs_err *err);
/* "<root>/volumes/NAME/_data" */
int eng_volume_path(const struct eng *e, const char *name, char *out, size_t size,
		    struct cs_err *err);

/* Keeps it from being removed until the fd is closed: from before a container's record names it
 * until that record is written. ENOENT. */
int eng_volume_hold(const struct eng *e, const char *name, struct cs_err *err);

/* Copies what the image has at @target (beneath the root filesystem @rootfs) into the volume, if
 * that is empty: owner, mode, xattrs, times, hard links. Nothing there, or no folder: nothing is
 * done. */
int eng_volume_fill(const struct eng *e, const char *name, int rootfs, const char *target,
		    struct cs_err *err);
/* For a use without that: waits for one that fills it, and clears it if a copy was cut off. */
int eng_volume_settle(const struct eng *e, const char *name, struct cs_err *err);

/* All names, sorted. */
struct eng_volume_list {
	char **v; /* owned */
	size_t n;
};
int eng_volume_list(const struct eng *e, struct eng_volume_list *out, struct cs_err *err);
void eng_volume_list_fini(struct eng_volume_list *l);
#define eng_auto_volume_list CS_CLEANUP(eng_volume_list_fini) /* needs base/cleanup.h */

/* Asked with the lock held: 1 when a container uses the volume, with its name in @who. */
typedef int (*eng_volume_used_fn)(const char *name, char *who, size_t size, void *arg,
				  struct cs_err *err);
/* ENOENT; EBUSY names the container. */
int eng_volume_remove(const struct eng *e, const char *name, eng_volume_used_fn used, void *arg,
		      struct cs_err *err);

/* Removes what killed commands left. */
int eng_volume_tidy(const struct eng *e, struct cs_err *err);

/* Which containers, by their records, use which volumes. One whose record cannot be read (damaged,
 * or of a newer version) may use those that its text has the names of; any, if that is not whole.
 */
struct eng_volume_use {
	char *volume, *container; /* owned; the container's name */
};
struct eng_volume_unread {
	char *text;	 /* owned; NULL: not whole */
	char *container; /* owned; its id, and that its record cannot be read */
};
struct eng_volume_uses {
	struct eng_volume_use *v; /* owned; sorted by volume */
	size_t n;
	struct eng_volume_unread *unread; /* owned */
	size_t n_unread;
};
int eng_volume_uses(const struct eng *e, struct eng_volume_uses *out, struct cs_err *err);
void eng_volume_uses_fini(struct eng_volume_uses *u);
#define eng_auto_volume_uses CS_CLEANUP(eng_volume_uses_fini) /* needs base/cleanup.h */
/* The first container that uses it, or may; NULL: none. One called @but (NULL allowed) is not
 * meant.
 */
const char *eng_volume_user(const struct eng_volume_uses *u, const char *volume, const char *but);
/* An eng_volume_used_fn that reads all records anew; @arg is the struct eng. */
int eng_volume_used_now(const char *name, char *who, size_t size, void *arg, struct cs_err *err);

#endif
