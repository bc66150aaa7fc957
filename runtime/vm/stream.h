#ifndef CS_RUNTIME_VM_STREAM_H
#define CS_RUNTIME_VM_STREAM_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "runtime/vm/frame.h"

struct cs_err;

/*
 * A process's standard files through a connection: what can be read from its sources goes out as
 * frames, what comes in goes to its sinks. The same on both sides: on the host stdin is the source
 * and stdout and stderr are the sinks, in the machine it is the other way round. Of what a sink
 * does not take, CTR_VM_WINDOW bytes are kept and no more are sent: it holds up its own source
 * alone, not signals, window sizes and the other sinks. The exit is told when all before it was
 * taken.
 */

enum { CTR_VM_STREAM_FDS = 5 };

struct ctr_vm_end {
	enum ctr_vm_frame kind; /* CTR_VM_STDIN, _STDOUT, _STDERR; 0: there is none */
	int fd;			/* owned; -EBADF: has ended */
	uint32_t under_way;	/* source: bytes sent and not taken; sink: taken and not told */
	uint32_t drained;	/* source: frames of ctr_vm_stream_drain() */
	unsigned char *kept;	/* owned; sink: what it did not take, CTR_VM_WINDOW bytes large */
	uint32_t from, n_kept;
	bool ending; /* sink: ends when that is taken */
};

struct ctr_vm_stream {
	int sock; /* owned; does not block */
	struct ctr_vm_end source[2];
	struct ctr_vm_end sink[2];
	struct ctr_vm_reader in;
	struct ctr_vm_writer out;
	bool exited;	  /* CTR_VM_EXIT has come, and waits for what came before */
	uint32_t exit[2]; /* its data */
	uint32_t exit_len;
};
#define CTR_VM_STREAM_INIT                                                         \
	((struct ctr_vm_stream){ .sock = -EBADF,                                   \
				 .source = { { .fd = -EBADF }, { .fd = -EBADF } }, \
				 .sink = { { .fd = -EBADF }, { .fd = -EBADF } },   \
				 .in = { .max = CTR_VM_DATA_MAX } })
void ctr_vm_stream_fini(struct ctr_vm_stream *s);

/* What it waits for, for poll(2): CTR_VM_STREAM_FDS entries, those of none with a negative fd. */
void ctr_vm_stream_wants(const struct ctr_vm_stream *s, struct pollfd *p);

/* Does what poll(2) said can be done. 1: *@msg is a frame that is not about data, for the caller;
 * 0: nothing more to say; -EPIPE: the connection has ended; -EPROTO. To be called again with a @p
 * of NULL after a 1. */
int ctr_vm_stream_step(struct ctr_vm_stream *s, const struct pollfd *p, struct ctr_vm_msg *msg,
		       struct cs_err *err);

/* Reads and sends, without waiting, what is left in its sources; 1: they are at their end, or
 * empty, or somebody goes on writing; 0: the connection takes no more now. */
int ctr_vm_stream_drain(struct ctr_vm_stream *s, struct cs_err *err);

#endif
