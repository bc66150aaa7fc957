#ifndef CS_ENGINE_STORE_H
#define CS_ENGINE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

struct cs_err;
struct eng_record;

/* Containers on disk: made, found, listed, locked, removed. */

/* 64 random hex digits. */
int eng_new_id(char out[ENG_ID_LEN + 1], struct cs_err *err);
/* A name made up for a container, "adjective_noun", that nobody has. */
int eng_new_name(const struct eng *e, char *out, size_t size, struct cs_err *err);

/* Takes the name and writes the record: from then on the container is there, created, and what
 * makes or replaces a record here survives a power cut (unless it has auto_remove). EEXIST names
 * who has the name. A killed call leaves nothing, or a folder without a record. */
int eng_store_add(const struct eng *e, const struct eng_record *r, struct cs_err *err);
/* Replaces the record of a container whose lock the caller has. */
int eng_store_save(const struct eng *e, const struct eng_record *r, struct cs_err *err);
/* Gives it another name. The caller has its lock. EEXIST. When it is killed the record has one of
 * both names, and who removes the container frees the other as well. */
int eng_store_rename(const struct eng *e, struct eng_record *r, const char *name,
		     struct cs_err *err);

/* Is it a container? A folder without a record is what a killed create or rm left. */
bool eng_has_record(const struct eng *e, const char *id);
/* ENOENT: no such container. */
int eng_record_load(const struct eng *e, const char *id, struct eng_record *out,
		    struct cs_err *err);

/* The id that @text means: a name, an id, or the only one that begins so. ENOENT, EINVAL when
 * several do. */
int eng_find(const struct eng *e, const char *text, char id[ENG_ID_LEN + 1], struct cs_err *err);

/* All ids, sorted. */
struct eng_ids {
	char (*v)[ENG_ID_LEN + 1]; /* owned */
	size_t n;
};
int eng_list(const struct eng *e, struct eng_ids *out, struct cs_err *err);
/* Those that have a monitor, or had one when something went wrong: a folder below the state. */
int eng_list_run(const struct eng *e, struct eng_ids *out, struct cs_err *err);
void eng_ids_fini(struct eng_ids *ids);
#define eng_auto_ids CS_CLEANUP(eng_ids_fini) /* needs base/cleanup.h */

/* Holds the container's lock, waiting for it; the fd lets go. ENOENT when it was removed
 * meanwhile. */
int eng_lock(const struct eng *e, const char *id, struct cs_err *err);
/* The same by force: who has it for @patience_ms more is killed, unless it is removing the
 * container and has done the main part (ENOENT). EBUSY: it lives on even so. */
int eng_lock_by_force(const struct eng *e, const char *id, int patience_ms, struct cs_err *err);

/* Opens its folder below the root, or below the state (made if need be). */
int eng_dir(const struct eng *e, const char *id, struct cs_err *err);
int eng_run_dir(const struct eng *e, const char *id, struct cs_err *err);

/* Removes name, folders and what they hold of a container that is down, whose lock the caller has.
 * The record goes first. @r NULL: it cannot be read, all names are looked through. */
int eng_store_drop(const struct eng *e, const char *id, const struct eng_record *r,
		   struct cs_err *err);

#endif
