/* From the guest: each packet is checked, its data goes to the host's socket or is kept for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kvm/virtio/vsock_int.h"

enum {
	SHUT_BITS = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND,
};

/* Bytes that went to the host; the guest is told when it could do with knowing. */
static void forwarded(struct vio_vsock_conn *c, uint32_t n)
{
	c->forwarded += n;
	if (c->forwarded - c->told >= VIO_VSOCK_BUF / 4)
		vio_vsock_pend(c, PEND_CREDIT);
}

/* When the guest sends no more and all it sent is out, the host is told; when it does nothing more
 * at all, the connection ends. */
static void finish(struct vio_vsock_conn *c)
{
	if (c->buf_len || c->state != CONN_OPEN)
		return;
	if ((c->shut & SHUT_BITS) == SHUT_BITS)
		vio_vsock_close(c, true);
	else if (c->shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		(void)shutdown(c->w.fd, SHUT_WR);
}

/* Sends; what the socket does not take is not an error. -1: the host does not want it any more. */
static ssize_t send_iov(const struct vio_vsock_conn *c, struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	ssize_t sent;

	do {
		sent = sendmsg(c->w.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void vio_vsock_drain(struct vio_vsock_conn *c)
{
	while (c->buf_len && c->state == CONN_OPEN) {
		uint32_t n = VIO_VSOCK_BUF - c->buf_at;
		struct iovec iov = { c->buf + c->buf_at, n < c->buf_len ? n : c->buf_len };
		ssize_t sent = send_iov(c, &iov, 1);

		if (sent < 0) {
			vio_vsock_close(c, true);
			return;
		}
		if (!sent)
			break;
		c->buf_at = (c->buf_at + (uint32_t)sent) % VIO_VSOCK_BUF;
		c->buf_len -= (uint32_t)sent;
		forwarded(c, (uint32_t)sent);
	}
	if (!c->buf_len && c->buf) {
		free(c->buf);
		c->buf = NULL;
		c->buf_at = 0;
		finish(c);
	}
	if (c->state == CONN_OPEN)
		vio_vsock_watch(c);
}

/* Keeps @len bytes from @off of the chain: they fit, for credit was checked. */
static bool keep(struct vio_vsock_conn *c, const struct vio_chain *chain, uint64_t off,
		 uint32_t len)
{
	if (!c->buf)
		c->buf = malloc(VIO_VSOCK_BUF);
	if (!c->buf || len > VIO_VSOCK_BUF - c->buf_len)
		return false;
	while (len) {
		uint32_t at = (c->buf_at + c->buf_len) % VIO_VSOCK_BUF;
		uint32_t n = VIO_VSOCK_BUF - at;

		if (n > len)
			n = len;
		vio_chain_read(chain, off, c->buf + at, n);
		c->buf_len += n;
		off += n;
		len -= n;
	}
	return true;
}

static void op_rw(struct vio_vsock_conn *c, const struct vio_chain *chain, uint32_t len)
{
	const uint64_t off = sizeof(struct virtio_vsock_hdr);
	struct iovec iov[VIO_CHAIN_MAX];
	uint32_t room = VIO_VSOCK_BUF - (c->received - c->forwarded);
	ssize_t sent = 0;

	if (c->state != CONN_OPEN || c->shut & VIRTIO_VSOCK_SHUTDOWN_SEND || len > room) {
		c->vs->lies++;
		vio_vsock_close(c, true);
		return;
	}
	if (!len)
		return;
	c->received += len;
	c->vs->from_guest += len;
	if (!c->buf_len)
		sent = send_iov(c, iov, vio_chain_out_iov(chain, off, len, iov, NULL));
	if (sent >= 0)
		forwarded(c, (uint32_t)sent);
	if (sent < 0 ||
	    (sent < len && !keep(c, chain, off + (uint64_t)sent, len - (uint32_t)sent))) {
		vio_vsock_close(c, true);
		return;
	}
	vio_vsock_watch(c);
}

/* The guest connects to a port of the host: the owner is asked. */
static void op_request(struct vio_vsock *vs, const struct virtio_vsock_hdr *h)
{
	struct vio_vsock_msg msg = { .type = VIO_VSOCK_DIAL, .port = le32toh(h->dst_port) };
	struct vio_vsock_conn *c;

	c = vs->owner.added ? vio_vsock_new(vs, le32toh(h->src_port), msg.port) : NULL;
	if (!c) {
		vs->refused++;
		vio_vsock_reset_packet(vs, le32toh(h->src_port), msg.port);
		return;
	}
	c->state = CONN_DIALING;
	c->id = ++vs->next_id;
	c->peer_alloc = le32toh(h->buf_alloc);
	c->peer_fwd = le32toh(h->fwd_cnt);
	msg.id = c->id;
	if (send(vs->owner.fd, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(msg)) {
		vs->refused++;
		vio_vsock_close(c, true);
	}
}

static void op_response(struct vio_vsock_conn *c)
{
	if (c->state != CONN_REQUESTED) {
		vio_vsock_close(c, true);
		return;
	}
	c->state = CONN_OPEN;
	vio_vsock_pend(c, PEND_DATA);
}

static void op_shutdown(struct vio_vsock_conn *c, uint32_t flags)
{
	if (c->state != CONN_OPEN) {
		vio_vsock_close(c, true);
		return;
	}
	c->shut |= flags & SHUT_BITS;
	finish(c);
	if (c->state == CONN_OPEN)
		vio_vsock_watch(c);
}

/* A packet for the connection @c. */
static void for_conn(struct vio_vsock_conn *c, const struct virtio_vsock_hdr *h,
		     const struct vio_chain *chain)
{
	bool had_credit = vio_vsock_credit(c) > 0;

	if (c->state == CONN_CLOSED) {
		if (le16toh(h->op) == VIRTIO_VSOCK_OP_RST)
			vio_vsock_free(c);
		return;
	}
	c->peer_alloc = le32toh(h->buf_alloc);
	c->peer_fwd = le32toh(h->fwd_cnt);
	if (c->state == CONN_OPEN && !had_credit && vio_vsock_credit(c) && !c->host_eof)
		vio_vsock_pend(c, PEND_DATA);
	switch (le16toh(h->op)) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		op_response(c);
		break;
	case VIRTIO_VSOCK_OP_RST:
		vio_vsock_free(c);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		op_shutdown(c, le32toh(h->flags));
		break;
	case VIRTIO_VSOCK_OP_RW:
		op_rw(c, chain, le32toh(h->len));
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		vio_vsock_pend(c, PEND_CREDIT);
		break;
	default: /* a second REQUEST among them */
		vio_vsock_close(c, true);
		break;
	}
}

int64_t vio_vsock_tx(struct vio_dev *dev, uint16_t qi, const struct vio_chain *chain)
{
	struct vio_vsock *vs = vio_container_of(dev, struct vio_vsock, dev);
	struct virtio_vsock_hdr h;
	struct vio_vsock_conn *c;

	(void)qi;
	if (vio_chain_read(chain, 0, &h, sizeof(h)) != sizeof(h)) {
		vio_dev_break(dev, "a packet without a header");
		return VIO_KEEP;
	}
	/* nobody but this guest and this host are here: what is from or for others is dropped */
	if (le64toh(h.src_cid) != vs->s.cid || le64toh(h.dst_cid) != VSOCK_HOST_CID)
		return 0;
	if (le32toh(h.len) > VSOCK_PACKET_MAX || le32toh(h.len) > chain->out_len - sizeof(h)) {
		vio_dev_break(dev, "a packet longer than its buffer");
		return VIO_KEEP;
	}
	c = vio_vsock_find(vs, le32toh(h.src_port), le32toh(h.dst_port));
	if (le16toh(h.type) != VIRTIO_VSOCK_TYPE_STREAM) {
		if (le16toh(h.op) != VIRTIO_VSOCK_OP_RST)
			vio_vsock_reset_packet(vs, le32toh(h.src_port), le32toh(h.dst_port));
	} else if (c) {
		for_conn(c, &h, chain);
	} else if (le16toh(h.op) == VIRTIO_VSOCK_OP_REQUEST) {
		op_request(vs, &h);
	} else if (le16toh(h.op) != VIRTIO_VSOCK_OP_RST) {
		vio_vsock_reset_packet(vs, le32toh(h.src_port), le32toh(h.dst_port));
	}
	return 0;
}
