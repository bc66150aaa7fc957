#ifndef CS_KVM_VIRTIO_RNG_H
#define CS_KVM_VIRTIO_RNG_H

#include "kvm/virtio/dev.h"

/* Entropy device (virtio 1.2, 5.4): the host's getrandom(2). Has no state of its own. */
struct vio_rng {
	struct vio_dev dev;
};

int vio_rng_init(struct vio_rng *rng, const struct vio_env *env, struct cs_err *err);

#endif
