/* System calls: read writev ioctl(TUNSETOFFLOAD) epoll_ctl timerfd_settime clock_gettime */
#include "kvm/virtio/net.h"

#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/config.h"
#include "kvm/virtio/net_int.h"

enum {
	QUEUE_MAX = 256,
	ETH_MIN = 14,
	PACKETS = 64, /* read from the tap in one go */
};

#define F(bit) (1ULL << (bit))

static struct vio_net *net_of(struct vio_dev *dev)
{
	return vio_container_of(dev, struct vio_net, dev);
}

static int64_t tx_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_net *net = net_of(dev);
	struct iovec iov[VIO_CHAIN_MAX];
	uint64_t wait;
	ssize_t n;
	int k;

	(void)qi;
	if (c->out_len < VIO_NET_HDR + ETH_MIN || c->out_len > VIO_NET_PACKET_MAX) {
		net->tx_dropped++;
		return 0;
	}
	wait = net->tx_rate.per_second ? vio_rate_wait(&net->tx_rate, vio_now_ns()) : 0;
	if (wait) {
		vm_timer_set(&net->timer, wait, 0);
		return VIO_STOP;
	}
	vio_rate_take(&net->tx_rate, c->out_len - VIO_NET_HDR);
	k = vio_chain_out_iov(c, 0, c->out_len, iov, NULL);
	/* the tap checks the header and refuses what makes no sense; a full one drops, as wires do
	 */
	do {
		n = writev(net->tap.fd, iov, k);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		net->tx_dropped++;
		return 0;
	}
	net->tx_packets++;
	net->tx_bytes += c->out_len - VIO_NET_HDR;
	return 0;
}

/* Gives the packet held to the guest, in one buffer or, where they may be merged, as many as it
 * takes. False when there are not enough: nothing is used then. */
static bool deliver(struct vio_net *net)
{
	const bool merge = vio_dev_has(&net->dev, VIRTIO_NET_F_MRG_RXBUF);
	struct vio_queue *q = &net->dev.q[NET_RX];
	struct vio_used used[VIO_CHAIN_MAX];
	struct vio_chain c, first;
	uint16_t n = 0;
	size_t done = 0;

	while (done < net->held && n < VIO_CHAIN_MAX) {
		if (vio_dev_pop(&net->dev, NET_RX, &c) <= 0)
			break;
		used[n] = (struct vio_used){ c.id, c.n_desc, 0 };
		used[n].len =
			(uint32_t)vio_chain_write(&c, 0, net->packet + done, net->held - done);
		done += used[n].len;
		if (!n++)
			first = c;
		if (!merge)
			break;
	}
	if (!vio_dev_live(&net->dev))
		return false;
	if (done < net->held && (merge || !n)) {
		/* the last goes back first */
		while (n) {
			c.id = used[--n].id;
			c.n_desc = used[n].n_desc;
			vio_queue_unpop(q, &c);
		}
		return false;
	}
	if (done < net->held) {
		/* a buffer smaller than the packet: it is lost, the buffer is used for the next */
		vio_queue_unpop(q, &c);
		net->rx_dropped++;
		net->held = 0;
		return true;
	}
	n = htole16(n);
	vio_chain_write(&first, offsetof(struct virtio_net_hdr_v1, num_buffers), &n, sizeof(n));
	vio_queue_push(q, used, le16toh(n));
	net->rx_packets++;
	net->rx_bytes += net->held - VIO_NET_HDR;
	net->held = 0;
	return true;
}

/* Reads the tap only while there is somewhere to put a packet. */
static void watch_tap(struct vio_net *net, bool on)
{
	if (net->reading == on)
		return;
	net->reading = on;
	vm_loop_mod(net->dev.loop, &net->tap, on ? EPOLLIN : 0);
}

/* Reads the next packet. False when there is none, or none may pass now. */
static bool fetch(struct vio_net *net)
{
	uint64_t wait = 0;
	ssize_t n;

	if (net->rx_rate.per_second)
		wait = vio_rate_wait(&net->rx_rate, vio_now_ns());
	if (wait) {
		net->rx_wait = true;
		watch_tap(net, false);
		vm_timer_set(&net->timer, wait, 0);
		return false;
	}
	do {
		n = read(net->tap.fd, net->packet, VIO_NET_PACKET_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < VIO_NET_HDR + ETH_MIN)
		return false;
	net->held = (size_t)n;
	vio_rate_take(&net->rx_rate, net->held - VIO_NET_HDR);
	return true;
}

static void receive(struct vio_net *net)
{
	struct vio_queue *q = &net->dev.q[NET_RX];

	if (!vio_dev_live(&net->dev))
		return;
	vio_queue_disarm(q);
	for (int i = 0; i < PACKETS && (net->held || fetch(net)); i++) {
		if (deliver(net))
			continue;
		if (!vio_dev_live(&net->dev))
			break;
		/* none or too few: the driver's next kick goes on, unless more came just now */
		vio_queue_arm_more(q);
		if (!deliver(net)) {
			watch_tap(net, false);
			break;
		}
	}
	vio_dev_raise(&net->dev, NET_RX);
}

static void tap_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_net *net = vio_container_of(w, struct vio_net, tap);

	if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN)) {
		vm_loop_del(net->dev.loop, w); /* the tap is gone */
		return;
	}
	receive(net);
}

static void timer_fired(struct vm_timer *t)
{
	struct vio_net *net = vio_container_of(t, struct vio_net, timer);

	if (!vio_dev_live(&net->dev))
		return;
	vio_dev_run(&net->dev, NET_TX, tx_handle);
	if (net->rx_wait) {
		net->rx_wait = false;
		watch_tap(net, true);
	}
}

static void net_kick(struct vio_dev *dev, uint16_t qi)
{
	struct vio_net *net = net_of(dev);

	if (qi == NET_TX) {
		vio_dev_run(dev, qi, tx_handle);
	} else if (!net->rx_wait) {
		watch_tap(net, true);
		if (net->held)
			receive(net);
	}
}

/* Tells the tap what this driver can take from it (TUNSETOFFLOAD). */
static int set_offloads(const struct vio_net *net, struct cs_err *err)
{
	static const struct {
		unsigned int feature;
		unsigned int flag;
	} map[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM }, { VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 }, { VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
		{ VIRTIO_NET_F_GUEST_UFO, TUN_F_UFO },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < CS_LEN(map); i++)
		if (vio_dev_has(&net->dev, map[i].feature))
			flags |= map[i].flag;
	if (!(flags & TUN_F_CSUM))
		flags = 0; /* the others need it */
	if (ioctl(net->tap.fd, TUNSETOFFLOAD, flags) < 0)
		return cs_err_sys(err, "set the tap's offloads to 0x%lx", flags);
	return 0;
}

static int net_activate(struct vio_dev *dev, struct cs_err *err)
{
	struct vio_net *net = net_of(dev);
	int ret = set_offloads(net, err);

	if (ret == 0 && net->vhost_fd >= 0)
		ret = vio_net_vhost_start(net, err);
	return ret;
}

static void net_reset(struct vio_dev *dev)
{
	struct vio_net *net = net_of(dev);

	if (net->vhost_fd >= 0)
		vio_net_vhost_stop(net);
	watch_tap(net, false);
	net->held = 0;
	net->rx_wait = false;
}

static void net_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_net *net = net_of(dev);
	struct virtio_net_config conf = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(1),
		.mtu = htole16(net->s.mtu),
	};

	memcpy(conf.mac, net->s.mac, sizeof(conf.mac));
	memcpy(buf, (const char *)&conf + off, len);
}

static void net_fini(struct vio_dev *dev)
{
	struct vio_net *net = net_of(dev);

	vm_loop_del(dev->loop, &net->tap);
	vm_timer_fini(&net->timer, dev->loop);
	vio_net_vhost_fini(net);
	free(cs_take_ptr(&net->packet));
}

static const struct vio_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.activate = net_activate,
	.kick = net_kick,
	.reset = net_reset,
	.config_read = net_config_read,
	.fini = net_fini,
};

/* The host's kernel waits for the kicks. */
static const struct vio_ops net_vhost_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.own_kicks = true,
	.activate = net_activate,
	.reset = net_reset,
	.config_read = net_config_read,
	.fini = net_fini,
};

static int init_tap(struct vio_net *net, struct cs_err *err)
{
	const int hdr = VIO_NET_HDR;

	if (ioctl(net->tap.fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return cs_err_sys(err, "%s: set the header's size of the tap", net->dev.name);
	if (net->vhost_fd >= 0)
		return 0;
	net->packet = malloc(VIO_NET_PACKET_MAX);
	if (!net->packet)
		return cs_err_set(err, ENOMEM, "%s: out of memory", net->dev.name);
	return vm_loop_add(net->dev.loop, &net->tap, 0, err);
}

int vio_net_init(struct vio_net *net, const struct vm_net_config *conf, const struct vio_env *env,
		 struct cs_err *err)
{
	const bool vhost = conf->vhost_fd >= 0;
	uint64_t features =
		F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_GUEST_CSUM) | F(VIRTIO_NET_F_GUEST_TSO4) |
		F(VIRTIO_NET_F_GUEST_TSO6) | F(VIRTIO_NET_F_GUEST_ECN) | F(VIRTIO_NET_F_GUEST_UFO) |
		F(VIRTIO_NET_F_HOST_TSO4) | F(VIRTIO_NET_F_HOST_TSO6) | F(VIRTIO_NET_F_HOST_ECN) |
		F(VIRTIO_NET_F_HOST_UFO) | F(VIRTIO_NET_F_MRG_RXBUF) | F(VIRTIO_NET_F_MAC) |
		F(VIRTIO_NET_F_STATUS);
	const uint64_t now = vio_now_ns();
	int ret;

	if (conf->mtu)
		features |= F(VIRTIO_NET_F_MTU);
	memset(net, 0, sizeof(*net));
	net->tap = (struct vm_watch){ .fd = conf->fd, .ready = tap_ready };
	net->timer = VM_TIMER_INIT;
	net->vhost_fd = conf->vhost_fd;
	net->call[0] = net->call[1] = VM_WATCH_INIT;
	net->s = (struct vio_net_state){ .version = VIO_NET_STATE_VERSION, .mtu = conf->mtu };
	memcpy(net->s.mac, conf->mac, sizeof(net->s.mac));
	vio_rate_init(&net->rx_rate, &conf->rx_bytes, now);
	vio_rate_init(&net->tx_rate, &conf->tx_bytes, now);
	ret = vio_dev_init(&net->dev, vhost ? &net_vhost_ops : &net_ops, env, 2, QUEUE_MAX,
			   features, err);
	if (ret < 0)
		return ret;
	net->dev.config_size = offsetof(struct virtio_net_config, mtu) + sizeof(uint16_t);
	ret = vm_timer_init(&net->timer, env->loop, timer_fired, err);
	if (ret == 0)
		ret = init_tap(net, err);
	if (ret == 0 && vhost)
		ret = vio_net_vhost_init(net, &net->dev.offered, err);
	if (ret < 0)
		vio_dev_fini(&net->dev);
	return ret;
}
