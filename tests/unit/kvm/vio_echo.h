#ifndef CS_TESTS_UNIT_KVM_VIO_ECHO_H
#define CS_TESTS_UNIT_KVM_VIO_ECHO_H

/* A device type of the tests' own, two queues: copies what it reads to what it writes. Its config
 * space is 6 bytes, the last two of which can be written. */

#include "tests/unit/kvm/vio_driver.h"

struct echo {
	struct vio_dev dev;
	uint8_t config[6];
	int n_resets, n_activated, n_handled;
	bool stop;     /* take nothing */
	bool fail;     /* do not start */
	uint16_t keep; /* buffers to keep, pushed at once when there are so many */
	uint16_t n_kept;
	struct vio_used kept[16];
};

static inline int64_t echo_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct echo *e = vio_container_of(dev, struct echo, dev);
	char buf[4096];
	size_t n = vio_chain_read(c, 0, buf, sizeof(buf));

	if (e->stop)
		return VIO_STOP;
	e->n_handled++;
	n = vio_chain_write(c, 0, buf, n);
	if (!e->keep)
		return (int64_t)n;
	e->kept[e->n_kept++] = (struct vio_used){ c->id, c->n_desc, (uint32_t)n };
	if (e->n_kept == e->keep) {
		vio_queue_push(&dev->q[qi], e->kept, e->n_kept);
		e->n_kept = 0;
	}
	return VIO_KEEP;
}

static inline void echo_kick(struct vio_dev *dev, uint16_t qi)
{
	vio_dev_run(dev, qi, echo_handle);
}

static inline int echo_activate(struct vio_dev *dev, struct cs_err *err)
{
	struct echo *e = vio_container_of(dev, struct echo, dev);

	e->n_activated++;
	return e->fail ? cs_err_set(err, EIO, "no") : 0;
}

static inline void echo_reset(struct vio_dev *dev)
{
	vio_container_of(dev, struct echo, dev)->n_resets++;
}

static inline void echo_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, vio_container_of(dev, struct echo, dev)->config + off, len);
}

static inline void echo_config_write(struct vio_dev *dev, uint32_t off, const void *buf,
				     uint32_t len)
{
	struct echo *e = vio_container_of(dev, struct echo, dev);

	if (off >= 4)
		memcpy(e->config + off, buf, len);
}

static const struct vio_ops echo_ops = {
	.name = "echo",
	.id = 42,
	.activate = echo_activate,
	.kick = echo_kick,
	.reset = echo_reset,
	.config_read = echo_config_read,
	.config_write = echo_config_write,
};

static inline void echo_init(struct echo *e, struct drv *d, int mode)
{
	struct cs_err err = CS_ERR_INIT;

	memset(e, 0, sizeof(*e));
	drv_init(d, mode);
	memcpy(e->config, "abcdef", 6);
	ck_assert_int_eq(vio_dev_init(&e->dev, &echo_ops, &d->env, 2, 64, 1ULL << 5, &err), 0);
	e->dev.config_size = 6;
	drv_attach(d, &e->dev);
}

#endif
