#include "kvm/virtio/rate.h"

#include <time.h>

#include "kvm/config.h"

enum {
	NS = 1000000000,
};

uint64_t vio_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

/* @v * @mul / @div, up to INT64_MAX. */
static int64_t scale(uint64_t v, uint64_t mul, uint64_t div)
{
	const unsigned __int128 n = (unsigned __int128)v * mul / div;

	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

void vio_rate_init(struct vio_rate *r, const struct vm_rate *conf, uint64_t now_ns)
{
	*r = (struct vio_rate){ .at_ns = now_ns };
	if (!conf || !conf->per_second)
		return;
	r->per_second = conf->per_second;
	r->burst = scale(conf->burst ? conf->burst : conf->per_second, 1, 1);
	r->tokens = r->burst;
}

uint64_t vio_rate_wait(struct vio_rate *r, uint64_t now_ns)
{
	int64_t more;

	if (!r->per_second)
		return 0;
	more = scale(now_ns > r->at_ns ? now_ns - r->at_ns : 0, r->per_second, NS);
	if (more > 0) {
		/* less than a token's worth of time stays for the next call */
		r->at_ns = now_ns;
		if (__builtin_add_overflow(r->tokens, more, &r->tokens) || r->tokens > r->burst)
			r->tokens = r->burst;
	}
	if (r->tokens > 0)
		return 0;
	return (uint64_t)scale((uint64_t)-r->tokens + 1, NS, r->per_second) + 1;
}

void vio_rate_take(struct vio_rate *r, uint64_t n)
{
	if (r->per_second && __builtin_sub_overflow(r->tokens, scale(n, 1, 1), &r->tokens))
		r->tokens = INT64_MIN / 2;
}
