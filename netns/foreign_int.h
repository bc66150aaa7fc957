#ifndef CS_NETNS_FOREIGN_INT_H
#define CS_NETNS_FOREIGN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/* What a table does to packets at a hook, whichever of the two kernel interfaces it came by. */
struct foreign_table {
	uint8_t family;	   /* NFPROTO_IPV4, _IPV6 or _INET */
	bool legacy;	   /* of the old iptables */
	char name[64];	   /* of the table */
	char forward[64];  /* its chain for forwarding when that drops by policy; "": none */
	char input[64];	   /* the same for what is for the host */
	bool docker, ufw;  /* has their chains */
	bool firewalld;	   /* is firewalld's */
	bool names_bridge; /* a rule names the bridge */
	/* A rule names the bridge as where packets come from and accepts, on the way to others and
	 * to the host itself. */
	bool lets_forward, lets_input;
};

/* The table "filter" of the old iptables: its entries, of IPv6 or IPv4, are the @len bytes at
 * @blob, those of its policies for forwarding and input at the offsets @policies. Pure, for any
 * bytes; EINVAL when it is malformed. */
int net_foreign_xt_parse(bool v6, const void *blob, size_t len, const uint32_t policies[2],
			 const char *bridge, struct foreign_table *t, struct cs_err *err);

/* Reads it. 1, or 0 when the old iptables has no such table here. */
int net_foreign_xt_read(bool v6, const char *bridge, struct foreign_table *t, struct cs_err *err);

#endif
