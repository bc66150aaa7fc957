#include "netns/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

size_t net_addr_size(uint8_t family)
{
	if (family == AF_INET)
		return 4;
	return family == AF_INET6 ? 16 : 0;
}

int net_addr_parse(const char *s, struct net_addr *out)
{
	struct net_addr a = { 0 };

	if (inet_pton(AF_INET, s, a.b) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, s, a.b) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;
	*out = a;
	return 0;
}

const char *net_addr_text(const struct net_addr *a, char *out)
{
	if (!net_addr_is_set(a) || !inet_ntop(a->family, a->b, out, NET_ADDR_TEXT))
		*out = '\0';
	return out;
}

int net_prefix_parse(const char *s, struct net_prefix *out)
{
	const char *slash = strchr(s, '/');
	char text[NET_ADDR_TEXT];
	struct net_prefix p;
	uint64_t len;

	if (!slash || (size_t)(slash - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (net_addr_parse(text, &p.addr) < 0 || cs_str_u64(slash + 1, &len) < 0 ||
	    len > 8 * net_addr_size(p.addr.family))
		return -EINVAL;
	p.len = (uint8_t)len;
	*out = p;
	return 0;
}

const char *net_prefix_text(const struct net_prefix *p, char *out)
{
	char addr[NET_ADDR_TEXT];

	*out = '\0';
	if (net_addr_is_set(&p->addr))
		snprintf(out, NET_PREFIX_TEXT, "%s/%u", net_addr_text(&p->addr, addr), p->len);
	return out;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int net_mac_parse(const char *s, struct net_mac *out)
{
	struct net_mac m;

	if (strlen(s) != NET_MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(m.b); i++, s += 3) {
		if (hex(s[0]) < 0 || hex(s[1]) < 0 || (s[2] != ':' && s[2] != '\0'))
			return -EINVAL;
		m.b[i] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
	}
	if ((m.b[0] & 1) || !net_mac_is_set(&m))
		return -EINVAL;
	*out = m;
	return 0;
}

const char *net_mac_text(const struct net_mac *m, char *out)
{
	*out = '\0';
	if (net_mac_is_set(m))
		snprintf(out, NET_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1],
			 m->b[2], m->b[3], m->b[4], m->b[5]);
	return out;
}

bool net_mac_is_set(const struct net_mac *m)
{
	for (size_t i = 0; i < sizeof(m->b); i++)
		if (m->b[i])
			return true;
	return false;
}

bool net_addr_is_set(const struct net_addr *a)
{
	return a->family != AF_UNSPEC;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, net_addr_size(a->family)) == 0;
}

int net_addr_cmp(const struct net_addr *a, const struct net_addr *b)
{
	return memcmp(a->b, b->b, net_addr_size(a->family));
}

/* The byte that keeps the first @len bits of byte @i. */
static uint8_t mask_byte(uint8_t len, size_t i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xffU << (8 * (i + 1) - len));
}

struct net_addr net_addr_mask(const struct net_addr *a, uint8_t len)
{
	struct net_addr out = *a;

	for (size_t i = 0; i < net_addr_size(a->family); i++)
		out.b[i] &= mask_byte(len, i);
	return out;
}

struct net_addr net_addr_fill(const struct net_addr *a, uint8_t len)
{
	struct net_addr out = *a;

	for (size_t i = 0; i < net_addr_size(a->family); i++)
		out.b[i] |= (uint8_t)~mask_byte(len, i);
	return out;
}

bool net_prefix_has(const struct net_prefix *p, const struct net_addr *a)
{
	struct net_addr x = net_addr_mask(a, p->len), y = net_addr_mask(&p->addr, p->len);

	return net_addr_is_set(a) && net_addr_equal(&x, &y);
}

bool net_prefix_overlap(const struct net_prefix *a, const struct net_prefix *b)
{
	return a->len < b->len ? net_prefix_has(a, &b->addr) : net_prefix_has(b, &a->addr);
}

bool net_addr_add(const struct net_addr *a, uint64_t n, struct net_addr *out)
{
	struct net_addr sum = *a;

	for (size_t i = net_addr_size(a->family); i-- > 0;) {
		n += sum.b[i];
		sum.b[i] = (uint8_t)n;
		n >>= 8;
	}
	if (n)
		return false;
	*out = sum;
	return true;
}

uint64_t net_addr_sub(const struct net_addr *a, const struct net_addr *b)
{
	size_t size = net_addr_size(a->family);
	uint64_t d = 0;
	int borrow = 0;

	for (size_t i = size; i-- > 0;) {
		int x = a->b[i] - b->b[i] - borrow;
		uint64_t byte = (uint64_t)(x & 0xff);

		borrow = x < 0;
		if (size - 1 - i < 8)
			d |= byte << (8 * (size - 1 - i));
		else if (byte)
			d = UINT64_MAX;
	}
	return d;
}
