#ifndef CS_CLI_CTRSTATS_H
#define CS_CLI_CTRSTATS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;
struct cs_json;
struct cs_jw;
struct eng;

/* What a container used up to a moment. */
struct cli_usage {
	int64_t at_ns;		      /* CLOCK_MONOTONIC */
	uint64_t cpu_ns;	      /* processor time */
	uint64_t memory, limit;	      /* bytes; limit: of the machine where there is none */
	uint64_t block_in, block_out; /* bytes */
	uint64_t net_in, net_out;     /* bytes, all interfaces but lo */
	uint64_t pids;
};

/* Reads it; the container runs with the init @pid. */
int cli_usage_get(const struct eng *e, const char *id, pid_t pid, struct cli_usage *out,
		  struct cs_err *err);

/* From the runtime's stats object; pure. */
void cli_usage_parse(const struct cs_json *stats, struct cli_usage *out);
/* Adds up /proc/PID/net/dev's text; pure. */
void cli_usage_net(const char *text, struct cli_usage *out);

/* A line of stats: docker's field names. @before: an earlier reading, or the same one. @now NULL:
 * it could not be read. */
void cli_usage_row(struct cs_jw *w, const char *id, const char *name,
		   const struct cli_usage *before, const struct cli_usage *now);

#endif
