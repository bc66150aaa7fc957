#include "kvm/hang.h"

static bool near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) < VM_HANG_NEAR;
}

void vm_hang_note(struct vm_hang *h, const struct vm_hang_sample *s)
{
	const struct vm_hang_sample last = h->last;
	const bool had_last = h->has_last;
	const uint64_t so_far = h->dead_ns == UINT64_MAX ? 0 : h->dead_ns;
	uint64_t dead = 0;

	h->last = *s;
	h->has_last = !s->wait_for_sipi;
	if (s->wait_for_sipi)
		dead = UINT64_MAX;
	else if (had_last && !s->interrupts && !last.interrupts && s->exits == last.exits &&
		 near(s->rip, last.rip))
		/* halted, all the time is its own */
		dead = so_far + (s->halted && last.halted ? s->now_ns - last.now_ns
							  : s->busy_ns - last.busy_ns);
	__atomic_store_n(&h->dead_ns, dead, __ATOMIC_RELAXED);
}
