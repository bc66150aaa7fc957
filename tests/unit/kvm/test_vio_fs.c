/* The file system device with its server in a process of its own, in its jail. */
#include "kvm/virtio/fs.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ids.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kvm/config.h"
#include "kvm/virtio/fs_jail.h"
#include "tests/unit/fixture.h"
#include "tests/unit/kvm/vio_driver.h"
#include "tests/unit/unit.h"

static struct vio_fs fs;
static struct drv d;
static struct unit_tmp tmp;
static int sock;
static pid_t server;
static uint64_t in, out;

static void setup(int mode)
{
	const struct vm_fs_config conf = { .tag = "work" };
	struct cs_err err = CS_ERR_INIT;
	int sv[2];

	tmp = unit_tmp_init();
	unit_write_str(tmp.fd, "hello", "hello, world");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	sock = sv[0];
	server = fork();
	ck_assert_int_ge(server, 0);
	if (!server) {
		int ret = vio_fs_serve(sv[1], dup(tmp.fd), false, &err);

		if (ret < 0)
			fprintf(stderr, "server: %s\n", err.msg);
		_exit(ret < 0 ? 99 : 0);
	}
	close(sv[1]);
	drv_init(&d, mode | DRV_SHARED);
	ck_assert_msg(vio_fs_init(&fs, &conf, sock, &d.env, &err) == 0, "%s", err.msg);
	drv_attach(&d, &fs.dev);
	in = drv_alloc(&d, 8192);
	out = drv_alloc(&d, 8192);
}

static void teardown(int want)
{
	int status;

	drv_fini(&d);
	close(sock);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	if (want >= 0)
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == want, "status 0x%x",
			      status);
	unit_tmp_fini(&tmp);
}

static const struct fuse_out_header *answer(void)
{
	return drv_ptr(&d, out, 8192);
}

static int req(uint32_t op, uint64_t node, const void *body, size_t len)
{
	const struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + len), .opcode = op, .unique = 5, .nodeid = node
	};
	struct drv_piece p[] = { { in, h.len, false }, { out, 8192, true } };

	memcpy(drv_ptr(&d, in, sizeof(h)), &h, sizeof(h));
	memcpy(drv_ptr(&d, in + sizeof(h), len ? len : 1), len ? body : "", len);
	ck_assert_uint_ge(drv_round(&d, 1, p, 2), sizeof(*answer()));
	ck_assert_uint_eq(answer()->unique, 5);
	return answer()->error;
}

static void init(void)
{
	const struct fuse_init_in i = { .major = FUSE_KERNEL_VERSION,
					.minor = FUSE_KERNEL_MINOR_VERSION };

	ck_assert_int_eq(req(FUSE_INIT, 0, &i, sizeof(i)), 0);
}

START_TEST(serves_a_folder)
{
	struct fuse_forget_in forget = { 1 };
	const struct fuse_open_in o = { O_RDWR, 0 };
	struct fuse_read_in rd = { .size = 100 };
	struct fuse_create_in cr = { .flags = O_RDWR, .mode = 0600 };
	char tag[37] = "", body[sizeof(cr) + 8] = "";
	struct drv_piece p;
	struct stat st;
	uint64_t node;

	setup(_i);
	drv_start(&d, 0);
	drv_config(&d, 0, tag, 36);
	ck_assert_str_eq(tag, "work");
	init();
	ck_assert_int_eq(req(FUSE_LOOKUP, 1, "hello", 6), 0);
	node = ((const struct fuse_entry_out *)(const void *)(answer() + 1))->nodeid;
	ck_assert_int_eq(req(FUSE_OPEN, node, &o, sizeof(o)), 0);
	rd.fh = ((const struct fuse_open_out *)(const void *)(answer() + 1))->fh;
	ck_assert_int_eq(req(FUSE_READ, node, &rd, sizeof(rd)), 0);
	ck_assert(memcmp(answer() + 1, "hello, world", 12) == 0);
	memcpy(body, &cr, sizeof(cr));
	memcpy(body + sizeof(cr), "made", 5);
	ck_assert_int_eq(req(FUSE_CREATE, 1, body, sizeof(cr) + 5), 0);
	ck_assert_int_eq(fstatat(tmp.fd, "made", &st, 0), 0);
	ck_assert_uint_eq(st.st_uid, geteuid());
	ck_assert_int_eq(req(FUSE_LOOKUP, 1, "..", 3), -EINVAL);
	ck_assert_int_eq(req(FUSE_STATFS, 1, NULL, 0), 0);
	/* a request without an answer on the other queue */
	{
		const struct fuse_in_header h = { .len = sizeof(h) + sizeof(forget),
						  .opcode = FUSE_FORGET,
						  .nodeid = node };

		memcpy(drv_ptr(&d, in, sizeof(h)), &h, sizeof(h));
		memcpy(drv_ptr(&d, in + sizeof(h), sizeof(forget)), &forget, sizeof(forget));
		p = (struct drv_piece){ in, h.len, false };
		ck_assert_uint_eq(drv_round(&d, 0, &p, 1), 0);
	}
	ck_assert_int_eq(req(FUSE_GETATTR, node, NULL, 0), -ESTALE);
	teardown(0);
}
END_TEST

START_TEST(begins_again_after_a_reset)
{
	struct drv_piece p = { 0, 10, false };
	time_t end;

	setup(_i);
	for (int i = 0; i < 5; i++) {
		drv_start(&d, 0);
		init();
		ck_assert_int_eq(req(FUSE_LOOKUP, 1, "hello", 6), 0);
	}
	/* what is no request breaks it, here and there */
	p.gpa = in;
	drv_add(&d, 1, &p, 1);
	drv_kick(&d, 1);
	for (end = time(NULL) + 20; !drv_broken(&d) && time(NULL) < end;) {
		struct cs_err err = CS_ERR_INIT;

		vm_loop_once(&d.loop, 10, &err);
	}
	ck_assert(drv_broken(&d));
	drv_start(&d, 0);
	init();
	teardown(0);
}
END_TEST

START_TEST(survives_its_server)
{
	struct cs_err err = CS_ERR_INIT;
	time_t end;

	setup(_i);
	drv_start(&d, 0);
	init();
	kill(server, SIGKILL);
	for (end = time(NULL) + 20; !drv_broken(&d) && time(NULL) < end;)
		vm_loop_once(&d.loop, 10, &err);
	ck_assert(drv_broken(&d));
	drv_features(&d, 0);
	drv_set_queue(&d, 0);
	drv_set_queue(&d, 1);
	drv_write(&d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(drv_broken(&d));
	teardown(-1);
}
END_TEST

/* What a server that a guest got hold of could name: 0, or which line was wrong. */
static int look_around(const struct vio_fs_jail *j, bool readonly)
{
	struct stat a, b;
	int fd, up;

	fd = openat(j->proc_fd, "../../..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &a) < 0 || fstat(j->proc_fd, &b) < 0 || a.st_ino != b.st_ino)
		return __LINE__;
	fd = openat(j->root_fd, "../..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	up = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || up < 0 || fstat(fd, &a) < 0 || fstat(up, &b) < 0 || a.st_ino != b.st_ino ||
	    a.st_dev != b.st_dev)
		return __LINE__;
	if (openat(AT_FDCWD, "/etc", O_PATH | O_CLOEXEC) >= 0 ||
	    openat(AT_FDCWD, "/hello", O_PATH | O_CLOEXEC) < 0)
		return __LINE__;
	fd = openat(j->root_fd, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return (fd < 0) == readonly ? 0 : __LINE__;
}

START_TEST(has_nothing_but_its_folder)
{
	struct cs_err err = CS_ERR_INIT;
	struct vio_fs_jail j;
	int sv[2], status, root;
	pid_t pid;

	tmp = unit_tmp_init();
	unit_write_str(tmp.fd, "hello", "hello, world");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		root = dup(tmp.fd);
		if (vio_fs_jail(sv[1], &root, _i, &j, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(1);
		}
		_exit(look_around(&j, _i) % 256);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x", status);
	close(sv[0]);
	close(sv[1]);
	unit_tmp_fini(&tmp);
}
END_TEST

DRV_MAIN("kvm/virtio/fs", serves_a_folder, begins_again_after_a_reset, survives_its_server,
	 has_nothing_but_its_folder)
