#ifndef CS_ENGINE_MON_INT_H
#define CS_ENGINE_MON_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/log.h"
#include "engine/monitor.h"
#include "engine/record.h"
#include "engine/status.h"

struct pollfd;

/* The monitor's own parts. One thread, one poll(2) loop; nothing here waits elsewhere. */

enum {
	MON_CHUNK = ENG_FRAME_MAX - 1, /* bytes read from the container at once */
	MON_CLIENTS = 256,
	MON_STUCK_MS = 10000, /* a later client that takes nothing for so long is let go */
	MON_FDS = 8 + MON_CLIENTS,
};

struct mon_client {
	int fd; /* owned */
	unsigned int want;
	bool greeted;
	bool first;	  /* there from the beginning: its output is waited for without end */
	bool owes;	  /* has not got the chunk yet */
	bool no_room;	  /* its next message is stdin, for which there is no room */
	int64_t since_ms; /* when it began to owe */
};

/* What a child that did a step found. */
struct mon_found {
	int ret;
	struct eng_brought brought;
	struct cs_err err;
};

struct mon {
	const struct eng_mon_ops *ops;
	struct eng e;
	const char *id;	     /* borrowed */
	struct eng_record r; /* owned */
	struct eng_status st;
	int dir, run; /* owned; the container's folders */
	int signals;  /* owned; signalfd of SIGCHLD */
	int listen;   /* owned; the attach socket */
	int report;   /* owned; -EBADF once it was given */
	int live;     /* owned; the lock */

	/* the container's files of this run (mon_io.c) */
	int console;	     /* owned; listens for the terminal, then the line it comes over */
	bool calling;	     /* it is that line */
	int master;	     /* owned; the terminal */
	int in;		     /* owned; write end of its stdin */
	int out[2];	     /* owned; read ends of its stdout and stderr */
	bool hup;	     /* nobody has the terminal open */
	bool in_done;	     /* stdin closes once what is under way is out */
	bool in_once;	     /* the end of the first client's input is the end of stdin */
	uint16_t rows, cols; /* of the terminal, 0: unknown */
	uint64_t bytes;	     /* read so far */
	bool full;	     /* nothing more is read of this run */
	struct eng_log log;

	/* processes (mon_child.c) */
	pid_t child; /* that does a step of work; 0: none */
	int result;  /* owned; the pipe of what it found */
	struct mon_found found;
	pid_t init;	 /* 0: none */
	bool ended;	 /* init has */
	int wait_status; /* how */
	bool left;	 /* not all of it could be taken down */
	bool removed;	 /* its record is gone: no restart */

	struct mon_client c[MON_CLIENTS]; /* (mon_client.c) */
	size_t n_c;
	bool hurry; /* the run ended: nobody is waited for without end any more */

	enum eng_frame chunk_type;
	size_t chunk_len; /* 0: none under way */
	char chunk[MON_CHUNK];
	size_t keys_from, keys_to;
	char keys[ENG_FRAME_MAX];
};

/* mon_io.c: the container's standard files. */
/* Makes them for a run; @io gets the container's ends, which eng_mon_io_given() closes once the
 * child that brings it has them. */
int eng_mon_io_open(struct mon *m, struct eng_bring_io *io, char *console, size_t size,
		    struct cs_err *err);
void eng_mon_io_given(const struct eng_bring_io *io);
/* Closes all; the next run gets new ones. */
void eng_mon_io_close(struct mon *m);
size_t eng_mon_io_watch(const struct mon *m, struct pollfd *fds);
void eng_mon_io_serve(struct mon *m, const struct pollfd *fds);
/* How many bytes at most it has written that are not read yet. */
uint64_t eng_mon_io_waiting(const struct mon *m);
/* Is everything read that ever comes? */
bool eng_mon_io_ended(const struct mon *m);
/* Is there room for a client's message of stdin? */
bool eng_mon_io_room(const struct mon *m);
void eng_mon_io_keys(struct mon *m, const char *data, size_t len);
/* This client gives no more. */
void eng_mon_io_keys_end(struct mon *m, const struct mon_client *c);
void eng_mon_io_resize(struct mon *m, uint16_t rows, uint16_t cols);

/* mon_client.c: who is attached. */
int eng_mon_listen(struct mon *m, struct cs_err *err);
/* Takes over @fd. */
void eng_mon_client_add(struct mon *m, int fd, bool first);
size_t eng_mon_clients_watch(const struct mon *m, struct pollfd *fds);
void eng_mon_clients_serve(struct mon *m, const struct pollfd *fds, size_t n);
void eng_mon_accept(struct mon *m);
/* There is a new chunk. */
void eng_mon_clients_chunk(struct mon *m);
/* Lets go of who takes nothing; how long until the next could be, -1: nobody is late. */
int eng_mon_clients_late(struct mon *m);
/* The run ended: makes room for what is left of its output. */
void eng_mon_clients_hurry(struct mon *m);
/* Says so to all and lets go of them. */
void eng_mon_clients_exit(struct mon *m, int exit_code);

/* mon_child.c: work done by a process of its own, so that its memory is not ours for long; and who
 * ended. MON_DOWN: before another run. */
enum mon_step { MON_BRING, MON_DOWN };
int eng_mon_child_start(struct mon *m, enum mon_step step, const struct eng_bring_io *io,
			struct cs_err *err);
/* Who ended? Of a child that did a step m->found is set, of init m->ended. */
void eng_mon_reap(struct mon *m);

/* mon_oom.c: was a process of this run killed for want of memory? */
bool eng_mon_oom_killed(const struct mon *m);

/* mon_loop.c */
/* Serves everything once, for @timeout_ms (-1: none) at most. */
void eng_mon_turn(struct mon *m, int timeout_ms);
/* Has a child do @step and serves until it has. */
int eng_mon_step(struct mon *m, enum mon_step step, const struct eng_bring_io *io,
		 struct cs_err *err);
/* Serves until init ended, or @timeout_s (0: none) is over: then it is killed. */
void eng_mon_wait_init(struct mon *m, int64_t timeout_s);
/* Serves until all it wrote is out. */
void eng_mon_drain(struct mon *m);
/* Serves until @ms are over (true) or the user wants it to end. */
bool eng_mon_wait_restart(struct mon *m, int64_t ms);
/* Is "stop" there? */
bool eng_mon_stop_wanted(const struct mon *m);

#endif
