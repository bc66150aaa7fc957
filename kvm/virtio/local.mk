kvm_libkvm_a_SOURCES += \
	kvm/virtio/blk.c kvm/virtio/blk.h \
	kvm/virtio/blk_parse.c \
	kvm/virtio/chain.c kvm/virtio/chain.h \
	kvm/virtio/dev.c kvm/virtio/dev.h \
	kvm/virtio/guest.h \
	kvm/virtio/mmio.c kvm/virtio/mmio.h \
	kvm/virtio/queue.c kvm/virtio/queue.h \
	kvm/virtio/queue_int.h \
	kvm/virtio/queue_packed.c \
	kvm/virtio/queue_split.c \
	kvm/virtio/rate.c kvm/virtio/rate.h \
	kvm/virtio/rng.c kvm/virtio/rng.h \
	kvm/virtio/worker.c kvm/virtio/worker.h
