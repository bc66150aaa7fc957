#include <errno.h>
#include <linux/virtio_blk.h>

#include "kvm/virtio/blk.h"

enum {
	SECTOR = 512,
};

/* Bytes of @n sectors at @sector; false when they leave the disk. */
static bool range(const struct vio_blk_state *s, uint64_t sector, uint64_t bytes, uint64_t *off)
{
	if (bytes % SECTOR || sector > s->sectors || bytes / SECTOR > s->sectors - sector)
		return false;
	*off = sector * SECTOR;
	return true;
}

static uint8_t parse_rw(const struct vio_blk_state *s, uint64_t sector, struct vio_blk_req *req)
{
	if ((req->type == VIRTIO_BLK_T_OUT && s->readonly) || req->len > VIO_BLK_LEN_MAX)
		return VIRTIO_BLK_S_IOERR;
	return range(s, sector, req->len, &req->off) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* The ranges of a discard or write-zeroes request (5.2.6.2). */
static uint8_t parse_ranges(const struct vio_blk_state *s, const struct vio_chain *c,
			    struct vio_blk_req *req)
{
	const uint32_t known =
		req->type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	struct virtio_blk_discard_write_zeroes r;
	uint64_t at = sizeof(struct virtio_blk_outhdr);

	if (s->readonly || !req->len || req->len % sizeof(r) ||
	    req->len / sizeof(r) > VIO_BLK_SEGMENTS)
		return VIRTIO_BLK_S_IOERR;
	req->n_seg = (unsigned int)(req->len / sizeof(r));
	for (unsigned int i = 0; i < req->n_seg; i++, at += sizeof(r)) {
		if (vio_chain_read(c, at, &r, sizeof(r)) != sizeof(r))
			return VIRTIO_BLK_S_IOERR;
		if (le32toh(r.flags) & ~known)
			return VIRTIO_BLK_S_UNSUPP;
		req->seg[i].len = (uint64_t)le32toh(r.num_sectors) * SECTOR;
		req->seg[i].unmap = req->type == VIRTIO_BLK_T_DISCARD || r.flags;
		if (req->seg[i].len > VIO_BLK_RANGE_MAX ||
		    !range(s, le64toh(r.sector), req->seg[i].len, &req->seg[i].off))
			return VIRTIO_BLK_S_IOERR;
	}
	return VIRTIO_BLK_S_OK;
}

int vio_blk_parse(const struct vio_blk_state *s, const struct vio_chain *c, struct vio_blk_req *req)
{
	struct virtio_blk_outhdr h;

	/* the last writable byte is the status */
	if (vio_chain_read(c, 0, &h, sizeof(h)) != sizeof(h) || c->in_len < 1)
		return -EINVAL;
	req->type = le32toh(h.type);
	req->off = 0;
	req->len = 0;
	req->n_seg = 0;
	switch (req->type) {
	case VIRTIO_BLK_T_IN:
		req->len = c->in_len - 1;
		req->status = parse_rw(s, le64toh(h.sector), req);
		break;
	case VIRTIO_BLK_T_OUT:
		req->len = c->out_len - sizeof(h);
		req->status = parse_rw(s, le64toh(h.sector), req);
		break;
	case VIRTIO_BLK_T_FLUSH:
		req->status = VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		req->len = c->in_len - 1;
		req->status = VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		req->len = c->out_len - sizeof(h);
		req->status = parse_ranges(s, c, req);
		break;
	default:
		req->status = VIRTIO_BLK_S_UNSUPP;
		break;
	}
	return 0;
}
