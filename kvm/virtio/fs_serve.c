/*
 * The process that serves a folder: a device of its own over the same queues, without registers.
 * What the VMM tells it is checked as if a guest had told it.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "kvm/virtio/fs.h"
#include "kvm/virtio/fs_jail.h"
#include "kvm/virtio/fuse.h"

enum {
	N_FDS = 1 + 2 * VIO_FS_QUEUES, /* memory, kicks, calls */
	PAGE = 4096,
};

struct server {
	struct vio_dev dev;
	struct vio_fuse fuse;
	struct vm_mem mem;
	struct vm_loop loop;
	struct vm_watch sock;
	struct vm_watch kick[VIO_FS_QUEUES]; /* fds are dev.kick_fd[] */
	int call_fd[VIO_FS_QUEUES];	     /* owned */
};

static int64_t serve_request(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct server *s = vio_container_of(dev, struct server, dev);
	int64_t n = vio_fuse_request(&s->fuse, c);

	(void)qi;
	if (n >= 0)
		return n;
	vio_dev_break(dev, "a request that is none");
	return VIO_KEEP;
}

static void server_kick(struct vio_dev *dev, uint16_t qi)
{
	vio_dev_run(dev, qi, serve_request);
}

static const struct vio_ops server_ops = {
	.name = "fs",
	.id = VIRTIO_ID_FS,
	.kick = server_kick,
};

static void tell(struct server *s, uint32_t type)
{
	const struct vio_fs_msg msg = { .type = type };
	ssize_t n = send(s->sock.fd, &msg, sizeof(msg), MSG_NOSIGNAL);

	(void)n; /* the VMM is gone: the next read will say so */
}

static void raise_queue(struct vio_dev *dev, uint16_t qi)
{
	(void)eventfd_write(vio_container_of(dev, struct server, dev)->call_fd[qi], 1);
}

static void raise_config(struct vio_dev *dev)
{
	tell(vio_container_of(dev, struct server, dev), VIO_FS_BROKEN);
}

static const struct vio_link server_link = {
	.raise_queue = raise_queue,
	.raise_config = raise_config,
};

static void stop(struct server *s)
{
	vio_dev_set_status(&s->dev, 0);
	for (int i = 0; i < VIO_FS_QUEUES; i++) {
		vm_loop_del(&s->loop, &s->kick[i]);
		cs_close_fd(&s->dev.kick_fd[i]);
		cs_close_fd(&s->call_fd[i]);
	}
	for (uint32_t i = 0; i < s->mem.n; i++)
		munmap(s->mem.r[i].host, s->mem.r[i].len);
	s->mem = VM_MEM_INIT;
}

/* Maps what of the memfd is guest memory; all of it is there, so touching it cannot fail. */
static int map(struct server *s, const struct vio_fs_msg *msg, int memfd, struct cs_err *err)
{
	struct stat st;

	if (fstat(memfd, &st) < 0 || msg->n_regions > VM_MEM_REGIONS)
		return cs_err_set(err, EINVAL, "no memory, or too many regions");
	for (uint32_t i = 0; i < msg->n_regions; i++) {
		const uint64_t len = msg->region[i].len, at = msg->region[i].fd_at;
		uint64_t end;
		void *p;

		if (!len || len % PAGE || at % PAGE || __builtin_add_overflow(at, len, &end) ||
		    end > (uint64_t)st.st_size ||
		    __builtin_add_overflow(msg->region[i].gpa, len, &end))
			return cs_err_set(err, EINVAL, "region %u is not in the memory", i);
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, (off_t)at);
		if (p == MAP_FAILED)
			return cs_err_sys(err, "map region %u", i);
		s->mem.r[s->mem.n++] =
			(struct vm_mem_region){ .gpa = msg->region[i].gpa, .len = len, .host = p };
	}
	return 0;
}

static int start(struct server *s, const struct vio_fs_msg *msg, int fds[N_FDS], struct cs_err *err)
{
	int ret;

	stop(s);
	for (int i = 0; i < VIO_FS_QUEUES; i++) {
		s->dev.kick_fd[i] = s->kick[i].fd = cs_take_fd(&fds[1 + i]);
		s->call_fd[i] = cs_take_fd(&fds[1 + VIO_FS_QUEUES + i]);
	}
	ret = map(s, msg, fds[0], err);
	for (int i = 0; i < VIO_FS_QUEUES && ret == 0; i++) {
		ret = vio_queue_restore(&s->dev.q[i], &s->mem, &msg->q[i], err);
		if (ret == 0)
			ret = vm_loop_add(&s->loop, &s->kick[i], EPOLLIN, err);
	}
	if (ret < 0)
		return ret;
	s->dev.s.acked = msg->acked;
	__atomic_store_n(&s->dev.s.status, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
			 __ATOMIC_RELEASE);
	return 0;
}

static void kick(struct server *s, uint16_t qi)
{
	eventfd_t count;

	(void)eventfd_read(s->kick[qi].fd, &count);
	vio_dev_kick(&s->dev, qi);
}

static void kick_first(struct vm_watch *w, uint32_t events)
{
	(void)events;
	kick(vio_container_of(w, struct server, kick[0]), 0);
}

static void kick_second(struct vm_watch *w, uint32_t events)
{
	(void)events;
	kick(vio_container_of(w, struct server, kick[1]), 1);
}

static void sock_ready(struct vm_watch *w, uint32_t events)
{
	struct server *s = vio_container_of(w, struct server, sock);
	int fds[N_FDS] = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF };
	struct cs_err err = CS_ERR_INIT;
	struct vio_fs_msg msg;
	size_t n = 0, len = sizeof(msg);

	(void)events;
	if (cs_fd_recv(w->fd, fds, N_FDS, &n, &msg, &len, &err) < 0 || len != sizeof(msg)) {
		vm_loop_stop(&s->loop); /* the VMM is gone */
	} else if (msg.type == VIO_FS_STOP) {
		stop(s);
		vio_fuse_reset(&s->fuse);
		tell(s, VIO_FS_STOPPED);
	} else if (msg.type == VIO_FS_START && (n != N_FDS || start(s, &msg, fds, &err) < 0)) {
		stop(s);
		tell(s, VIO_FS_BROKEN);
	}
	for (size_t i = 0; i < N_FDS; i++)
		cs_close_fd(&fds[i]);
}

static int run(struct server *s, const struct vio_fs_jail *jail, bool readonly, struct cs_err *err)
{
	const struct vio_env env = { .mem = &s->mem, .loop = &s->loop, .name = "fs server" };
	int ret = vio_dev_init(&s->dev, &server_ops, &env, VIO_FS_QUEUES, VIO_FS_QUEUE_MAX, 0, err);

	if (ret < 0)
		return ret;
	s->dev.link = &server_link;
	ret = vio_fuse_init(&s->fuse, jail->root_fd, jail->proc_fd, jail->max_fds, readonly, err);
	if (ret == 0) {
		ret = vm_loop_add(&s->loop, &s->sock, EPOLLIN, err);
		if (ret == 0)
			ret = vm_loop_run(&s->loop, err);
		stop(s);
		vio_fuse_fini(&s->fuse);
	}
	vio_dev_fini(&s->dev);
	return ret;
}

int vio_fs_serve(int sock, int root_fd, bool readonly, struct cs_err *err)
{
	cs_auto_fd int sock_owned = sock, root = root_fd;
	struct vio_fs_jail jail;
	struct server s = {
		.mem = VM_MEM_INIT,
		.sock = { .fd = sock, .ready = sock_ready },
		.kick = { { .fd = -EBADF, .ready = kick_first },
			  { .fd = -EBADF, .ready = kick_second } },
		.call_fd = { -EBADF, -EBADF },
	};
	int ret = vio_fs_jail(sock_owned, &root, readonly, &jail, err);

	if (ret < 0)
		return ret;
	ret = vm_loop_init(&s.loop, err);
	if (ret == 0) {
		ret = run(&s, &jail, readonly, err);
		vm_loop_fini(&s.loop);
	}
	cs_close_fd(&jail.root_fd);
	cs_close_fd(&jail.proc_fd);
	return ret;
}
