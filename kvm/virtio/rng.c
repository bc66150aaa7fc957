/* System calls: getrandom */
#include "kvm/virtio/rng.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

enum {
	MOST = 4096, /* bytes a request; a driver takes what it gets */
	QUEUE_MAX = 8,
};

static int64_t rng_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	unsigned char buf[MOST];
	size_t want = c->in_len < MOST ? (size_t)c->in_len : MOST;
	ssize_t n;

	(void)dev;
	(void)qi;
	/* the pool is filled long before any machine starts: it does not block */
	n = getrandom(buf, want, GRND_NONBLOCK);
	return n > 0 ? (int64_t)vio_chain_write(c, 0, buf, (size_t)n) : 0;
}

static void rng_kick(struct vio_dev *dev, uint16_t qi)
{
	vio_dev_run(dev, qi, rng_handle);
}

static const struct vio_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.kick = rng_kick,
};

int vio_rng_init(struct vio_rng *rng, const struct vio_env *env, struct cs_err *err)
{
	return vio_dev_init(&rng->dev, &rng_ops, env, 1, QUEUE_MAX, 0, err);
}
