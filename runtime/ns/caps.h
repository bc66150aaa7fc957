#ifndef CS_RUNTIME_NS_CAPS_H
#define CS_RUNTIME_NS_CAPS_H

#include <stdbool.h>

struct cs_err;
struct ctr_caps;
struct ctr_user;

/* The identity of the user's process, in the one safe order: bounding set while still privileged,
 * keepcaps, groups, gid, uid, capabilities, ambient set. @setgroups false: the user namespace
 * denies setgroups(2); then additional gids are an error. With !caps->present nothing but the ids
 * changes. Warns of nothing: a set the kernel refuses is an error. Also sets HOME-independent
 * things only: umask. Async-signal-safe apart from @err's formatting. */
int ctr_caps_become(const struct ctr_user *user, const struct ctr_caps *caps, bool setgroups,
		    struct cs_err *err);

/* Highest capability of the running kernel. Read once from the caller's bounding set. */
int ctr_caps_last(void);

#endif
