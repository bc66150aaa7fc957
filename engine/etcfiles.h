#ifndef CS_ENGINE_ETCFILES_H
#define CS_ENGINE_ETCFILES_H

#include <stddef.h>

#include "netns/types.h"

struct cs_err;
struct eng_record;
struct net_attachment;
struct net_store;

/* /etc/hosts, resolv.conf and hostname of a container. */

/* A network it is on. */
struct eng_etc_net {
	const struct net_attachment *att; /* borrowed */
	struct net_addr dns4, dns6;	  /* where names are answered; family 0: nowhere */
	char *members; /* owned; /etc/hosts lines of the others, where there is no server; NULL */
};
void eng_etc_net_fini(struct eng_etc_net *n); /* idempotent */

/* Looks up in the network's record whether, and where, names are answered. */
int eng_etc_net_init(const struct net_store *st, const struct net_attachment *att,
		     struct eng_etc_net *out, struct cs_err *err);

/* What is read of the host, for the pure functions. */
struct eng_etc_host {
	const char *hosts, *resolv, *hostname; /* texts; NULL: none */
};

/* The texts; pure. The caller frees *@out. EINVAL names the option (--add-host, --dns). */
int eng_etc_hosts(const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		  const struct eng_etc_host *h, char **out, struct cs_err *err);
/* --dns, or the networks' own servers, or the host's without those that listen on its loopback
 * (with the host's network: all of them). */
int eng_etc_resolv(const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		   const struct eng_etc_host *h, char **out, struct cs_err *err);
/* The record's, else the host's with its network or uts namespace, else the short id. */
int eng_etc_hostname(const struct eng_record *r, const struct eng_etc_host *h, char **out,
		     struct cs_err *err);

/*
 * Writes the three files into the folder @dir: in place, so that those bound into a container are
 * the new ones, too. No networks (@n 0): network mode none or host, or what will be rewritten once
 * they are attached.
 */
int eng_etc_write(int dir, const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		  struct cs_err *err);

#endif
