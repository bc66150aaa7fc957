#include "netns/pool.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/addr.h"
#include "netns/route.h"

enum { POOL_LEN = 22, STEP = 4 };

static const struct {
	uint8_t a, b, c; /* the first three bytes of the first subnet */
	unsigned int n;	 /* how many subnets */
} pools[] = {
	{ 10, 201, 0, 19 * 64 },
	{ 192, 168, 200, 13 },
};

int net_pool_v4(const struct net_used *used, struct net_prefix *out, struct cs_err *err)
{
	const char *why;

	for (size_t i = 0; i < CS_LEN(pools); i++)
		for (unsigned int j = 0; j < pools[i].n; j++) {
			unsigned int c = pools[i].c + STEP * j;
			struct net_prefix p = {
				.addr = { .family = AF_INET,
					  .b = { pools[i].a, (uint8_t)(pools[i].b + c / 256),
						 (uint8_t)(c % 256) } },
				.len = POOL_LEN,
			};

			if (!net_used_find(used, &p, &why)) {
				*out = p;
				return 0;
			}
		}
	return cs_err_set(err, ENOSPC,
			  "every subnet of the pool overlaps what this host routes or uses: "
			  "give one with --subnet");
}

int net_pool_v6(const struct net_used *used, const unsigned char random[7], struct net_prefix *out,
		struct cs_err *err)
{
	struct net_prefix p = { .addr = { .family = AF_INET6, .b = { 0xfd } }, .len = 64 };
	const char *why;

	memcpy(p.addr.b + 1, random, 7);
	if (net_used_find(used, &p, &why))
		return cs_err_set(err, EADDRINUSE, "no IPv6 subnet: %s", why);
	*out = p;
	return 0;
}
