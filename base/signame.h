#ifndef CS_BASE_SIGNAME_H
#define CS_BASE_SIGNAME_H

/* The signal's number for "9", "KILL", "SIGKILL", "sigkill", "RTMIN", "RTMIN+3", "RTMAX-1"; 0 is
 * the null signal of kill(2). Real-time signals are counted as in the C library. Returns -EINVAL
 * for anything else. */
int cs_signal_parse(const char *s);

#endif
