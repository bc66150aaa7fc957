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

/* An analyzer (clang's, or gcc's by --enable-analyzer) cannot look into err.c: tell it that errors
 * are negative. A definition puts the function's name in parentheses, which keeps its macro away.
 */
#ifdef __clang_analyzer__
#define CS_ASSUME(is) __builtin_assume(is)
#elif defined(CS_ANALYZER)
#define CS_ASSUME(is) ((is) ? (void)0 : __builtin_unreachable())
#endif
#ifdef CS_ASSUME
#define CS_ERR_NEGATIVE(call)          \
	({                             \
		int cs_ret = (call);   \
		CS_ASSUME(cs_ret < 0); \
		cs_ret;                \
	})
#define cs_err_set(...) CS_ERR_NEGATIVE(cs_err_set(__VA_ARGS__))
#define cs_err_sys(...) CS_ERR_NEGATIVE(cs_err_sys(__VA_ARGS__))
#define cs_err_errno(...) CS_ERR_NEGATIVE(cs_err_errno(__VA_ARGS__))
#define cs_err_wrap(...) CS_ERR_NEGATIVE(cs_err_wrap(__VA_ARGS__))
#endif

#endif
