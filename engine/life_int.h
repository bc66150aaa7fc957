#ifndef CS_ENGINE_LIFE_INT_H
#define CS_ENGINE_LIFE_INT_H

#include <stdbool.h>

struct cs_err;
struct eng;
struct eng_record;

/* What the files of life.h share. */

/* Says that it is the user who wants it to end, for the monitor to see, and wakes the monitor.
 * Without a state folder it has ended. */
int eng_life_mark_stop(const struct eng *e, const char *id, struct cs_err *err);
void eng_life_wake(const struct eng *e, const char *id);

/* SIGKILL, again and again: it may be about to be made. Its monitor has @patience_ms to tidy up,
 * then whoever keeps it alive is killed. Nothing of its monitor lives then; what is left of it is
 * not taken down. */
int eng_life_end(const struct eng *e, const char *id, int patience_ms, struct cs_err *err);

/* Removes one that is down; the caller has its lock. @volumes: its anonymous ones, too. */
int eng_life_drop(const struct eng *e, const struct eng_record *r, bool volumes,
		  struct cs_err *err);

#endif
