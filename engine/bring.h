#ifndef CS_ENGINE_BRING_H
#define CS_ENGINE_BRING_H

#include <stdbool.h>
#include <sys/types.h>

struct cs_err;
struct eng;
struct eng_record;

/*
 * The work of a start and of an end. While the monitor goes on living it has it done by a child of
 * its own that ends: what it needs of memory is not the monitor's then.
 */

/* What the container's program gets. All borrowed. */
struct eng_bring_io {
	int in, out, err;    /* its standard files; with a terminal all are /dev/null */
	const char *console; /* path of the socket that gets its terminal; NULL: it has none */
	bool again;	     /* what was prepared has served a run: its limits may have changed */
};

struct eng_brought {
	pid_t pid;	  /* of its init, which is a child of the caller */
	int program_exit; /* after a failure that is the user's program's own: 126, 127; else 0 */
};
#define ENG_BROUGHT_INIT ((struct eng_brought){ 0 })

/* Creates, connects and starts what was prepared (prepare.h). The caller's own standard files are
 * replaced: it is a process that ends afterwards. After a failure what was made is undone by
 * eng_take_down(). *@out is set in every case. */
int eng_bring(const struct eng *e, const struct eng_record *r, const struct eng_bring_io *io,
	      struct eng_brought *out, struct cs_err *err);

/* Undoes it; what is not there is no error. @keep_for_restart: it is started again soon, what does
 * not hurt may stay. Goes on past what fails and tells of the first. */
int eng_take_down(const struct eng *e, const struct eng_record *r, bool keep_for_restart,
		  struct cs_err *err);

#endif
