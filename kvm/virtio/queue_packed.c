/* The packed ring: virtio 1.2, 2.8. */
#include <errno.h>

#include "kvm/mem.h"
#include "kvm/virtio/guest.h"
#include "kvm/virtio/queue_int.h"

enum {
	F_AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	F_USED = 1 << VRING_PACKED_DESC_F_USED,
	EVENT_WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
	EVENT_FLAGS = 3,
};

static struct vring_packed_desc *slot(const struct vio_queue *q, unsigned int i)
{
	return (struct vring_packed_desc *)q->desc_p + i;
}

/* Either side's event area: u16 place and wrap, u16 flags. */
static uint16_t *event_place(void *area)
{
	return area;
}

static uint16_t *event_flags(void *area)
{
	return (uint16_t *)area + 1;
}

struct vio_desc vio_packed_desc(const void *table, unsigned int i)
{
	const struct vring_packed_desc *d = (const struct vring_packed_desc *)table + i;

	return (struct vio_desc){ vio_load64(&d->addr), vio_load32(&d->len), vio_load16(&d->flags),
				  vio_load16(&d->id) };
}

/* Moves a place @n entries on, turning the wrap counter where it passes the end. */
static void advance(const struct vio_queue *q, uint16_t *place, bool *wrap, unsigned int n)
{
	unsigned int to = *place + n;

	if (to >= q->s.size) {
		to -= q->s.size;
		*wrap = !*wrap;
	}
	*place = (uint16_t)to;
}

static bool is_avail(uint16_t flags, bool wrap)
{
	return !!(flags & F_AVAIL) == wrap && !!(flags & F_USED) != wrap;
}

static bool more(const struct vio_queue *q)
{
	return is_avail(vio_load16_acquire(&slot(q, q->s.next_avail)->flags), q->s.avail_wrap);
}

/* In an indirect table only F_WRITE means anything, and all of the table is used (2.8.8). */
static int walk_indirect(struct vio_queue *q, struct vio_chain *c, const struct vio_desc *ind)
{
	const void *table;
	int ret = 0;

	if (!ind->len || ind->len % 16 || ind->len / 16 > VIO_CHAIN_MAX || ind->addr % 8)
		return vio_queue_broken(q, "an indirect table of a wrong size");
	table = vm_mem_ptr(q->mem, ind->addr, ind->len, false);
	if (!table)
		return vio_queue_broken(q, "an indirect table outside of memory");
	for (unsigned int i = 0; i < ind->len / 16 && ret == 0; i++) {
		struct vio_desc d = vio_packed_desc(table, i);

		if (d.flags & VRING_DESC_F_INDIRECT)
			return vio_queue_broken(q, "an indirect descriptor in an indirect table");
		ret = vio_queue_add_piece(q, c, &d);
	}
	return ret;
}

/* Walks the chain at next_avail; returns how many entries it takes. */
static int walk(struct vio_queue *q, struct vio_chain *c)
{
	uint16_t place = q->s.next_avail;
	bool wrap = q->s.avail_wrap;

	for (int n = 1; n <= q->s.size - q->s.held; n++) {
		struct vio_desc d = vio_packed_desc(q->desc_p, place);
		int ret;

		/* only the last one's id is valid */
		c->id = d.last;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (d.flags & VRING_DESC_F_NEXT || n > 1)
				return vio_queue_broken(q, "an indirect descriptor in a chain");
			ret = walk_indirect(q, c, &d);
			return ret < 0 ? ret : n;
		}
		ret = vio_queue_add_piece(q, c, &d);
		if (ret < 0)
			return ret;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return n;
		advance(q, &place, &wrap, 1);
	}
	return vio_queue_broken(q, "a chain longer than the queue has free entries");
}

int vio_packed_pop(struct vio_queue *q, struct vio_chain *c)
{
	int n;

	if (!more(q))
		return 0;
	n = walk(q, c);
	if (n < 0)
		return n;
	c->n_desc = (uint16_t)n;
	advance(q, &q->s.next_avail, &q->s.avail_wrap, c->n_desc);
	q->s.held = (uint16_t)(q->s.held + c->n_desc);
	return 1;
}

void vio_packed_unpop(struct vio_queue *q, const struct vio_chain *c)
{
	if (q->s.next_avail < c->n_desc) {
		q->s.next_avail = (uint16_t)(q->s.next_avail + q->s.size);
		q->s.avail_wrap = !q->s.avail_wrap;
	}
	q->s.next_avail = (uint16_t)(q->s.next_avail - c->n_desc);
	q->s.held = (uint16_t)(q->s.held - c->n_desc);
}

void vio_packed_push(struct vio_queue *q, const struct vio_used *u, unsigned int n)
{
	uint16_t first = q->s.next_used, first_flags = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct vring_packed_desc *d = slot(q, q->s.next_used);
		uint16_t flags = q->s.used_wrap ? F_AVAIL | F_USED : 0;

		if (u[i].len)
			flags |= VRING_DESC_F_WRITE;
		vio_store16(&d->id, u[i].id);
		vio_store32(&d->len, u[i].len);
		if (i)
			vio_store16_release(&d->flags, flags);
		else
			first_flags = flags;
		advance(q, &q->s.next_used, &q->s.used_wrap, u[i].n_desc);
		q->s.held = (uint16_t)(q->s.held - u[i].n_desc);
		q->s.pending += u[i].n_desc;
	}
	/* the driver looks at them in order: it sees none before it sees the first */
	vio_store16_release(&slot(q, first)->flags, first_flags);
}

bool vio_packed_arm(struct vio_queue *q)
{
	if (q->s.event_idx) {
		vio_store16(event_place(q->device_p),
			    (uint16_t)(q->s.next_avail | (q->s.avail_wrap ? EVENT_WRAP : 0)));
		vio_store16_release(event_flags(q->device_p), VRING_PACKED_EVENT_FLAG_DESC);
	} else {
		vio_store16(event_flags(q->device_p), VRING_PACKED_EVENT_FLAG_ENABLE);
	}
	vio_fence();
	return more(q);
}

/* Where the driver is we only know by walking there: a kick for every buffer, then. */
void vio_packed_arm_more(struct vio_queue *q)
{
	vio_store16(event_flags(q->device_p), VRING_PACKED_EVENT_FLAG_ENABLE);
	vio_fence();
}

void vio_packed_disarm(struct vio_queue *q)
{
	vio_store16(event_flags(q->device_p), VRING_PACKED_EVENT_FLAG_DISABLE);
}

bool vio_packed_should_raise(struct vio_queue *q)
{
	uint16_t now = q->s.next_used, place, flags, event;
	uint32_t pending = q->s.pending;

	if (!pending)
		return false;
	q->s.pending = 0;
	vio_fence();
	flags = vio_load16_acquire(event_flags(q->driver_p)) & EVENT_FLAGS;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !q->s.event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	place = vio_load16(event_place(q->driver_p));
	event = place & (EVENT_WRAP - 1);
	/* on the axis of the ring's current turn */
	if (!!(place & EVENT_WRAP) != q->s.used_wrap)
		event = (uint16_t)(event - q->s.size);
	return pending >= q->s.size || vring_need_event(event, now, (uint16_t)(now - pending));
}
