#ifndef CS_CLI_CTRVIEW_H
#define CS_CLI_CTRVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/opt.h"
#include "engine/record.h"
#include "engine/status.h"
#include "netns/network.h"

struct cli_call;
struct cli_format;
struct cs_buf;
struct cs_err;
struct cs_jw;
struct eng;

/* A container as an object to print, and the filters over them. */
struct cli_ctr {
	struct eng_record r;
	struct eng_status st;
	bool sized;
	uint64_t size; /* what it wrote, with its log: bytes; when @sized */
};
#define CLI_CTR_INIT ((struct cli_ctr){ .r = ENG_RECORD_INIT })
int cli_ctr_load(const struct eng *e, const char *id, struct cli_ctr *out, struct cs_err *err);
void cli_ctr_fini(struct cli_ctr *c);
#define cli_auto_ctr CS_CLEANUP(cli_ctr_fini) /* needs base/cleanup.h */

/* Where all containers are on their networks: each network is read once, when it is asked for. */
struct cli_places {
	struct net_store st; /* owned */
	bool open;
	struct cli_place {
		char *network;	      /* owned */
		struct net_members m; /* owned */
	} * v;			      /* owned */
	size_t n;
};
#define CLI_PLACES_INIT ((struct cli_places){ .st = NET_STORE_INIT })
void cli_places_fini(struct cli_places *p);
#define cli_auto_places CS_CLEANUP(cli_places_fini) /* needs base/cleanup.h */
/* Its attachment to the network, NULL: it has none there. */
const struct net_attachment *cli_place_of(struct cli_places *p, const struct cli_call *call,
					  const char *network, const char *owner);

/* One line of ps: docker's field names, but for those that @f does not look at. */
void cli_ctr_row(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
		 const struct cli_call *call, const struct cli_format *f, bool whole);
/* "Up 5 minutes", "Exited (0) 3 days ago" */
void cli_ctr_status_text(const struct cli_ctr *c, char out[96]);
/* "0.0.0.0:80->80/tcp, ..." of what is published, as text into @b. */
void cli_ctr_ports_text(const struct net_attachment *a, struct cs_buf *b);

/* ps's --filter: id, name, label, label!, status, kind, exited, ancestor, network, volume, before,
 * since, until. Those of one kind are alternatives (labels: all of them), kinds must all be met. */
int cli_ctr_filter_check(const struct cli_strv *given, struct cs_err *err);
/* 1 it passes, 0 not. */
int cli_ctr_filter(const struct eng *e, const struct cli_strv *given, const struct cli_ctr *c,
		   struct cs_err *err);

#endif
