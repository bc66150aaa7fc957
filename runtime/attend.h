#ifndef CS_RUNTIME_ATTEND_H
#define CS_RUNTIME_ATTEND_H

#include <signal.h>
#include <stdbool.h>

struct cs_err;
struct ctr_child;

/* Staying with a process in the foreground (run and exec without --detach). */

/* Before the process is made: holds all signals back, so that none is lost. */
int ctr_attend_prepare(struct cs_err *err);

/* Makes this process the parent of what the container's processes leave behind, where they do not
 * have an init of their own. */
int ctr_attend_orphans(struct cs_err *err);

/* Passes signals on to the process, serves its terminal (child->master, if there is one), and waits
 * for its end. *@exit_code is its status, or 128 + the signal that ended it. */
int ctr_attend(struct ctr_child *child, int *exit_code, struct cs_err *err);

#endif
