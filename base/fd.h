#ifndef CS_BASE_FD_H
#define CS_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

struct cs_err;

/* Writes all of @buf, through EINTR, short writes and a full non-blocking fd. */
int cs_fd_write_all(int fd, const void *buf, size_t len, struct cs_err *err);

/* Reads exactly @len bytes; EOF before that is EPIPE. */
int cs_fd_read_exact(int fd, void *buf, size_t len, struct cs_err *err);

/* Reads to EOF into a new NUL-terminated buffer (the NUL is not counted; @len may be NULL). Fails
 * with EFBIG past @max bytes. The caller frees *@out. */
int cs_fd_read_all(int fd, size_t max, char **out, size_t *len, struct cs_err *err);

/* Sends @n (1 to 16) fds with the @len (at least 1) bytes of @buf in one message over the
 * connected Unix socket @sock (SCM_RIGHTS, unix(7)). */
int cs_fd_send(int sock, const int *fds, size_t n, const void *buf, size_t len, struct cs_err *err);

/* Receives one message with up to @max fds, close-on-exec. *@n is how many came, *@len the
 * bytes (in: room in @buf). The caller owns the fds. EOF is EPIPE. A message cut short or
 * with more fds than @max is EMSGSIZE and no fd is kept. */
int cs_fd_recv(int sock, int *fds, size_t max, size_t *n, void *buf, size_t *len,
	       struct cs_err *err);

/* Marks every fd from @first up close-on-exec (close_range(2)). */
int cs_fd_cloexec_from(unsigned int first, struct cs_err *err);

/* Closes every fd from @first up but the @n (up to 16) of @keep, where a negative one is none. */
int cs_fd_close_others(unsigned int first, const int *keep, size_t n, struct cs_err *err);

/* Closes the @n fds, which ascend, by a close_range(2) for each unbroken row: a process gets the
 * lowest free fd each time. Keeps errno. */
void cs_fd_close_rows(const int *fds, size_t n);

/* Sets or clears close-on-exec on one fd. */
int cs_fd_set_cloexec(int fd, int on, struct cs_err *err);

#endif
