#include "kvm/virtio/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/virtio/fuse_int.h"

enum {
	MINOR_LEAST = 31,
	PAGE = 4096,
};

static int op_init(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const uint32_t want = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS |
			      FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
			      FUSE_ATOMIC_O_TRUNC;
	struct fuse_init_in in = { 0 };
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = VIO_FUSE_WRITE_MAX,
		.time_gran = 1,
		.max_pages = VIO_FUSE_WRITE_MAX / PAGE,
	};

	memcpy(&in, r->body, r->len < sizeof(in) ? r->len : sizeof(in));
	if (in.major < FUSE_KERNEL_VERSION ||
	    (in.major == FUSE_KERNEL_VERSION && in.minor < MINOR_LEAST))
		return -EPROTO;
	/* a second INIT is a new start */
	vio_fuse_reset(f);
	f->began = true;
	out.max_readahead = in.max_readahead;
	out.flags = in.flags & want;
	return vio_fuse_put(r, &out, sizeof(out));
}

static int op_destroy(struct vio_fuse *f, struct vio_fuse_req *r)
{
	(void)r;
	vio_fuse_reset(f);
	return 0;
}

static int op_forget(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_forget_in in;

	memcpy(&in, r->body, sizeof(in));
	vio_fuse_node_forget(f, r->h.nodeid, in.nlookup);
	r->no_reply = true;
	return 0;
}

static int op_batch_forget(struct vio_fuse *f, struct vio_fuse_req *r)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;
	size_t off = sizeof(in);

	memcpy(&in, r->body, sizeof(in));
	for (uint32_t i = 0; i < in.count && off + sizeof(one) <= r->len; i++) {
		memcpy(&one, r->body + off, sizeof(one));
		vio_fuse_node_forget(f, one.nodeid, one.nlookup);
		off += sizeof(one);
	}
	r->no_reply = true;
	return 0;
}

static int op_interrupt(struct vio_fuse *f, struct vio_fuse_req *r)
{
	(void)f;
	r->no_reply = true;
	return 0;
}

static const struct vio_fuse_op session_ops[] = {
	{ FUSE_INIT, false, 16, op_init },
	{ FUSE_DESTROY, false, 0, op_destroy },
	{ FUSE_FORGET, false, sizeof(struct fuse_forget_in), op_forget },
	{ FUSE_BATCH_FORGET, false, sizeof(struct fuse_batch_forget_in), op_batch_forget },
	{ FUSE_INTERRUPT, false, sizeof(struct fuse_interrupt_in), op_interrupt },
};

static const struct vio_fuse_op *find_in(const struct vio_fuse_op *ops, size_t n, uint32_t opcode)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].opcode == opcode)
			return &ops[i];
	return NULL;
}

static const struct vio_fuse_op *find(uint32_t opcode)
{
	const struct {
		const struct vio_fuse_op *ops;
		size_t n;
	} lists[] = {
		{ session_ops, CS_LEN(session_ops) },
		{ vio_fuse_file_ops, vio_fuse_n_file_ops },
		{ vio_fuse_node_ops, vio_fuse_n_node_ops },
		{ vio_fuse_attr_ops, vio_fuse_n_attr_ops },
		{ vio_fuse_dir_ops, vio_fuse_n_dir_ops },
		{ vio_fuse_xattr_ops, vio_fuse_n_xattr_ops },
	};
	const struct vio_fuse_op *op = NULL;

	for (size_t i = 0; i < CS_LEN(lists) && !op; i++)
		op = find_in(lists[i].ops, lists[i].n, opcode);
	return op;
}

int vio_fuse_put(struct vio_fuse_req *r, const void *p, size_t len)
{
	if (len > r->room - r->n)
		return -EIO;
	memcpy(r->reply + r->n, p, len);
	r->n += len;
	return 0;
}

static int perform(struct vio_fuse *f, struct vio_fuse_req *r)
{
	const struct vio_fuse_op *op = find(r->h.opcode);

	if (!op)
		return -ENOSYS;
	if (!f->began && op->opcode != FUSE_INIT) {
		r->no_reply = op->opcode == FUSE_FORGET || op->opcode == FUSE_BATCH_FORGET;
		return -EIO;
	}
	if (f->readonly && op->changes)
		return -EROFS;
	if (r->len < op->args)
		return -EINVAL;
	return op->fn(f, r);
}

/* Reads header and body; data to write stays where it is. */
static int take(struct vio_fuse *f, const struct vio_chain *c, struct vio_fuse_req *r)
{
	uint64_t len;

	if (vio_chain_read(c, 0, &r->h, sizeof(r->h)) != sizeof(r->h))
		return -EINVAL;
	if (r->h.len < sizeof(r->h) || r->h.len > c->out_len)
		return -EINVAL;
	len = r->h.len - sizeof(r->h);
	if (r->h.opcode == FUSE_WRITE && len > sizeof(struct fuse_write_in))
		len = sizeof(struct fuse_write_in);
	if (len > VIO_FUSE_BODY_MAX)
		return -EINVAL;
	r->len = vio_chain_read(c, sizeof(r->h), f->body, len);
	f->body[r->len] = '\0';
	r->body = f->body;
	return 0;
}

int64_t vio_fuse_request(struct vio_fuse *f, const struct vio_chain *c)
{
	struct vio_fuse_req r = { .c = c, .reply = f->reply };
	struct fuse_out_header out = { 0 };
	int ret;

	if (take(f, c, &r) < 0)
		return -EINVAL;
	if (c->in_len >= sizeof(out)) {
		r.room = c->in_len - sizeof(out);
		if (r.room > VIO_FUSE_BODY_MAX)
			r.room = VIO_FUSE_BODY_MAX;
	}
	f->requests++;
	ret = perform(f, &r);
	if (r.no_reply)
		return 0;
	if (c->in_len < sizeof(out))
		return -EINVAL;
	if (ret < 0) {
		f->errors++;
		r.n = 0;
	} else if (!r.direct) {
		vio_chain_write(c, sizeof(out), r.reply, r.n);
	}
	out.len = (uint32_t)(sizeof(out) + r.n);
	out.error = ret < 0 ? ret : 0;
	out.unique = r.h.unique;
	vio_chain_write(c, 0, &out, sizeof(out));
	return out.len;
}

void vio_fuse_reset(struct vio_fuse *f)
{
	for (uint32_t i = 0; i < f->n_handles; i++)
		cs_close_fd(&f->handle[i].fd);
	for (uint32_t i = FUSE_ROOT_ID + 1; i < f->n_nodes; i++)
		if (f->node[i]->fd >= 0)
			vio_fuse_node_forget(f, vio_fuse_node_id(f->node[i]), UINT64_MAX);
	f->began = false;
}

static void free_memory(struct vio_fuse *f)
{
	free(cs_take_ptr(&f->node));
	free(cs_take_ptr(&f->handle));
	free(cs_take_ptr(&f->body));
	free(cs_take_ptr(&f->reply));
}

int vio_fuse_init(struct vio_fuse *f, int root_fd, int proc_fd, uint32_t max_fds, bool readonly,
		  struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	struct vio_fuse_node *root;
	struct stat st;

	memset(f, 0, sizeof(*f));
	if (fchdir(proc_fd) < 0)
		return cs_err_sys(err, "go to /proc/self/fd");
	fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cs_err_sys(err, "look at the shared folder");
	f->readonly = readonly;
	f->own_users = geteuid() == 0;
	f->max_handles = max_fds / 4;
	f->max_nodes = max_fds - f->max_handles;
	f->node = calloc(f->max_nodes, sizeof(struct vio_fuse_node *));
	f->body = malloc(VIO_FUSE_BODY_MAX + 1);
	f->reply = malloc(VIO_FUSE_BODY_MAX);
	if (!f->node || !f->body || !f->reply || vio_fuse_node_add(f, &fd, &st, &root) < 0) {
		free_memory(f); /* no node has been made */
		return cs_err_set(err, ENOMEM, "out of memory for %u files", max_fds);
	}
	return 0;
}

void vio_fuse_fini(struct vio_fuse *f)
{
	vio_fuse_reset(f);
	for (uint32_t i = FUSE_ROOT_ID; i < f->n_nodes; i++) {
		cs_close_fd(&f->node[i]->fd);
		free(f->node[i]);
	}
	f->n_nodes = 0;
	free_memory(f);
	f->n_handles = 0;
}
