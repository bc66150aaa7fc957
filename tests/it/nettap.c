/*
 * A machine on a network, as a virtual machine monitor would have it:
 *
 *	nettap ROOT STATE NETWORK ID GUEST
 *
 * Attaches a tap and is the cable between it and "eth0", a tap in the namespace pinned on GUEST:
 * what is sent there, by the kernel's own stack, are the guest's frames, with virtio_net's header
 * before each, checksums and segmentation left to do in either direction. Prints the attachment's
 * record and, until it is killed, nothing more; on SIGUSR1 how many frames came with a checksum to
 * do, and how many larger than the MTU.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "netns/attach.h"
#include "netns/link.h"
#include "netns/ns.h"
#include "netns/record.h"
#include "netns/store.h"

enum { FRAME_MAX = 128 * 1024 };

struct guest {
	struct net_attachment a;
	int tap; /* in its namespace */
};

static volatile sig_atomic_t asked;

static void ask(int signo)
{
	(void)signo;
	asked = 1;
}

/* In the guest's namespace: its card, with the address it was given. */
static int make_card(void *arg, struct cs_err *err)
{
	struct guest *g = arg;
	struct ifreq ifr = { .ifr_name = "eth0" };
	cs_auto_fd int fd = -EBADF;

	g->tap = net_link_tap("eth0", 0, false, err);
	if (g->tap < 0)
		return g->tap;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, g->a.mac.b, sizeof(g->a.mac.b));
	if (fd < 0 || ioctl(fd, SIOCSIFHWADDR, &ifr) < 0)
		return cs_err_sys(err, "give the card its address");
	ifr.ifr_mtu = (int)g->a.mtu;
	if (ioctl(fd, SIOCSIFMTU, &ifr) < 0)
		return cs_err_sys(err, "give the card its MTU");
	return 0;
}

static int print(const struct net_attachment *a, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	cs_jw_obj(&w, NULL);
	net_attachment_write(a, &w);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	puts(text);
	(void)fflush(stdout);
	return 0;
}

/* Frames as the other side wants them; counts those that leave work to it. */
static void carry(int from, int to, unsigned long *sums, unsigned long *large)
{
	static unsigned char frame[FRAME_MAX];
	struct virtio_net_hdr h;
	ssize_t n;

	while ((n = read(from, frame, sizeof(frame))) >= (ssize_t)sizeof(h)) {
		memcpy(&h, frame, sizeof(h));
		*sums += (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
		*large += h.gso_type != VIRTIO_NET_HDR_GSO_NONE;
		if (write(to, frame, (size_t)n) < 0 && errno != EAGAIN && errno != EIO)
			perror("nettap: write");
	}
}

static void cable(int net, int card)
{
	struct pollfd fds[] = { { .fd = net, .events = POLLIN }, { .fd = card, .events = POLLIN } };
	unsigned long sums[2] = { 0 }, large[2] = { 0 };

	for (;;) {
		int n = poll(fds, 2, -1);

		if (asked) {
			asked = 0;
			printf("in %lu %lu out %lu %lu\n", sums[0], large[0], sums[1], large[1]);
			(void)fflush(stdout);
		}
		if (n < 0)
			continue;
		/* the network's end went away */
		if ((fds[0].revents | fds[1].revents) & (POLLERR | POLLHUP))
			return;
		carry(net, card, &sums[0], &large[0]);
		carry(card, net, &sums[1], &large[1]);
	}
}

static int attach(char **argv, struct guest *g, int *tap, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	struct net_wish w = { .owner = argv[4], .name = argv[4], .ns = -1 };
	cs_auto_fd int ns = -EBADF;

	if (net_store_open(&st, argv[1], argv[2], err) < 0)
		return -err->code;
	/* it lives as long as this process */
	if (net_life_of_process(&st, getpid(), &w.life, err) < 0 ||
	    net_attach(&st, argv[3], &w, &g->a, tap, err) < 0)
		return -err->code;
	ns = net_ns_open(argv[5], NULL, err);
	return ns < 0 ? ns : net_ns_run(ns, make_card, g, err);
}

int main(int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = ask };
	struct guest g = { .tap = -1 };
	struct cs_err err = CS_ERR_INIT;
	int tap = -1;

	if (argc != 6) {
		fputs("usage: nettap ROOT STATE NETWORK ID GUEST\n", stderr);
		return 2;
	}
	(void)sigaction(SIGUSR1, &sa, NULL);
	if (attach(argv, &g, &tap, &err) < 0 || print(&g.a, &err) < 0) {
		fprintf(stderr, "nettap: %s\n", err.msg);
		return 1;
	}
	cable(tap, g.tap);
	net_attachment_fini(&g.a);
	return 0;
}
