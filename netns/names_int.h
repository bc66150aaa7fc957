#ifndef CS_NETNS_NAMES_INT_H
#define CS_NETNS_NAMES_INT_H

#include <stdbool.h>

struct cs_err;
struct net_config;

/* The server of a folder of names (names.h). */

/* Starts it, or anew if it runs but not with what @net and @dhcp (does it give addresses?) want. */
int net_names_server_start(int dir, const struct net_config *net, bool dhcp, struct cs_err *err);
/* Sends it @signo; for SIGTERM also waits for its end. Success when it does not run. */
int net_names_server_signal(int dir, int signo, struct cs_err *err);

#endif
