#ifndef CS_ENGINE_USER_H
#define CS_ENGINE_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "engine/record.h"

struct cs_err;

/*
 * Who a container's process is: --user or the image's User ("", "NAME", "UID", "NAME:GROUP",
 * "UID:GID", ...) and --group-add, by the container's own /etc/passwd and /etc/group. Those are
 * hostile: they are read beneath the root, never waited for, at most 4 MiB of each.
 */
enum { ENG_GROUPS_MAX = 4096 };

struct eng_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned; additional ones, without gid, ascending */
	size_t n_groups;
	char *home; /* owned; "/" when nothing says more */
	char *name; /* owned; NULL: no entry */
};
#define ENG_USER_INIT ((struct eng_user){ 0 })

/* Pure, on the two texts (NULL with 0: no such file). A user or group by name that is in neither is
 * ENOENT; a number need not be in them: its group is 0 then, its home "/". */
struct eng_user_files {
	const char *passwd, *group;
	size_t passwd_len, group_len;
};
int eng_user_resolve(const struct eng_user_files *f, const char *user, const struct eng_strv *add,
		     struct eng_user *out, struct cs_err *err);

/* Reads them beneath the folder @root and does it. @user NULL or "": 0. */
int eng_user_find(int root, const char *user, const struct eng_strv *add, struct eng_user *out,
		  struct cs_err *err);

void eng_user_fini(struct eng_user *u);		/* idempotent */
#define eng_auto_user CS_CLEANUP(eng_user_fini) /* needs base/cleanup.h */

#endif
