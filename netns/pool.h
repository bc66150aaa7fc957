#ifndef CS_NETNS_POOL_H
#define CS_NETNS_POOL_H

#include "netns/types.h"

struct cs_err;
struct net_used;

/* Subnets for networks that are given none. Pure. */

/* The first /22 of 10.201.0.0/16 to 10.219.0.0/16, then of 192.168.200.0 to 192.168.251.0 (docker,
 * podman, libvirt and Kubernetes take theirs elsewhere), that overlaps nothing of @used. ENOSPC. */
int net_pool_v4(const struct net_used *used, struct net_prefix *out, struct cs_err *err);

/* The /64 of the unique local addresses (RFC 4193) that the 7 random bytes name. EADDRINUSE when it
 * overlaps something: try other bytes. */
int net_pool_v6(const struct net_used *used, const unsigned char random[7], struct net_prefix *out,
		struct cs_err *err);

#endif
