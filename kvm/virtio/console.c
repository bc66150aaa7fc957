/* System calls: readv writev poll epoll_ctl */
#include "kvm/virtio/console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/config.h"

enum {
	Q_IN = 0,
	Q_OUT = 1,
	QUEUE_MAX = 64,
	PIECE = 4096, /* of PIPE_BUF bytes a pipe that says it is ready takes all at once */
};

static struct vio_console *console_of(struct vio_dev *dev)
{
	return vio_container_of(dev, struct vio_console, dev);
}

/* Reads what there is into one buffer of the guest's. */
static int64_t input_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_console *con = console_of(dev);
	struct pollfd p = { .fd = con->in_fd, .events = POLLIN };
	struct iovec iov[VIO_CHAIN_MAX];
	ssize_t n;
	int k;

	(void)qi;
	k = vio_chain_in_iov(c, 0, PIECE, iov, NULL);
	if (!k)
		return 0;
	/* the fd may be a blocking one that somebody else reads from as well */
	if (!con->in.added || poll(&p, 1, 0) <= 0)
		return VIO_STOP;
	n = readv(con->in_fd, iov, k);
	if (n > 0)
		return n;
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		vm_loop_del(dev->loop, &con->in);
		con->reading = false;
	}
	return VIO_STOP;
}

/* Watches the input as long as there are buffers for it. */
static void input_watch(struct vio_console *con, bool on)
{
	if (con->reading == on)
		return;
	con->reading = on;
	vm_loop_mod(con->dev.loop, &con->in, on ? EPOLLIN : 0);
}

static void input_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_console *con = vio_container_of(w, struct vio_console, in);

	if (vio_dev_live(&con->dev) && con->reading)
		vio_dev_run(&con->dev, Q_IN, input_handle);
	if (!vio_dev_live(&con->dev) || !vio_queue_arm(&con->dev.q[Q_IN]))
		input_watch(con, false);
	/* a hang-up is reported for ever: nobody is there to write any more */
	if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN))
		vm_loop_del(con->dev.loop, &con->in);
}

/* Writes a buffer, in as many steps as the output wants. */
static int64_t output_handle(struct vio_dev *dev, uint16_t qi, const struct vio_chain *c)
{
	struct vio_console *con = console_of(dev);
	struct iovec iov[VIO_CHAIN_MAX];
	struct cs_err err = CS_ERR_INIT;

	(void)qi;
	while (con->out_fd >= 0 && con->s.sent < c->out_len) {
		struct pollfd p = { .fd = con->out_fd, .events = POLLOUT };
		int k = vio_chain_out_iov(c, con->s.sent, PIECE, iov, NULL);
		ssize_t n = -1;

		errno = EAGAIN;
		if (poll(&p, 1, 0) > 0)
			n = writev(con->out_fd, iov, k);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (con->out.added ||
			    vm_loop_add(dev->loop, &con->out, EPOLLOUT, &err) == 0)
				return VIO_STOP;
			break;
		}
		if (n <= 0)
			break; /* nobody reads it any more: it is thrown away */
		con->s.sent += (uint64_t)n;
	}
	con->s.sent = 0;
	return 0;
}

static void output_ready(struct vm_watch *w, uint32_t events)
{
	struct vio_console *con = vio_container_of(w, struct vio_console, out);

	(void)events;
	vm_loop_del(con->dev.loop, w);
	if (vio_dev_live(&con->dev))
		vio_dev_run(&con->dev, Q_OUT, output_handle);
}

static void console_kick(struct vio_dev *dev, uint16_t qi)
{
	if (qi == Q_IN)
		input_watch(console_of(dev), true);
	else
		vio_dev_run(dev, Q_OUT, output_handle);
}

static void console_reset(struct vio_dev *dev)
{
	struct vio_console *con = console_of(dev);

	input_watch(con, false);
	vm_loop_del(dev->loop, &con->out);
	con->s.sent = 0;
}

static void console_config_read(struct vio_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	const struct vio_console *con = console_of(dev);
	const struct virtio_console_config conf = {
		.cols = htole16(con->s.cols),
		.rows = htole16(con->s.rows),
		.max_nr_ports = htole32(1),
	};

	memcpy(buf, (const char *)&conf + off, len);
}

/* The emergency write: one character, before there are queues. */
static void console_config_write(struct vio_dev *dev, uint32_t off, const void *buf, uint32_t len)
{
	struct vio_console *con = console_of(dev);
	struct pollfd p = { .fd = con->out_fd, .events = POLLOUT };
	ssize_t n;

	if (off != offsetof(struct virtio_console_config, emerg_wr) || !len || con->out_fd < 0 ||
	    poll(&p, 1, 0) <= 0)
		return;
	n = write(con->out_fd, buf, 1);
	(void)n;
}

static void console_fini(struct vio_dev *dev)
{
	struct vio_console *con = console_of(dev);

	vm_loop_del(dev->loop, &con->in);
	cs_close_fd(&con->out_fd);
}

static const struct vio_ops console_ops = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.kick = console_kick,
	.reset = console_reset,
	.config_read = console_config_read,
	.config_write = console_config_write,
	.fini = console_fini,
};

int vio_console_init(struct vio_console *con, const struct vm_console_config *conf,
		     const struct vio_env *env, struct cs_err *err)
{
	int ret;

	memset(con, 0, sizeof(*con));
	con->s.version = VIO_CONSOLE_STATE_VERSION;
	con->in_fd = conf->in_fd;
	con->out_fd = -EBADF;
	con->in = (struct vm_watch){ .fd = conf->in_fd, .ready = input_ready };
	ret = vio_dev_init(&con->dev, &console_ops, env, 2, QUEUE_MAX,
			   1ULL << VIRTIO_CONSOLE_F_SIZE | 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE,
			   err);
	if (ret < 0)
		return ret;
	con->dev.config_size = sizeof(struct virtio_console_config);
	if (conf->out_fd >= 0) {
		/* an epoll takes an fd once only, and a terminal is both */
		con->out_fd = fcntl(conf->out_fd, F_DUPFD_CLOEXEC, 3);
		if (con->out_fd < 0)
			ret = cs_err_sys(err, "%s: duplicate the output", env->name);
		con->out = (struct vm_watch){ .fd = con->out_fd, .ready = output_ready };
	}
	if (ret == 0 && conf->in_fd >= 0 && vm_loop_add(env->loop, &con->in, 0, err) < 0) {
		/* a regular file, which epoll cannot watch, gives no input */
		if (err->code == EPERM)
			cs_err_clear(err);
		else
			ret = -err->code;
	}
	if (ret < 0)
		vio_dev_fini(&con->dev);
	return ret;
}

void vio_console_resize(struct vio_console *con, uint16_t cols, uint16_t rows)
{
	if (cols == con->s.cols && rows == con->s.rows)
		return;
	con->s.cols = cols;
	con->s.rows = rows;
	vio_dev_config_changed(&con->dev);
}
