/* System calls of its thread, beside kvm/virtio/worker.c's: fdatasync */
#include "kvm/virtio/pmem.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pmem.h>
#include <string.h>
#include <unistd.h>

enum {
	QUEUE_MAX = 64,
};

static int64_t pmem_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	const struct vio_pmem *pmem = vio_container_of(dev, struct vio_pmem, dev);
	struct virtio_pmem_resp resp = { 0 };
	struct virtio_pmem_req req;

	(void)qi;
	if (vio_chain_read(c, 0, &req, sizeof(req)) != sizeof(req) || c->in_len < sizeof(resp)) {
		vio_dev_break(dev, "a request that is cut short");
		return VIO_KEEP;
	}
	if (le32toh(req.type) != VIRTIO_PMEM_REQ_TYPE_FLUSH ||
	    (!pmem->s.readonly && fdatasync(pmem->fd) < 0))
		resp.ret = htole32(1);
	return (int64_t)vio_chain_write(c, 0, &resp, sizeof(resp));
}

static void pmem_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_pmem *pmem = vio_container_of(dev, struct vio_pmem, dev);
	const struct virtio_pmem_config conf = { htole64(pmem->s.gpa), htole64(pmem->s.len) };

	memcpy(buf, (const char *)&conf + off, len);
}

static int pmem_start(struct vio_dev *dev, struct cs_err *err)
{
	struct vio_pmem *pmem = vio_container_of(dev, struct vio_pmem, dev);

	return vio_worker_start(&pmem->worker, dev, 0, pmem_handle, err);
}

static void pmem_kick(struct vio_dev *dev, uint16_t qi)
{
	vio_dev_run(dev, qi, pmem_handle);
}

static void pmem_reset(struct vio_dev *dev)
{
	vio_worker_barrier(&vio_container_of(dev, struct vio_pmem, dev)->worker);
}

static void pmem_fini(struct vio_dev *dev)
{
	vio_worker_stop(&vio_container_of(dev, struct vio_pmem, dev)->worker);
}

static const struct vio_ops pmem_ops = {
	.name = "pmem",
	.id = VIRTIO_ID_PMEM,
	.own_kicks = true,
	.start = pmem_start,
	.reset = pmem_reset,
	.config_read = pmem_config_read,
	.fini = pmem_fini,
};

/* Nothing to wait for: no thread. */
static const struct vio_ops pmem_readonly_ops = {
	.name = "pmem",
	.id = VIRTIO_ID_PMEM,
	.kick = pmem_kick,
	.config_read = pmem_config_read,
};

int vio_pmem_init(struct vio_pmem *pmem, int fd, bool readonly, uint64_t gpa, uint64_t len,
		  const struct vio_env *env, struct cs_err *err)
{
	int ret;

	memset(pmem, 0, sizeof(*pmem));
	ret = vio_dev_init(&pmem->dev, readonly ? &pmem_readonly_ops : &pmem_ops, env, 1, QUEUE_MAX,
			   0, err);
	if (ret < 0)
		return ret;
	pmem->dev.config_size = sizeof(struct virtio_pmem_config);
	pmem->s = (struct vio_pmem_state){ VIO_PMEM_STATE_VERSION, readonly, gpa, len };
	pmem->fd = fd;
	return 0;
}
