/*
 * kvm/virtio/fuse on a small file system of its own that is mounted nowhere: requests of any kind.
 * Nothing to do where that cannot be mounted. To mount takes longer than all the rest, so it is
 * done once for many inputs, each of which has a folder of its own as its root; there is no way out
 * of it.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "kvm/virtio/fuse.h"
#include "tests/fuzz/vio_fuzz.h"

enum {
	ROOM = 8192,
	FOLDERS = 200, /* inputs a file system */
};

static int proc_fd = -1, start_fd = -1, fs_fd = -1;
static int folders;
static struct stat outside;

static int make_fs(void)
{
	cs_auto_fd int ctx = cs_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (ctx < 0 || cs_sys_fsconfig(ctx, FSCONFIG_SET_STRING, "size", "16m", 0) < 0 ||
	    cs_sys_fsconfig(ctx, FSCONFIG_SET_STRING, "nr_inodes", "10k", 0) < 0 ||
	    cs_sys_fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return cs_sys_fsmount(ctx, FSMOUNT_CLOEXEC, 0);
}

/* An empty folder, or -1. The server works in a folder of its own: what the fuzzer reads afterwards
 * has names that are relative to the first. */
static int make_root(void)
{
	char name[16];

	if (start_fd < 0) {
		start_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fs_fd < 0 || folders == FOLDERS) {
		cs_close_fd(&fs_fd);
		fs_fd = make_fs();
		folders = 0;
	}
	snprintf(name, sizeof(name), "%d", folders++);
	if (fs_fd < 0 || mkdirat(fs_fd, name, 0755) < 0 || fstat(fs_fd, &outside) < 0)
		return -1;
	return openat(fs_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Nothing is beside the folder that was not there. */
static void check_outside(void)
{
	struct stat sb;

	check(fstat(fs_fd, &sb) == 0);
	check(sb.st_nlink == outside.st_nlink && sb.st_size == outside.st_size);
}

static void begin(struct vio_fuse *f, int root)
{
	const struct {
		struct fuse_in_header h;
		struct fuse_init_in in;
	} m = { { .len = sizeof(m), .opcode = FUSE_INIT },
		{ .major = 7, .minor = 38, .flags = UINT32_MAX } };
	static uint8_t answer[256];
	struct vio_chain c = { .n_out = 1, .n_in = 1, .out_len = sizeof(m), .in_len = 256 };
	int fd;

	memcpy(&c.iov[0].iov_base, &(const void *){ &m }, sizeof(void *));
	c.iov[0].iov_len = sizeof(m);
	c.iov[1] = (struct iovec){ answer, sizeof(answer) };
	check(vio_fuse_request(f, &c) > 0);
	fd = openat(root, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	check(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
	check(mkdirat(root, "dir", 0755) == 0 && symlinkat("/", root, "link") == 0 &&
	      mkfifoat(root, "pipe", 0666) == 0);
}

/* Each: u16 length, opcode, node's low byte, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[70000], room[ROOM];
	struct fuzz_input in = { data, size };
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int root = make_root();
	struct vio_fuse f;

	if (root < 0)
		return 0;
	check(vio_fuse_init(&f, root, proc_fd, 40, fuzz_take(&in, 1) & 1, &err) == 0);
	begin(&f, root);
	while (in.left) {
		uint32_t len = fuzz_take(&in, 2);
		struct fuse_in_header h = { .len = (uint32_t)sizeof(h) + len,
					    .opcode = fuzz_take(&in, 1),
					    .nodeid = fuzz_take(&in, 1) };
		struct vio_chain c = { .n_out = 1, .n_in = 1 };
		int64_t n;

		/* nodes beyond the root have a generation */
		if (h.nodeid > 1)
			h.nodeid |= 1ULL << 32;
		memcpy(buf, &h, sizeof(h));
		for (uint32_t i = 0; i < len && in.left; i++)
			buf[sizeof(h) + i] = (uint8_t)fuzz_take(&in, 1);
		c.iov[0] = (struct iovec){ buf, sizeof(h) + len };
		c.iov[1] = (struct iovec){ room, ROOM };
		c.out_len = sizeof(h) + len;
		c.in_len = ROOM;
		n = vio_fuse_request(&f, &c);
		check(n >= -EINVAL && n <= ROOM);
	}
	vio_fuse_fini(&f);
	check(fchdir(start_fd) == 0);
	check_outside();
	return 0;
}
