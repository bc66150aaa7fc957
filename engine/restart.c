#include "engine/restart.h"

#include <string.h>

#include "engine/record.h"
#include "engine/status.h"

enum { FIRST_MS = 100, LAST_MS = 60000, GOOD_MS = 10000 };

bool eng_restart_wanted(const struct eng_record *r, const struct eng_status *st, bool stopped)
{
	if (stopped || r->auto_remove || !r->restart)
		return false;
	if (strcmp(r->restart, "always") == 0 || strcmp(r->restart, "unless-stopped") == 0)
		return true;
	if (strcmp(r->restart, "on-failure") == 0)
		return st->exit_code != 0 && (r->restart_max == 0 || st->restarts < r->restart_max);
	return false;
}

bool eng_restart_boot(const struct eng_record *r, const struct eng_status *st, const char *boot)
{
	const bool never = !*st->boot && st->started_ns == 0;

	if (never || r->auto_remove || !r->restart || strcmp(st->boot, boot) == 0)
		return false;
	if (strcmp(r->restart, "unless-stopped") == 0)
		return !st->user_stopped;
	return strcmp(r->restart, "always") == 0;
}

int64_t eng_restart_delay(int64_t last_ms, int64_t ran_ms)
{
	if (last_ms <= 0 || ran_ms >= GOOD_MS)
		return FIRST_MS;
	return last_ms < LAST_MS / 2 ? last_ms * 2 : LAST_MS;
}
