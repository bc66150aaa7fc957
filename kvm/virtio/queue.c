#include "kvm/virtio/queue.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kvm/mem.h"
#include "kvm/virtio/queue_int.h"

void vio_queue_init(struct vio_queue *q, uint16_t max)
{
	memset(q, 0, sizeof(*q));
	q->max = max;
	vio_queue_reset(q);
}

void vio_queue_reset(struct vio_queue *q)
{
	memset(&q->s, 0, sizeof(q->s));
	q->s.version = VIO_QUEUE_STATE_VERSION;
	q->s.size = q->max;
	q->s.avail_wrap = true;
	q->s.used_wrap = true;
	q->why = NULL;
	q->desc_p = NULL;
	q->driver_p = NULL;
	q->device_p = NULL;
}

/* Bytes and alignment of the three areas (virtio 1.2, 2.7 and 2.8). */
struct areas {
	uint64_t len[3];
	uint64_t align[3];
};

static struct areas areas_of(const struct vio_queue_state *s)
{
	uint64_t n = s->size;

	if (s->packed)
		return (struct areas){ { n * 16, 4, 4 }, { 16, 4, 4 } };
	return (struct areas){ { n * 16, 6 + n * 2, 6 + n * 8 }, { 16, 2, 4 } };
}

static int map(struct vio_queue *q, const struct vm_mem *mem, struct cs_err *err)
{
	const struct areas a = areas_of(&q->s);
	const uint64_t addr[3] = { q->s.desc, q->s.driver, q->s.device };
	void *p[3];

	if (q->s.size < 1 || q->s.size > q->max)
		return cs_err_set(err, EINVAL, "queue size %u, the most is %u", q->s.size, q->max);
	if (!q->s.packed && (q->s.size & (q->s.size - 1)))
		return cs_err_set(err, EINVAL, "queue size %u is no power of two", q->s.size);
	for (int i = 0; i < 3; i++) {
		if (addr[i] % a.align[i])
			return cs_err_set(err, EINVAL, "queue area %d at 0x%llx is misaligned", i,
					  (unsigned long long)addr[i]);
		p[i] = vm_mem_ptr(mem, addr[i], a.len[i], i == 2 || (i == 0 && q->s.packed));
		if (!p[i])
			return cs_err_set(err, EINVAL, "queue area %d at 0x%llx is not in memory",
					  i, (unsigned long long)addr[i]);
	}
	q->mem = mem;
	q->desc_p = p[0];
	q->driver_p = p[1];
	q->device_p = p[2];
	return 0;
}

int vio_queue_enable(struct vio_queue *q, const struct vm_mem *mem, bool packed, bool event_idx,
		     struct cs_err *err)
{
	int ret;

	q->s.packed = packed;
	q->s.event_idx = event_idx;
	ret = map(q, mem, err);
	if (ret == 0)
		q->s.ready = true;
	return ret;
}

int vio_queue_restore(struct vio_queue *q, const struct vm_mem *mem,
		      const struct vio_queue_state *s, struct cs_err *err)
{
	int ret;

	if (s->version != VIO_QUEUE_STATE_VERSION)
		return cs_err_set(err, EINVAL, "queue state of version %u", s->version);
	vio_queue_reset(q);
	q->s = *s;
	if (!s->ready)
		return 0;
	ret = map(q, mem, err);
	if (ret == 0 && (s->held > s->size ||
			 (s->packed && (s->next_avail >= s->size || s->next_used >= s->size))))
		ret = cs_err_set(err, EINVAL, "queue state: positions outside of the ring");
	if (ret < 0)
		vio_queue_reset(q);
	return ret;
}

int vio_queue_broken(struct vio_queue *q, const char *why)
{
	if (!q->why)
		q->why = why;
	return -EINVAL;
}

int vio_queue_add_piece(struct vio_queue *q, struct vio_chain *c, const struct vio_desc *d)
{
	unsigned int n = c->n_out + c->n_in;
	void *p;

	if (!(d->flags & VRING_DESC_F_WRITE) && c->n_in)
		return vio_queue_broken(q, "a readable descriptor after a writable one");
	if (!d->len)
		return 0;
	if (n >= VIO_CHAIN_MAX)
		return vio_queue_broken(q, "too many descriptors in a buffer");
	p = vm_mem_ptr(q->mem, d->addr, d->len, d->flags & VRING_DESC_F_WRITE);
	if (!p)
		return vio_queue_broken(q, "a descriptor outside of memory");
	c->iov[n].iov_base = p;
	c->iov[n].iov_len = d->len;
	if (d->flags & VRING_DESC_F_WRITE) {
		c->n_in++;
		c->in_len += d->len;
	} else {
		c->n_out++;
		c->out_len += d->len;
	}
	return 0;
}

int vio_queue_pop(struct vio_queue *q, struct vio_chain *c)
{
	int ret;

	if (q->why)
		return -EINVAL;
	if (!q->s.ready)
		return 0;
	c->id = 0;
	c->n_desc = 0;
	c->n_out = 0;
	c->n_in = 0;
	c->out_len = 0;
	c->in_len = 0;
	ret = q->s.packed ? vio_packed_pop(q, c) : vio_split_pop(q, c);
	if (ret > 0)
		q->popped++;
	return ret;
}

void vio_queue_unpop(struct vio_queue *q, const struct vio_chain *c)
{
	q->popped--;
	if (q->s.packed)
		vio_packed_unpop(q, c);
	else
		vio_split_unpop(q, c);
}

void vio_queue_push(struct vio_queue *q, const struct vio_used *u, unsigned int n)
{
	if (!n || q->why || !q->s.ready)
		return;
	if (q->s.packed)
		vio_packed_push(q, u, n);
	else
		vio_split_push(q, u, n);
}

void vio_queue_push_one(struct vio_queue *q, const struct vio_chain *c, uint64_t len)
{
	const struct vio_used u = { c->id, c->n_desc,
				    len > UINT32_MAX ? UINT32_MAX : (uint32_t)len };

	vio_queue_push(q, &u, 1);
}

bool vio_queue_arm(struct vio_queue *q)
{
	if (q->why || !q->s.ready)
		return false;
	return q->s.packed ? vio_packed_arm(q) : vio_split_arm(q);
}

void vio_queue_arm_more(struct vio_queue *q)
{
	if (q->why || !q->s.ready)
		return;
	if (q->s.packed)
		vio_packed_arm_more(q);
	else
		vio_split_arm_more(q);
}

void vio_queue_disarm(struct vio_queue *q)
{
	if (q->why || !q->s.ready)
		return;
	if (q->s.packed)
		vio_packed_disarm(q);
	else
		vio_split_disarm(q);
}

bool vio_queue_should_raise(struct vio_queue *q)
{
	if (q->why || !q->s.ready)
		return false;
	return q->s.packed ? vio_packed_should_raise(q) : vio_split_should_raise(q);
}
