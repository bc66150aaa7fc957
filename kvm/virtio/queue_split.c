/* The split ring: virtio 1.2, 2.7. */
#include <errno.h>

#include "kvm/mem.h"
#include "kvm/virtio/guest.h"
#include "kvm/virtio/queue_int.h"

/* The guest's areas as 16-bit words: avail is flags, idx, ring[size], used_event; used is flags,
 * idx, ring[size] of { u32 id, u32 len }, avail_event. */
static uint16_t *avail_flags(const struct vio_queue *q)
{
	return q->driver_p;
}

static uint16_t *avail_idx(const struct vio_queue *q)
{
	return (uint16_t *)q->driver_p + 1;
}

static uint16_t *avail_ring(const struct vio_queue *q, uint16_t i)
{
	return (uint16_t *)q->driver_p + 2 + (i & (q->s.size - 1));
}

static uint16_t *used_event(const struct vio_queue *q)
{
	return (uint16_t *)q->driver_p + 2 + q->s.size;
}

static uint16_t *used_flags(const struct vio_queue *q)
{
	return q->device_p;
}

static uint16_t *used_idx(const struct vio_queue *q)
{
	return (uint16_t *)q->device_p + 1;
}

static uint32_t *used_ring(const struct vio_queue *q, uint16_t i)
{
	return (uint32_t *)q->device_p + 1 + (size_t)2 * (i & (q->s.size - 1));
}

static uint16_t *avail_event(const struct vio_queue *q)
{
	return (uint16_t *)q->device_p + 2 + (size_t)4 * q->s.size;
}

struct vio_desc vio_split_desc(const void *table, unsigned int i)
{
	const struct vring_desc *d = (const struct vring_desc *)table + i;

	return (struct vio_desc){ vio_load64(&d->addr), vio_load32(&d->len), vio_load16(&d->flags),
				  vio_load16(&d->next) };
}

/* Walks the chain that begins at @i of a table of @n. Sets *@ind to the indirect descriptor that
 * ends it, if one does; there is none where @ind is NULL. */
static int walk(struct vio_queue *q, struct vio_chain *c, const void *table, unsigned int n,
		unsigned int i, struct vio_desc *ind)
{
	for (unsigned int count = 0; count < n; count++) {
		struct vio_desc d;
		int ret;

		if (i >= n)
			return vio_queue_broken(q, "a descriptor index past the table");
		d = vio_split_desc(table, i);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!ind)
				return vio_queue_broken(q, "an indirect descriptor in an "
							   "indirect table");
			if (d.flags & VRING_DESC_F_NEXT)
				return vio_queue_broken(q, "an indirect descriptor with a next");
			*ind = d;
			return 0;
		}
		ret = vio_queue_add_piece(q, c, &d);
		if (ret < 0 || !(d.flags & VRING_DESC_F_NEXT))
			return ret;
		i = d.last;
	}
	return vio_queue_broken(q, "a loop of descriptors");
}

static int walk_indirect(struct vio_queue *q, struct vio_chain *c, const struct vio_desc *ind)
{
	const void *table;

	if (!ind->len || ind->len % 16 || ind->len / 16 > VIO_CHAIN_MAX || ind->addr % 8)
		return vio_queue_broken(q, "an indirect table of a wrong size");
	table = vm_mem_ptr(q->mem, ind->addr, ind->len, false);
	if (!table)
		return vio_queue_broken(q, "an indirect table outside of memory");
	return walk(q, c, table, ind->len / 16, 0, NULL);
}

int vio_split_pop(struct vio_queue *q, struct vio_chain *c)
{
	struct vio_desc ind = { 0 };
	uint16_t waiting, head;
	int ret;

	waiting = (uint16_t)(vio_load16_acquire(avail_idx(q)) - q->s.next_avail);
	if (!waiting)
		return 0;
	if (waiting > q->s.size)
		return vio_queue_broken(q, "the available index jumped");
	if (q->s.held >= q->s.size)
		return vio_queue_broken(q, "more buffers than the queue has entries");
	head = vio_load16(avail_ring(q, q->s.next_avail));
	ret = walk(q, c, q->desc_p, q->s.size, head, &ind);
	if (ret == 0 && ind.flags)
		ret = walk_indirect(q, c, &ind);
	if (ret < 0)
		return ret;
	c->id = head;
	c->n_desc = 1;
	q->s.next_avail++;
	q->s.held++;
	return 1;
}

void vio_split_unpop(struct vio_queue *q, const struct vio_chain *c)
{
	(void)c;
	q->s.next_avail--;
	q->s.held--;
}

void vio_split_push(struct vio_queue *q, const struct vio_used *u, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t *e = used_ring(q, (uint16_t)(q->s.next_used + i));

		vio_store32(e, u[i].id);
		vio_store32(e + 1, u[i].len);
	}
	q->s.next_used = (uint16_t)(q->s.next_used + n);
	q->s.held = (uint16_t)(q->s.held - n);
	q->s.pending += n;
	vio_store16_release(used_idx(q), q->s.next_used);
}

bool vio_split_arm(struct vio_queue *q)
{
	if (q->s.event_idx)
		vio_store16(avail_event(q), q->s.next_avail);
	else
		vio_store16(used_flags(q), 0);
	vio_fence();
	return vio_load16_acquire(avail_idx(q)) != q->s.next_avail;
}

/* An avail_event at what was not taken yet is behind the driver's index: it would not kick again.
 */
void vio_split_arm_more(struct vio_queue *q)
{
	if (q->s.event_idx)
		vio_store16(avail_event(q), vio_load16_acquire(avail_idx(q)));
	else
		vio_store16(used_flags(q), 0);
	vio_fence();
}

void vio_split_disarm(struct vio_queue *q)
{
	/* with event_idx, an avail_event that lies behind does it */
	if (!q->s.event_idx)
		vio_store16(used_flags(q), VRING_USED_F_NO_NOTIFY);
}

bool vio_split_should_raise(struct vio_queue *q)
{
	uint16_t now = q->s.next_used, old = (uint16_t)(now - q->s.pending);
	bool many = q->s.pending > UINT16_MAX;

	if (!q->s.pending)
		return false;
	q->s.pending = 0;
	vio_fence();
	if (!q->s.event_idx)
		return !(vio_load16(avail_flags(q)) & VRING_AVAIL_F_NO_INTERRUPT);
	return many || vring_need_event(vio_load16(used_event(q)), now, old);
}
