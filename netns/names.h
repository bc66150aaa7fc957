#ifndef CS_NETNS_NAMES_H
#define CS_NETNS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "netns/types.h"

struct cs_err;

/*
 * Names: the members of a network find each other by name, alias and id (the first 12 characters of
 * a long hexadecimal one), in whatever case, and addresses by name, over UDP and TCP at the
 * gateway's addresses; everything else is asked of the host's resolvers (on an isolated network: of
 * nobody). Virtual machines (attachments without an ifname) are also given their addresses by DHCP,
 * IPv6 with router advertisements.
 *
 * The server is dnsmasq, one a network, started with the first member and gone with the last. It
 * runs as a user without rights, with capabilities only where it gives addresses, in a mount
 * namespace where nothing can be written, and sees of ours only the network's folder of names, as
 * its /tmp: that is also how it is known again, so that no other process is ever signalled,
 * whatever a pid file says. It watches its folders, so a member is known as soon as its file is
 * there.
 *
 * @dir is that folder, made by the caller and its own for this network: "hosts/OWNER" and
 * "dhcp/OWNER" for the server; "names/NAME" links to the member's id, "aliases/ALIAS/OWNER" is
 * there for each that has it; "server", how it was started; "pid". Callers hold the network's lock
 * and are in the network's namespace.
 */

/* Is dnsmasq there? If not, nothing below fails for it: files are written, nothing is started, and
 * net_names_hosts() is what a workload gets as /etc/hosts. */
bool net_names_have_server(void);

/* Does a server answer for the folder? Where it does not start (somebody has port 53 of every
 * address), members have hosts files, too. */
bool net_names_served(int dir);

/* Can a member have that name, or alias? EINVAL if not. Pure. */
int net_names_check(const char *name, struct cs_err *err);

/* Puts a member in, or anew, and starts the server if it does not run; that it does not start is
 * no error, but logged. EEXIST when another member
 * has the name as name, alias or id, or as its name an alias, with that member's id in the message
 * (aliases may be shared); EINVAL for a name that is no host name. */
int net_names_add(int dir, const struct net_config *net, const struct net_attachment *att,
		  struct cs_err *err);
/* Could @owner be called that now? EEXIST as from net_names_add(). Takes nothing. */
int net_names_free(int dir, const char *owner, const char *name, const char *const *aliases,
		   size_t n_aliases, struct cs_err *err);
/* Takes it out; success when it is not in. @att is its record, or NULL: then all names are searched
 * for its. With the last member the server is told to end. */
int net_names_del(int dir, const struct net_config *net, const char *owner,
		  const struct net_attachment *att, struct cs_err *err);

/* Makes the server be as the folder wants it: started, started anew (the bridge is another, it has
 * to give addresses now), or stopped. */
int net_names_mend(int dir, const struct net_config *net, struct cs_err *err);
/* Stops the server (network rm). Success when there is none. */
int net_names_stop(int dir, struct cs_err *err);

/* The text of an /etc/hosts for @self: localhost, itself, and all other members as they are now.
 * The caller frees *@out. */
int net_names_hosts(int dir, const struct net_attachment *self, char **out, struct cs_err *err);

#endif
