#include "kvm/virtio/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/layout.h"

enum {
	MAGIC = 0x74726976, /* "virt" */
	LAYOUT = 2,
	VENDOR = 0x53494143, /* "CAIS" */
};

static void raise_isr(struct vio_dev *dev, uint32_t bit)
{
	struct vio_mmio *m = dev->transport;

	__atomic_fetch_or(&m->s.isr, bit, __ATOMIC_ACQ_REL);
	vm_irq_raise(&m->irq);
}

static void raise_queue(struct vio_dev *dev, uint16_t qi)
{
	(void)qi;
	raise_isr(dev, VIRTIO_MMIO_INT_VRING);
}

static void raise_config(struct vio_dev *dev)
{
	raise_isr(dev, VIRTIO_MMIO_INT_CONFIG);
}

static const struct vio_link mmio_link = {
	.raise_queue = raise_queue,
	.raise_config = raise_config,
};

/* The selected queue, or NULL when there is none of that number. */
static struct vio_queue *selected(struct vio_mmio *m)
{
	return m->s.queue_sel < m->dev->n_queues ? &m->dev->q[m->s.queue_sel] : NULL;
}

static uint32_t read_shm(const struct vio_mmio *m, uint64_t off)
{
	const struct vio_shm *shm = &m->dev->shm;
	uint64_t v;

	/* a region that is not there has the length and base of all ones (4.2.2) */
	if (m->s.shm_sel || !shm->len)
		return UINT32_MAX;
	v = off < VIRTIO_MMIO_SHM_BASE_LOW ? shm->len : shm->gpa;
	return (uint32_t)(off % 8 ? v >> 32 : v);
}

static uint32_t read_reg(struct vio_mmio *m, uint64_t off)
{
	const struct vio_queue *q = selected(m);

	switch (off) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return LAYOUT;
	case VIRTIO_MMIO_DEVICE_ID:
		return m->dev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		if (m->s.device_features_sel > 1)
			return 0;
		return (uint32_t)(m->dev->offered >> 32 * m->s.device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? q->max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q && q->s.ready;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return __atomic_load_n(&m->s.isr, __ATOMIC_ACQUIRE);
	case VIRTIO_MMIO_STATUS:
		return vio_dev_status(m->dev);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return read_shm(m, off);
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return __atomic_load_n(&m->dev->s.config_gen, __ATOMIC_ACQUIRE);
	default:
		return 0;
	}
}

static void set_low(uint64_t *addr, uint32_t v)
{
	*addr = (*addr & ~(uint64_t)UINT32_MAX) | v;
}

static void set_high(uint64_t *addr, uint32_t v)
{
	*addr = (*addr & UINT32_MAX) | (uint64_t)v << 32;
}

/* The registers of the selected queue. */
static void write_queue(struct vio_mmio *m, uint64_t off, uint32_t v)
{
	struct vio_queue *q = selected(m);

	if (!q)
		return;
	if (q->s.ready) {
		/* saying again that it is ready is harmless; all else changes it while in use */
		if (off != VIRTIO_MMIO_QUEUE_READY || v != 1)
			vio_dev_break(m->dev, "it changes a queue in use");
		return;
	}
	switch (off) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->s.size = v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (v == 1)
			vio_dev_enable_queue(m->dev, (uint16_t)m->s.queue_sel);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&q->s.desc, v);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&q->s.desc, v);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&q->s.driver, v);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&q->s.driver, v);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&q->s.device, v);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&q->s.device, v);
		break;
	default:
		break;
	}
}

static void write_status(struct vio_mmio *m, uint32_t v)
{
	vio_dev_set_status(m->dev, v);
	if (!v)
		__atomic_store_n(&m->s.isr, 0, __ATOMIC_RELEASE);
}

static void write_reg(struct vio_mmio *m, uint64_t off, uint32_t v)
{
	switch (off) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		m->s.device_features_sel = v;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		vio_dev_ack_features(m->dev, m->s.driver_features_sel, v);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		m->s.driver_features_sel = v;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		m->s.queue_sel = v;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		/* only where KVM does not signal the eventfd itself */
		if (v < m->dev->n_queues)
			(void)eventfd_write(m->dev->kick_fd[v], 1);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		__atomic_fetch_and(&m->s.isr, ~v, __ATOMIC_ACQ_REL);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(m, v);
		break;
	case VIRTIO_MMIO_SHM_SEL:
		m->s.shm_sel = v;
		break;
	default:
		write_queue(m, off, v);
		break;
	}
}

void vio_mmio_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct vio_mmio *m = owner;

	if (off >= VIRTIO_MMIO_CONFIG) {
		if (write)
			vio_dev_config_write(m->dev, off - VIRTIO_MMIO_CONFIG, data, len);
		else
			vio_dev_config_read(m->dev, off - VIRTIO_MMIO_CONFIG, data, len);
		return;
	}
	/* registers are 32 bits wide and nothing else (4.2.2.2): other accesses do nothing */
	if (len != 4 || off % 4) {
		if (!write)
			memset(data, 0, len);
		return;
	}
	if (write)
		write_reg(m, off, (uint32_t)vm_bus_get(data, len));
	else
		vm_bus_put(data, len, read_reg(m, off));
}

static void kick_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_mmio_kick *k = vio_container_of(w, struct vio_mmio_kick, w);
	eventfd_t count;

	(void)events;
	(void)eventfd_read(w->fd, &count);
	vio_dev_kick(k->m->dev, k->qi);
}

/* Each queue's kick: an eventfd that KVM signals and, unless the device waits for it by itself,
 * the loop watches. */
static int add_kick(struct vio_mmio *m, uint16_t qi, struct cs_err *err)
{
	struct vio_mmio_kick *k = &m->kick[qi];
	int ret;

	*k = (struct vio_mmio_kick){ { .fd = m->dev->kick_fd[qi], .ready = kick_ready }, m, qi };
	if (!m->dev->ops->own_kicks) {
		ret = vm_loop_add(m->dev->loop, &k->w, EPOLLIN, err);
		if (ret < 0)
			return ret;
	}
	if (m->vm_fd < 0)
		return 0;
	return vm_doorbell_add(m->vm_fd, m->gpa + VIRTIO_MMIO_QUEUE_NOTIFY, qi, k->w.fd, err);
}

int vio_mmio_init(struct vio_mmio *m, struct vio_dev *dev, struct vm_bus *bus, int vm_fd,
		  uint64_t gpa, uint32_t gsi, struct cs_err *err)
{
	struct vm_bus_range range = {
		.name = dev->name,
		.base = gpa,
		.len = VM_MMIO_SIZE,
		.owner = m,
		.do_io = vio_mmio_io,
		.loop = dev->loop,
	};
	int ret;

	memset(m, 0, sizeof(*m));
	m->dev = dev;
	m->vm_fd = vm_fd;
	m->gpa = gpa;
	m->irq = VM_IRQ_INIT;
	m->s.version = VIO_MMIO_STATE_VERSION;
	ret = vm_irq_init(&m->irq, vm_fd, gsi, err);
	for (uint16_t i = 0; i < dev->n_queues && ret == 0; i++)
		ret = add_kick(m, i, err);
	if (ret == 0)
		ret = vm_bus_add(bus, &range, err);
	if (ret < 0) {
		vio_mmio_fini(m);
		return ret;
	}
	dev->transport = m;
	dev->link = &mmio_link;
	return 0;
}

void vio_mmio_fini(struct vio_mmio *m)
{
	if (m->dev->link == &mmio_link) {
		vio_dev_set_status(m->dev, 0);
		m->dev->link = NULL;
	}
	for (int i = 0; i < VIO_QUEUES_MAX; i++) {
		struct vio_mmio_kick *k = &m->kick[i];

		if (!k->m)
			continue;
		vm_loop_del(m->dev->loop, &k->w);
		if (m->vm_fd >= 0)
			vm_doorbell_del(m->vm_fd, m->gpa + VIRTIO_MMIO_QUEUE_NOTIFY, k->qi,
					k->w.fd);
		k->m = NULL;
	}
	vm_irq_fini(&m->irq);
}
