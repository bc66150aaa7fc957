#ifndef CS_CLI_RELAY_H
#define CS_CLI_RELAY_H

#include <pthread.h>
#include <stdbool.h>

struct cs_err;

/*
 * Keeps the user's own terminal and files out of a container: what runs inside gets pipes as its
 * standard files, and a thread passes on what goes through them.
 */
struct cli_relay {
	pthread_t thread;
	bool running; /* is there one? */
	int over;     /* owned; closing it says that the program has ended */
	int saved[3]; /* owned; our own standard files */
};
#define CLI_RELAY_INIT \
	((struct cli_relay){ .over = -EBADF, .saved = { -EBADF, -EBADF, -EBADF } }) /* errno.h */

/* Puts pipes in the place of our standard files; stdin is /dev/null unless @in. */
int cli_relay_start(bool in, struct cli_relay *r, struct cs_err *err);
/* All three /dev/null, for what is let go of. */
int cli_relay_null(struct cs_err *err);
/* The program has ended: what it wrote is passed on to its end, and our own files are back. What
 * others still hold of the pipes is not waited for. */
void cli_relay_end(struct cli_relay *r);

#endif
