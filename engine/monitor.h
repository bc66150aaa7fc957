#ifndef CS_ENGINE_MONITOR_H
#define CS_ENGINE_MONITOR_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/bring.h"

struct eng;
struct eng_record;

/*
 * libexec/caisson/monitor, a process a container: holds its terminal or pipes, writes the log,
 * serves who attaches, reaps it, records how it ended, applies the restart policy and takes down
 * what the start made. The work of a start, and that between two runs, is done by a child of its
 * own that ends (bring.h), so that its memory is not the monitor's; the container's init becomes
 * the monitor's own child because it is a subreaper.
 *
 *   monitor ROOT STATE ID, with open: 3 the write end of a pipe, on which it says how the
 *   start went (struct eng_report, once); 4 the lock of eng_live_take(); 5 a socket of a client
 *   that is attached from the beginning (or the same /dev/null as 0 to 2).
 *
 * What is true when: the report comes when the program runs and status.json says so, or when it
 * could not be started and all is taken down again. When it ended: taken down, then recorded in
 * status.json, then removed (--rm), then said to whoever is attached (ENG_F_EXIT), then the monitor
 * ends and its lock with it, unless the restart policy has it started again.
 *
 * Without stdin_open the container's stdin is /dev/null. With it and no terminal, the end of the
 * first client's input (or of that client) closes it, if that client wanted stdin; otherwise it is
 * open as long as the container runs, as docker has it.
 */
enum { ENG_MON_REPORT = 3, ENG_MON_LIVE = 4, ENG_MON_CLIENT = 5 };

/* No report (EOF) means that the monitor was killed. */
struct eng_report {
	int ok;
	int exit_code; /* after a failure: 126 or 127 for the user's program's own, else 125 */
	struct cs_err err;
};

/* The work of others, so that it can be tested without them. */
struct eng_mon_ops {
	int (*bring)(const struct eng *e, const struct eng_record *r, const struct eng_bring_io *io,
		     struct eng_brought *out, struct cs_err *err);
	int (*take_down)(const struct eng *e, const struct eng_record *r, bool keep_for_restart,
			 struct cs_err *err);
	/* --rm: all of it, though the monitor lives. */
	int (*remove)(const struct eng *e, const struct eng_record *r, struct cs_err *err);
	int stuck_ms; /* how long a client may take nothing; 0: ten seconds */
};

/* The monitor. @argv as above. Takes over the process: its fds, signals, session. Returns the exit
 * status of the process. */
int eng_monitor(char *const argv[], const struct eng_mon_ops *ops);

#endif
