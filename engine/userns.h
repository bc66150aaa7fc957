#ifndef CS_ENGINE_USERNS_H
#define CS_ENGINE_USERNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/spec.h"

struct cs_arena;
struct cs_err;
struct eng;
struct eng_record;

/* A container's user namespace: --uidmap, --gidmap, --userns=auto. */

/* "CONTAINER-ID:HOST-ID:SIZE"; @option is put in front of the error. Pure. */
int eng_idmap_parse(const char *option, const char *text, struct ctr_idmap *out,
		    struct cs_err *err);

/* Has the container ids of its own? */
bool eng_userns_own(const struct eng_record *r);

/* Whose files its root's are, on the host; 0 and 0 without a namespace of its own. */
int eng_userns_root(const struct eng_record *r, uid_t *uid, gid_t *gid, struct cs_err *err);

/* A user namespace with its mappings, for id-mapped mounts. Returns an fd; -EBADF (without an
 * error) when it has none of its own. */
int eng_userns_open(const struct eng_record *r, struct cs_err *err);

/* Ids of the host that --userns=auto takes from: those of this user in /etc/subuid and /etc/subgid,
 * if both say the same; else some that people and distributions hardly give out. */
#define ENG_IDPOOL_USER "containers"
struct eng_idpool {
	uint64_t first, size;
	bool given; /* by the files */
};
struct eng_idpool eng_userns_pool(void);

/* For create: --userns=auto gets 65536 ids of them that no other container's record has. */
int eng_userns_choose(const struct eng *e, struct cs_arena *a, struct eng_record *r,
		      struct cs_err *err);

/* Lets the container's root pass the folders that lead to its root filesystem: it is no one's id
 * on the host. @run: the container's folder below the state. */
int eng_userns_pass(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err);

#endif
