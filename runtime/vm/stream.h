#ifndef CS_RUNTIME_VM_STREAM_H
#define CS_RUNTIME_VM_STREAM_H

#include <errno.h>
#include <poll.h>

#include "runtime/vm/frame.h"

struct cs_err;

/*
 * A process's standard files through a connection: what can be read from its sources goes out as
 * frames, what comes in goes to its sinks. The same on both sides: on the host stdin is the source
 * and stdout and stderr are the sinks, in the machine it is the other way round. Flow control is
 * the connection's own: a sink that takes nothing holds up what comes behind, and nothing is kept
 * but one frame each way.
 */

enum { CTR_VM_STREAM_FDS = 5 };

struct ctr_vm_end {
	enum ctr_vm_frame kind; /* CTR_VM_STDIN, _STDOUT, _STDERR; 0: there is none */
	int fd;			/* owned; -EBADF: has ended */
};

struct ctr_vm_stream {
	int sock; /* owned; does not block */
	struct ctr_vm_end source[2];
	struct ctr_vm_end sink[2];
	struct ctr_vm_reader in;
	struct ctr_vm_writer out;
	struct ctr_vm_msg left; /* data for a sink that did not take all yet */
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
 * empty; 0: the connection takes no more now. */
int ctr_vm_stream_drain(struct ctr_vm_stream *s, struct cs_err *err);

#endif
