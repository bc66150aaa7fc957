#ifndef CS_ENGINE_MONITOR_H
#define CS_ENGINE_MONITOR_H

#include <sys/types.h>

struct cs_err;
struct eng;
struct eng_log;
struct eng_record;

/*
 * libexec/caisson/monitor, a process a container: holds its terminal or pipes, writes the log,
 * serves who attaches, reaps it, records how it ended, applies the restart policy and takes down
 * what the start made. The work of a start is done by a child of its own that ends (bring.h), so
 * that its memory is not the monitor's; the container's init becomes the monitor's own child
 * because it is a subreaper.
 *
 *   monitor ROOT STATE ID LIBEXEC, with open: 3 the write end of a pipe, on which it says how the
 *   start went (struct eng_report, once); 4 the lock of eng_live_take(); 5 a socket of a client
 *   that is attached from the beginning (or the same /dev/null as 0 to 2).
 */
enum { ENG_MON_REPORT = 3, ENG_MON_LIVE = 4, ENG_MON_CLIENT = 5 };

#endif
