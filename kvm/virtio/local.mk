kvm_libkvm_a_SOURCES += \
	kvm/virtio/balloon.c kvm/virtio/balloon.h \
	kvm/virtio/blk.c kvm/virtio/blk.h \
	kvm/virtio/blk_parse.c \
	kvm/virtio/chain.c kvm/virtio/chain.h \
	kvm/virtio/console.c kvm/virtio/console.h \
	kvm/virtio/dev.c kvm/virtio/dev.h \
	kvm/virtio/fs.c kvm/virtio/fs.h \
	kvm/virtio/fs_jail.c kvm/virtio/fs_jail.h \
	kvm/virtio/fs_serve.c \
	kvm/virtio/fuse.c kvm/virtio/fuse.h \
	kvm/virtio/fuse_attr.c \
	kvm/virtio/fuse_dir.c \
	kvm/virtio/fuse_file.c \
	kvm/virtio/fuse_int.h \
	kvm/virtio/fuse_node.c \
	kvm/virtio/fuse_table.c \
	kvm/virtio/fuse_xattr.c \
	kvm/virtio/guest.h \
	kvm/virtio/mmio.c kvm/virtio/mmio.h \
	kvm/virtio/net.c kvm/virtio/net.h \
	kvm/virtio/net_int.h \
	kvm/virtio/net_vhost.c \
	kvm/virtio/pmem.c kvm/virtio/pmem.h \
	kvm/virtio/queue.c kvm/virtio/queue.h \
	kvm/virtio/queue_int.h \
	kvm/virtio/queue_packed.c \
	kvm/virtio/queue_split.c \
	kvm/virtio/rate.c kvm/virtio/rate.h \
	kvm/virtio/rng.c kvm/virtio/rng.h \
	kvm/virtio/vsock.c kvm/virtio/vsock.h \
	kvm/virtio/vsock_int.h \
	kvm/virtio/vsock_rx.c \
	kvm/virtio/vsock_tx.c \
	kvm/virtio/worker.c kvm/virtio/worker.h
