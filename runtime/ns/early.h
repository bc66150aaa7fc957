#ifndef CS_RUNTIME_NS_EARLY_H
#define CS_RUNTIME_NS_EARLY_H

/*
 * The seal of self.h, before libc starts: a program linked with -Wl,-e,ctr_early_start (static, for
 * x86-64) executes itself sealed from its entry point, so that only the second of the two sets up
 * libc, relocates itself and reads its arguments: a seventh of the time of an exec. Whatever fails
 * here is left to ctr_self_seal().
 */

/* Each such program has these two lists, each word with its NUL, then an empty one: the commands
 * that put a process into a container, and the options before a command that take the next argument
 * as their value. Of the other commands none is sealed: they find their programs by /proc/self/exe.
 */
extern const char ctr_early_commands[] __attribute__((visibility("hidden")));
extern const char ctr_early_options[] __attribute__((visibility("hidden")));

#endif
