#ifndef CS_ENGINE_ATTACH_INT_H
#define CS_ENGINE_ATTACH_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "engine/attach.h"

/* The parts of eng_attach(). */

/* The user's terminal and our signals (attach_tty.c). */
struct att_tty {
	int in;	   /* borrowed */
	bool held; /* signals are */
	bool raw;
	struct termios saved;
	sigset_t mask; /* what was blocked before */
	struct sigaction pipe;
	int signals; /* owned; signalfd */
};
/* Raw mode (@raw and @in is a terminal) and signals held back. */
int eng_att_tty_init(struct att_tty *t, int in, bool raw, bool proxy, struct cs_err *err);
/* Raw mode again, after somebody else had the terminal. */
void eng_att_tty_again(struct att_tty *t);
/* Puts everything back; idempotent. */
void eng_att_tty_fini(struct att_tty *t);
/* Is it passed on to the container? */
bool eng_att_is_proxied(int signo);

#endif
