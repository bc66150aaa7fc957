#ifndef CS_NETNS_ADDR_H
#define CS_NETNS_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/types.h"

/* Addresses as values: reading, writing, comparing, counting. Pure. */

enum {
	NET_ADDR_TEXT = 46,   /* room for any address as text, with its NUL */
	NET_PREFIX_TEXT = 50, /* with "/128" */
	NET_MAC_TEXT = 18,
};

/* Bytes of an address of @family: 4 or 16; 0 for none. */
size_t net_addr_size(uint8_t family);

/* "10.88.0.2" or "fd00::2". -EINVAL without a message: the caller knows what it was for. */
int net_addr_parse(const char *s, struct net_addr *out);
/* Writes it into @out of NET_ADDR_TEXT bytes ("" for none); returns @out. */
const char *net_addr_text(const struct net_addr *a, char *out);

/* "10.88.0.0/16"; host bits are kept. A missing length is -EINVAL. */
int net_prefix_parse(const char *s, struct net_prefix *out);
/* Writes it into @out of NET_PREFIX_TEXT bytes ("" for none); returns @out. */
const char *net_prefix_text(const struct net_prefix *p, char *out);

/* Six bytes in hexadecimal with colons. A group address (lowest bit of the first byte) and all
 * zero are refused: -EINVAL. */
int net_mac_parse(const char *s, struct net_mac *out);
const char *net_mac_text(const struct net_mac *m, char *out);
bool net_mac_is_set(const struct net_mac *m);

bool net_addr_is_set(const struct net_addr *a);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
/* <0, 0, >0; of one family. */
int net_addr_cmp(const struct net_addr *a, const struct net_addr *b);

/* @a with the bits past @len cleared, or set. */
struct net_addr net_addr_mask(const struct net_addr *a, uint8_t len);
struct net_addr net_addr_fill(const struct net_addr *a, uint8_t len);
bool net_prefix_has(const struct net_prefix *p, const struct net_addr *a);
/* Does one hold the other, or a part of it? Never for two families. */
bool net_prefix_overlap(const struct net_prefix *a, const struct net_prefix *b);

/* @a + @n, in its family; false when that goes past the last address. */
bool net_addr_add(const struct net_addr *a, uint64_t n, struct net_addr *out);
/* @a - @b for @a >= @b of one family; UINT64_MAX when it is as much or more. */
uint64_t net_addr_sub(const struct net_addr *a, const struct net_addr *b);

#endif
