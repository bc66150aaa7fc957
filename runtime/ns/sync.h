#ifndef CS_RUNTIME_NS_SYNC_H
#define CS_RUNTIME_NS_SYNC_H

#include <stdint.h>

#include "base/err.h"

/*
 * What the runtime and the processes it makes say to one another, over a SOCK_SEQPACKET pair (or,
 * when a later `start` connects, over the container's start socket). One packet a message; the
 * error value travels whole. The runtime answers each step with a single byte; end of file after
 * CTR_MSG_READY means that execve(2) succeeded, since the socket closes on exec.
 */
enum ctr_msg_kind {
	CTR_MSG_OUTSIDE = 1, /* namespaces stand: move the network devices in, run the hooks of the
			      * runtime's side */
	CTR_MSG_CONSOLE,     /* carries the pty's master */
	CTR_MSG_READY,	     /* all but the user's program; init waits */
	CTR_MSG_STARTING,    /* a start was taken: the connection is the one that counts */
	CTR_MSG_FORKED,	     /* exec: the process of pid value, with its pidfd */
	CTR_MSG_SECCOMP, /* about to install a filter with a listener: fetch fd number value, then
			  * set the int at address in the sender's memory to 1 */
	CTR_MSG_FAILED,	 /* err says why; the process ends */
};

struct ctr_msg {
	uint32_t kind;
	int32_t value;	   /* CTR_MSG_SECCOMP: fd number; CTR_MSG_FAILED: 126, 127 or 0 as
			    * ctr_child.program_exit */
	uint64_t address;  /* CTR_MSG_SECCOMP */
	struct cs_err err; /* CTR_MSG_FAILED */
};

/* Sends a message, with @fd if it is not negative. */
int ctr_sync_send(int sock, const struct ctr_msg *msg, int fd, struct cs_err *err);

/* Receives one. *@fd gets the fd it carried (the caller closes it) or -EBADF. End of file is EPIPE.
 */
int ctr_sync_recv(int sock, struct ctr_msg *out, int *fd, struct cs_err *err);

/* The runtime's one-byte answer, and the wait for it. End of file is EPIPE: the other side died. */
int ctr_sync_ack(int sock, struct cs_err *err);
int ctr_sync_wait(int sock, struct cs_err *err);

#endif
