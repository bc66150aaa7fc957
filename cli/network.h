#ifndef CS_CLI_NETWORK_H
#define CS_CLI_NETWORK_H

#include "cli/opt.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "netns/attach.h"
#include "netns/network.h"
#include "netns/store.h"
#include "netns/types.h"

struct cli_call;
struct cli_format;
struct cs_err;
struct cs_jw;

/* What the commands of "network" share. */

/* A container as connect and disconnect name it: by name, id or the beginning of one; or by the id
 * that an OCI runtime knows it by, which has no record. The caller calls cli_net_target_fini(). */
struct cli_net_target {
	struct eng e;
	struct eng_record r; /* its @id is NULL: there is none */
	int lock;	     /* of the container, held */
	char id[NET_OWNER_MAX + 1];
};
#define CLI_NET_TARGET_INIT \
	((struct cli_net_target){ .e = ENG_INIT, .r = ENG_RECORD_INIT, .lock = -EBADF })
int cli_net_target(const struct cli_call *call, const char *text, struct cli_net_target *out,
		   struct cs_err *err);
void cli_net_target_fini(struct cli_net_target *t);
#define cli_auto_net_target CS_CLEANUP(cli_net_target_fini) /* needs base/cleanup.h */

/* Opens the networks of the call's folders. */
int cli_net_store(const struct cli_call *call, struct net_store *st, struct cs_err *err);

/* The options of attach and connect. */
struct cli_net_wish_opts {
	const char *ip, *ip6, *mac, *ifname, *name, *format;
	struct cli_strv aliases, ports;
};

/* Reads them into @w, whose ports the caller frees. Values that are not of their form: EINVAL,
 * naming the option. */
int cli_net_wish(const struct cli_net_wish_opts *o, struct net_wish *w, struct net_port **ports,
		 struct cs_err *err);

/* --format of ls and inspect: cli_format_parse() with the columns of networks. */
int cli_net_format_parse(const char *spec, const char *fallback, struct cli_format **out,
			 struct cs_err *err);
/* Adds a network, with its members if @members, to what is printed. */
int cli_net_add(struct cli_format *f, const struct net_store *st, const struct net_net *n,
		bool members, struct cs_err *err);

/* A network as JSON: its record, its members. Into the open object of @w. */
void cli_net_json(const struct net_config *c, const struct net_members *m, struct cs_jw *w);

/* What was attached, as a table or (@format "json") as JSON. */
int cli_net_print_attachment(const struct net_attachment *a, const char *format,
			     struct cs_err *err);

/* Says on stderr what a network cannot do on this host as it is: others' firewalls in its way, with
 * the command that helps, and names without dnsmasq. */
int cli_net_notes(const struct net_store *st, const char *network, struct cs_err *err);
/* The latter alone, of the network an attachment is on. */
int cli_net_note_names(const struct net_store *st, const char *network, struct cs_err *err);

/* "table" (or none), "json" or "jsonl"; EINVAL for others. */
enum cli_net_format {
	CLI_NET_TABLE,
	CLI_NET_JSON,
	CLI_NET_JSONL,
};
int cli_net_format(const char *s, enum cli_net_format fallback, enum cli_net_format *out,
		   struct cs_err *err);

/* A filter "label=KEY[=VALUE]", as the network has it. */
bool cli_net_has_label(const struct net_config *c, const char *label);

#endif
