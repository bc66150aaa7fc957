#ifndef CS_ENGINE_HOLDER_H
#define CS_ENGINE_HOLDER_H

struct cs_err;

/* Kills whoever has a lock on file @name of folder @dir: also one who is stopped, and children that
 * got the file from it. What the kernel shows in /proc says who, so nobody need sign; who only has
 * the file open, or waits for the lock, is left alone, and so is the caller. Those out of sight of
 * this pid namespace live on. @what: for a warning about each. Returns how many were killed. */
int eng_holders_kill(int dir, const char *name, const char *what, struct cs_err *err);

#endif
