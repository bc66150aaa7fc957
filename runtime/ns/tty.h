#ifndef CS_RUNTIME_NS_TTY_H
#define CS_RUNTIME_NS_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/* Opens a pty of the devpts that is mounted at /dev/pts beneath @root (checked to be devpts; no
 * symlink on the way is followed), sets its size (0: leave). *@slave comes by TIOCGPTPEER from the
 * master, never by a path. Inside. */
int ctr_tty_open(int root, uint16_t height, uint16_t width, int *master, int *slave,
		 struct cs_err *err);

/* Makes @slave the controlling terminal and stdin, stdout, stderr of the calling session leader. */
int ctr_tty_take(int slave, struct cs_err *err);

/* Connects to the --console-socket path. Host side. Returns the fd. */
int ctr_tty_connect(const char *path, struct cs_err *err);
/* Sends the master over it, with the name "/dev/ptmx" as runc does. */
int ctr_tty_send(int sock, int master, struct cs_err *err);

/* What a signal that came in during the proxy means. Returns 0 to go on; another value ends the
 * proxy, which restores the terminal and returns that value (a negative one with @err set). */
typedef int (*ctr_tty_signal_fn)(int signo, void *arg, struct cs_err *err);

/* Looks at the @len bytes that were typed. Writes what the container gets to @out, which has room
 * for CTR_TTY_INPUT_MORE more, and returns its length. *@detach: the user wants no more of it. With
 * 0 bytes, at the end of the input, it gives what it held back. */
typedef size_t (*ctr_tty_input_fn)(const char *in, size_t len, char *out, bool *detach, void *arg);
enum { CTR_TTY_INPUT_MORE = 64 };

struct ctr_tty_hooks {
	ctr_tty_signal_fn on_signal; /* NULL: signals are dropped */
	void *signal_arg;
	ctr_tty_input_fn on_input; /* NULL: all is the container's */
	void *input_arg;
};

/*
 * Host side of `run`/`exec` with a terminal and no console socket: raw mode on stdin if that is a
 * terminal, copying stdin to the master and the master to stdout, until the process behind
 * @pidfd ends and what it wrote is out. Returns 0 then, and 1 when on_input() detaches. Nothing is
 * lost, or read faster than the other side takes it. The end of stdin ends only that direction. A
 * stdout that is closed or fails ends the proxy with an error (the caller closes @master then,
 * which hangs up the container's session). The terminal is restored on every way out but a fatal
 * signal. @master is made non-blocking; stdin and stdout, shared with other processes, are not.
 *
 * Signals: the caller blocks those it wants to handle (sigprocmask(2)) and gives a signalfd(2) of
 * them. SIGWINCH (the size of our terminal goes to @master, as it does at the start) and SIGCONT
 * (raw mode is set again) are served here; every other one goes to on_signal(), which mostly
 * forwards it to the container. @signalfd may be -EBADF. SIGPIPE is ignored meanwhile.
 *
 * Other processes that still hold the terminal when the process ends are not waited for: what
 * they write is copied until they pause for a moment, for a second at most.
 */
int ctr_tty_proxy(int master, int pidfd, int signalfd, const struct ctr_tty_hooks *hooks,
		  struct cs_err *err);

#endif
