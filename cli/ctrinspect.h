#ifndef CS_CLI_CTRINSPECT_H
#define CS_CLI_CTRINSPECT_H

struct cli_call;
struct cli_ctr;
struct cli_places;
struct cs_jw;

/* The whole of a container as an object, with docker's names where docker has one. */
void cli_ctr_inspect(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
		     const struct cli_call *call);

#endif
