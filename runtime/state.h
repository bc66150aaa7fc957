#ifndef CS_RUNTIME_STATE_H
#define CS_RUNTIME_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/*
 * The state folder, <root>/<id>/: state.json (this struct, one small file, replaced atomically),
 * config.json (the bundle's, as it was at create), lock, start.sock (the created init listens on it
 * until it is started). A folder without state.json is what a killed create left before anything
 * else was made: no container, and the next create or delete of that id takes it over.
 */

enum { CTR_ID_MAX = 128 };

struct ctr_state {
	char *id;     /* owned, as all strings here */
	char *bundle; /* absolute path */
	char *rootfs; /* absolute path */
	char *oci_version;
	char *wall;	     /* isolation's name */
	char *cgroup;	     /* as cg_create() takes it; NULL: none */
	bool own_cgroup;     /* it took it: who is in it is the container's */
	char *owner;	     /* user name or uid of who created it */
	int64_t created_ns;  /* Unix time */
	pid_t pid;	     /* init as the runtime sees it; 0: not cloned (yet) */
	uint64_t start_time; /* of the pid, cs_proc_start_time() */
	bool has_rdt;	     /* intelRdt was set up: delete takes it down */
	bool systemd_cgroup;
	bool no_new_keyring; /* its processes keep the caller's session keyring */
	bool own_pidns;	     /* init is pid 1 of a new pid namespace: its end ends them all */
};

/* Checks an id: 1 to CTR_ID_MAX of [A-Za-z0-9_+.-], not starting with a dot; EINVAL. */
int ctr_id_check(const char *id, struct cs_err *err);

/* Opens the state root, making it (0700, with parents) if @make. ENOENT otherwise. */
int ctr_state_root_open(const char *root, bool make, struct cs_err *err);

/* Makes the folder of a new container and takes its lock. EEXIST when the id is in use (also by a
 * create under way). *@dir is the folder, *@lock the lock's fd; the caller closes both. */
int ctr_state_create(int root, const char *id, int *dir, int *lock, struct cs_err *err);

/* Opens an existing container's folder. ENOENT when there is none (or no state.json). */
int ctr_state_open(int root, const char *id, int *dir, struct cs_err *err);

/* 1: the folder behind @dir is still the one at @id; 0: a delete removed it meanwhile. */
int ctr_state_still_there(int root, const char *id, int dir, struct cs_err *err);

/* state.json's text; the caller frees *@out. */
int ctr_state_text(const struct ctr_state *st, char **out, size_t *len, struct cs_err *err);
int ctr_state_write(int dir, const struct ctr_state *st, struct cs_err *err);
int ctr_state_read(int dir, struct ctr_state *out, struct cs_err *err);
/* Parses state.json's text; pure, for the fuzzer. */
int ctr_state_parse(const char *buf, size_t len, struct ctr_state *out, struct cs_err *err);
void ctr_state_fini(struct ctr_state *st); /* idempotent */
#define ctr_auto_state CS_CLEANUP(ctr_state_fini)

/* Removes the folder @dir of container @id with all it holds; idempotent. The caller has its lock.
 */
int ctr_state_remove(int root, int dir, const char *id, struct cs_err *err);

#endif
