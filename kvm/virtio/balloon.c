/* System calls: madvise fallocate */
#include "kvm/virtio/balloon.h"

#include <errno.h>
#include <linux/virtio_balloon.h>
#include <string.h>
#include <sys/eventfd.h>

#include "kvm/config.h"
#include "kvm/mem.h"

enum {
	Q_INFLATE = 0,
	Q_DEFLATE = 1,
	QUEUES = 4,
	QUEUE_MAX = 128,
	PAGE = 4096,
	BATCH = 512,	  /* page numbers read at once */
	PAGES_MAX = 4096, /* page numbers in one buffer */
	WORK_MAX = 8192,  /* page numbers and ranges in one go: each may be a system call */
	STATS_MAX = 64,	  /* entries looked at in one buffer */
};

static struct vio_balloon *balloon_of(struct vio_dev *dev)
{
	return vio_container_of(dev, struct vio_balloon, dev);
}

/* Has enough been done for now? Then the queue is kicked again. */
static bool tired(struct vio_balloon *b, uint16_t qi, uint64_t more)
{
	if (b->work >= WORK_MAX) {
		(void)eventfd_write(b->dev.kick_fd[qi], 1);
		return true;
	}
	b->work += (uint32_t)more;
	return false;
}

/* Gives back the pages of @n page numbers, neighbours together. */
static void give_back(struct vio_balloon *b, const uint32_t *pfn, size_t n)
{
	size_t i = 0;

	while (i < n) {
		const uint64_t first = le32toh(pfn[i]);
		uint64_t len = 1;

		for (i++; i < n && le32toh(pfn[i]) == first + len; i++)
			len++;
		b->inflated += vm_mem_discard(b->dev.mem, first * PAGE, len * PAGE);
	}
}

static int64_t inflate_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_balloon *b = balloon_of(dev);
	uint32_t pfn[BATCH];
	uint64_t off = 0;
	size_t n;

	if (c->out_len > PAGES_MAX * sizeof(pfn[0])) {
		vio_dev_break(dev, "too many pages at once");
		return VIO_KEEP;
	}
	if (tired(b, qi, c->out_len / sizeof(pfn[0])))
		return VIO_STOP;
	while ((n = vio_chain_read(c, off, pfn, sizeof(pfn)) / sizeof(pfn[0]))) {
		give_back(b, pfn, n);
		off += n * sizeof(pfn[0]);
	}
	return 0;
}

/* The guest takes pages back by touching them. */
static int64_t deflate_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	(void)dev;
	(void)qi;
	(void)c;
	return 0;
}

static int64_t stats_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_balloon *b = balloon_of(dev);
	struct virtio_balloon_stat st;
	uint64_t off = 0;

	(void)qi;
	if (b->s.has_stats_buffer) {
		vio_dev_break(dev, "a second buffer of statistics");
		return VIO_KEEP;
	}
	for (int i = 0; i < STATS_MAX; i++, off += sizeof(st)) {
		uint16_t tag;

		if (vio_chain_read(c, off, &st, sizeof(st)) != sizeof(st))
			break;
		tag = le16toh(st.tag);
		if (tag >= VIO_BALLOON_STATS)
			continue;
		b->s.stats[tag] = le64toh(st.val);
		b->s.stats_have |= 1U << tag;
	}
	b->stats_updates++;
	b->s.has_stats_buffer = true;
	b->s.stats_buffer = (struct vio_used){ c->id, c->n_desc, 0 };
	return VIO_KEEP;
}

/* The guest's address of the host's @p, which is in RAM; UINT64_MAX when it is not. */
static uint64_t guest_address(const struct vm_mem *mem, const uint8_t *p)
{
	for (uint32_t i = 0; i < mem->n; i++) {
		const struct vm_mem_region *r = &mem->r[i];

		if (!r->file && p >= r->host && (uint64_t)(p - r->host) < r->len)
			return r->gpa + (uint64_t)(p - r->host);
	}
	return UINT64_MAX;
}

/* Each piece is free memory, which the driver does not use before it has the buffer back. */
static int64_t report_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_balloon *b = balloon_of(dev);

	if (tired(b, qi, c->n_in))
		return VIO_STOP;
	for (int i = c->n_out; i < c->n_out + c->n_in; i++) {
		uint64_t gpa = guest_address(dev->mem, c->iov[i].iov_base);

		if (gpa != UINT64_MAX)
			b->reported += vm_mem_discard(dev->mem, gpa, c->iov[i].iov_len);
	}
	return 0;
}

static void balloon_kick(struct vio_dev *dev, uint16_t qi)
{
	struct vio_balloon *b = balloon_of(dev);

	b->work = 0;
	if (qi == Q_INFLATE)
		vio_dev_run(dev, qi, inflate_handle);
	else if (qi == Q_DEFLATE)
		vio_dev_run(dev, qi, deflate_handle);
	else if (qi == b->stats_qi)
		vio_dev_run(dev, qi, stats_handle);
	else if (qi == b->reporting_qi)
		vio_dev_run(dev, qi, report_handle);
}

/* Queues of features that were not taken are not there, and the next has their number. */
static int balloon_activate(struct vio_dev *dev, struct cs_err *err)
{
	struct vio_balloon *b = balloon_of(dev);
	int qi = Q_DEFLATE + 1;

	(void)err;
	b->stats_qi = vio_dev_has(dev, VIRTIO_BALLOON_F_STATS_VQ) ? qi++ : -1;
	b->reporting_qi = vio_dev_has(dev, VIRTIO_BALLOON_F_REPORTING) ? qi++ : -1;
	return 0;
}

static void balloon_reset(struct vio_dev *dev)
{
	struct vio_balloon *b = balloon_of(dev);

	b->s.actual = 0;
	b->s.has_stats_buffer = false;
	b->s.stats_have = 0;
	b->stats_qi = -1;
	b->reporting_qi = -1;
}

static void balloon_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_balloon *b = balloon_of(dev);
	const struct virtio_balloon_config conf = {
		.num_pages = htole32(b->s.target),
		.actual = htole32(b->s.actual),
	};

	memcpy(buf, (const char *)&conf + off, len);
}

static void balloon_config_write(struct vio_dev *dev, uint32_t off, const void *buf, uint32_t len)
{
	struct vio_balloon *b = balloon_of(dev);
	uint32_t v;

	if (off != offsetof(struct virtio_balloon_config, actual) || len != sizeof(v))
		return;
	memcpy(&v, buf, sizeof(v));
	b->s.actual = le32toh(v);
}

static const struct vio_ops balloon_ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.activate = balloon_activate,
	.kick = balloon_kick,
	.reset = balloon_reset,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
};

int vio_balloon_init(struct vio_balloon *b, const struct vm_balloon_config *conf,
		     const struct vio_env *env, struct cs_err *err)
{
	uint64_t features = 1ULL << VIRTIO_BALLOON_F_STATS_VQ;
	int ret;

	if (conf->reporting)
		features |= 1ULL << VIRTIO_BALLOON_F_REPORTING;
	if (conf->deflate_on_oom)
		features |= 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	memset(b, 0, sizeof(*b));
	ret = vio_dev_init(&b->dev, &balloon_ops, env, QUEUES, QUEUE_MAX, features, err);
	if (ret < 0)
		return ret;
	b->dev.config_size = offsetof(struct virtio_balloon_config, actual) + sizeof(uint32_t);
	b->s.version = VIO_BALLOON_STATE_VERSION;
	b->s.target = conf->pages;
	balloon_reset(&b->dev);
	return 0;
}

void vio_balloon_set_target(struct vio_balloon *b, uint32_t pages)
{
	if (pages == b->s.target)
		return;
	b->s.target = pages;
	vio_dev_config_changed(&b->dev);
}

int vio_balloon_ask_stats(struct vio_balloon *b)
{
	if (!vio_dev_live(&b->dev) || b->stats_qi < 0 || !b->s.has_stats_buffer)
		return -EAGAIN;
	b->s.has_stats_buffer = false;
	vio_queue_push(&b->dev.q[b->stats_qi], &b->s.stats_buffer, 1);
	vio_dev_raise(&b->dev, (uint16_t)b->stats_qi);
	return 0;
}
