#ifndef CS_ENGINE_PIDFILE_H
#define CS_ENGINE_PIDFILE_H

#include <sys/types.h>

struct cs_err;
struct eng_record;

/* --pidfile: while a container runs, a file of the user's has the pid of its first process, in
 * decimal without a line end. @run is its folder below the state, where it is noted what was
 * written: a file with anything else in it is not ours. */

/* Before its program runs. Nothing is done where no file was asked for. */
int eng_pidfile_write(const struct eng_record *r, int run, pid_t pid, struct cs_err *err);
/* When it has ended: removes the file if it has that pid still. Idempotent. */
void eng_pidfile_drop(const struct eng_record *r, int run);

#endif
