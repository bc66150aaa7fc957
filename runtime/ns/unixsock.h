#ifndef CS_RUNTIME_NS_UNIXSOCK_H
#define CS_RUNTIME_NS_UNIXSOCK_H

struct cs_err;

/* Connects a new stream socket (close-on-exec) to the Unix socket at @path, which may be longer
 * than the 107 bytes of a socket address. Host side. Returns the fd. */
int ctr_unixsock_connect(const char *path, struct cs_err *err);

#endif
