/* Nodes and open files: arrays whose indexes, with a generation, are the names the guest knows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kvm/virtio/fuse_int.h"

enum {
	ROOT = FUSE_ROOT_ID,
	HANDLES_FIRST = 64,
};

uint64_t vio_fuse_node_id(const struct vio_fuse_node *n)
{
	return n->index == ROOT ? ROOT : (uint64_t)n->gen << 32 | n->index;
}

struct vio_fuse_node *vio_fuse_node_get(const struct vio_fuse *f, uint64_t id)
{
	uint32_t index = (uint32_t)id;

	if (index >= f->n_nodes || !f->node[index] || f->node[index]->fd < 0 ||
	    vio_fuse_node_id(f->node[index]) != id)
		return NULL;
	return f->node[index];
}

static struct vio_fuse_node **bucket(struct vio_fuse *f, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino * 0x9e3779b97f4a7c15ULL) ^ (dev * 0xc2b2ae3d27d4eb4fULL);

	return &f->bucket[(h >> 32) % VIO_FUSE_NODE_BUCKETS];
}

/* An unused node: one that was freed, or a new one. */
static struct vio_fuse_node *take_free(struct vio_fuse *f)
{
	struct vio_fuse_node *n;

	if (f->free_node) {
		n = f->node[f->free_node];
		f->free_node = n->next_free;
		return n;
	}
	if (f->n_nodes >= f->max_nodes)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->fd = -EBADF;
	if (f->n_nodes < ROOT)
		f->n_nodes = ROOT; /* 0 is no node */
	n->index = f->n_nodes++;
	f->node[n->index] = n;
	return n;
}

int vio_fuse_node_add(struct vio_fuse *f, int *fd, const struct stat *st,
		      struct vio_fuse_node **out)
{
	struct vio_fuse_node **b = bucket(f, st->st_dev, st->st_ino);
	struct vio_fuse_node *n = *b;

	/* our fd keeps the inode from being another's */
	while (n && (n->dev != st->st_dev || n->ino != st->st_ino))
		n = n->next;
	if (n) {
		cs_close_fd(fd);
	} else {
		n = take_free(f);
		if (!n)
			return -ENFILE;
		n->fd = cs_take_fd(fd);
		n->gen++;
		n->type = st->st_mode & S_IFMT;
		n->dev = st->st_dev;
		n->ino = st->st_ino;
		n->lookups = 0;
		n->next = *b;
		*b = n;
	}
	n->lookups++;
	*out = n;
	return 0;
}

void vio_fuse_node_forget(struct vio_fuse *f, uint64_t id, uint64_t lookups)
{
	struct vio_fuse_node *n = vio_fuse_node_get(f, id), **p;

	if (!n || n->index == ROOT)
		return;
	n->lookups = lookups < n->lookups ? n->lookups - lookups : 0;
	if (n->lookups)
		return;
	for (p = bucket(f, n->dev, n->ino); *p != n; p = &(*p)->next)
		;
	*p = n->next;
	cs_close_fd(&n->fd);
	n->next_free = f->free_node;
	f->free_node = n->index;
}

struct vio_fuse_handle *vio_fuse_handle_get(struct vio_fuse *f, uint64_t fh, bool dir)
{
	uint32_t index = (uint32_t)fh;

	if (index >= f->n_handles || f->handle[index].fd < 0 || f->handle[index].gen != fh >> 32 ||
	    f->handle[index].dir != dir)
		return NULL;
	return &f->handle[index];
}

int vio_fuse_handle_add(struct vio_fuse *f, int *fd, bool dir, uint64_t *fh)
{
	uint32_t i = 0;

	while (i < f->n_handles && f->handle[i].fd >= 0)
		i++;
	if (i == f->n_handles) {
		uint32_t n = f->n_handles ? f->n_handles * 2 : HANDLES_FIRST;
		struct vio_fuse_handle *bigger;

		if (n > f->max_handles)
			n = f->max_handles;
		if (n == f->n_handles)
			return -ENFILE;
		bigger = realloc(f->handle, n * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		f->handle = bigger;
		for (; f->n_handles < n; f->n_handles++)
			f->handle[f->n_handles] = (struct vio_fuse_handle){ .fd = -EBADF };
	}
	f->handle[i].fd = cs_take_fd(fd);
	f->handle[i].gen++;
	f->handle[i].dir = dir;
	f->handle[i].pos = 0;
	*fh = (uint64_t)f->handle[i].gen << 32 | i;
	return 0;
}

void vio_fuse_handle_close(struct vio_fuse *f, uint64_t fh)
{
	struct vio_fuse_handle *h = vio_fuse_handle_get(f, fh, false);

	if (!h)
		h = vio_fuse_handle_get(f, fh, true);
	if (h)
		cs_close_fd(&h->fd);
}
