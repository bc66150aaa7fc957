#ifndef CS_RUNTIME_ATTEND_H
#define CS_RUNTIME_ATTEND_H

#include <signal.h>
#include <stdbool.h>

struct cs_err;
struct ctr_child;
struct ctr_exec_opts;

/* Staying with a process in the foreground (run and exec without --detach). */

/* --console-socket is for who lets go of a process that has a terminal, and then it is needed.
 * EINVAL. The same for create (which always lets go), run and exec. */
int ctr_attend_check_console(bool terminal, bool detach, const char *console_socket,
			     struct cs_err *err);

/* Before the process is made: holds all signals back, so that none is lost. *@stop is an fd (the
 * caller closes it) that can be read once TERM, INT, HUP or QUIT has come: until the user's program
 * runs they mean that it shall not. Afterwards ctr_attend() passes them on. */
int ctr_attend_prepare(int *stop, struct cs_err *err);

/* Takes such a signal, the first that came: its number. 0: none came, or @stop is negative. */
int ctr_attend_stopped(int stop);

/* Makes this process the parent of what the container's processes leave behind, where they do not
 * have an init of their own. */
int ctr_attend_orphans(struct cs_err *err);

/* Passes signals on to the process, serves its terminal (child->master, if there is one), and waits
 * for its end. *@exit_code is its status, or 128 + the signal that ended it; 0 when the user
 * detaches, by on_input() of @opts (NULL: cannot), and the process goes on. */
int ctr_attend(struct ctr_child *child, const struct ctr_exec_opts *opts, int *exit_code,
	       struct cs_err *err);

#endif
