#ifndef CS_ENGINE_RESTART_H
#define CS_ENGINE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

struct eng_record;
struct eng_status;

/* Restart policies, as docker has them. Pure. */

/* Is it to be started again after a run that ended as @st says? @stopped: the user wants it to end.
 */
bool eng_restart_wanted(const struct eng_record *r, const struct eng_status *st, bool stopped);

/* Is it to be started after the host booted? @boot is the host's boot_id: what was started in this
 * boot is past that, and what never was is not. "always" comes back though the user stopped it. */
bool eng_restart_boot(const struct eng_record *r, const struct eng_status *st, const char *boot);

/* How long to wait before it, when the last wait was @last_ms (0: none) and it ran for @ran_ms: 100
 * ms, then twice as long each time, up to a minute; from the beginning after ten good seconds. */
int64_t eng_restart_delay(int64_t last_ms, int64_t ran_ms);

#endif
