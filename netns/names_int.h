#ifndef CS_NETNS_NAMES_INT_H
#define CS_NETNS_NAMES_INT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;
struct net_attachment;
struct net_config;

enum {
	NET_NAMES_SHORT_ID = 12,
	NET_NAMES_HOST = 253, /* characters of a host name (RFC 1035) */
};

/* Can it be a host's name? Nothing that a hosts file or a folder takes for something else. */
bool net_names_is_host(const char *s);
/* Opens, and makes, a folder that the server's user can read. */
int net_names_open_sub(int dir, const char *name, struct cs_err *err);

/* As much of an id as is a name: the first characters of a long hexadecimal one, which tell it from
 * others; any other as a whole. */
size_t net_names_id_len(const char *id);
/* Takes the member's name and aliases. EEXIST when another has the name, in whatever case, as name,
 * alias or id, or one of the aliases as name. *@id: may it be found by its id, too? */
int net_names_take(int dir, const struct net_attachment *att, bool *id, struct cs_err *err);
/* Gives them back. @att: what it was called; NULL: all names are looked at. */
void net_names_drop(int dir, const char *owner, const struct net_attachment *att);

/* The server of a folder of names (names.h). */

/* Starts it, or anew if it runs but not with what @net and @dhcp (does it give addresses?) want. */
int net_names_server_start(int dir, const struct net_config *net, bool dhcp, struct cs_err *err);
/* Ends it and waits for that. Success when it does not run. */
int net_names_server_end(int dir, struct cs_err *err);
/* Tells it to end; who starts or ends it next waits for that. */
int net_names_server_leave(int dir, struct cs_err *err);
/* Lets it read its files again. */
int net_names_server_reload(int dir, struct cs_err *err);

#endif
