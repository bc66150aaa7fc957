#ifndef CS_NETNS_FW_INT_H
#define CS_NETNS_FW_INT_H

#include <stdint.h>

#include "netns/nft.h"
#include "netns/types.h"

struct cs_err;
struct net_fw;
struct net_nl;
struct net_nl_req;

/* What the files of the firewall share. */

enum { FW_NET_TEXT = 128 }; /* room for a network as text, with its NUL */

/* Key and value of a published port's element; what they hold depends on the map. */
struct fw_port_elem {
	const char *map; /* FW_DNAT4, ... */
	uint8_t key[24];
	uint8_t data[20];
	struct net_nft_elem e; /* points into this struct: do not copy */
};

/* Called for each element of an attachment's ports. Returns 0, or what it set @err to, which ends
 * the walk. */
typedef int (*fw_port_fn)(const struct fw_port_elem *pe, void *arg, struct cs_err *err);
/* EAFNOSUPPORT for a host address of a family the attachment does not have. */
int net_fw_each_port(const struct net_attachment *att, fw_port_fn fn, void *arg,
		     struct cs_err *err);

/* Adds the elements of the attachment's ports to the batch, EXCL. */
int net_fw_put_ports(struct net_nl_req *r, const char *table, const struct net_attachment *att,
		     struct cs_err *err);

/* Where ::1 cannot be redirected now (see firewall.h) the set lo6 is emptied, else filled. */
void net_fw_put_lo6(struct net_nl_req *r, const char *table);

/* 1 when one of the ports is published, on the same address or all, by whatever store; 0 when none
 * is. */
int net_fw_is_published(const struct net_fw *fw, const struct net_port *p, struct cs_err *err);

/* EEXIST, with the holder in the message, when another store publishes one of the @n ports; @own is
 * the table of this one. */
int net_fw_others_free(struct net_nl *nl, const char *own, const struct net_port *p, size_t n,
		       struct cs_err *err);

/* The lock of firewall.h; an fd whose close lets go. */
int net_fw_lock(const struct net_fw *fw, struct cs_err *err);

/* Sysctls and the local route for a network (fw_host.c). */
int net_fw_host_prepare(const struct net_config *net, struct cs_err *err);
/* Are bridged IPv6 packets passed through ip6tables? */
int net_fw_host_bridge_calls_ip6tables(void);

#endif
