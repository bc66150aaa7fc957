/* Packets from and for others, and nonsense for every device. */
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/guest/hostile.h"

enum { OURS = 3, HOST = 2, CONTROL = 1024, STREAMS = 65536, WAIT = 300 };

static volatile unsigned char *dev;
static struct raw_queue q[3];

/* The answer's kind; -1: none came. */
static int send_packet(uint64_t from, uint64_t to, uint32_t port, uint16_t op)
{
	static uint32_t source = 5000;
	const struct virtio_vsock_hdr h = {
		.src_cid = from,
		.dst_cid = to,
		.src_port = ++source,
		.dst_port = port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = 65536,
	};
	struct virtio_vsock_hdr in;

	memcpy(q[1].out, &h, sizeof(h));
	raw_put(dev, &q[0], 0, RAW_BUF);
	if (raw_do(dev, &q[1], sizeof(h), 0) < 0)
		return -2;
	if (raw_take(&q[0], WAIT) < 0) {
		q[0].avail--; /* is used again */
		return -1;
	}
	memcpy(&in, q[0].in, sizeof(in));
	return in.op;
}

void hostile_vsock(void)
{
	bool good = true;

	dev = raw_find(VIRTIO_ID_VSOCK);
	if (!dev || raw_begin(dev, q, 3) < 0) {
		say(0, "begin with the socket device");
		return;
	}
	for (uint32_t port = 0; port < 20; port++)
		good = good && send_packet(OURS, HOST, port, VIRTIO_VSOCK_OP_REQUEST) ==
				       VIRTIO_VSOCK_OP_RST;
	for (uint32_t i = 0; i < 40; i++)
		good = good && send_packet(OURS, HOST, STREAMS + 1 + i, VIRTIO_VSOCK_OP_REQUEST) ==
				       VIRTIO_VSOCK_OP_RST;
	say(good, "no port of the host's answers that is not the agent's");
	say(send_packet(OURS, HOST, CONTROL, VIRTIO_VSOCK_OP_REQUEST) == VIRTIO_VSOCK_OP_RESPONSE &&
		    send_packet(OURS, HOST, CONTROL, VIRTIO_VSOCK_OP_REQUEST) ==
			    VIRTIO_VSOCK_OP_RST,
	    "the agent's does, once");
	good = true;
	for (uint64_t cid = 0; cid < 8; cid++)
		if (cid != OURS)
			good = good &&
			       send_packet(cid, HOST, STREAMS, VIRTIO_VSOCK_OP_REQUEST) == -1;
	say(good, "who says to be another machine has no answer");
	good = true;
	for (uint64_t cid = 0; cid < 8; cid++)
		if (cid != HOST)
			good = good &&
			       send_packet(OURS, cid, CONTROL, VIRTIO_VSOCK_OP_REQUEST) == -1;
	say(good, "and no other machine can be reached");
}

/* A store of any width, anywhere in a window. */
static void store(volatile unsigned char *window)
{
	static const uint16_t registers[] = {
		VIRTIO_MMIO_DRIVER_FEATURES,
		VIRTIO_MMIO_QUEUE_SEL,
		VIRTIO_MMIO_QUEUE_NUM,
		VIRTIO_MMIO_QUEUE_READY,
		VIRTIO_MMIO_QUEUE_NOTIFY,
		VIRTIO_MMIO_INTERRUPT_ACK,
		VIRTIO_MMIO_STATUS,
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_DESC_HIGH,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
		VIRTIO_MMIO_QUEUE_USED_LOW,
		VIRTIO_MMIO_DEVICE_FEATURES_SEL,
		VIRTIO_MMIO_CONFIG,
	};
	const uint32_t n = sizeof(registers) / sizeof(registers[0]);
	const uint32_t kind = draw() % 8, v = draw() % 3 ? draw() % 16 : draw() << 12;
	volatile unsigned char *at = window + registers[draw() % n];

	if (kind == 0)
		*at = (unsigned char)v;
	else if (kind == 1)
		*(volatile uint16_t *)at = (uint16_t)v;
	else if (kind == 2)
		*(volatile uint64_t *)at = (uint64_t)v << 32 | v;
	else if (kind == 3)
		*(volatile uint32_t *)(window + draw() % 0xffc) = v;
	else
		*(volatile uint32_t *)at = v;
	(void)*(window + draw() % 0x1000);
}

/* Descriptors of nonsense, for a device that was begun with properly. */
static void descriptors(volatile unsigned char *window)
{
	struct raw_queue any[2];
	volatile uint16_t *avail;

	if (raw_begin(window, any, 2) < 0)
		return;
	for (int i = 0; i < 6; i++) {
		for (size_t k = 0; k < 256; k++)
			any[i % 2].page[k] = (unsigned char)(draw() % 3 ? draw() % 4 : draw());
		avail = (void *)(any[i % 2].page + 0x400);
		for (int k = 0; k < 8; k++)
			avail[2 + k] = (uint16_t)(draw() % 12);
		avail[1] = (uint16_t)(avail[1] + (draw() % 4 ? draw() % 9 : draw()));
		*(volatile uint32_t *)(window + VIRTIO_MMIO_QUEUE_NOTIFY) = (uint32_t)i % 2;
		usleep(2000); /* time to look at it, before the next nonsense stands there */
	}
}

void hostile_wild(void)
{
	for (int i = 0; i < RAW_WINDOWS; i++) {
		if (*(volatile uint32_t *)raw_window(i) != 0x74726976)
			continue;
		for (int k = 0; k < 8; k++)
			descriptors(raw_window(i));
		for (int k = 0; k < 250; k++)
			store(raw_window(i));
		*(volatile uint32_t *)(raw_window(i) + VIRTIO_MMIO_STATUS) = 0;
	}
	say(1, "nonsense for every device does not end the machine");
}
