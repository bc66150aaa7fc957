#ifndef CS_NETNS_RECORD_H
#define CS_NETNS_RECORD_H

#include <stddef.h>

#include "netns/types.h"

struct cs_err;
struct cs_jw;

/* Networks and attachments as JSON, as they stand on disk. Pure; the parsers take any bytes. */

/* A network's name: letters, digits, "_", "." and "-", beginning with a letter or digit, and none
 * of the words that mean something else ("host", "none", "container"). */
int net_name_check(const char *name, struct cs_err *err);
/* An interface's name, as the kernel takes it. */
int net_ifname_check(const char *name, struct cs_err *err);

const char *net_mode_name(enum net_mode mode);

/* Can the network have that MTU? IPv6 wants 1280 (RFC 8200, section 5). */
int net_mtu_check(const struct net_config *c, struct cs_err *err);

int net_config_parse(const char *buf, size_t len, struct net_config *out, struct cs_err *err);
/* Its members into the open object of @w. */
void net_config_write(const struct net_config *c, struct cs_jw *w);
/* Frees what it owns; idempotent. */
void net_config_fini(struct net_config *c);
#define net_auto_config CS_CLEANUP(net_config_fini) /* needs base/cleanup.h */

int net_attachment_parse(const char *buf, size_t len, struct net_attachment *out,
			 struct cs_err *err);
void net_attachment_write(const struct net_attachment *a, struct cs_jw *w);
void net_attachment_fini(struct net_attachment *a);
#define net_auto_attachment CS_CLEANUP(net_attachment_fini) /* needs base/cleanup.h */

/* Are the family's subnet, gateway and range there and consistent? Fills in what is not set: the
 * gateway (the first address), the range (all but the first and last address and the gateway is
 * passed over when addresses are given out). */
int net_subnet_complete(struct net_subnet *s, struct cs_err *err);

#endif
