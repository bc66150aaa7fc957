#ifndef CS_ENGINE_EVENTS_H
#define CS_ENGINE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct eng;
struct eng_record;

/*
 * What happened: <root>/containers/.events, a JSON object a line in docker's form. Each line is one
 * write(2) at the end of the file; at 16 MiB it becomes .events.1 and a new one begins.
 */

/* Puts down that @action happened to a container, with one more attribute (@key NULL: none).
 * Docker's words: create start die (exitCode) oom stop kill (signal) restart pause unpause destroy
 * rename (oldName) attach detach exec_create exec_start exec_die update. A line that cannot be
 * written is lost: what happened has happened. */
void eng_event(const struct eng *e, const char *action, const struct eng_record *r, const char *key,
	       const char *value);

/* The same for what is no container: @type "volume", "network", "image", with its name. */
void eng_event_other(const struct eng *e, const char *type, const char *action, const char *name);

#endif
