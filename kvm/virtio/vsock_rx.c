/* Towards the guest: control packets first, then what hosts' sockets have, a packet a turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "kvm/virtio/vsock_int.h"

void vio_vsock_pend(struct vio_vsock_conn *c, unsigned int what)
{
	struct vio_vsock *vs = c->vs;

	c->pending |= what;
	if (c->queued)
		return;
	c->queued = true;
	c->next = NULL;
	c->prev = vs->last;
	*(vs->last ? &vs->last->next : &vs->first) = c;
	vs->last = c;
}

uint32_t vio_vsock_credit(const struct vio_vsock_conn *c)
{
	uint32_t used = c->sent - c->peer_fwd;

	/* a guest that says it took more than was sent has no credit */
	return used < c->peer_alloc ? c->peer_alloc - used : 0;
}

void vio_vsock_watch(struct vio_vsock_conn *c)
{
	uint32_t events = 0;

	if (c->state == CONN_OPEN && !(c->pending & PEND_DATA) && !c->host_eof &&
	    !(c->shut & VIRTIO_VSOCK_SHUTDOWN_RCV) && vio_vsock_credit(c))
		events |= EPOLLIN;
	if (c->buf_len)
		events |= EPOLLOUT;
	vm_loop_mod(c->vs->dev.loop, &c->w, events);
}

static struct virtio_vsock_hdr header(const struct vio_vsock *vs, uint32_t guest_port,
				      uint32_t host_port, uint16_t op)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(VSOCK_HOST_CID),
		.dst_cid = htole64(vs->s.cid),
		.src_port = htole32(host_port),
		.dst_port = htole32(guest_port),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
	};
}

/* Puts a packet of header only into @chain. */
static void put(struct vio_vsock *vs, const struct vio_chain *chain, struct virtio_vsock_hdr *h)
{
	vio_queue_push_one(&vs->dev.q[VSOCK_RX], chain, vio_chain_write(chain, 0, h, sizeof(*h)));
}

static void add_credit(struct vio_vsock_conn *c, struct virtio_vsock_hdr *h)
{
	h->buf_alloc = htole32(VIO_VSOCK_BUF);
	h->fwd_cnt = htole32(c->forwarded);
	c->told = c->forwarded;
	c->pending &= ~(unsigned int)PEND_CREDIT;
}

/* The first control packet that is pending. */
static uint16_t next_op(struct vio_vsock_conn *c, uint32_t *flags)
{
	static const struct {
		unsigned int bit;
		uint16_t op;
	} order[] = {
		{ PEND_RESET, VIRTIO_VSOCK_OP_RST },
		{ PEND_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
		{ PEND_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
		{ PEND_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
		{ PEND_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	};

	*flags = 0;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(c->pending & order[i].bit))
			continue;
		c->pending &= ~order[i].bit;
		if (order[i].bit == PEND_SHUTDOWN)
			*flags = c->hup ? VIRTIO_VSOCK_SHUTDOWN_SEND | VIRTIO_VSOCK_SHUTDOWN_RCV
					: VIRTIO_VSOCK_SHUTDOWN_SEND;
		return order[i].op;
	}
	return VIRTIO_VSOCK_OP_INVALID;
}

/* Reads from the host's socket into @chain. False when there was nothing: the chain is unused. */
static bool put_data(struct vio_vsock_conn *c, const struct vio_chain *chain)
{
	struct virtio_vsock_hdr h = header(c->vs, c->guest_port, c->host_port, VIRTIO_VSOCK_OP_RW);
	uint32_t most = vio_vsock_credit(c);
	struct iovec iov[VIO_CHAIN_MAX];
	ssize_t n;
	int k;

	if (most > VSOCK_PACKET_MAX)
		most = VSOCK_PACKET_MAX;
	k = vio_chain_in_iov(chain, sizeof(h), most, iov, NULL);
	do {
		n = readv(c->w.fd, iov, k);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		h.len = htole32((uint32_t)n);
		add_credit(c, &h);
		vio_chain_write(chain, 0, &h, sizeof(h));
		c->sent += (uint32_t)n;
		c->vs->to_guest += (uint64_t)n;
		vio_queue_push_one(&c->vs->dev.q[VSOCK_RX], chain, sizeof(h) + (uint64_t)n);
		return true;
	}
	c->pending &= ~(unsigned int)PEND_DATA;
	if (n < 0 && errno != EAGAIN)
		vio_vsock_close(c, true);
	else if (n == 0 && !c->host_eof) {
		c->host_eof = true;
		vio_vsock_pend(c, PEND_SHUTDOWN);
	}
	return false;
}

/* One packet of @c's into @chain, or false. The connection may be gone afterwards. */
static bool send_one(struct vio_vsock_conn *c, const struct vio_chain *chain)
{
	struct virtio_vsock_hdr h;
	uint32_t flags;
	uint16_t op = next_op(c, &flags);

	if (op != VIRTIO_VSOCK_OP_INVALID) {
		h = header(c->vs, c->guest_port, c->host_port, op);
		h.flags = htole32(flags);
		add_credit(c, &h);
		put(c->vs, chain, &h);
		if (op == VIRTIO_VSOCK_OP_RST)
			vio_vsock_free(c);
		return true;
	}
	if (!(c->pending & PEND_DATA))
		return false;
	if (c->state == CONN_OPEN && vio_vsock_credit(c) && !(c->shut & VIRTIO_VSOCK_SHUTDOWN_RCV))
		return put_data(c, chain);
	c->pending &= ~(unsigned int)PEND_DATA;
	return false;
}

/* Takes the first connection out of the list. */
static struct vio_vsock_conn *take_first(struct vio_vsock *vs)
{
	struct vio_vsock_conn *c = vs->first;

	vs->first = c->next;
	*(c->next ? &c->next->prev : &vs->last) = NULL;
	c->next = NULL;
	c->queued = false;
	return c;
}

/* Serves one connection, or one reset of none, with @chain. True when the chain was used. */
static bool serve(struct vio_vsock *vs, const struct vio_chain *chain)
{
	struct vio_vsock_conn *c;
	uint32_t guest_port, host_port;
	bool used;

	if (vs->n_resets) {
		struct virtio_vsock_hdr h;

		vs->n_resets--;
		h = header(vs, vs->reset[vs->n_resets].guest_port,
			   vs->reset[vs->n_resets].host_port, VIRTIO_VSOCK_OP_RST);
		put(vs, chain, &h);
		return true;
	}
	c = take_first(vs);
	guest_port = c->guest_port;
	host_port = c->host_port;
	used = send_one(c, chain);
	c = vio_vsock_find(vs, guest_port, host_port); /* a reset frees it */
	if (!c)
		return used;
	if (c->pending)
		vio_vsock_pend(c, c->pending);
	vio_vsock_watch(c);
	return used;
}

void vio_vsock_flush(struct vio_vsock *vs)
{
	struct vio_queue *q = &vs->dev.q[VSOCK_RX];
	struct vio_chain chain;
	int left = 2 * VIO_CHAIN_MAX;
	bool used = true;

	while (used && (vs->first || vs->n_resets) && vio_dev_live(&vs->dev) && left > 0) {
		if (vio_dev_pop(&vs->dev, VSOCK_RX, &chain) <= 0) {
			/* those that wait are served when the guest adds buffers */
			if (vio_queue_arm(q))
				continue;
			break;
		}
		/* with no room for data, sockets that have some would be looked at for ever */
		if (chain.in_len <= sizeof(struct virtio_vsock_hdr)) {
			vio_dev_break(&vs->dev, "a buffer without room for a header and data");
			return;
		}
		for (used = false; !used && (vs->first || vs->n_resets); left--)
			used = serve(vs, &chain);
		if (!used)
			vio_queue_unpop(q, &chain);
	}
	vio_dev_raise(&vs->dev, VSOCK_RX);
	if (left <= 0)
		(void)eventfd_write(vs->dev.kick_fd[VSOCK_RX], 1);
}
