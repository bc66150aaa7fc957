#ifndef CS_RUNTIME_NS_EARLY_H
#define CS_RUNTIME_NS_EARLY_H

/*
 * The seal of self.h, before libc starts: a program linked with -Wl,-e,ctr_early_start (static, for
 * x86-64) executes itself sealed from its entry point, so that only the second of the two sets up
 * libc, relocates itself and reads its arguments: a seventh of the time of an exec. Whatever fails
 * here is left to ctr_self_seal().
 */

/* Each such program has it: the words that make it worth while, each with its NUL, then an empty
 * one. One of them in any place among the arguments is enough: a needless seal costs time alone. */
extern const char ctr_early_words[] __attribute__((visibility("hidden")));

#endif
