#ifndef CS_RUNTIME_NS_TTY_H
#define CS_RUNTIME_NS_TTY_H

#include <stdbool.h>
#include <stdint.h>

struct cs_err;

/* Opens a pty of the devpts that is mounted at /dev/pts beneath @root (checked to be devpts), sets
 * its size (0: leave). *@slave comes by TIOCGPTPEER from the master, never by a path. */
int ctr_tty_open(int root, uint16_t height, uint16_t width, int *master, int *slave,
		 struct cs_err *err);

/* Makes @slave the controlling terminal and stdin, stdout, stderr of the calling session leader. */
int ctr_tty_take(int slave, struct cs_err *err);

/* Connects to the --console-socket path. Host side. Returns the fd. */
int ctr_tty_connect(const char *path, struct cs_err *err);
/* Sends the master over it, with the name "/dev/ptmx" as runc does. */
int ctr_tty_send(int sock, int master, struct cs_err *err);

/* Host side of `run`/`exec` with a terminal and no console socket: raw mode on stdin, copying both
 * ways, window size followed, until the process behind @pidfd ends and the pty is drained. Signals
 * are left to the caller. Restores the terminal also on failure. */
int ctr_tty_proxy(int master, int pidfd, int signalfd, struct cs_err *err);

#endif
