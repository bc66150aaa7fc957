#include "cli/ctrview.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/format.h"
#include "cli/imgview.h"
#include "cli/timetext.h"
#include "engine/engine.h"
#include "engine/store.h"
#include "netns/addr.h"
#include "netns/portspec.h"

int cli_ctr_load(const struct eng *e, const char *id, struct cli_ctr *out, struct cs_err *err)
{
	cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;

	if (eng_record_load(e, id, &c.r, err) < 0 || eng_status_get(e, id, &c.st, err) < 0)
		return -err->code;
	*out = c;
	c = CLI_CTR_INIT;
	return 0;
}

void cli_ctr_fini(struct cli_ctr *c)
{
	eng_record_fini(&c->r);
}

/* --- networks --------------------------------------------------------------------------------- */

void cli_places_fini(struct cli_places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].network);
		net_members_fini(&p->v[i].m);
	}
	free(p->v);
	net_store_close(&p->st);
	*p = CLI_PLACES_INIT;
}

/* The network's members, read if they were not. */
static const struct net_members *members(struct cli_places *p, const struct cli_call *call,
					 const char *network)
{
	net_auto_net struct net_net n = NET_NET_INIT;
	struct cs_err why = CS_ERR_INIT;
	struct cli_place *v;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].network, network) == 0)
			return &p->v[i].m;
	if (!p->open && net_store_open(&p->st, call->dirs->root, call->dirs->state, &why) < 0)
		return NULL;
	p->open = true;
	v = reallocarray(p->v, p->n + 1, sizeof(*v));
	if (!v)
		return NULL;
	p->v = v;
	v += p->n;
	*v = (struct cli_place){ .network = strdup(network) };
	if (!v->network)
		return NULL;
	p->n++;
	if (net_net_open(&p->st, network, &n, &why) == 0)
		net_network_members(&p->st, &n, &v->m, &why);
	return &v->m;
}

const struct net_attachment *cli_place_of(struct cli_places *p, const struct cli_call *call,
					  const char *network, const char *owner)
{
	const struct net_members *m = members(p, call, network);

	for (size_t i = 0; m && i < m->n; i++)
		if (strcmp(m->v[i].owner, owner) == 0)
			return &m->v[i];
	return NULL;
}

static void port_text(const struct net_port *p, const char *host, struct cs_buf *b)
{
	if (b->len)
		cs_buf_add(b, ", ");
	if (p->count > 1)
		cs_buf_addf(b, "%s:%u-%u->%u-%u/%s", host, p->host_port,
			    p->host_port + p->count - 1U, p->port, p->port + p->count - 1U,
			    net_proto_name(p->proto));
	else
		cs_buf_addf(b, "%s:%u->%u/%s", host, p->host_port, p->port,
			    net_proto_name(p->proto));
}

void cli_ctr_ports_text(const struct net_attachment *a, struct cs_buf *b)
{
	char text[NET_ADDR_TEXT], host[NET_ADDR_TEXT + 2];

	for (size_t i = 0; i < a->n_ports; i++) {
		const struct net_port *p = &a->ports[i];

		if (p->host.family == 0) {
			port_text(p, "0.0.0.0", b);
			port_text(p, "[::]", b);
			continue;
		}
		net_addr_text(&p->host, text);
		snprintf(host, sizeof(host), p->host.family == AF_INET6 ? "[%s]" : "%s", text);
		port_text(p, host, b);
	}
}

/* --- a line of ps ----------------------------------------------------------------------------- */

/* "5 minutes" of cli_ago_text()'s "5 minutes ago". */
static void span_text(int64_t ns, char out[48])
{
	char *ago;

	cli_ago_text(ns / 1000000000, out);
	ago = strstr(out, " ago");
	if (ago)
		*ago = '\0';
	else
		snprintf(out, 48, "Less than a second");
}

void cli_ctr_status_text(const struct cli_ctr *c, char out[96])
{
	char up[48], ago[48];

	span_text(c->st.started_ns, up);
	cli_ago_text(c->st.finished_ns / 1000000000, ago);
	switch (c->st.state) {
	case ENG_CREATED:
		snprintf(out, 96, "Created");
		break;
	case ENG_STARTING:
		snprintf(out, 96, "Starting");
		break;
	case ENG_RUNNING:
		snprintf(out, 96, "Up %s", up);
		break;
	case ENG_PAUSED:
		snprintf(out, 96, "Up %s (Paused)", up);
		break;
	case ENG_RESTARTING:
		snprintf(out, 96, "Restarting (%d) %s", c->st.exit_code, ago);
		break;
	case ENG_EXITED:
		snprintf(out, 96, "Exited (%d) %s", c->st.exit_code, ago);
		break;
	case ENG_DEAD:
		snprintf(out, 96, "Dead");
		break;
	}
}

/* "sh -c ..." in quotes, cut as docker cuts it. */
static void put_command(struct cs_jw *w, const struct eng_record *r, bool whole)
{
	const struct eng_strv *parts[] = { &r->entrypoint, &r->cmd };
	cs_auto_buf struct cs_buf all = CS_BUF_INIT, b = CS_BUF_INIT;
	enum { SHOWN = 20 };

	for (size_t i = 0; i < CS_LEN(parts); i++)
		for (size_t j = 0; j < parts[i]->n; j++)
			cs_buf_addf(&all, "%s%s", all.len ? " " : "", parts[i]->v[j]);
	if (all.s && (whole || all.len <= SHOWN))
		cs_buf_addf(&b, "\"%s\"", all.s);
	else if (all.s)
		cs_buf_addf(&b, "\"%.*s…\"", SHOWN - 1, all.s);
	cs_jw_str(w, "Command", b.s ? b.s : "");
}

static void put_list(struct cs_jw *w, const char *key, const struct eng_strv *v)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < v->n; i++)
		cs_buf_addf(&b, "%s%s", i ? "," : "", v->v[i]);
	cs_jw_str(w, key, b.s ? b.s : "");
}

static void put_mounts(struct cs_jw *w, const struct eng_record *r)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	for (size_t i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].type != ENG_MOUNT_TMPFS && r->mounts[i].source)
			cs_buf_addf(&b, "%s%s", b.len ? "," : "", r->mounts[i].source);
	cs_jw_str(w, "Mounts", b.s ? b.s : "");
}

static void put_networks(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
			 const struct cli_call *call)
{
	cs_auto_buf struct cs_buf names = CS_BUF_INIT, ports = CS_BUF_INIT;
	bool runs = c->st.state == ENG_RUNNING || c->st.state == ENG_PAUSED;

	for (size_t i = 0; i < c->r.n_nets; i++) {
		const struct net_attachment *a =
			runs && c->r.ports.n && i == 0
				? cli_place_of(p, call, c->r.nets[i].network, c->r.id)
				: NULL;

		cs_buf_addf(&names, "%s%s", names.len ? "," : "", c->r.nets[i].network);
		if (a)
			cli_ctr_ports_text(a, &ports);
	}
	cs_jw_str(w, "Networks", c->r.network_mode ? c->r.network_mode : names.s ? names.s : "");
	cs_jw_str(w, "Ports", ports.s ? ports.s : "");
}

/* When it was made, in both forms. */
static void put_created(struct cs_jw *w, const struct cli_ctr *c, const struct cli_format *f)
{
	char created[CLI_TIME_TEXT], ago[48];

	if (cli_format_wants(f, "CreatedAt")) {
		cli_time_text(c->r.created_ns, created);
		cs_jw_str(w, "CreatedAt", created);
	}
	if (cli_format_wants(f, "RunningFor")) {
		cli_ago_text(c->r.created_ns / 1000000000, ago);
		cs_jw_str(w, "RunningFor", ago);
	}
}

void cli_ctr_row(struct cs_jw *w, const struct cli_ctr *c, struct cli_places *p,
		 const struct cli_call *call, const struct cli_format *f, bool whole)
{
	char id[ENG_ID_LEN + 1], status[96];

	snprintf(id, sizeof(id), "%.*s", whole ? ENG_ID_LEN : ENG_ID_SHORT, c->r.id);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ID", id);
	cs_jw_str(w, "Image", c->r.image ? c->r.image : c->r.image_id);
	if (cli_format_wants(f, "Command"))
		put_command(w, &c->r, whole);
	put_created(w, c, f);
	if (cli_format_wants(f, "Status")) {
		cli_ctr_status_text(c, status);
		cs_jw_str(w, "Status", status);
	}
	cs_jw_str(w, "State", eng_state_name(c->st.state));
	cs_jw_str(w, "Names", c->r.name);
	cs_jw_i64(w, "Pid", c->st.pid);
	cs_jw_i64(w, "ExitCode", c->st.exit_code);
	cs_jw_str(w, "Isolation", c->r.isolation);
	if (cli_format_wants(f, "Labels"))
		put_list(w, "Labels", &c->r.labels);
	if (cli_format_wants(f, "Mounts"))
		put_mounts(w, &c->r);
	if (cli_format_wants(f, "Networks") || cli_format_wants(f, "Ports"))
		put_networks(w, c, p, call);
	if (c->sized) {
		char size[32];

		cli_size_text(c->size, size);
		cs_jw_str(w, "Size", size);
	}
	cs_jw_obj_end(w);
}
