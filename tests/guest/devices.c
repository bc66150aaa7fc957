#include "tests/guest/devices.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK = 4096,
	FILE_MAX = 256 * 1024,
	FSX_MAX = 16384, /* bytes at a time */
	VSOCK_ECHO = 5000,
	TCP_ECHO = 5001,
	TAKE_PORT = 5004, /* of both */
	GIVE_PORT = 5005,
	STREAM_BLOCK = 65536,
	ECHO_MAX = 4 << 20,
};

#define fail(what)                                                                     \
	({                                                                             \
		printf("guest: line %d: %s: %s\n", __LINE__, (what), strerror(errno)); \
		1;                                                                     \
	})

/* How much: words of the kernel's command line. */
static uint32_t steps = 400;	  /* of random I/O */
static uint32_t stream = 4 << 20; /* bytes each way */

/* A sequence that only its seed decides. */
static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

/* Whole words, for a stream of a GiB should not take longer to make than to move. */
static void pattern(uint8_t *buf, size_t len, uint32_t seed)
{
	uint64_t word = seed;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		word = word * 6364136223846793005U + 1442695040888963407U;
		memcpy(buf + i, &word, len - i < sizeof(word) ? len - i : sizeof(word));
	}
}

/* Past what Linux remembers of it. */
static bool forget(int fd)
{
	return fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
}

/* A cut: a file ends at *@at then; of a disk, blocks from there on are as new. */
static bool cut(int fd, bool disk, uint32_t *at, uint32_t *len)
{
	if (!disk)
		return ftruncate(fd, *at) == 0;
	*at -= *at % BLOCK;
	*len += BLOCK - *len % BLOCK;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, *at, *len) == 0;
}

/* Random reads, writes, cuts and syncs of a new file, or of a disk's beginning, against a copy in
 * memory, as fsx does. */
static int fsx(int fd, bool disk)
{
	static uint8_t model[FILE_MAX], buf[FILE_MAX];
	uint32_t seed = 3, size = 0;

	memset(model, 0, sizeof(model));
	if (disk && pread(fd, model, size = FILE_MAX, 0) != FILE_MAX)
		return fail("fsx: a disk's beginning");
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t at = next(&seed) % (FILE_MAX - FSX_MAX);
		uint32_t len = 1 + next(&seed) % FSX_MAX;
		ssize_t n, want;

		switch (next(&seed) % 4) {
		case 0:
			want = at >= size ? 0 : at + len > size ? size - at : len;
			n = pread(fd, buf, len, at);
			if (n != want || (n && memcmp(buf, model + at, (size_t)n) != 0))
				return fail("fsx: read");
			break;
		case 1:
			if (!cut(fd, disk, &at, &len))
				return fail("fsx: cut");
			if (at < size)
				memset(model + at, 0, disk ? len : size - at);
			size = disk ? size : at;
			break;
		case 2:
			if (!forget(fd))
				return fail("fsx: sync");
			break;
		default:
			pattern(buf, len, seed);
			if (pwrite(fd, buf, len, at) != (ssize_t)len)
				return fail("fsx: write");
			memcpy(model + at, buf, len);
			if (at + len > size)
				size = at + len;
			break;
		}
	}
	if (!forget(fd) || pread(fd, buf, size, 0) != (ssize_t)size ||
	    memcmp(buf, model, size) != 0)
		return fail("fsx: all of it");
	return 0;
}

/* Random writes past the page cache, each read again, and all of them at the end. */
static int test_blk(void)
{
	static uint8_t buf[BLOCK * 8] __attribute__((aligned(BLOCK)));
	static uint8_t want[BLOCK * 8];
	static uint32_t seeds[1024];
	int fd = open("/dev/vda", O_RDWR | O_DIRECT | O_CLOEXEC);
	uint32_t seed = 1, blocks;
	uint64_t range[2] = { 0, 16 * BLOCK }, size = 0;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0 || size < 16 * BLOCK)
		return fail("/dev/vda");
	blocks = size / BLOCK > 1024 ? 1024 : (uint32_t)(size / BLOCK);
	for (uint32_t i = 0; i < steps; i++) {
		const uint32_t at = next(&seed) % (blocks - 8), n = 1 + next(&seed) % 8;
		const size_t len = (size_t)n * BLOCK;

		for (uint32_t k = 0; k < n; k++) {
			seeds[at + k] = next(&seed) | 1;
			pattern(buf + k * BLOCK, BLOCK, seeds[at + k]);
		}
		if (pwrite(fd, buf, len, (off_t)at * BLOCK) != (ssize_t)len)
			return fail("write");
		memcpy(want, buf, len);
		if (pread(fd, buf, len, (off_t)at * BLOCK) != (ssize_t)len ||
		    memcmp(buf, want, len) != 0)
			return fail("read what was written");
	}
	if (fsync(fd) < 0)
		return fail("flush");
	for (uint32_t at = 0; at < blocks; at++) {
		if (!seeds[at])
			continue;
		pattern(want, BLOCK, seeds[at]);
		if (pread(fd, buf, BLOCK, (off_t)at * BLOCK) != BLOCK ||
		    memcmp(buf, want, BLOCK) != 0)
			return fail("read all again");
	}
	if (ioctl(fd, BLKZEROOUT, range) < 0 || ioctl(fd, BLKDISCARD, range) < 0)
		return fail("zero and discard");
	if (pread(fd, buf, BLOCK, 5 * BLOCK) != BLOCK || buf[7] || buf[BLOCK - 1])
		return fail("read zeroes");
	close(fd);
	fd = open("/dev/vda", O_RDWR | O_CLOEXEC);
	if (fd < 0 || fsx(fd, true))
		return fail("through the page cache");
	close(fd);
	return 0;
}

static int test_rng(void)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };
	int fd = open("/dev/hwrng", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, a, sizeof(a)) <= 0 || read(fd, b, sizeof(b)) <= 0)
		return fail("/dev/hwrng");
	close(fd);
	return memcmp(a, b, sizeof(a)) == 0 ? fail("twice the same") : 0;
}

/* The host has put a pattern of seed 7 into the first 64 KiB. */
static int test_pmem(void)
{
	static uint8_t buf[65536], want[65536];
	int fd = open("/dev/pmem0", O_RDONLY | O_CLOEXEC);

	pattern(want, sizeof(want), 7);
	if (fd < 0 || read(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
		return fail("/dev/pmem0");
	close(fd);
	return memcmp(buf, want, sizeof(buf)) != 0 ? fail("other bytes") : 0;
}

static bool all(int fd, uint8_t *buf, size_t len, bool out)
{
	while (len) {
		ssize_t n = out ? write(fd, buf, len) : read(fd, buf, len);

		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

/* A child sends, this process compares what comes back. */
static int echo(int fd)
{
	static uint8_t buf[32768], want[32768];
	const uint32_t size = stream < ECHO_MAX ? stream : ECHO_MAX;
	pid_t child = fork();

	if (child < 0)
		return fail("fork");
	for (uint32_t i = 0; i < size / sizeof(buf); i++) {
		pattern(want, sizeof(want), i);
		if (!child) {
			if (!all(fd, want, sizeof(want), true))
				_exit(1);
		} else if (!all(fd, buf, sizeof(buf), false) ||
			   memcmp(buf, want, sizeof(buf)) != 0) {
			return fail("what came back");
		}
	}
	if (!child)
		_exit(0);
	/* the other end says that it is done, after we have */
	if (shutdown(fd, SHUT_WR) < 0 || read(fd, buf, 1) != 0)
		return fail("the end");
	close(fd);
	return 0;
}

/* The stream of tests/it/vmpeer.py: no two blocks have the same bytes at the same place. */
static const uint8_t *stream_block(uint32_t i)
{
	static uint8_t texture[2 * STREAM_BLOCK];

	if (!texture[0])
		pattern(texture, sizeof(texture), 9);
	return texture + (size_t)i * 8 * 1021 % STREAM_BLOCK;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void tell_rate(const char *way, double start)
{
	printf("guest: %s: %u KiB, %.1f s\n", way, stream / 1024, seconds() - start);
	fflush(stdout);
}

/* Sends a stream: the other end looks at each byte and says how many were right. */
static int send_stream(int fd, const char *way)
{
	const double start = seconds();
	uint64_t right = 0;

	if (fd < 0)
		return fail(way);
	for (uint32_t i = 0; i < stream / STREAM_BLOCK; i++)
		if (!all(fd, (uint8_t *)(uintptr_t)stream_block(i), STREAM_BLOCK, true))
			return fail(way);
	if (shutdown(fd, SHUT_WR) < 0 || !all(fd, (uint8_t *)&right, sizeof(right), false) ||
	    right != stream / STREAM_BLOCK * STREAM_BLOCK)
		return fail(way);
	close(fd);
	tell_rate(way, start);
	return 0;
}

/* Asks for a stream and looks at each byte. */
static int take_stream(int fd, const char *way)
{
	static uint8_t buf[STREAM_BLOCK];
	const double start = seconds();
	uint64_t size = stream / STREAM_BLOCK * STREAM_BLOCK;

	if (fd < 0 || !all(fd, (uint8_t *)&size, sizeof(size), true))
		return fail(way);
	for (uint32_t i = 0; i < stream / STREAM_BLOCK; i++)
		if (!all(fd, buf, sizeof(buf), false) ||
		    memcmp(buf, stream_block(i), sizeof(buf)) != 0)
			return fail(way);
	if (read(fd, buf, 1) != 0)
		return fail("a stream's end");
	close(fd);
	tell_rate(way, start);
	return 0;
}

static int dial_vsock(uint32_t port)
{
	const struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				       .svm_port = port,
				       .svm_cid = VMADDR_CID_HOST };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const void *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int test_vsock(void)
{
	int fd;

	if (dial_vsock(1) >= 0)
		return fail("connect to a port nobody has");
	fd = dial_vsock(VSOCK_ECHO);
	if (fd < 0)
		return fail("connect");
	return echo(fd) || send_stream(dial_vsock(TAKE_PORT), "vsock-out") ||
	       take_stream(dial_vsock(GIVE_PORT), "vsock-in");
}

int guest_device_net_up(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct ifreq ifr = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.99.0.2", &a.sin_addr);
	memcpy(&ifr.ifr_addr, &a, sizeof(a));
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &ifr) < 0)
		return fail("eth0's address");
	inet_pton(AF_INET, "255.255.255.0", &a.sin_addr);
	memcpy(&ifr.ifr_netmask, &a, sizeof(a));
	if (ioctl(fd, SIOCSIFNETMASK, &ifr) < 0)
		return fail("eth0's mask");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return fail("eth0 up");
	close(fd);
	return 0;
}

static int dial_tcp(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.99.0.1", &a.sin_addr);
	if (fd < 0 || connect(fd, (const void *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int test_net(void)
{
	int fd;

	if (guest_device_net_up())
		return fail("eth0");
	fd = dial_tcp(TCP_ECHO);
	if (fd < 0)
		return fail("connect");
	return echo(fd) || send_stream(dial_tcp(TAKE_PORT), "net-out") ||
	       take_stream(dial_tcp(GIVE_PORT), "net-in");
}

/* What the rest does not call: each has system calls of its own in the server's jail. */
static int more_calls(void)
{
	const struct timespec times[2] = { { 1000, 0 }, { 2000, 5 } };
	char text[64] = "";
	struct statvfs fs;
	struct stat st;
	int fd = open("/mnt/dir/more", O_RDWR | O_CREAT | O_CLOEXEC, 0600), names = 0;
	DIR *dir = opendir("/mnt/dir");

	while (dir && readdir(dir))
		names++;
	if (dir)
		closedir(dir);
	if (fd < 0 || names != 5) /* with . and .. */
		return fail("list a folder");
	if (posix_fallocate(fd, 0, 8192) != 0 || lseek(fd, 0, SEEK_HOLE) < 0 || fdatasync(fd) < 0 ||
	    futimens(fd, times) < 0 || fchown(fd, 3, 4) < 0 || syncfs(fd) < 0)
		return fail("a file's calls");
	close(fd);
	if (stat("/mnt/dir/more", &st) < 0 || st.st_size != 8192 || st.st_mtim.tv_sec != 2000 ||
	    st.st_uid != 3 || st.st_gid != 4)
		return fail("a file's attributes");
	if (readlink("/mnt/dir/link", text, sizeof(text) - 1) != 9 ||
	    strcmp(text, "/dev/null") != 0 || statvfs("/mnt", &fs) < 0 || !fs.f_blocks)
		return fail("read a link, statfs");
	if (setxattr("/mnt/dir/more", "user.a", "b", 1, 0) == 0) {
		if (getxattr("/mnt/dir/more", "user.a", text, sizeof(text)) != 1 ||
		    listxattr("/mnt/dir/more", text, sizeof(text)) < 7 ||
		    removexattr("/mnt/dir/more", "user.a") < 0)
			return fail("attributes with names");
	} else if (errno != EOPNOTSUPP) {
		return fail("setxattr");
	}
	if (syscall(SYS_renameat2, AT_FDCWD, "/mnt/dir/more", AT_FDCWD, "/mnt/dir/moved",
		    RENAME_NOREPLACE) == 0 ||
	    errno != EEXIST || truncate("/mnt/dir/more", 10) < 0 || unlink("/mnt/dir/more") < 0 ||
	    mkdir("/mnt/gone", 0700) < 0 || rmdir("/mnt/gone") < 0)
		return fail("remove");
	return 0;
}

static int test_fs(void)
{
	char text[32] = "";
	struct stat st;
	int fd, ret;

	mkdir("/mnt", 0755);
	if (mount("work", "/mnt", "virtiofs", 0, NULL) < 0)
		return fail("mount");
	fd = open("/mnt/from-host", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strcmp(text, "hello\n") != 0)
		return fail("from-host");
	close(fd);
	fd = open("/mnt/file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return fail("create");
	ret = fsx(fd, false);
	close(fd);
	if (ret)
		return ret;
	if (mkdir("/mnt/dir", 0700) < 0 || rename("/mnt/file", "/mnt/dir/moved") < 0 ||
	    symlink("/dev/null", "/mnt/dir/link") < 0 || link("/mnt/dir/moved", "/mnt/hard") < 0 ||
	    stat("/mnt/hard", &st) < 0 || st.st_nlink != 2 || unlink("/mnt/hard") < 0 ||
	    chmod("/mnt/dir/moved", 0604) < 0)
		return fail("names");
	if (more_calls())
		return 1;
	if (stat("/mnt/dir/moved", &st) < 0 || (st.st_mode & 07777) != 0604 || st.st_nlink != 1)
		return fail("attributes");
	if (mkfifo("/mnt/dir/fifo", 0600) < 0)
		return fail("mkfifo");
	/* the host's /etc is not to be had from here, whatever the link says */
	if (symlink("../../../../../../etc", "/mnt/up") < 0 ||
	    open("/mnt/up/hostname-of-the-host", O_RDONLY | O_CLOEXEC) >= 0)
		return fail("beyond the folder");
	return umount("/mnt") < 0 ? fail("umount") : 0;
}

static int test_console(void)
{
	static const char text[] = "through the virtio console\n";
	int fd = open("/dev/hvc0", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return fail("/dev/hvc0");
	close(fd);
	return 0;
}

static unsigned long vmstat(const char *name)
{
	const size_t n = strlen(name);
	unsigned long value = 0;
	char line[128];
	FILE *f = fopen("/proc/vmstat", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, n) == 0 && line[n] == ' ')
			value = strtoul(line + n, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

/* The host wants 32 MiB: Linux counts the pages it has given. */
static int test_balloon(void)
{
	for (int i = 0; i < 300; i++) {
		if (vmstat("balloon_inflate") >= 8192)
			return 0;
		usleep(100000);
	}
	return fail("the balloon does not grow");
}

/* What is freed here goes back to the host, which looks at how much this machine takes. */
static int test_reporting(void)
{
	const size_t len = 24 << 20, huge = 2 << 20;
	uint8_t *p =
		mmap(NULL, len + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *from = p + (huge - (uintptr_t)p % huge);

	if (p == MAP_FAILED)
		return fail("mmap");
	(void)madvise(from, len, MADV_HUGEPAGE); /* whole huge pages are told of */
	memset(from, 1, len);
	sleep(2);
	if (munmap(p, len + huge) < 0)
		return fail("munmap");
	sleep(6); /* Linux tells every two seconds, while 64 MiB are free */
	return 0;
}

void guest_device_sizes(uint32_t new_steps, uint32_t new_stream)
{
	steps = new_steps ? new_steps : steps;
	stream = new_stream ? new_stream : stream;
}

int guest_device(const char *name)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} tests[] = {
		{ "blk", test_blk },
		{ "rng", test_rng },
		{ "pmem", test_pmem },
		{ "vsock", test_vsock },
		{ "net", test_net },
		{ "fs", test_fs },
		{ "console", test_console },
		{ "balloon", test_balloon },
		{ "reporting", test_reporting },
	};

	struct timespec from, to;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(name, tests[i].name) != 0)
			continue;
		errno = 0;
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (tests[i].fn())
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &to);
		printf("guest: %s: ok, %ld ms\n", name,
		       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
		fflush(stdout);
		return 0;
	}
	return fail(name);
}
