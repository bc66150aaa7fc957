#ifndef CS_ENGINE_SHARE_H
#define CS_ENGINE_SHARE_H

#include <stddef.h>

struct cs_err;
struct eng;
struct eng_record;

/* What a container has with another whose namespaces it joins (join.h), beside these: with its
 * network /etc's hosts, resolv.conf and hostname, with its ipc namespace /dev/shm. */

/* If @r joins another's network: its "etc" in the state folder @run is the other's, and 1; else 0.
 */
int eng_share_etc(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err);
/* The name that the other gave itself in that folder; "" if it cannot be read. */
void eng_share_hostname(int run, char *out, size_t size);

/* Mounts the /dev/shm that is seen by the process of @ipc_ns ("/proc/PID/ns/ipc") on the folder
 * "shm" of the state folder @run. ENOENT: it has none. Whose process that is must be asked
 * afterwards (eng_join_check()). */
int eng_share_shm(int run, const char *ipc_ns, struct cs_err *err);

#endif
