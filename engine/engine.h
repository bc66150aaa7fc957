#ifndef CS_ENGINE_ENGINE_H
#define CS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;

/*
 * A user's containers: who they are (record.h), how they are (status.h), what is done with them
 * (life.h). No daemon: a monitor process a container (monitor.h) stays with it while it runs, and
 * every command finds on disk what it needs.
 *
 *   <root>/containers/.names/NAME      symlink whose text is the id: who has it has the name
 *   <root>/containers/.cgroups/ID      symlink whose text is the --cgroup-parent
 *   <root>/containers/ID/record.json   what was asked for; without it the folder is a leftover
 *   <root>/containers/ID/status.json   how it is, or how it ended; written by the monitor
 *   <root>/containers/ID/lock          flock: held by a command that starts, removes or changes it
 *   <root>/containers/ID/rw/           the writable layer: upper, work
 *   <root>/containers/ID/log, log.1 …  what it wrote
 *   <root>/containers/ID/boot.log      the last of its machine's console
 *   <root>/containers/.events          what happened, a JSON line each (events.h)
 *   <root>/volumes/NAME/               see volume.h
 *   <state>/containers/ID/live         OFD lock, held while its monitor lives
 *   <state>/containers/ID/attach       the monitor's socket (attach.h)
 *   <state>/containers/ID/stop         there: the user wants it to end, no restart
 *   <state>/containers/ID/rootfs       mount point of its root filesystem
 *   <state>/containers/ID/etc/         hosts, resolv.conf, hostname as they are bound into it, or a
 *                                      link to those of whose network it joins
 *   <state>/containers/ID/shm          mount point of the /dev/shm of whose ipc namespace it joins
 *   <state>/containers/ID/joins        whose namespaces it joins (join.h)
 *   <state>/containers/ID/config.json  OCI config, made at each start: the folder is the bundle
 *   <state>/containers/.root, .folder  links: whose state it is, by path and by device and inode
 *   <state>/ID/                        the runtime's own state (runtime/state.h)
 *
 * ID is 64 hex digits.
 */
enum {
	ENG_ID_LEN = 64,
	ENG_ID_SHORT = 12, /* digits shown */
};

struct eng {
	const char *root;  /* borrowed; absolute */
	const char *state; /* borrowed; absolute */
	int containers;	   /* owned; <root>/containers */
	int run;	   /* owned; <state>/containers */
};
#define ENG_INIT ((struct eng){ .containers = -EBADF, .run = -EBADF }) /* needs errno.h */

/* Opens both folders, making what is missing (0700). */
int eng_open(struct eng *e, const char *root, const char *state, struct cs_err *err);
void eng_close(struct eng *e);	       /* idempotent */
#define eng_auto CS_CLEANUP(eng_close) /* needs base/cleanup.h */

/* Is the folder of containers the one that the state folder was made for, and not something that is
 * mounted in its place? What then seems to have no record may have one. */
bool eng_is_in_place(const struct eng *e);

#endif
