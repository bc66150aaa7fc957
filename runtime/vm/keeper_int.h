#ifndef CS_RUNTIME_VM_KEEPER_INT_H
#define CS_RUNTIME_VM_KEEPER_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "runtime/vm/host.h"

/* What keeper.c and command.c share. */

enum {
	KEEPER_START = 1 << 30, /* in the number of a request to start */
	KEEPER_CREATE_ID = 1,	/* the number of our own request */
	KEEPER_COMMANDS = 64,	/* at once */
};

/* A command that asks. */
struct command {
	int sock; /* owned; -EBADF: this place is free */
	struct ctr_vm_reader in;
	enum ctr_vm_ask kind;
	uint32_t id; /* 0: it has not asked yet */
	int stream;  /* owned; EXEC: what the agent dialled for it */
};

struct keeper {
	const struct ctr_vm_keeper_in *in;
	struct ctr_vm_machine m;
	int sync; /* -EBADF: who made the container knows */
	int waits, listener;
	int signals;
	int control; /* owned; to the agent */
	struct ctr_vm_reader r;
	struct ctr_vm_writer w;
	struct ctr_vm_stream io;
	struct command cmd[KEEPER_COMMANDS];
	bool greeted;	    /* the agent has said who it is */
	bool paused;	    /* the machine is */
	uint32_t switching; /* the request that pauses or resumes it; 0: none does */
	bool switching_to;
	char line[256]; /* of the monitor's answer to that */
	size_t line_len;
	bool ended; /* the container has, with @code */
	int code;
	struct timespec deadline; /* for what is awaited; 0: nothing is */
};

void ctr_vm_keeper_accept(struct keeper *k);
/* Hands on what a command asks, or does it; one that goes away or says something else is let go. */
void ctr_vm_keeper_read(struct keeper *k, struct command *c);
/* Answers a command, which is over then. It waits, so that this may block; but not for ever. */
void ctr_vm_keeper_answer(struct command *c, const char *text, size_t len);
/* The monitor has answered, or is gone. */
void ctr_vm_keeper_control(struct keeper *k);

#endif
