/* Which address comes next. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/ipam.h"

enum { TRIES = 8 }; /* addresses looked for one by one before the used ones are sorted */

static struct net_addr lease_addr(const struct net_lease *l, uint8_t family)
{
	struct net_addr a = { 0 };

	if (family == AF_INET && l->has4) {
		a.family = AF_INET;
		memcpy(a.b, l->ip4, sizeof(l->ip4));
	} else if (family == AF_INET6 && l->has6) {
		a.family = AF_INET6;
		memcpy(a.b, l->ip6, sizeof(l->ip6));
	}
	return a;
}

/* The slot that has the address. */
static size_t slot_of(const struct net_ipam *t, const struct net_addr *a)
{
	const uint8_t *b = a->b;

	for (size_t i = 0; i < t->n; i++) {
		const struct net_lease *l = &t->v[i];

		if (l->state == NET_LEASE_FREE)
			continue;
		if (a->family == AF_INET ? l->has4 && memcmp(l->ip4, b, sizeof(l->ip4)) == 0
					 : l->has6 && memcmp(l->ip6, b, sizeof(l->ip6)) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Never given out: the subnet's first address, the last of an IPv4 one, the gateway's. */
static bool reserved(const struct net_subnet *s, const struct net_addr *a)
{
	struct net_addr first = net_addr_mask(&s->subnet.addr, s->subnet.len);
	struct net_addr last = net_addr_fill(&s->subnet.addr, s->subnet.len);

	return net_addr_equal(a, &first) || net_addr_equal(a, &s->gateway) ||
	       (a->family == AF_INET && net_addr_equal(a, &last));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The offsets in the range that cannot be had, sorted. */
static size_t used_offsets(const struct net_ipam *t, const struct net_subnet *s, uint64_t *v)
{
	uint8_t family = s->subnet.addr.family;
	struct net_addr more[] = {
		net_addr_mask(&s->subnet.addr, s->subnet.len),
		net_addr_fill(&s->subnet.addr, s->subnet.len),
		s->gateway,
	};
	size_t n = 0;

	for (size_t i = 0; i < t->n + CS_LEN(more); i++) {
		struct net_addr a = i < t->n ? lease_addr(&t->v[i], family) : more[i - t->n];

		if (i < t->n && t->v[i].state == NET_LEASE_FREE)
			continue;
		if (family == AF_INET6 && i == t->n + 1) /* IPv6 has no broadcast address */
			continue;
		if (a.family == family && net_addr_cmp(&a, &s->first) >= 0 &&
		    net_addr_cmp(&a, &s->last) <= 0)
			v[n++] = net_addr_sub(&a, &s->first);
	}
	qsort(v, n, sizeof(*v), by_value);
	return n;
}

/* The first offset from @from up to @last that is not in @v; false when there is none. */
static bool first_gap(const uint64_t *v, size_t n, uint64_t from, uint64_t last, uint64_t *out)
{
	uint64_t want = from;

	for (size_t i = 0; i < n && v[i] <= want; i++)
		if (v[i] == want) {
			if (want == last)
				return false;
			want++;
		}
	if (want > last)
		return false;
	*out = want;
	return true;
}

/* Around the whole ring. */
static int search(const struct net_ipam *t, const struct net_subnet *s, uint64_t from,
		  uint64_t last, uint64_t *out, struct cs_err *err)
{
	cs_auto_free uint64_t *v = calloc(t->n + 3, sizeof(*v));
	char text[NET_PREFIX_TEXT], first_text[NET_ADDR_TEXT], last_text[NET_ADDR_TEXT];
	size_t n;

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	n = used_offsets(t, s, v);
	if (first_gap(v, n, from, last, out) || (from > 0 && first_gap(v, n, 0, from - 1, out)))
		return 0;
	return cs_err_set(err, ENOSPC,
			  "no address is free in %s (%s to %s): detach something, or make a "
			  "network with a larger --subnet",
			  net_prefix_text(&s->subnet, text), net_addr_text(&s->first, first_text),
			  net_addr_text(&s->last, last_text));
}

static int choose_addr(const struct net_ipam *t, const struct net_subnet *s, uint64_t *next,
		       struct net_addr *out, struct cs_err *err)
{
	uint64_t last = net_addr_sub(&s->last, &s->first), at = *next <= last ? *next : 0;

	for (int i = 0; i < TRIES && at + (uint64_t)i <= last; i++) {
		net_addr_add(&s->first, at + (uint64_t)i, out);
		if (!reserved(s, out) && slot_of(t, out) == SIZE_MAX) {
			*next = at + (uint64_t)i + 1;
			return 0;
		}
	}
	if (search(t, s, at, last, &at, err) < 0)
		return -err->code;
	net_addr_add(&s->first, at, out);
	*next = at + 1;
	return 0;
}

/* An address that is asked for. */
static int take_addr(const struct net_ipam *t, const struct net_config *net,
		     const struct net_subnet *s, const struct net_addr *a, size_t *slot,
		     struct cs_err *err)
{
	char text[NET_ADDR_TEXT], subnet[NET_PREFIX_TEXT];

	net_addr_text(a, text);
	if (!net_addr_is_set(&s->subnet.addr))
		return cs_err_set(err, EINVAL, "network %s has no subnet that address %s is of",
				  net->name, text);
	if (!net_prefix_has(&s->subnet, a) || reserved(s, a))
		return cs_err_set(err, EINVAL, "address %s cannot be had in %s of network %s", text,
				  net_prefix_text(&s->subnet, subnet), net->name);
	*slot = slot_of(t, a);
	if (*slot != SIZE_MAX)
		return cs_err_set(err, EADDRINUSE, "address %s of network %s belongs to %.64s",
				  text, net->name, t->v[*slot].owner);
	return 0;
}

static int choose_family(struct net_ipam *t, const struct net_config *net, bool v6,
			 const struct net_addr *want, struct net_lease *l, size_t *slot,
			 struct cs_err *err)
{
	const struct net_subnet *s = v6 ? &net->v6 : &net->v4;
	struct net_addr a = *want;
	int ret;

	if (net_addr_is_set(want))
		ret = take_addr(t, net, s, want, slot, err);
	else if (net_addr_is_set(&s->subnet.addr))
		ret = choose_addr(t, s, v6 ? &t->head.next6 : &t->head.next4, &a, err);
	else
		return 0;
	if (ret < 0)
		return ret;
	if (v6) {
		l->has6 = 1;
		memcpy(l->ip6, a.b, sizeof(l->ip6));
	} else {
		l->has4 = 1;
		memcpy(l->ip4, a.b, sizeof(l->ip4));
	}
	return 0;
}

/* The slot that has the MAC address. */
static size_t slot_of_mac(const struct net_ipam *t, const uint8_t *mac)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].state != NET_LEASE_FREE &&
		    memcmp(t->v[i].mac, mac, sizeof(t->v[i].mac)) == 0)
			return i;
	return SIZE_MAX;
}

static bool is_bridge(const struct net_ipam_want *want, const uint8_t *mac)
{
	return memcmp(want->bridge.b, mac, sizeof(want->bridge.b)) == 0;
}

/* Locally administered; made of the address where there is one, so that neighbours who remember an
 * address's last owner reach its new one. A member may have asked for that very one. */
static void make_mac(const struct net_ipam *t, const struct net_ipam_want *want,
		     struct net_lease *l)
{
	bool made = l->has4 || l->has6;

	l->mac[0] = 0x02;
	l->mac[1] = l->has4 ? 0xca : 0xcb;
	if (l->has4)
		memcpy(l->mac + 2, l->ip4, 4);
	else if (l->has6)
		memcpy(l->mac + 2, l->ip6 + 12, 4);
	while (!made || is_bridge(want, l->mac) || slot_of_mac(t, l->mac) != SIZE_MAX)
		made = getrandom(l->mac + 2, 4, 0) == 4;
}

static int choose_mac(const struct net_ipam *t, const struct net_ipam_want *want,
		      struct net_lease *l, size_t *slot, struct cs_err *err)
{
	const struct net_mac *mac = &want->mac;
	char text[NET_MAC_TEXT];

	if (!net_mac_is_set(mac)) {
		make_mac(t, want, l);
		return 0;
	}
	if (is_bridge(want, mac->b))
		return cs_err_set(err, EINVAL, "MAC address %s belongs to the network's bridge",
				  net_mac_text(mac, text));
	*slot = slot_of_mac(t, mac->b);
	if (*slot != SIZE_MAX)
		return cs_err_set(err, EADDRINUSE, "MAC address %s belongs to %.64s",
				  net_mac_text(mac, text), t->v[*slot].owner);
	memcpy(l->mac, mac->b, sizeof(l->mac));
	return 0;
}

int net_ipam_choose(struct net_ipam *t, const struct net_config *net,
		    const struct net_ipam_want *want, struct net_lease *l, size_t *slot,
		    struct cs_err *err)
{
	struct net_lease got = *l;
	size_t at = 0;

	*slot = SIZE_MAX;
	if (choose_family(t, net, false, &want->ip4, &got, slot, err) < 0 ||
	    choose_family(t, net, true, &want->ip6, &got, slot, err) < 0 ||
	    choose_mac(t, want, &got, slot, err) < 0)
		return -err->code;
	while (at < t->n && t->v[at].state != NET_LEASE_FREE)
		at++;
	if (at >= NET_LEASES_MAX)
		return cs_err_set(err, ENOSPC, "network %s has as many members as it may have: %d",
				  net->name, NET_LEASES_MAX);
	*slot = at;
	*l = got;
	return 0;
}
