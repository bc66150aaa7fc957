#ifndef CS_ENGINE_ATTACH_INT_H
#define CS_ENGINE_ATTACH_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "engine/attach.h"

/* The parts of eng_attach(). */

enum { ATT_KEYS_MAX = 16 };

/* What is looked for in the input (attach_keys.c). */
struct att_detach {
	unsigned char keys[ATT_KEYS_MAX];
	size_t n;    /* 0: nothing */
	size_t seen; /* so many of them were the last of the input, and are held back */
};

/* Copies the @len bytes of @in to @out (@len + ATT_KEYS_MAX bytes) but for what may be the keys'
 * beginning. Returns how many; *@detach: the keys came. Pure. */
size_t eng_att_filter(struct att_detach *d, const char *in, size_t len, char *out, bool *detach);

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
