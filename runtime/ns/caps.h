#ifndef CS_RUNTIME_NS_CAPS_H
#define CS_RUNTIME_NS_CAPS_H

#include <stdbool.h>

struct cs_err;
struct ctr_caps;
struct ctr_user;

/* The identity of the user's process (config.md, POSIX process: user, capabilities), in the one
 * safe order: bounding set while still privileged, keepcaps, groups, gid, uid, capabilities,
 * ambient set; and its umask, 0022 if the config gives none.
 *
 * @setgroups: may setgroups(2) be called? Then it always is, and the runtime's own supplementary
 * groups are gone, also for an empty list. False (the user namespace denies it, or the caller
 * wants the groups kept): additional gids are an error.
 *
 * !@caps->present is a process without any capability, as all runtimes have it. A capability that
 * the runtime itself has not got (it may be in a container) is left out with one warning; other
 * refusals of the kernel are errors. After a failure the process must not go on. */
int ctr_caps_become(const struct ctr_user *user, const struct ctr_caps *caps, bool setgroups,
		    struct cs_err *err);

/* Highest capability number of the running kernel. */
int ctr_caps_last(void);

#endif
