/* System calls of its threads, beside kvm/virtio/worker.c's: preadv pwritev pwrite64 fdatasync
 * fallocate */
#include "kvm/virtio/blk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "kvm/config.h"

enum {
	SECTOR = 512,
	QUEUE_MAX = 256,
	SEG_MAX = VIO_CHAIN_MAX - 2, /* of data: header and status take two */
	ZEROES = 64 * 1024,
};

/* preadv() or pwritev() of exactly @len bytes. */
static int transfer(const struct vio_blk *blk, const struct vio_blk_req *req,
		    const struct vio_chain *c)
{
	const bool in = req->type == VIRTIO_BLK_T_IN;
	struct iovec iov[VIO_CHAIN_MAX];
	uint64_t done = 0;

	while (done < req->len) {
		const uint64_t at = done, left = req->len - done;
		ssize_t n;
		int k;

		if (in)
			k = vio_chain_in_iov(c, at, left, iov, NULL);
		else
			k = vio_chain_out_iov(c, sizeof(struct virtio_blk_outhdr) + at, left, iov,
					      NULL);
		n = in ? preadv(blk->fd, iov, k, (off_t)(req->off + at))
		       : pwritev(blk->fd, iov, k, (off_t)(req->off + at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* somebody cut the file */
		done += (uint64_t)n;
	}
	return 0;
}

static int write_zeroes(int fd, uint64_t off, uint64_t len)
{
	static const char zeroes[ZEROES];

	while (len) {
		ssize_t n = pwrite(fd, zeroes, len < ZEROES ? len : ZEROES, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int ranges(const struct vio_blk *blk, const struct vio_blk_req *req)
{
	for (unsigned int i = 0; i < req->n_seg; i++) {
		const int mode = req->seg[i].unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
		int ret = 0;

		if (!req->seg[i].len)
			continue;
		if (fallocate(blk->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)req->seg[i].off,
			      (off_t)req->seg[i].len) < 0)
			ret = -errno;
		if (ret == -EOPNOTSUPP && req->type == VIRTIO_BLK_T_WRITE_ZEROES)
			ret = write_zeroes(blk->fd, req->seg[i].off, req->seg[i].len);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int sync_data(const struct vio_blk *blk)
{
	return fdatasync(blk->fd) < 0 ? -errno : 0;
}

static int get_id(const struct vio_blk *blk, const struct vio_blk_req *req,
		  const struct vio_chain *c)
{
	size_t len = sizeof(blk->s.serial);

	vio_chain_write(c, 0, blk->s.serial, req->len < len ? (size_t)req->len : len);
	return 0;
}

static int perform(struct vio_blk *blk, const struct vio_blk_req *req, const struct vio_chain *c)
{
	const bool cache = vio_dev_has(&blk->dev, VIRTIO_BLK_F_FLUSH);
	int ret;

	switch (req->type) {
	case VIRTIO_BLK_T_IN:
		__atomic_add_fetch(&blk->n_read, req->len, __ATOMIC_RELAXED);
		return transfer(blk, req, c);
	case VIRTIO_BLK_T_OUT:
		__atomic_add_fetch(&blk->n_written, req->len, __ATOMIC_RELAXED);
		ret = transfer(blk, req, c);
		return ret == 0 && !cache ? sync_data(blk) : ret;
	case VIRTIO_BLK_T_FLUSH:
		return blk->s.readonly ? 0 : sync_data(blk);
	case VIRTIO_BLK_T_GET_ID:
		return get_id(blk, req, c);
	default:
		ret = ranges(blk, req);
		return ret == 0 && !cache ? sync_data(blk) : ret;
	}
}

/* Bytes that a request may move: zeroes are data where the file system knows no better. */
static uint64_t cost(const struct vio_blk_req *req)
{
	uint64_t sum = req->len;

	for (unsigned int i = 0; req->type == VIRTIO_BLK_T_WRITE_ZEROES && i < req->n_seg; i++)
		sum += req->seg[i].len;
	return sum;
}

/* Nanoseconds until a request may pass; 0: now, and it is counted. */
static uint64_t rate_wait(struct vio_blk *blk, const struct vio_blk_req *req)
{
	uint64_t now, wait, wait_ops;

	if (!blk->bytes.per_second && !blk->ops.per_second)
		return 0;
	now = vio_now_ns();
	pthread_mutex_lock(&blk->rate_lock);
	wait = vio_rate_wait(&blk->bytes, now);
	wait_ops = vio_rate_wait(&blk->ops, now);
	if (wait_ops > wait)
		wait = wait_ops;
	if (!wait) {
		vio_rate_take(&blk->bytes, cost(req));
		vio_rate_take(&blk->ops, 1);
	}
	pthread_mutex_unlock(&blk->rate_lock);
	return wait;
}

int64_t vio_blk_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_blk *blk = vio_container_of(dev, struct vio_blk, dev);
	struct vio_blk_req req;
	uint64_t wait;
	int ret;

	if (vio_blk_parse(&blk->s, c, &req) < 0) {
		vio_dev_break(dev, "a request without header or status");
		return VIO_KEEP;
	}
	if (req.status == VIRTIO_BLK_S_OK) {
		wait = rate_wait(blk, &req);
		if (wait) {
			blk->worker[qi].wait_ns = wait;
			return VIO_STOP;
		}
		ret = perform(blk, &req, c);
		if (ret < 0)
			req.status = ret == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
	}
	__atomic_add_fetch(&blk->n_requests, 1, __ATOMIC_RELAXED);
	if (req.status != VIRTIO_BLK_S_OK)
		__atomic_add_fetch(&blk->n_errors, 1, __ATOMIC_RELAXED);
	vio_chain_write(c, c->in_len - 1, &req.status, 1);
	/* what was written from the first byte on without a gap (2.7.8.2) */
	return req.type == VIRTIO_BLK_T_IN && req.status == VIRTIO_BLK_S_OK ? (int64_t)c->in_len
									    : 1;
}

static void blk_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_blk *blk = vio_container_of(dev, struct vio_blk, dev);
	const struct virtio_blk_config conf = {
		.capacity = htole64(blk->s.sectors),
		.seg_max = htole32(SEG_MAX),
		.blk_size = htole32(blk->block_size),
		.physical_block_exp = blk->block_size == SECTOR ? 3 : 0,
		.min_io_size = htole16(1),
		.num_queues = htole16((uint16_t)blk->s.n_queues),
		.max_discard_sectors = htole32(VIO_BLK_RANGE_MAX / SECTOR),
		.max_discard_seg = htole32(VIO_BLK_SEGMENTS),
		.discard_sector_alignment = htole32(blk->block_size / SECTOR),
		.max_write_zeroes_sectors = htole32(VIO_BLK_RANGE_MAX / SECTOR),
		.max_write_zeroes_seg = htole32(VIO_BLK_SEGMENTS),
		.write_zeroes_may_unmap = 1,
	};

	memcpy(buf, (const char *)&conf + off, len);
}

static int blk_start(struct vio_dev *dev, struct cs_err *err)
{
	struct vio_blk *blk = vio_container_of(dev, struct vio_blk, dev);
	int ret = 0;

	for (uint16_t i = 0; i < dev->n_queues && ret == 0; i++)
		ret = vio_worker_start(&blk->worker[i], dev, i, vio_blk_handle, err);
	return ret;
}

static void blk_reset(struct vio_dev *dev)
{
	struct vio_blk *blk = vio_container_of(dev, struct vio_blk, dev);

	for (uint16_t i = 0; i < dev->n_queues; i++)
		vio_worker_barrier(&blk->worker[i]);
}

static void blk_fini(struct vio_dev *dev)
{
	struct vio_blk *blk = vio_container_of(dev, struct vio_blk, dev);

	for (uint16_t i = 0; i < dev->n_queues; i++)
		vio_worker_stop(&blk->worker[i]);
	pthread_mutex_destroy(&blk->rate_lock);
}

static const struct vio_ops blk_ops = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.own_kicks = true,
	.start = blk_start,
	.reset = blk_reset,
	.config_read = blk_config_read,
	.fini = blk_fini,
};

/* Bytes of the file or block device, and the block size its users should keep to. */
static int measure(struct vio_blk *blk, uint64_t *bytes, struct cs_err *err)
{
	struct stat st;
	int block = SECTOR;

	if (fstat(blk->fd, &st) < 0)
		return cs_err_sys(err, "look at the file of %s", blk->dev.name);
	*bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(blk->fd, BLKGETSIZE64, bytes) < 0 ||
		    ioctl(blk->fd, BLKSSZGET, &block) < 0)
			return cs_err_sys(err, "size of the block device of %s", blk->dev.name);
	} else if (!S_ISREG(st.st_mode)) {
		return cs_err_set(err, EINVAL, "%s: neither a regular file nor a block device",
				  blk->dev.name);
	}
	if (block < SECTOR || block > 4096)
		return cs_err_set(err, EINVAL, "%s: blocks of %d bytes", blk->dev.name, block);
	blk->block_size = (uint32_t)block;
	return 0;
}

int vio_blk_init(struct vio_blk *blk, const struct vm_blk_config *conf, const struct vio_env *env,
		 struct cs_err *err)
{
	uint64_t features = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			    1ULL << VIRTIO_BLK_F_TOPOLOGY | 1ULL << VIRTIO_BLK_F_FLUSH;
	const uint32_t n = conf->queues ? conf->queues : 1;
	uint64_t bytes = 0, now = vio_now_ns();
	int ret;

	if (n > VIO_QUEUES_MAX)
		return cs_err_set(err, EINVAL, "%s: %u queues, the most are %d", env->name, n,
				  VIO_QUEUES_MAX);
	if (conf->readonly)
		features |= 1ULL << VIRTIO_BLK_F_RO;
	else
		features |= 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	if (n > 1)
		features |= 1ULL << VIRTIO_BLK_F_MQ;
	memset(blk, 0, sizeof(*blk));
	pthread_mutex_init(&blk->rate_lock, NULL);
	ret = vio_dev_init(&blk->dev, &blk_ops, env, (uint16_t)n, QUEUE_MAX, features, err);
	if (ret < 0)
		return ret;
	blk->dev.config_size = sizeof(struct virtio_blk_config);
	blk->fd = conf->fd;
	ret = measure(blk, &bytes, err);
	if (ret < 0) {
		vio_dev_fini(&blk->dev);
		return ret;
	}
	blk->s = (struct vio_blk_state){ .version = VIO_BLK_STATE_VERSION,
					 .n_queues = n,
					 .sectors = bytes / SECTOR,
					 .readonly = conf->readonly };
	if (conf->serial)
		memcpy(blk->s.serial, conf->serial, strnlen(conf->serial, sizeof(blk->s.serial)));
	vio_rate_init(&blk->bytes, &conf->bytes, now);
	vio_rate_init(&blk->ops, &conf->ops, now);
	return 0;
}
