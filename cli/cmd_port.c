#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrview.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "engine/store.h"
#include "netns/addr.h"
#include "netns/portspec.h"

/* One published port of a row of them; @asked NULL, or the "80/tcp" that is wanted. Says whether it
 * was that. */
static bool put(const struct net_port *p, unsigned int i, const char *asked, struct cs_buf *b)
{
	static const char *const all[] = { "0.0.0.0", "[::]" };
	char key[32], text[NET_ADDR_TEXT], host[NET_ADDR_TEXT + 2];
	size_t n = p->host.family ? 1 : CS_LEN(all);

	snprintf(key, sizeof(key), "%u/%s", p->port + i, net_proto_name(p->proto));
	if (asked && strcmp(asked, key) != 0)
		return false;
	if (p->host.family)
		snprintf(host, sizeof(host), p->host.family == AF_INET6 ? "[%s]" : "%s",
			 net_addr_text(&p->host, text));
	for (size_t k = 0; k < n; k++) {
		if (!asked)
			cs_buf_addf(b, "%s -> ", key);
		cs_buf_addf(b, "%s:%u\n", p->host.family ? host : all[k], p->host_port + i);
	}
	return true;
}

static int port_run(struct cli_call *call, struct cs_err *err)
{
	cli_auto_places struct cli_places places = CLI_PLACES_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, asked = CS_BUF_INIT;
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	eng_auto struct eng e = ENG_INIT;
	const struct net_attachment *a;
	char id[ENG_ID_LEN + 1];
	bool found = false;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_find(&e, call->argv[0], id, err) < 0 ||
	    eng_record_load(&e, id, &r, err) < 0)
		return -err->code;
	if (call->argc > 1)
		cs_buf_addf(&asked, "%s%s", call->argv[1],
			    strchr(call->argv[1], '/') ? "" : "/tcp");
	a = r.n_nets ? cli_place_of(&places, call, r.nets[0].network, r.id) : NULL;
	for (size_t i = 0; a && i < a->n_ports; i++)
		for (unsigned int k = 0; k < a->ports[i].count; k++)
			found |= put(&a->ports[i], k, asked.s, &b);
	if (asked.s && !found)
		return cs_err_set(err, ENOENT, "container %s: port %s is not published", r.name,
				  asked.s);
	return b.len ? cli_out(&b, err) : 0;
}

const struct cli_cmd cli_cmd_port = {
	.name = "port",
	.synopsis = "CONTAINER [PORT[/PROTO]]",
	.help = "show where a container's ports are published",
	.min_args = 1,
	.max_args = 2,
	.fail_status = CAISSON_FAILED,
	.run = port_run,
};
