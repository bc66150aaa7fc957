/*
 * The first process of a guest that means ill, in place of the agent; or, with a word for an
 * argument, a process in a container that does.
 *
 *	dial SECONDS	dials the ports of the host that other processes' streams are at
 *
 * As the first process it loads no driver but is one itself, with the rights of the guest's kernel.
 */
#include "tests/guest/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_mmio.h>
#include <linux/vm_sockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_EXIT = 0x501,
	WINDOW = 0x1000,
	QUEUE = 8, /* entries */
	AVAIL = 0x400,
	USED = 0x800,
	STREAMS = 65536,
	PORTS = 64, /* of those, dialled in turns */
	CONTROL = 1024,
	STATUS_NEEDS_RESET = 64,
};
static const off_t windows_at = 0xd0000000; /* kvm/layout.h */

static volatile unsigned char *windows;

void say(int ok, const char *what)
{
	printf("%s %s\n", ok ? "ok" : "not ok", what);
	fflush(stdout);
}

uint32_t draw(void)
{
	static uint32_t seed = 1;

	seed = seed * 1664525U + 1013904223U;
	return seed >> 8;
}

static void put32(volatile unsigned char *dev, size_t off, uint32_t v)
{
	*(volatile uint32_t *)(dev + off) = v;
}

static uint32_t get32(const volatile unsigned char *dev, size_t off)
{
	return *(const volatile uint32_t *)(dev + off);
}

int raw_open(void)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);

	if (fd < 0)
		return -1;
	windows = mmap(NULL, RAW_WINDOWS * WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       windows_at);
	close(fd);
	return windows == MAP_FAILED ? -1 : 0;
}

volatile unsigned char *raw_window(int i)
{
	return windows + i * WINDOW;
}

volatile unsigned char *raw_find(uint32_t kind)
{
	for (int i = 0; i < RAW_WINDOWS; i++)
		if (get32(raw_window(i), VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976 &&
		    get32(raw_window(i), VIRTIO_MMIO_DEVICE_ID) == kind)
			return raw_window(i);
	return NULL;
}

/* A page that stays where it is, and where that is. */
static unsigned char *page(uint64_t *at)
{
	unsigned char *p = mmap(NULL, RAW_BUF, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t v = 0;

	if (p == MAP_FAILED || fd < 0 ||
	    pread(fd, &v, sizeof(v), (off_t)((uintptr_t)p / RAW_BUF * sizeof(v))) != sizeof(v))
		return NULL;
	close(fd);
	*at = (v & ((1ULL << 55) - 1)) * RAW_BUF;
	return p;
}

static void put_address(volatile unsigned char *dev, size_t low, uint64_t at)
{
	put32(dev, low, (uint32_t)at);
	put32(dev, low + 4, (uint32_t)(at >> 32));
}

int raw_begin(volatile unsigned char *dev, struct raw_queue *q, int n)
{
	put32(dev, VIRTIO_MMIO_STATUS, 0);
	put32(dev, VIRTIO_MMIO_STATUS, 1);
	put32(dev, VIRTIO_MMIO_STATUS, 3);
	put32(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put32(dev, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	put32(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put32(dev, VIRTIO_MMIO_DRIVER_FEATURES, 1); /* VIRTIO_F_VERSION_1 */
	put32(dev, VIRTIO_MMIO_STATUS, 11);
	for (int i = 0; i < n; i++) {
		q[i] = (struct raw_queue){ .index = (uint16_t)i };
		q[i].page = page(&q[i].page_at);
		q[i].out = page(&q[i].out_at);
		q[i].in = page(&q[i].in_at);
		if (!q[i].page || !q[i].out || !q[i].in || !q[i].page_at)
			return -1;
		put32(dev, VIRTIO_MMIO_QUEUE_SEL, (uint32_t)i);
		put32(dev, VIRTIO_MMIO_QUEUE_NUM, QUEUE);
		put_address(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, q[i].page_at);
		put_address(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, q[i].page_at + AVAIL);
		put_address(dev, VIRTIO_MMIO_QUEUE_USED_LOW, q[i].page_at + USED);
		put32(dev, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	put32(dev, VIRTIO_MMIO_STATUS, 15);
	return get32(dev, VIRTIO_MMIO_STATUS) == 15 ? 0 : -1;
}

struct desc {
	uint64_t at;
	uint32_t len;
	uint16_t flags, next;
};

void raw_put(volatile unsigned char *dev, struct raw_queue *q, uint32_t out_len, uint32_t in_len)
{
	struct desc *d = (void *)q->page;
	volatile uint16_t *avail = (void *)(q->page + AVAIL);
	const uint16_t first = out_len ? 0 : 1;

	d[0] = (struct desc){ q->out_at, out_len, in_len ? 1 : 0, 1 };
	d[1] = (struct desc){ q->in_at, in_len, 2, 0 };
	avail[2 + q->avail % QUEUE] = first;
	__sync_synchronize();
	avail[1] = ++q->avail;
	__sync_synchronize();
	put32(dev, VIRTIO_MMIO_QUEUE_NOTIFY, q->index);
}

int raw_take(struct raw_queue *q, int tries)
{
	volatile uint16_t *used = (void *)(q->page + USED);
	const volatile uint32_t *entry = (void *)(q->page + USED + 4);

	for (; tries > 0; tries--) {
		if (used[1] != q->used) {
			__sync_synchronize();
			return (int)entry[2 * (q->used++ % QUEUE) + 1];
		}
		usleep(2000); /* no interrupt comes to a process: it looks again */
	}
	return -1;
}

int raw_do(volatile unsigned char *dev, struct raw_queue *q, uint32_t out_len, uint32_t in_len)
{
	memset(q->in, 0, RAW_BUF);
	raw_put(dev, q, out_len, in_len);
	/* one that wants to be begun with again does not come back */
	for (int i = 0; i < 1000; i++) {
		int n = raw_take(q, 1);

		if (n >= 0 || get32(dev, VIRTIO_MMIO_STATUS) & STATUS_NEEDS_RESET)
			return n;
	}
	return -1;
}

/* Is somebody there who takes a connection? */
static bool dial(unsigned int cid, unsigned int port)
{
	const struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	const struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there;

	if (fd < 0) {
		printf("not ok socket: %s\n", strerror(errno));
		exit(1);
	}
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
	there = connect(fd, (const void *)&to, sizeof(to)) == 0;
	if (there) /* and keeps it from whom it is for */
		printf("not ok port %u of %u answers\n", port, cid);
	else
		close(fd);
	fflush(stdout);
	return there;
}

static int dial_all(int seconds)
{
	const time_t end = time(NULL) + seconds;
	int found = 0, rounds = 0;

	found += dial(VMADDR_CID_HOST, CONTROL);
	for (unsigned int cid = 0; cid < 8; cid++)
		if (cid != VMADDR_CID_HOST)
			found += dial(cid, CONTROL);
	for (puts("dials"), fflush(stdout); time(NULL) < end; rounds++)
		for (unsigned int i = 0; i < PORTS; i++)
			found += dial(VMADDR_CID_HOST, STREAMS + i);
	printf("%d rounds, %d found\n", rounds, found);
	return found != 0;
}

static const char *word(const char *name)
{
	static char line[4096];
	FILE *f = fopen("/proc/cmdline", "re");
	char *at;

	if (!f || !fgets(line, sizeof(line), f))
		return "";
	fclose(f);
	at = strstr(line, name);
	if (!at)
		return "";
	at += strlen(name);
	at[strcspn(at, " \n")] = '\0';
	return at;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "dial") == 0)
		return dial_all((int)strtol(argv[2], NULL, 10));
	if (getpid() != 1)
		return 2;
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (ioperm(PORT_EXIT, 1, 1) < 0 || raw_open() < 0) {
		say(0, "the machine's devices are within reach");
	} else {
		hostile_fs(word("secret="));
		hostile_vsock();
		hostile_wild();
	}
	puts("hostile: done");
	fflush(stdout);
	tcdrain(STDOUT_FILENO); /* the end comes at once */
	outb(0, PORT_EXIT);
	for (;;)
		pause();
}
