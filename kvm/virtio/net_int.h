#ifndef CS_KVM_VIRTIO_NET_INT_H
#define CS_KVM_VIRTIO_NET_INT_H

/* Shared by the files of the network device; for nobody else. */

#include "kvm/virtio/net.h"

enum {
	NET_RX = 0,
	NET_TX = 1,
};

/* net_vhost.c. Makes @net ready to be moved by the host's kernel: *@features loses what that does
 * not offer. */
int vio_net_vhost_init(struct vio_net *net, uint64_t *features, struct cs_err *err);
int vio_net_vhost_start(struct vio_net *net, struct cs_err *err);
void vio_net_vhost_stop(struct vio_net *net);
void vio_net_vhost_fini(struct vio_net *net);

#endif
