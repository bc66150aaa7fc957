#ifndef CS_RUNTIME_NS_SOCKET_H
#define CS_RUNTIME_NS_SOCKET_H

struct cs_err;

/*
 * The start socket, start.sock in the state folder (which only its owner can enter). Init listens
 * on it until it executes the user's program, when the kernel closes it: so a connection that is
 * accepted means "created", one that is refused "running", and neither can be out of date.
 */

/* Makes it. *@out is the caller's, close on exec. */
int ctr_socket_listen(int dir, int *out, struct cs_err *err);

/* Connects. Returns the fd; -ECONNREFUSED when nobody listens any more, -ENOENT when there is none.
 */
int ctr_socket_connect(int dir, struct cs_err *err);

/* 1: somebody listens, 0: not. Never waits, also for an init that is stopped. */
int ctr_socket_listens(int dir, struct cs_err *err);

#endif
