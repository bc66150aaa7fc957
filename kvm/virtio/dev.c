#include "kvm/virtio/dev.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

enum {
	BUDGET = 2 * VIO_CHAIN_MAX, /* buffers served in one go */
	DRIVER_BITS = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		      VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
		      VIRTIO_CONFIG_S_FAILED,
};

#define FEATURE(bit) (1ULL << (bit))

int vio_dev_init(struct vio_dev *dev, const struct vio_ops *ops, const struct vio_env *env,
		 uint16_t n_queues, uint16_t queue_max, uint64_t features, struct cs_err *err)
{
	memset(dev, 0, sizeof(*dev));
	dev->ops = ops;
	dev->mem = env->mem;
	dev->loop = env->loop;
	dev->name = env->name;
	dev->thread_begin = env->thread_begin;
	dev->n_queues = n_queues;
	dev->offered = features | FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_RING_PACKED) |
		       FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | FEATURE(VIRTIO_RING_F_EVENT_IDX);
	dev->s.version = VIO_DEV_STATE_VERSION;
	for (int i = 0; i < VIO_QUEUES_MAX; i++)
		dev->kick_fd[i] = -EBADF;
	for (uint16_t i = 0; i < n_queues; i++) {
		vio_queue_init(&dev->q[i], queue_max);
		dev->kick_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (dev->kick_fd[i] < 0) {
			int ret = cs_err_sys(err, "make a kick's eventfd for %s", env->name);

			vio_dev_fini(dev);
			return ret;
		}
	}
	return 0;
}

int vio_dev_start(struct vio_dev *dev, struct cs_err *err)
{
	return dev->ops->start ? dev->ops->start(dev, err) : 0;
}

static void reset(struct vio_dev *dev)
{
	__atomic_store_n(&dev->s.status, 0, __ATOMIC_RELEASE);
	if (dev->ops->reset)
		dev->ops->reset(dev);
	dev->s.acked = 0;
	for (uint16_t i = 0; i < dev->n_queues; i++)
		vio_queue_reset(&dev->q[i]);
	/* a thread of the device's may have broken it until its reset came back */
	__atomic_store_n(&dev->s.status, 0, __ATOMIC_RELEASE);
}

void vio_dev_fini(struct vio_dev *dev)
{
	if (!dev->ops)
		return;
	dev->link = NULL;
	reset(dev);
	if (dev->ops->fini)
		dev->ops->fini(dev);
	for (int i = 0; i < VIO_QUEUES_MAX; i++)
		cs_close_fd(&dev->kick_fd[i]);
	dev->ops = NULL;
}

bool vio_dev_live(const struct vio_dev *dev)
{
	const uint32_t want = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	return (vio_dev_status(dev) & (want | VIRTIO_CONFIG_S_NEEDS_RESET)) == want;
}

bool vio_dev_may_warn(struct vio_dev *dev)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return __atomic_exchange_n(&dev->warned, (int64_t)now.tv_sec + 1, __ATOMIC_RELAXED) !=
	       (int64_t)now.tv_sec + 1;
}

void vio_dev_break(struct vio_dev *dev, const char *why)
{
	uint32_t old =
		__atomic_fetch_or(&dev->s.status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_ACQ_REL);

	if (old & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	__atomic_add_fetch(&dev->broken, 1, __ATOMIC_RELAXED);
	if (vio_dev_may_warn(dev))
		cs_log(CS_LOG_WARN,
		       "%s: the guest's driver is wrong: %s; the device stops until "
		       "it is reset",
		       dev->name, why);
	if ((old & VIRTIO_CONFIG_S_DRIVER_OK) && dev->link)
		dev->link->raise_config(dev);
}

void vio_dev_ack_features(struct vio_dev *dev, unsigned int word, uint32_t bits)
{
	if (word > 1)
		return;
	if (vio_dev_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK) {
		vio_dev_break(dev, "it changes features after it settled them");
		return;
	}
	dev->s.acked &= ~((uint64_t)UINT32_MAX << 32 * word);
	dev->s.acked |= (uint64_t)bits << 32 * word;
}

static void activate(struct vio_dev *dev)
{
	struct cs_err err = CS_ERR_INIT;

	if (dev->ops->activate && dev->ops->activate(dev, &err) < 0) {
		if (vio_dev_may_warn(dev))
			cs_log(CS_LOG_WARN, "%s: %s", dev->name, err.msg);
		vio_dev_break(dev, "the device could not be started");
		return;
	}
	/* kicks that came too early, or, to a restored device, never */
	for (uint16_t i = 0; i < dev->n_queues && dev->ops->own_kicks; i++)
		(void)eventfd_write(dev->kick_fd[i], 1);
}

void vio_dev_set_status(struct vio_dev *dev, uint32_t status)
{
	uint32_t old = vio_dev_status(dev), added;

	if (!status) {
		reset(dev);
		return;
	}
	/* bits are only ever added; NEEDS_RESET is ours */
	added = status & DRIVER_BITS & ~old;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    ((dev->s.acked & ~dev->offered) || !vio_dev_has(dev, VIRTIO_F_VERSION_1)))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) && !((old | added) & VIRTIO_CONFIG_S_FEATURES_OK)) {
		vio_dev_break(dev, "it starts before features are settled");
		return;
	}
	__atomic_fetch_or(&dev->s.status, added, __ATOMIC_ACQ_REL);
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		activate(dev);
}

void vio_dev_enable_queue(struct vio_dev *dev, uint16_t qi)
{
	struct cs_err err = CS_ERR_INIT;
	uint32_t status = vio_dev_status(dev);

	if (dev->q[qi].s.ready)
		return;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK) || (status & VIRTIO_CONFIG_S_DRIVER_OK)) {
		vio_dev_break(dev, "it sets up a queue at a wrong time");
		return;
	}
	if (vio_queue_enable(&dev->q[qi], dev->mem, vio_dev_has(dev, VIRTIO_F_RING_PACKED),
			     vio_dev_has(dev, VIRTIO_RING_F_EVENT_IDX), &err) < 0) {
		if (vio_dev_may_warn(dev))
			cs_log(CS_LOG_WARN, "%s: %s", dev->name, err.msg);
		vio_dev_break(dev, "it sets up a queue that cannot be");
	}
}

void vio_dev_config_read(struct vio_dev *dev, uint64_t off, void *buf, uint32_t len)
{
	memset(buf, 0, len);
	if (off >= dev->config_size || !dev->ops->config_read)
		return;
	if (len > dev->config_size - off)
		len = (uint32_t)(dev->config_size - off);
	dev->ops->config_read(dev, (uint32_t)off, buf, len);
}

void vio_dev_config_write(struct vio_dev *dev, uint64_t off, const void *buf, uint32_t len)
{
	if (off >= dev->config_size || len > dev->config_size - off || !dev->ops->config_write)
		return;
	dev->ops->config_write(dev, (uint32_t)off, buf, len);
}

void vio_dev_kick(struct vio_dev *dev, uint16_t qi)
{
	if (qi >= dev->n_queues || !vio_dev_live(dev))
		return;
	dev->kicks++;
	if (dev->ops->kick)
		dev->ops->kick(dev, qi);
}

int vio_dev_pop(struct vio_dev *dev, uint16_t qi, struct vio_chain *c)
{
	int ret = vio_queue_pop(&dev->q[qi], c);

	if (ret >= 0)
		return ret;
	vio_dev_break(dev, dev->q[qi].why);
	return 0;
}

void vio_dev_raise(struct vio_dev *dev, uint16_t qi)
{
	if (!vio_queue_should_raise(&dev->q[qi]) || !dev->link)
		return;
	__atomic_add_fetch(&dev->raised, 1, __ATOMIC_RELAXED);
	dev->link->raise_queue(dev, qi);
}

void vio_dev_config_changed(struct vio_dev *dev)
{
	__atomic_add_fetch(&dev->s.config_gen, 1, __ATOMIC_RELEASE);
	if ((vio_dev_status(dev) & VIRTIO_CONFIG_S_DRIVER_OK) && dev->link)
		dev->link->raise_config(dev);
}

void vio_dev_run(struct vio_dev *dev, uint16_t qi, vio_handle_fn handle)
{
	struct vio_queue *q = &dev->q[qi];
	struct vio_chain c;
	int left = BUDGET;

	do {
		vio_queue_disarm(q);
		while (left > 0 && vio_dev_live(dev) && vio_dev_pop(dev, qi, &c) > 0) {
			int64_t n = handle(dev, qi, &c);

			left--;
			if (n == VIO_STOP) {
				vio_queue_unpop(q, &c);
				vio_dev_raise(dev, qi);
				return;
			}
			if (n >= 0)
				vio_queue_push_one(q, &c, (uint64_t)n);
		}
	} while (left > 0 && vio_dev_live(dev) && vio_queue_arm(q));
	vio_dev_raise(dev, qi);
	if (left <= 0)
		(void)eventfd_write(dev->kick_fd[qi], 1);
}
