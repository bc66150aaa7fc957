#include "kvm/virtio/vsock.h"

#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "kvm/config.h"
#include "tests/unit/kvm/vio_driver.h"
#include "tests/unit/unit.h"

enum {
	RX = 0,
	TX = 1,
	CID = 7,
	N_RX = 8,
	RX_LEN = 4096,
};

static struct vio_vsock vs;
static struct drv d;
static int owner;
static uint64_t rx_buf[N_RX], tx_buf;
static uint16_t rx_id[N_RX];

static void add_rx(int i)
{
	struct drv_piece p[] = { { rx_buf[i], 44, true }, { rx_buf[i] + 44, RX_LEN - 44, true } };

	rx_id[i] = drv_add(&d, RX, p, 2);
}

static void setup(int mode)
{
	struct cs_err err = CS_ERR_INIT;
	struct vm_vsock_config conf = { .cid = CID };
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	owner = sv[0];
	conf.fd = sv[1];
	drv_init(&d, mode);
	ck_assert_msg(vio_vsock_init(&vs, &conf, &d.env, &err) == 0, "%s", err.msg);
	drv_attach(&d, &vs.dev);
	drv_start(&d, 0);
	for (int i = 0; i < N_RX; i++) {
		rx_buf[i] = drv_alloc(&d, RX_LEN);
		if (i < 4) /* a ring of 16 holds 8 buffers of two pieces */
			add_rx(i);
	}
	tx_buf = drv_alloc(&d, 70000);
	drv_kick(&d, RX);
}

static void teardown(void)
{
	int fd = vs.owner.fd;

	drv_fini(&d);
	close(fd);
	close(owner);
}

/* What the guest sends: its credit is @alloc and @fwd. */
static struct virtio_vsock_hdr packet(uint16_t op, uint32_t src, uint32_t dst, uint32_t len)
{
	return (struct virtio_vsock_hdr){ .src_cid = CID,
					  .dst_cid = 2,
					  .src_port = src,
					  .dst_port = dst,
					  .len = len,
					  .type = VIRTIO_VSOCK_TYPE_STREAM,
					  .op = op,
					  .buf_alloc = 1 << 20 };
}

static void send_packet(const struct virtio_vsock_hdr *h, const void *data, uint32_t len)
{
	struct drv_piece p[] = { { tx_buf, 44, false }, { tx_buf + 44, len, false } };

	memcpy(drv_ptr(&d, tx_buf, 44), h, 44);
	if (len)
		memcpy(drv_ptr(&d, tx_buf + 44, len), data, len);
	drv_round(&d, TX, p, len ? 2 : 1);
}

/* The next packet for the guest: true and the header; its data is at *data. */
static bool get_packet(struct virtio_vsock_hdr *h, uint8_t *data)
{
	struct cs_err err = CS_ERR_INIT;
	uint16_t id;
	uint32_t len;
	int tries = 0;

	/* all of it happens in this thread: what is not there after some rounds does not come */
	while (!drv_used(&d, RX, &id, &len)) {
		if (++tries > 5)
			return false;
		vm_loop_once(&d.loop, 10, &err);
	}
	for (int i = 0; i < N_RX; i++) {
		if (rx_id[i] != id)
			continue;
		memcpy(h, drv_ptr(&d, rx_buf[i], 44), 44);
		ck_assert_uint_eq(len, 44 + h->len);
		memcpy(data, drv_ptr(&d, rx_buf[i] + 44, h->len ? h->len : 1), h->len);
		ck_assert_uint_eq(h->dst_cid, CID);
		ck_assert_uint_eq(h->src_cid, 2);
		add_rx(i);
		drv_kick(&d, RX);
		return true;
	}
	ck_abort_msg("a buffer nobody gave");
}

/* The guest connects to @port; returns the host's end. */
static int guest_connects(uint32_t src, uint32_t port, uint32_t alloc)
{
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_REQUEST, src, port, 0);
	struct vio_vsock_msg msg;
	struct cs_err err = CS_ERR_INIT;
	uint8_t data[RX_LEN];
	int sv[2];

	h.buf_alloc = alloc;
	send_packet(&h, NULL, 0);
	ck_assert_int_eq(recv(owner, &msg, sizeof(msg), 0), sizeof(msg));
	ck_assert_uint_eq(msg.type, VIO_VSOCK_DIAL);
	ck_assert_uint_eq(msg.port, port);
	msg.type = VIO_VSOCK_ANSWER;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(cs_fd_send(owner, &sv[1], 1, &msg, sizeof(msg), &err), 0);
	close(sv[1]);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_RESPONSE);
	ck_assert_uint_eq(h.dst_port, src);
	ck_assert_uint_eq(h.src_port, port);
	ck_assert_uint_eq(h.buf_alloc, VIO_VSOCK_BUF);
	return sv[0];
}

START_TEST(carries_data_both_ways)
{
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN], buf[64];
	uint64_t cid = 0;
	int fd;

	setup(_i);
	drv_config(&d, 0, &cid, 8);
	ck_assert_uint_eq(cid, CID);
	fd = guest_connects(1000, 52, 1 << 20);
	h = packet(VIRTIO_VSOCK_OP_RW, 1000, 52, 5);
	send_packet(&h, "hello", 5);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), 5);
	ck_assert(memcmp(buf, "hello", 5) == 0);
	ck_assert_int_eq(send(fd, "world!", 6, 0), 6);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_RW);
	ck_assert_uint_eq(h.len, 6);
	ck_assert_uint_eq(h.fwd_cnt, 5);
	ck_assert(memcmp(data, "world!", 6) == 0);
	/* the host says that it sends no more, then the guest, then it is over */
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	ck_assert_uint_eq(h.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
	h = packet(VIRTIO_VSOCK_OP_RW, 1000, 52, 3);
	send_packet(&h, "end", 3);
	h = packet(VIRTIO_VSOCK_OP_SHUTDOWN, 1000, 52, 0);
	h.flags = 3;
	send_packet(&h, NULL, 0);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), 3);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), 0);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_RST);
	ck_assert_uint_eq(vs.n_conns, 0);
	close(fd);
	teardown();
}
END_TEST

START_TEST(host_connects)
{
	struct vio_vsock_msg msg = { .type = VIO_VSOCK_CONNECT, .port = 22 };
	struct cs_err err = CS_ERR_INIT;
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN];
	uint32_t port;
	int sv[2];

	setup(_i);
	for (int refuse = 0; refuse < 2; refuse++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		ck_assert_int_eq(send(sv[0], "early", 5, 0), 5);
		ck_assert_int_eq(cs_fd_send(owner, &sv[1], 1, &msg, sizeof(msg), &err), 0);
		close(sv[1]);
		ck_assert(get_packet(&h, data));
		ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_REQUEST);
		ck_assert_uint_eq(h.dst_port, 22);
		port = h.src_port;
		h = packet(refuse ? VIRTIO_VSOCK_OP_RST : VIRTIO_VSOCK_OP_RESPONSE, 22, port, 0);
		send_packet(&h, NULL, 0);
		if (refuse) {
			/* the end, or a reset, for what was sent early is lost */
			ck_assert_int_le(recv(sv[0], data, 1, 0), 0);
			ck_assert_uint_eq(vs.n_conns, 1);
		} else {
			ck_assert(get_packet(&h, data));
			ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_RW);
			ck_assert(memcmp(data, "early", 5) == 0);
		}
		close(sv[0]);
		if (!refuse) {
			/* the host is gone altogether */
			ck_assert(get_packet(&h, data));
			ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
			ck_assert_uint_eq(h.flags, 3);
		}
	}
	teardown();
}
END_TEST

START_TEST(refuses)
{
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_REQUEST, 5, 6, 0);
	struct vio_vsock_msg msg;
	uint8_t data[RX_LEN];

	setup(_i);
	/* the owner does not want it */
	send_packet(&h, NULL, 0);
	ck_assert_int_eq(recv(owner, &msg, sizeof(msg), 0), sizeof(msg));
	msg.type = VIO_VSOCK_ANSWER;
	ck_assert_int_eq(send(owner, &msg, sizeof(msg), 0), sizeof(msg));
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_RST);
	ck_assert_uint_eq(vs.n_conns, 0);
	/* no connection, no stream, not of this guest, nonsense from the owner */
	h = packet(VIRTIO_VSOCK_OP_RW, 8, 9, 0);
	send_packet(&h, NULL, 0);
	ck_assert(get_packet(&h, data) && h.op == VIRTIO_VSOCK_OP_RST && h.dst_port == 8);
	h = packet(VIRTIO_VSOCK_OP_REQUEST, 8, 9, 0);
	h.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	send_packet(&h, NULL, 0);
	ck_assert(get_packet(&h, data) && h.op == VIRTIO_VSOCK_OP_RST);
	h = packet(VIRTIO_VSOCK_OP_REQUEST, 8, 9, 0);
	h.src_cid = 99;
	send_packet(&h, NULL, 0);
	h = packet(VIRTIO_VSOCK_OP_RST, 8, 9, 0);
	send_packet(&h, NULL, 0);
	msg = (struct vio_vsock_msg){ .type = 1234 };
	ck_assert_int_eq(send(owner, &msg, sizeof(msg), 0), sizeof(msg));
	msg = (struct vio_vsock_msg){ .type = VIO_VSOCK_CONNECT };
	ck_assert_int_eq(send(owner, &msg, sizeof(msg), 0), sizeof(msg));
	ck_assert_int_eq(send(owner, &msg, 3, 0), 3);
	ck_assert(!get_packet(&h, data));
	ck_assert_uint_eq(vs.n_conns, 0);
	ck_assert(!drv_broken(&d));
	teardown();
}
END_TEST

START_TEST(keeps_to_the_guests_credit)
{
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN];
	int fd;

	setup(_i);
	fd = guest_connects(1000, 52, 10);
	ck_assert_int_eq(send(fd, "0123456789abcdef", 16, 0), 16);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.len, 10);
	ck_assert(!get_packet(&h, data));
	/* it took more than was sent, it says: no credit */
	h = packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1000, 52, 0);
	h.buf_alloc = 10;
	h.fwd_cnt = 1000;
	send_packet(&h, NULL, 0);
	ck_assert(!get_packet(&h, data));
	h.fwd_cnt = 4;
	send_packet(&h, NULL, 0);
	ck_assert(get_packet(&h, data));
	ck_assert_uint_eq(h.len, 4);
	ck_assert(memcmp(data, "abcd", 4) == 0);
	close(fd);
	teardown();
}
END_TEST

START_TEST(holds_the_guest_to_ours)
{
	static uint8_t big[60000];
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN];
	uint64_t sent = 0;
	int fd, size = 4096;

	setup(_i);
	fd = guest_connects(1000, 52, 1 << 20);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* the host reads nothing: what its socket does not take is kept, up to the credit */
	for (int i = 0; i < 100 && vs.n_conns; i++) {
		h = packet(VIRTIO_VSOCK_OP_RW, 1000, 52, sizeof(big));
		send_packet(&h, big, sizeof(big));
		if (vs.n_conns && !vs.lies)
			sent += sizeof(big);
		ck_assert(get_packet(&h, data) || !vs.lies);
		if (h.op == VIRTIO_VSOCK_OP_RST)
			break;
	}
	ck_assert_uint_eq(vs.lies, 1);
	ck_assert_uint_eq(vs.n_conns, 0);
	ck_assert_uint_gt(sent, VIO_VSOCK_BUF / 2);
	ck_assert(!drv_broken(&d));
	close(fd);
	teardown();
}
END_TEST

START_TEST(moves_much)
{
	static uint8_t big[30000];
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN], buf[8192];
	uint64_t sent = 0, got = 0;
	uint32_t fwd = 0;
	int fd;

	setup(_i);
	fd = guest_connects(1000, 52, 1 << 20);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i % 251);
	while (got < 3000000) {
		ssize_t n;

		if (sent - fwd + sizeof(big) <= VIO_VSOCK_BUF && sent < 3000000) {
			h = packet(VIRTIO_VSOCK_OP_RW, 1000, 52, sizeof(big));
			send_packet(&h, big, sizeof(big));
			sent += sizeof(big);
			continue;
		}
		n = recv(fd, buf, sizeof(buf), 0);
		for (ssize_t i = 0; i < n; i++)
			ck_assert_uint_eq(buf[i], (got + (uint64_t)i) % sizeof(big) % 251);
		got += n > 0 ? (uint64_t)n : 0;
		while (drv_interrupts(&d) || n < 0) {
			if (!get_packet(&h, data))
				break;
			ck_assert_uint_eq(h.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
			fwd = h.fwd_cnt;
			break;
		}
	}
	ck_assert_uint_eq(vs.from_guest, 3000000);
	close(fd);
	teardown();
}
END_TEST

START_TEST(bounds_connections)
{
	struct virtio_vsock_hdr h;
	struct vio_vsock_msg msg;
	uint8_t data[RX_LEN];
	uint32_t n = 0;

	setup(_i);
	for (uint32_t i = 0; i < VIO_VSOCK_CONNS + 20; i++) {
		h = packet(VIRTIO_VSOCK_OP_REQUEST, i, 1, 0);
		send_packet(&h, NULL, 0);
		while (recv(owner, &msg, sizeof(msg), MSG_DONTWAIT) > 0)
			n++;
		while (drv_interrupts(&d))
			get_packet(&h, data);
	}
	ck_assert_uint_eq(n, VIO_VSOCK_CONNS);
	ck_assert_uint_eq(vs.n_conns, VIO_VSOCK_CONNS);
	drv_start(&d, 0);
	ck_assert_uint_eq(vs.n_conns, 0);
	teardown();
}
END_TEST

START_TEST(is_broken_by_packets_cut_short)
{
	struct virtio_vsock_hdr h = packet(VIRTIO_VSOCK_OP_RW, 1, 1, 100);
	struct drv_piece p = { 0, 43, false };

	setup(_i);
	p.gpa = tx_buf;
	drv_add(&d, TX, &p, 1);
	drv_kick(&d, TX);
	ck_assert(drv_broken(&d));
	drv_start(&d, 0);
	memcpy(drv_ptr(&d, tx_buf, 44), &h, 44);
	p.len = 44 + 99;
	drv_add(&d, TX, &p, 1);
	drv_kick(&d, TX);
	ck_assert(drv_broken(&d));
	teardown();
}
END_TEST

/* The host's data would be looked at for ever, and never moved. */
START_TEST(is_broken_by_buffers_for_headers_only)
{
	struct drv_piece p = { 0, 44, true };
	struct virtio_vsock_hdr h;
	uint8_t data[RX_LEN];
	int fd;

	setup(_i);
	fd = guest_connects(1000, 2000, 1 << 20);
	while (!drv_broken(&d)) {
		p.gpa = rx_buf[0];
		drv_add(&d, RX, &p, 1);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		if (!get_packet(&h, data))
			break;
	}
	ck_assert(drv_broken(&d));
	close(fd);
	teardown();
}
END_TEST

DRV_MAIN("kvm/virtio/vsock", carries_data_both_ways, host_connects, refuses,
	 keeps_to_the_guests_credit, holds_the_guest_to_ours, moves_much, bounds_connections,
	 is_broken_by_packets_cut_short, is_broken_by_buffers_for_headers_only)
