#ifndef CS_NETNS_FIREWALL_H
#define CS_NETNS_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>

#include "netns/types.h"

struct cs_err;

/*
 * The firewall: one nftables table of ours, "inet caisson-ID" (the store's id: stores beside each
 * other have a table each), in the caller's network namespace. Nothing outside of it is touched; to
 * a store the networks of another are like anything else outside. What it does to a network's
 * packets:
 *
 *   nat       what leaves for anything but another network of ours is masqueraded; from outside
 *             only answers and published ports come in
 *   routed    forwarded as it is, both ways
 *   isolated  not forwarded at all, not to ports published by other networks either
 *   bridge    not in the table
 *
 * Members of one network reach each other (not when it says isolate), members of different ones
 * only through published ports. A published port is an element of a map, keyed by protocol and port
 * (and host address, if it has one): no order, so nothing is shadowed. It carries the owner's id as
 * comment. Clients keep their address; only a member that reaches its own network by way of a
 * published port, and localhost, come from the gateway's address.
 *
 * Localhost: connections to 127.0.0.1 and ::1 are redirected as the host sends them. For the way
 * back the bridge (no other link) has route_localnet, and a local route for ::1; packets to
 * and of 127.0.0.0/8 coming from a bridge are dropped first of all (also by a filter on the bridge
 * itself, which stays when somebody flushes the table), and what comes from any link
 * for a loopback address is never redirected, so the LAN reaches no loopback port. Where bridged
 * packets are passed through ip6tables (net.bridge.bridge-nf-call-ip6tables) the kernel loses
 * answers to
 * ::1, so there it is not redirected: it refuses, and clients go on to 127.0.0.1.
 *
 * Port 53 of a gateway's address, the name server's, is open to its own network and the host only.
 *
 * Records on disk are the truth: write them before net_fw_publish(), remove them after
 * net_fw_unpublish(); then any element has a record, whoever is killed at whatever time, and
 * net_fw_restore() from the records makes all good.
 */

/* What every call needs. */
struct net_fw {
	int run_dir; /* borrowed; a folder of the state, for the lock "firewall.lock" that is held
		      * for the time of one transaction */
	const char *table; /* borrowed; its name, which begins with FW_TABLES */
};

/* One table as it should be. */
struct net_fw_want {
	const struct net_config *const *nets;
	size_t n_nets;
	const struct net_attachment *const *atts;
	size_t n_atts;
};

/*
 * Puts a network in, and makes the table if there is none. The bridge is up and has its addresses.
 * Turns forwarding on for the families it has: the host's links that take router advertisements go
 * on doing so (accept_ra 1 becomes 2), the bridge takes none. Again for a network that is in:
 * nothing happens. A network of mode bridge: nothing happens.
 */
int net_fw_network_add(const struct net_fw *fw, const struct net_config *net, struct cs_err *err);
/* Takes it out; success when it, or the table, is not there. Published ports are not its business.
 */
int net_fw_network_del(const struct net_fw *fw, const struct net_config *net, struct cs_err *err);

/* Removes the table: the store has no networks any more. Success when there is none. */
int net_fw_remove(const struct net_fw *fw, struct cs_err *err);

/* Is @net as this version of the program puts it in? 1 yes (always for mode bridge); 0: somebody
 * flushed the table, or another version made it: call net_fw_restore(). Two short questions to the
 * kernel: for every attach. */
int net_fw_network_is_in(const struct net_fw *fw, const struct net_config *net, struct cs_err *err);

/*
 * Makes the table anew, as a whole in one transaction, with nothing in it but @want. A network
 * whose host side cannot be set up (a bridge that vanished) is left out, and the error is of the
 * first of those, with all else in. Attachments without ports may be left out. Elements for one
 * port twice are EEXIST, and nothing is changed.
 */
int net_fw_restore(const struct net_fw *fw, const struct net_fw_want *want, struct cs_err *err);

/*
 * Is the workload that published a port still there? Asked by net_fw_publish() about the holder of
 * a port it wants, with firewall.lock held: 1 yes, 0 no (its element is removed), or what it set
 * @err to. @holder is what a message calls it, its id if that is left as it is.
 */
enum { NET_FW_HOLDER = 256 };
typedef int (*net_fw_alive_fn)(const char *owner, char holder[NET_FW_HOLDER], void *arg,
			       struct cs_err *err);

/*
 * Publishes the ports of @att, all or none, in one transaction; none has host_port 0. EEXIST, with
 * the holder in the message, when another workload has one that lives (@alive; NULL: all do; those
 * of another store always do); also when one wants a port on one address that the other has on all.
 * What the same owner has of these ports from before is replaced. ENOENT when the table is not
 * there: net_fw_restore(). A port with a host address of a family that the attachment has no
 * address of is EAFNOSUPPORT.
 */
int net_fw_publish(const struct net_fw *fw, const struct net_attachment *att, net_fw_alive_fn alive,
		   void *arg, struct cs_err *err);
/* Takes back those ports of @att that are its owner's; success when none is, or the table is not
 * there. UDP flows to it are forgotten, so that a later owner of the address or the port gets none.
 */
int net_fw_unpublish(const struct net_fw *fw, const struct net_attachment *att, struct cs_err *err);

#endif
