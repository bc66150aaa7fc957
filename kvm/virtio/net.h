#ifndef CS_KVM_VIRTIO_NET_H
#define CS_KVM_VIRTIO_NET_H

/*
 * Network device (virtio 1.2, 5.1) on a tap: one pair of queues, checksum and segmentation offloads
 * both ways, mergeable buffers, rate limits. With an fd of /dev/vhost-net the host's kernel moves
 * the packets instead, and there are no rate limits.
 */

#include <errno.h>

#include "kvm/loop.h"
#include "kvm/virtio/dev.h"
#include "kvm/virtio/rate.h"

struct vm_net_config;

enum {
	VIO_NET_STATE_VERSION = 1,
	VIO_NET_HDR = 12,			  /* struct virtio_net_hdr_v1 */
	VIO_NET_PACKET_MAX = VIO_NET_HDR + 65550, /* with the Ethernet header */
};

/* All that must be known to go on elsewhere, beside the queues. */
struct vio_net_state {
	uint32_t version; /* VIO_NET_STATE_VERSION */
	uint8_t mac[6];
	uint16_t mtu; /* 0: not given */
};

struct vio_net {
	struct vio_dev dev;
	struct vio_net_state s;
	struct vm_watch tap; /* fd borrowed */
	bool reading;
	bool rx_wait; /* rate limit: the timer starts us again */
	struct vm_timer timer;
	struct vio_rate rx_rate;
	struct vio_rate tx_rate;
	size_t held;	 /* bytes in @packet that had no buffer */
	uint8_t *packet; /* owned, VIO_NET_PACKET_MAX */
	/* vhost */
	int vhost_fd; /* borrowed, -EBADF: none */
	struct vm_watch call[2];
	bool running;
	/* counters */
	uint64_t rx_packets, rx_bytes, rx_dropped;
	uint64_t tx_packets, tx_bytes, tx_dropped;
};

int vio_net_init(struct vio_net *net, const struct vm_net_config *conf, const struct vio_env *env,
		 struct cs_err *err);

#endif
