#ifndef CS_RUNTIME_NOTIFY_H
#define CS_RUNTIME_NOTIFY_H

#include <stdbool.h>

struct cs_err;
struct ctr;

/*
 * sd_notify(3) from within a container, when the runtime's caller set NOTIFY_SOCKET: the container
 * gets a socket of its own at /run/notify/notify.sock, and what it says there is passed on as
 * READY=1 with the MAINPID of its init as the host sees it. No part of the host's socket gets into
 * the container.
 */

/* Create: makes the folder and adds mount and environment to c->spec. Nothing without
 * NOTIFY_SOCKET. */
int ctr_notify_prepare(struct ctr *c, struct cs_err *err);

/* Before start: binds the socket. *@out is the caller's, -EBADF where there is nothing to do. */
int ctr_notify_bind(struct ctr *c, int *out, struct cs_err *err);

/* After start: waits until the container says READY=1 (passed on) or its init ends. With @behind
 * the wait is left to a child process, which is reaped with what else is left to the runtime. */
int ctr_notify_wait(struct ctr *c, int sock, bool behind, struct cs_err *err);

#endif
