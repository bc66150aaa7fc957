#ifndef CS_BASE_ERR_H
#define CS_BASE_ERR_H

/*
 * The error value every fallible function takes last. A fixed-size value owned
 * by the caller: no heap, so it works out of memory and crosses a pipe in one
 * atomic write (sizeof <= PIPE_BUF).
 *
 * Fallible functions return 0 (or a count) on success and -errno on failure.
 * Out-parameters are untouched on failure.
 */
struct cs_err {
	int code;      /* errno value, 0 = no error */
	char msg[508]; /* one line, no newline, NUL-terminated */
};

/* The empty value. */
#define CS_ERR_INIT ((struct cs_err){ 0 })

/* Sets @err to @code and the message; returns -@code. @err must be empty (asserted).
 * @code must be positive. */
int cs_err_set(struct cs_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Sets @err from errno; the message gets ": strerror(errno)" appended. Returns -errno. */
int cs_err_sys(struct cs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/* As cs_err_sys() with an explicit errno value, for calls that return it. */
int cs_err_errno(struct cs_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Puts "<text>: " in front of the message on the way up. Returns -err->code. */
int cs_err_wrap(struct cs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Makes @err empty again (the error was handled). */
void cs_err_clear(struct cs_err *err);

#endif
