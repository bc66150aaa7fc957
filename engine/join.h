#ifndef CS_ENGINE_JOIN_H
#define CS_ENGINE_JOIN_H

#include <stddef.h>

struct cs_buf;
struct cs_err;
struct eng;

/*
 * Namespaces of other containers ("--network container:NAME"). A path of /proc names a process by
 * a number that the kernel gives out again: so it is noted who that is, by its start time, in the
 * container's state folder, and asked again before and after the namespaces were joined, whenever
 * that is (a monitor starts a container anew hours later). Both times the same process: no other
 * was joined.
 */

/* The namespace @ns ("net") of the container that @mode ("container:NAME") names, as a path; a
 * @mode of another form (or NULL): nothing. Notes the process in @note. EBUSY: it does not run. */
int eng_join_find(const struct eng *e, const char *mode, const char *ns, char *out, size_t size,
		  struct cs_buf *note, struct cs_err *err);

/* Keeps the notes in the state folder @run. */
int eng_join_save(int run, const struct cs_buf *note, struct cs_err *err);

/* Do all processes that were noted in @run still live? ESRCH when one does not. */
int eng_join_check(int run, struct cs_err *err);

#endif
