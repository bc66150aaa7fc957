/*
 * The network device's queues in the host's kernel (linux/vhost.h). The kernel reads and writes the
 * guest's memory as this process would; it checks rings and descriptors by itself. Interrupts come
 * back here first, for the transport has to say which kind it was.
 *
 * System calls: ioctl (VHOST_*)
 */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/mem.h"
#include "kvm/virtio/net_int.h"

#define F(bit) (1ULL << (bit))

/* What the kernel has a say in; the rest is the tap's. */
static const uint64_t vhost_features = F(VIRTIO_F_VERSION_1) | F(VIRTIO_NET_F_MRG_RXBUF) |
				       F(VIRTIO_RING_F_INDIRECT_DESC) | F(VIRTIO_RING_F_EVENT_IDX);

static void call(struct vio_net *net, int i)
{
	eventfd_t count;

	(void)eventfd_read(net->call[i].fd, &count);
	if (vio_dev_live(&net->dev) && net->dev.link)
		net->dev.link->raise_queue(&net->dev, (uint16_t)i);
}

static void call_rx(struct vm_watch *w, uint32_t events)
{
	(void)events;
	call(vio_container_of(w, struct vio_net, call[NET_RX]), NET_RX);
}

static void call_tx(struct vm_watch *w, uint32_t events)
{
	(void)events;
	call(vio_container_of(w, struct vio_net, call[NET_TX]), NET_TX);
}

int vio_net_vhost_init(struct vio_net *net, uint64_t *features, struct cs_err *err)
{
	uint64_t have = 0;

	if (ioctl(net->vhost_fd, VHOST_SET_OWNER) < 0)
		return cs_err_sys(err, "%s: own the vhost device", net->dev.name);
	if (ioctl(net->vhost_fd, VHOST_GET_FEATURES, &have) < 0)
		return cs_err_sys(err, "%s: ask vhost for its features", net->dev.name);
	*features &= have | ~vhost_features;
	*features &= ~F(VIRTIO_F_RING_PACKED);
	for (int i = 0; i < 2; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return cs_err_sys(err, "%s: make an eventfd", net->dev.name);
		net->call[i] = (struct vm_watch){ .fd = fd, .ready = i ? call_tx : call_rx };
		if (vm_loop_add(net->dev.loop, &net->call[i], EPOLLIN, err) < 0)
			return -err->code;
	}
	return 0;
}

static int set_memory(const struct vio_net *net, struct cs_err *err)
{
	union {
		struct vhost_memory head; /* ends in an array without a length */
		uint8_t room[sizeof(struct vhost_memory) +
			     VM_MEM_REGIONS * sizeof(struct vhost_memory_region)];
	} t = { .room = { 0 } };
	struct vhost_memory_region *r = t.head.regions;
	const struct vm_mem *mem = net->dev.mem;
	uint32_t n = 0;

	for (uint32_t i = 0; i < mem->n; i++) {
		/* where the guest cannot write, the kernel must not do it for it */
		if (mem->r[i].readonly)
			continue;
		r[n].guest_phys_addr = mem->r[i].gpa;
		r[n].memory_size = mem->r[i].len;
		r[n++].userspace_addr = (uintptr_t)mem->r[i].host;
	}
	t.head.nregions = n;
	if (ioctl(net->vhost_fd, VHOST_SET_MEM_TABLE, &t) < 0)
		return cs_err_sys(err, "give vhost the guest's memory");
	return 0;
}

static int set_ring(const struct vio_net *net, unsigned int i, struct cs_err *err)
{
	const struct vio_queue *q = &net->dev.q[i];
	struct vhost_vring_state num = { i, q->s.size }, base = { i, q->s.next_avail };
	struct vhost_vring_file kick = { i, net->dev.kick_fd[i] };
	struct vhost_vring_file signal = { i, net->call[i].fd };
	struct vhost_vring_addr addr = {
		.index = i,
		.desc_user_addr = (uintptr_t)q->desc_p,
		.avail_user_addr = (uintptr_t)q->driver_p,
		.used_user_addr = (uintptr_t)q->device_p,
	};

	if (!q->s.ready)
		return cs_err_set(err, EINVAL, "queue %u is not set up", i);
	if (ioctl(net->vhost_fd, VHOST_SET_VRING_NUM, &num) < 0 ||
	    ioctl(net->vhost_fd, VHOST_SET_VRING_BASE, &base) < 0 ||
	    ioctl(net->vhost_fd, VHOST_SET_VRING_ADDR, &addr) < 0 ||
	    ioctl(net->vhost_fd, VHOST_SET_VRING_KICK, &kick) < 0 ||
	    ioctl(net->vhost_fd, VHOST_SET_VRING_CALL, &signal) < 0)
		return cs_err_sys(err, "give vhost queue %u", i);
	return 0;
}

int vio_net_vhost_start(struct vio_net *net, struct cs_err *err)
{
	uint64_t acked = net->dev.s.acked & vhost_features;
	int ret;

	if (ioctl(net->vhost_fd, VHOST_SET_FEATURES, &acked) < 0)
		return cs_err_sys(err, "set vhost's features to 0x%llx", (unsigned long long)acked);
	ret = set_memory(net, err);
	for (unsigned int i = 0; i < 2 && ret == 0; i++)
		ret = set_ring(net, i, err);
	if (ret < 0)
		return ret;
	net->running = true;
	for (unsigned int i = 0; i < 2; i++) {
		struct vhost_vring_file backend = { i, net->tap.fd };

		if (ioctl(net->vhost_fd, VHOST_NET_SET_BACKEND, &backend) < 0)
			return cs_err_sys(err, "give vhost the tap for queue %u", i);
	}
	return 0;
}

void vio_net_vhost_stop(struct vio_net *net)
{
	for (unsigned int i = 0; i < 2 && net->running; i++) {
		struct vhost_vring_file none = { i, -1 };
		struct vhost_vring_state base = { i, 0 };

		/* waits for what the kernel has in hand */
		(void)ioctl(net->vhost_fd, VHOST_NET_SET_BACKEND, &none);
		(void)ioctl(net->vhost_fd, VHOST_GET_VRING_BASE, &base);
	}
	net->running = false;
}

void vio_net_vhost_fini(struct vio_net *net)
{
	for (int i = 0; i < 2; i++) {
		vm_loop_del(net->dev.loop, &net->call[i]);
		cs_close_fd(&net->call[i].fd);
	}
}
