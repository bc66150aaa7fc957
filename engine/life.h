#ifndef CS_ENGINE_LIFE_H
#define CS_ENGINE_LIFE_H

#include <signal.h>
#include <stdbool.h>

struct cg_resources;
struct cs_err;
struct eng;
struct eng_record;
struct eng_status;

/* What commands do with a container. All take an id (eng_find()). Errors: ENOENT no such container,
 * EBUSY its status does not allow it, with what to do. */

/*
 * Starts it: bundle prepared, monitor started; returns when its program runs. @client: a socket for
 * the monitor's first client (attach.h), handed over in every case; -EBADF: none. @held (NULL:
 * not): once its monitor is started, the signals that end a process are held back, for
 * eng_attach(); the mask from before is for the caller to set again, and one that comes during a
 * start that takes longer makes an end of it, EINTR. *@exit_code, with an error: 126 or 127 if the
 * program could not be executed or found, else 125. EALREADY: it runs.
 */
int eng_start(const struct eng *e, const char *id, int client, sigset_t *held, int *exit_code,
	      struct cs_err *err);

/* Ends it: @signo (0: its own stop signal), after @timeout_s (-1: its own; at most 999999) SIGKILL.
 * Returns when its monitor is gone; 0 also when it did not run. Its restart policy is not heeded.
 */
int eng_stop(const struct eng *e, const char *id, int signo, int timeout_s, struct cs_err *err);

/* Sends a signal to its program. SIGKILL and its stop signal end it as eng_stop() would. */
int eng_kill(const struct eng *e, const char *id, int signo, struct cs_err *err);

/* Removes it; @force: ends it first, whatever state it is in, and whatever command is at it: one
 * that does not let go in two seconds is killed. @volumes: its anonymous volumes too. */
int eng_remove(const struct eng *e, const char *id, bool force, bool volumes, struct cs_err *err);

/* For the monitor: removes its own container, which is down, as --rm wants it. */
int eng_remove_own(const struct eng *e, const struct eng_record *r, struct cs_err *err);

/* Waits until it ends (or ended already); @timeout_ms -1: for ever. 1, or 0: timeout. *@exit_code
 * (NULL allowed) is its exit status. */
int eng_wait(const struct eng *e, const char *id, int timeout_ms, int *exit_code,
	     struct cs_err *err);

/* Replaces the record by @r, and gives the run that there is the limits @res (NULL: none changed);
 * the next start has what the record says. The caller has its lock. One that is just being started
 * by its policy is waited for. What the kernel refuses is not kept. */
int eng_update(const struct eng *e, const struct eng_record *r, const struct cg_resources *res,
	       struct cs_err *err);

int eng_pause(const struct eng *e, const char *id, struct cs_err *err);
int eng_unpause(const struct eng *e, const char *id, struct cs_err *err);

/* If its monitor died: takes down what it left and writes how it ended. 1: that was done, 0: there
 * was nothing to do, or another command is at it. */
int eng_mend(const struct eng *e, const char *id, struct cs_err *err);
/* All that have something below the state. What fails is logged. */
int eng_mend_all(const struct eng *e, struct cs_err *err);

/* One of a list of many: its record and how it is, after eng_mend(); one that is paused shows if
 * the runtime did it (pause, caisson-oci pause). @rest: it has something below the state
 * (eng_list_run()). ENOENT: it is gone; what was left of it below the state goes, too. */
int eng_glance(const struct eng *e, const char *id, bool rest, struct eng_record *r,
	       struct eng_status *st, struct cs_err *err);

#endif
