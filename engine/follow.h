#ifndef CS_ENGINE_FOLLOW_H
#define CS_ENGINE_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

struct eng;

/* Whether a container has not ended for good, known without asking again and again: a line to its
 * monitor tells. */
struct eng_alive {
	const struct eng *e; /* borrowed */
	const char *id;	     /* borrowed */
	bool refused;	     /* its monitor has too many already: it cannot be told */
	int sock;	     /* owned; something to read when it may have ended; -EBADF: it has */
};
#define ENG_ALIVE_INIT ((struct eng_alive){ .sock = -EBADF }) /* needs errno.h */

void eng_alive_open(struct eng_alive *a, const struct eng *e, const char *id);
/* Does not wait. A container that its policy starts again is alive in between. */
bool eng_alive_is(struct eng_alive *a);
void eng_alive_close(struct eng_alive *a);
#define eng_auto_alive CS_CLEANUP(eng_alive_close) /* needs base/cleanup.h */

/* How long poll(2) may wait for that time to come; INT64_MAX: for ever. */
int eng_follow_timeout(int64_t until_ns);

#endif
