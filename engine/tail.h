#ifndef CS_ENGINE_TAIL_H
#define CS_ENGINE_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * Reads the lines of a file that others write and put away meanwhile: NAME is written, NAME.1 is
 * the one before it, NAME.2 older still. No line is read twice, and none is missed that was not
 * thrown away before it was read.
 */
struct eng_tail {
	int dir;	  /* borrowed */
	const char *name; /* borrowed */
	int fd;		  /* owned; the file being read; -EBADF: there is none yet */
	bool last_look;	  /* it was put away, and is read a last time */
	bool skip;	  /* in a line that is too long */
	char *buf;	  /* owned */
	size_t from, to, cap;
};
#define ENG_TAIL_INIT ((struct eng_tail){ .fd = -EBADF }) /* needs errno.h */

enum { ENG_TAIL_LINE = 256 * 1024 }; /* longer lines are left out */

/* Begins @lines lines before the end (SIZE_MAX: at the oldest). */
int eng_tail_open(struct eng_tail *t, int dir, const char *name, size_t lines, struct cs_err *err);
/* The next whole line, without its end, NUL-terminated; it may be changed, and lives until the next
 * call. 1; 0: there is none for now. What a line lacks of its end is no line yet. */
int eng_tail_next(struct eng_tail *t, char **line, size_t *len, struct cs_err *err);
void eng_tail_close(struct eng_tail *t); /* idempotent */

/* An inotify(7) fd that can be read when something changed in folder @dir. */
int eng_tail_watch(int dir, struct cs_err *err);
/* Empties it. */
void eng_tail_seen(int fd);

#endif
