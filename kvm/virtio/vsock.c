/* System calls: recvmsg sendmsg readv shutdown close epoll_ctl fcntl getsockopt */
#include "kvm/virtio/vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "kvm/config.h"
#include "kvm/virtio/vsock_int.h"

enum {
	QUEUES = 3, /* the third is for events, of which there are none */
	QUEUE_MAX = 128,
	FIRST_PORT = 1 << 30, /* of connections from the host */
};

static struct vio_vsock_conn **bucket(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port)
{
	uint32_t h = (guest_port * 2654435761U) ^ (host_port * 2246822519U);

	return &vs->bucket[(h >> 16) % VIO_VSOCK_BUCKETS];
}

struct vio_vsock_conn *vio_vsock_find(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port)
{
	struct vio_vsock_conn *c = *bucket(vs, guest_port, host_port);

	while (c && (c->guest_port != guest_port || c->host_port != host_port))
		c = c->next_hash;
	return c;
}

static void conn_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_vsock_conn *c = vio_container_of(w, struct vio_vsock_conn, w);
	struct vio_vsock *vs = c->vs;

	/* a hang-up would be reported for ever */
	if (events & (EPOLLHUP | EPOLLERR)) {
		c->hup = true;
		vm_loop_del(vs->dev.loop, w);
	}
	if (events & EPOLLOUT || c->hup)
		vio_vsock_drain(c);
	if (c->state == CONN_OPEN) {
		if (c->hup && c->host_eof)
			vio_vsock_close(c, true);
		else
			vio_vsock_pend(c, PEND_DATA);
	}
	vio_vsock_flush(vs);
}

struct vio_vsock_conn *vio_vsock_new(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port)
{
	struct vio_vsock_conn **b = bucket(vs, guest_port, host_port);
	struct vio_vsock_conn *c;

	if (vs->n_conns >= VIO_VSOCK_CONNS)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->vs = vs;
	c->w = (struct vm_watch){ .fd = -EBADF, .ready = conn_ready };
	c->guest_port = guest_port;
	c->host_port = host_port;
	c->next_hash = *b;
	*b = c;
	vs->n_conns++;
	return c;
}

bool vio_vsock_take_fd(struct vio_vsock_conn *c, int fd)
{
	struct cs_err err = CS_ERR_INIT;
	int flags = fcntl(fd, F_GETFL);

	c->w.fd = fd;
	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    vm_loop_add(c->vs->dev.loop, &c->w, 0, &err) == 0)
		return true;
	cs_close_fd(&c->w.fd);
	return false;
}

static void unqueue(struct vio_vsock_conn *c)
{
	struct vio_vsock *vs = c->vs;

	if (!c->queued)
		return;
	*(c->prev ? &c->prev->next : &vs->first) = c->next;
	*(c->next ? &c->next->prev : &vs->last) = c->prev;
	c->next = NULL;
	c->prev = NULL;
	c->queued = false;
}

static void drop_socket(struct vio_vsock_conn *c)
{
	vm_loop_del(c->vs->dev.loop, &c->w);
	cs_close_fd(&c->w.fd);
	free(cs_take_ptr(&c->buf));
	c->buf_len = 0;
}

void vio_vsock_free(struct vio_vsock_conn *c)
{
	struct vio_vsock_conn **p = bucket(c->vs, c->guest_port, c->host_port);

	while (*p != c)
		p = &(*p)->next_hash;
	*p = c->next_hash;
	unqueue(c);
	drop_socket(c);
	c->vs->n_conns--;
	free(c);
}

void vio_vsock_close(struct vio_vsock_conn *c, bool tell)
{
	if (!tell) {
		vio_vsock_free(c);
		return;
	}
	drop_socket(c);
	c->state = CONN_CLOSED;
	c->pending = 0;
	vio_vsock_pend(c, PEND_RESET);
}

void vio_vsock_reset_packet(struct vio_vsock *vs, uint32_t guest_port, uint32_t host_port)
{
	/* more of these than the guest takes answers for: it can do without */
	if (vs->n_resets == VIO_VSOCK_RESETS)
		return;
	vs->reset[vs->n_resets].guest_port = guest_port;
	vs->reset[vs->n_resets].host_port = host_port;
	vs->n_resets++;
}

static struct vio_vsock_conn *by_id(struct vio_vsock *vs, uint32_t id)
{
	for (int i = 0; i < VIO_VSOCK_BUCKETS; i++)
		for (struct vio_vsock_conn *c = vs->bucket[i]; c; c = c->next_hash)
			if (c->state == CONN_DIALING && c->id == id)
				return c;
	return NULL;
}

static void owner_answer(struct vio_vsock *vs, uint32_t id, int *fd)
{
	struct vio_vsock_conn *c = by_id(vs, id);

	if (!c)
		return; /* the guest did not wait for it */
	if (*fd < 0 || !vio_vsock_take_fd(c, cs_take_fd(fd))) {
		vs->refused++;
		vio_vsock_close(c, true);
		return;
	}
	c->state = CONN_OPEN;
	vio_vsock_pend(c, PEND_RESPONSE);
	vio_vsock_watch(c);
}

static void owner_connect(struct vio_vsock *vs, uint32_t port, int *fd)
{
	struct vio_vsock_conn *c;

	if (*fd < 0 || !vio_dev_live(&vs->dev))
		return;
	do {
		if (++vs->s.next_port < FIRST_PORT)
			vs->s.next_port = FIRST_PORT;
	} while (vio_vsock_find(vs, port, vs->s.next_port));
	c = vio_vsock_new(vs, port, vs->s.next_port);
	if (!c)
		return;
	if (!vio_vsock_take_fd(c, cs_take_fd(fd))) {
		vio_vsock_free(c);
		return;
	}
	c->state = CONN_REQUESTED;
	vio_vsock_pend(c, PEND_REQUEST);
}

static void owner_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_vsock *vs = vio_container_of(w, struct vio_vsock, owner);
	struct cs_err err = CS_ERR_INIT;
	struct vio_vsock_msg msg = { 0 };
	size_t len = sizeof(msg), n = 0;
	cs_auto_fd int fd = -EBADF;
	int ret;

	(void)events;
	ret = cs_fd_recv(w->fd, &fd, 1, &n, &msg, &len, &err);
	if (ret == -EAGAIN || ret == -EMSGSIZE)
		return;
	if (ret < 0) { /* the owner is gone: connections that are there go on */
		vm_loop_del(vs->dev.loop, w);
		return;
	}
	if (len != sizeof(msg))
		return;
	if (msg.type == VIO_VSOCK_ANSWER)
		owner_answer(vs, msg.id, &fd);
	else if (msg.type == VIO_VSOCK_CONNECT)
		owner_connect(vs, msg.port, &fd);
	vio_vsock_flush(vs);
}

static void vsock_kick(struct vio_dev *dev, uint16_t qi)
{
	struct vio_vsock *vs = vio_container_of(dev, struct vio_vsock, dev);

	if (qi == VSOCK_TX)
		vio_dev_run(dev, qi, vio_vsock_tx);
	if (vio_dev_live(dev))
		vio_vsock_flush(vs);
}

static void vsock_reset(struct vio_dev *dev)
{
	struct vio_vsock *vs = vio_container_of(dev, struct vio_vsock, dev);

	for (int i = 0; i < VIO_VSOCK_BUCKETS; i++)
		while (vs->bucket[i])
			vio_vsock_free(vs->bucket[i]);
	vs->n_resets = 0;
}

static void vsock_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_vsock *vs = vio_container_of(dev, struct vio_vsock, dev);
	const uint64_t cid = htole64(vs->s.cid);

	memcpy(buf, (const char *)&cid + off, len);
}

static void vsock_fini(struct vio_dev *dev)
{
	vm_loop_del(dev->loop, &vio_container_of(dev, struct vio_vsock, dev)->owner);
}

static const struct vio_ops vsock_ops = {
	.name = "vsock",
	.id = VIRTIO_ID_VSOCK,
	.kick = vsock_kick,
	.reset = vsock_reset,
	.config_read = vsock_config_read,
	.fini = vsock_fini,
};

int vio_vsock_init(struct vio_vsock *vs, const struct vm_vsock_config *conf,
		   const struct vio_env *env, struct cs_err *err)
{
	int ret;

	memset(vs, 0, sizeof(*vs));
	vs->owner = (struct vm_watch){ .fd = conf->fd, .ready = owner_ready };
	vs->s = (struct vio_vsock_state){ VIO_VSOCK_STATE_VERSION, FIRST_PORT, conf->cid };
	ret = vio_dev_init(&vs->dev, &vsock_ops, env, QUEUES, QUEUE_MAX, 0, err);
	if (ret < 0)
		return ret;
	vs->dev.config_size = sizeof(uint64_t);
	if (conf->fd >= 0)
		ret = vm_loop_add(env->loop, &vs->owner, EPOLLIN, err);
	if (ret < 0)
		vio_dev_fini(&vs->dev);
	return ret;
}
