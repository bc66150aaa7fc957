#include "tests/guest/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/devices.h"

enum {
	LARGE = 128 * 1024,
	SMALL = 4096,
	DEPTH = 32,
	OPS = 4096,
	TRIPS = 2000,
	STREAM = 32 << 20,
	ECHO_PORT = 5001,
	SINK_PORT = 5002,
	SOURCE_PORT = 5003,
};

static uint8_t buf[DEPTH][LARGE] __attribute__((aligned(4096)));

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void tell(const char *what, double amount, double start)
{
	printf("guest: bench %s %.0f\n", what, amount / (now() - start));
	fflush(stdout);
}

static int fail(const char *what)
{
	printf("guest: bench: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The whole disk in large pieces, one at a time. */
static int whole(int fd, uint64_t size, bool out)
{
	double start = now();

	for (uint64_t at = 0; at + LARGE <= size; at += LARGE) {
		ssize_t n = out ? pwrite(fd, buf[0], LARGE, (off_t)at)
				: pread(fd, buf[0], LARGE, (off_t)at);

		if (n != LARGE)
			return fail("a large piece");
	}
	tell(out ? "disk-write-MB" : "disk-read-MB", (double)size / 1e6, start);
	return 0;
}

/* Small pieces anywhere, @depth under way at a time. */
static int anywhere(int fd, uint64_t size, int depth, bool out, const char *name)
{
	struct iocb cb[DEPTH], *p[DEPTH];
	struct io_event ev[DEPTH];
	aio_context_t ctx = 0;
	uint32_t seed = 5;
	double start;

	if (syscall(SYS_io_setup, DEPTH, &ctx) < 0)
		return fail("io_setup");
	start = now();
	for (int done = 0; done < OPS; done += depth) {
		for (int i = 0; i < depth; i++) {
			seed = seed * 1664525U + 1013904223U;
			cb[i] = (struct iocb){
				.aio_lio_opcode = out ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
				.aio_fildes = (uint32_t)fd,
				.aio_buf = (uintptr_t)buf[i],
				.aio_nbytes = SMALL,
				.aio_offset = (int64_t)((seed >> 4) % (size / SMALL) * SMALL)
			};
			p[i] = &cb[i];
		}
		if (syscall(SYS_io_submit, ctx, depth, p) != depth ||
		    syscall(SYS_io_getevents, ctx, depth, depth, ev, NULL) != depth)
			return fail("small pieces");
	}
	tell(name, OPS, start);
	syscall(SYS_io_destroy, ctx);
	return 0;
}

static int disk(void)
{
	int fd = open("/dev/vda", O_RDWR | O_DIRECT | O_CLOEXEC);
	uint64_t size = 0;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0 || size < LARGE)
		return fail("/dev/vda");
	memset(buf, 7, sizeof(buf));
	return whole(fd, size, true) || whole(fd, size, false) ||
	       anywhere(fd, size, 1, false, "disk-reads") ||
	       anywhere(fd, size, 1, true, "disk-writes") ||
	       anywhere(fd, size, DEPTH, false, "disk-reads-32") ||
	       anywhere(fd, size, DEPTH, true, "disk-writes-32");
}

static int dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.99.0.1", &a.sin_addr);
	if (fd < 0 || connect(fd, (const void *)&a, sizeof(a)) < 0)
		return -1;
	return fd;
}

static int stream(bool out)
{
	int fd = dial(out ? SINK_PORT : SOURCE_PORT);
	double start = now();
	size_t left = STREAM;

	if (fd < 0)
		return fail("connect");
	while (left) {
		ssize_t n = out ? write(fd, buf[0], LARGE) : read(fd, buf[0], LARGE);

		if (n <= 0)
			return fail("a stream");
		left -= (size_t)n < left ? (size_t)n : left;
	}
	if (out && (shutdown(fd, SHUT_WR) < 0 || read(fd, buf[0], 1) != 0))
		return fail("a stream's end");
	tell(out ? "net-out-MB" : "net-in-MB", STREAM / 1e6, start);
	close(fd);
	return 0;
}

static int round_trips(void)
{
	int fd = dial(ECHO_PORT), one = 1;
	double start;
	char c = 'x';

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return fail("connect");
	start = now();
	for (int i = 0; i < TRIPS; i++)
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			return fail("a round trip");
	tell("net-round-trips", TRIPS, start);
	close(fd);
	return 0;
}

int guest_bench(void)
{
	return disk() || guest_device_net_up() || stream(true) || stream(false) || round_trips();
}
