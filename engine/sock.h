#ifndef CS_ENGINE_SOCK_H
#define CS_ENGINE_SOCK_H

struct cs_err;

/* Unix sockets in a folder whose path may be longer than an address takes (107 bytes). */

/* Listens on a new socket @name (0600) of folder @dir; one that is there is replaced. @type:
 * SOCK_STREAM, SOCK_SEQPACKET. Returns the fd, non-blocking. */
int eng_sock_listen(int dir, const char *name, int type, struct cs_err *err);

/* Connects to it. ENOENT, ECONNREFUSED: nobody listens. */
int eng_sock_connect(int dir, const char *name, int type, struct cs_err *err);

#endif
