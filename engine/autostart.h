#ifndef CS_ENGINE_AUTOSTART_H
#define CS_ENGINE_AUTOSTART_H

struct cs_err;
struct eng;
struct eng_ids;

/* The ids of the containers that are to be started after the host booted (eng_restart_boot()), the
 * oldest first: who joins another's namespaces was made after it. */
int eng_autostart_list(const struct eng *e, struct eng_ids *out, struct cs_err *err);

#endif
