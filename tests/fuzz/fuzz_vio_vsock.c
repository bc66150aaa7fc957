/* kvm/virtio/vsock: any packets of a guest's, with an owner that answers and hosts that talk. */
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "kvm/config.h"
#include "kvm/virtio/vsock.h"
#include "tests/fuzz/vio_fuzz.h"

enum {
	HOSTS = 8,
};

static struct fuzz f;
static struct vio_vsock vs;
static int owner, host[HOSTS];

/* Keeps one end of a new connection and sends the other with @msg. */
static void give(struct vio_vsock_msg *msg, unsigned int i)
{
	struct cs_err err = CS_ERR_INIT;
	int sv[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	if (host[i % HOSTS] >= 0)
		close(host[i % HOSTS]);
	host[i % HOSTS] = sv[0];
	(void)cs_fd_send(owner, &sv[1], 1, msg, sizeof(*msg), &err);
	close(sv[1]);
}

static void owner_turn(uint32_t mode, unsigned int turn)
{
	struct vio_vsock_msg msg;
	ssize_t n;

	while (recv(owner, &msg, sizeof(msg), MSG_DONTWAIT) == (ssize_t)sizeof(msg)) {
		check(msg.type == VIO_VSOCK_DIAL);
		msg.type = VIO_VSOCK_ANSWER;
		if (mode & 1)
			give(&msg, msg.id);
		else
			n = send(owner, &msg, sizeof(msg), MSG_DONTWAIT);
	}
	if (mode & 2 && turn < 4) {
		msg = (struct vio_vsock_msg){ .type = VIO_VSOCK_CONNECT, .port = turn };
		give(&msg, turn);
	}
	(void)n;
}

static void hosts_turn(uint32_t mode)
{
	static char buf[5000];
	ssize_t n;

	for (unsigned int i = 0; i < HOSTS; i++) {
		if (host[i] < 0)
			continue;
		if (mode & 4)
			n = send(host[i], buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (mode & 8)
			n = recv(host[i], buf, sizeof(buf), MSG_DONTWAIT);
		if (mode & 16 && i % 2) {
			close(host[i]);
			host[i] = -1;
		}
	}
	(void)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct vm_vsock_config conf = { .cid = 3 };
	struct cs_err err = CS_ERR_INIT;
	uint32_t mode = fuzz_take(&in, 1);
	unsigned int turn = 0;
	int sv[2], qi;

	fuzz_init(&f);
	memset(host, 0xff, sizeof(host));
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	owner = sv[0];
	conf.fd = sv[1];
	check(vio_vsock_init(&vs, &conf, &f.env, &err) == 0);
	fuzz_start(&f, &vs.dev, UINT64_MAX);
	while ((qi = fuzz_add(&f, &in)) >= 0) {
		vio_dev_kick(&vs.dev, (uint16_t)qi);
		owner_turn(mode, turn++);
		hosts_turn(mode);
		for (int i = 0; i < 3; i++)
			check(vm_loop_once(&f.loop, 0, &err) >= 0);
		check(vs.n_conns <= VIO_VSOCK_CONNS);
		if (!vio_dev_live(&vs.dev))
			fuzz_start(&f, &vs.dev, UINT64_MAX);
	}
	fuzz_fini(&f);
	check(vs.n_conns == 0);
	for (unsigned int i = 0; i < HOSTS; i++)
		if (host[i] >= 0)
			close(host[i]);
	close(sv[0]);
	close(sv[1]);
	return 0;
}
