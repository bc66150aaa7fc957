#ifndef CS_RUNTIME_LOCK_H
#define CS_RUNTIME_LOCK_H

#include <stdbool.h>

struct cs_err;

/*
 * A container's lock, the file "lock" of its state folder. flock(2) is the lock itself: closing the
 * fd, or dying, lets go. A record lock (fcntl(2)) beside it tells others which process has it and
 * for what: the kernel keeps that true, as a pid in a file would not be.
 */
enum ctr_lock_for {
	CTR_LOCK_CREATE, /* create and run, until the program runs */
	CTR_LOCK_DELETE, /* delete, and run when the program has ended */
};

/* Takes the lock if it is free, else EWOULDBLOCK. Returns the fd. */
int ctr_lock_try(int dir, enum ctr_lock_for what, struct cs_err *err);

/*
 * Takes it for a delete, waiting some seconds. With @force, a create or run that has it is asked to
 * end (SIGTERM) and after a while killed: what it leaves is the caller's to take down. EWOULDBLOCK
 * names who still has the lock, and what to do. ENOENT: the folder is gone by now.
 */
int ctr_lock_wait(int dir, const char *id, bool force, int *out, struct cs_err *err);

#endif
