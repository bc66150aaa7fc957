/* System calls: sendmsg recvmsg poll read epoll_ctl */
#include "kvm/virtio/fs.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "kvm/config.h"

enum {
	STOP_MS = 10 * 1000, /* a server that hangs in the host's file system is left alone then */
};

static struct vio_fs *fs_of(struct vio_dev *dev)
{
	return vio_container_of(dev, struct vio_fs, dev);
}

static int fs_activate(struct vio_dev *dev, struct cs_err *err)
{
	struct vio_fs *fs = fs_of(dev);
	struct vio_fs_msg msg = { .type = VIO_FS_START, .acked = dev->s.acked };
	const int fds[] = { dev->mem->memfd, dev->kick_fd[0], dev->kick_fd[1], fs->call[0].fd,
			    fs->call[1].fd };
	int ret;

	if (!fs->server.added)
		return cs_err_set(err, EPIPE, "the folder's server is gone");
	for (uint32_t i = 0; i < dev->mem->n; i++) {
		const struct vm_mem_region *r = &dev->mem->r[i];

		if (r->file)
			continue;
		msg.region[msg.n_regions].gpa = r->gpa;
		msg.region[msg.n_regions].len = r->len;
		msg.region[msg.n_regions++].fd_at = r->fd_at;
	}
	for (int i = 0; i < VIO_FS_QUEUES; i++)
		msg.q[i] = dev->q[i].s;
	ret = cs_fd_send(fs->server.fd, fds, CS_LEN(fds), &msg, sizeof(msg), err);
	if (ret < 0)
		return cs_err_wrap(err, "start the folder's server");
	fs->running = true;
	return 0;
}

/* Reads a message; false when there is none, or the server is gone. */
static bool receive(struct vio_fs *fs, struct vio_fs_msg *msg)
{
	ssize_t n = recv(fs->server.fd, msg, sizeof(*msg), MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(*msg))
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	vm_loop_del(fs->dev.loop, &fs->server);
	fs->running = false;
	return false;
}

static void server_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_fs *fs = vio_container_of(w, struct vio_fs, server);
	struct vio_fs_msg msg;

	(void)events;
	if (receive(fs, &msg)) {
		if (msg.type == VIO_FS_BROKEN && fs->running)
			vio_dev_break(&fs->dev, "a request that is none");
	} else if (!w->added && vio_dev_live(&fs->dev)) {
		vio_dev_break(&fs->dev, "the folder's server is gone");
	}
}

/* Waits until the server leaves queues and memory alone: as long as the request in its hands. */
static void fs_reset(struct vio_dev *dev)
{
	struct vio_fs *fs = fs_of(dev);
	struct vio_fs_msg msg = { .type = VIO_FS_STOP };
	struct pollfd p = { .fd = fs->server.fd, .events = POLLIN };

	if (!fs->running)
		return;
	if (send(fs->server.fd, &msg, sizeof(msg), MSG_NOSIGNAL) < 0)
		fs->running = false;
	while (fs->running && poll(&p, 1, STOP_MS) > 0)
		if (receive(fs, &msg) && msg.type == VIO_FS_STOPPED)
			break;
	fs->running = false;
}

/* The server has told what it did; the transport says of which kind it was. */
static void call(struct vio_fs *fs, uint16_t qi)
{
	eventfd_t count;

	(void)eventfd_read(fs->call[qi].fd, &count);
	if (vio_dev_live(&fs->dev) && fs->dev.link)
		fs->dev.link->raise_queue(&fs->dev, qi);
}

static void call_first(struct vm_watch *w, uint32_t events)
{
	(void)events;
	call(vio_container_of(w, struct vio_fs, call[0]), 0);
}

static void call_second(struct vm_watch *w, uint32_t events)
{
	(void)events;
	call(vio_container_of(w, struct vio_fs, call[1]), 1);
}

static void fs_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	struct virtio_fs_config conf = { .num_request_queues = htole32(1) };

	memcpy(conf.tag, fs_of(dev)->s.tag, sizeof(conf.tag));
	memcpy(buf, (const char *)&conf + off, len);
}

static void fs_fini(struct vio_dev *dev)
{
	struct vio_fs *fs = fs_of(dev);

	vm_loop_del(dev->loop, &fs->server);
	for (int i = 0; i < VIO_FS_QUEUES; i++) {
		vm_loop_del(dev->loop, &fs->call[i]);
		cs_close_fd(&fs->call[i].fd);
	}
}

static const struct vio_ops fs_ops = {
	.name = "fs",
	.id = VIRTIO_ID_FS,
	.own_kicks = true,
	.activate = fs_activate,
	.reset = fs_reset,
	.config_read = fs_config_read,
	.fini = fs_fini,
};

int vio_fs_init(struct vio_fs *fs, const struct vm_fs_config *conf, int server_fd,
		const struct vio_env *env, struct cs_err *err)
{
	int ret;

	if (env->mem->memfd < 0)
		return cs_err_set(err, EINVAL, "%s: a shared folder wants shared memory",
				  env->name);
	memset(fs, 0, sizeof(*fs));
	fs->server = (struct vm_watch){ .fd = server_fd, .ready = server_ready };
	for (int i = 0; i < VIO_FS_QUEUES; i++)
		fs->call[i] = VM_WATCH_INIT;
	fs->s.version = VIO_FS_STATE_VERSION;
	memcpy(fs->s.tag, conf->tag, strnlen(conf->tag, sizeof(fs->s.tag)));
	ret = vio_dev_init(&fs->dev, &fs_ops, env, VIO_FS_QUEUES, VIO_FS_QUEUE_MAX, 0, err);
	if (ret < 0)
		return ret;
	fs->dev.config_size = sizeof(struct virtio_fs_config);
	ret = vm_loop_add(env->loop, &fs->server, EPOLLIN, err);
	for (int i = 0; i < VIO_FS_QUEUES && ret == 0; i++) {
		fs->call[i] = (struct vm_watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
						 .ready = i ? call_second : call_first };
		ret = vm_loop_add(env->loop, &fs->call[i], EPOLLIN, err);
	}
	if (ret < 0)
		vio_dev_fini(&fs->dev);
	return ret;
}
