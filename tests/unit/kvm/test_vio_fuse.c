#include "kvm/virtio/fuse.h"

#include <linux/falloc.h>
#include <linux/fuse.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/err.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static struct vio_fuse f;
static struct unit_tmp tmp;
static int proc_fd, fds_before;
static uint8_t in[700 * 1024], out[700 * 1024];
static const struct fuse_out_header *const oh = (const void *)out;

/* A request of @op on @node: the fixed part, then @tail. Returns its error; the answer is in out.
 */
static int req(uint32_t op, uint64_t node, const void *arg, size_t arg_len, const void *tail,
	       size_t tail_len)
{
	struct fuse_in_header h = { .len = (uint32_t)(sizeof(h) + arg_len + tail_len),
				    .opcode = op,
				    .unique = 77,
				    .nodeid = node };
	struct vio_chain c = { .n_out = 2, .n_in = 2, .in_len = sizeof(out) };
	int64_t n;

	memcpy(in, &h, sizeof(h));
	if (arg_len)
		memcpy(in + sizeof(h), arg, arg_len);
	if (tail_len)
		memcpy(in + sizeof(h) + arg_len, tail, tail_len);
	c.out_len = h.len;
	c.iov[0] = (struct iovec){ in, 20 };
	c.iov[1] = (struct iovec){ in + 20, h.len - 20 };
	c.iov[2] = (struct iovec){ out, 30 };
	c.iov[3] = (struct iovec){ out + 30, sizeof(out) - 30 };
	memset(out, 0xee, 4096);
	n = vio_fuse_request(&f, &c);
	if (n == 0)
		return 0;
	ck_assert_int_ge(n, sizeof(*oh));
	ck_assert_uint_eq(oh->len, (uint32_t)n);
	ck_assert_uint_eq(oh->unique, 77);
	return oh->error;
}

static const void *answer(void)
{
	return out + sizeof(*oh);
}

static int req_name(uint32_t op, uint64_t node, const void *arg, size_t arg_len, const char *name)
{
	return req(op, node, arg, arg_len, name, strlen(name) + 1);
}

static void setup(bool readonly)
{
	const struct fuse_init_in i = { .major = FUSE_KERNEL_VERSION,
					.minor = FUSE_KERNEL_MINOR_VERSION,
					.flags = ~0U };
	struct cs_err err = CS_ERR_INIT;

	fds_before = unit_fd_count();
	tmp = unit_tmp_init();
	unit_write_str(tmp.fd, "hello", "hello, world");
	ck_assert_int_eq(mkdirat(tmp.fd, "dir", 0755), 0);
	unit_write_str(tmp.fd, "dir/inner", "inner");
	ck_assert_int_eq(symlinkat("/etc/passwd", tmp.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("..", tmp.fd, "up"), 0);
	ck_assert_int_eq(mkfifoat(tmp.fd, "pipe", 0666), 0);
	proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(vio_fuse_init(&f, tmp.fd, proc_fd, 200, readonly, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(req(FUSE_GETATTR, 1, NULL, 0, NULL, 0), -EIO); /* before INIT */
	ck_assert_int_eq(req(FUSE_INIT, 0, &i, sizeof(i), NULL, 0), 0);
}

static void teardown(void)
{
	vio_fuse_fini(&f);
	close(proc_fd);
	unit_tmp_fini(&tmp);
	ck_assert_int_eq(unit_fd_count(), fds_before);
}

static uint64_t lookup(uint64_t dir, const char *name)
{
	ck_assert_msg(req_name(FUSE_LOOKUP, dir, NULL, 0, name) == 0, "%s: %d", name, oh->error);
	return ((const struct fuse_entry_out *)answer())->nodeid;
}

static uint64_t open_file(uint64_t node, uint32_t flags)
{
	const struct fuse_open_in o = { flags, 0 };

	ck_assert_int_eq(req(FUSE_OPEN, node, &o, sizeof(o), NULL, 0), 0);
	return ((const struct fuse_open_out *)answer())->fh;
}

static int do_write(uint64_t fh, uint64_t off, const void *p, uint32_t len)
{
	const struct fuse_write_in w = { .fh = fh, .offset = off, .size = len };

	return req(FUSE_WRITE, 1, &w, sizeof(w), p, len);
}

static int do_read(uint64_t fh, uint64_t off, uint32_t len)
{
	const struct fuse_read_in r = { .fh = fh, .offset = off, .size = len };

	return req(FUSE_READ, 1, &r, sizeof(r), NULL, 0);
}

START_TEST(reads_and_writes)
{
	static char big[300000];
	const struct fuse_release_in rel = { 0 };
	struct fuse_release_in r = rel;
	uint64_t fh, n;

	setup(false);
	n = lookup(1, "hello");
	fh = open_file(n, O_RDWR);
	ck_assert_int_eq(do_read(fh, 7, 100), 0);
	ck_assert_uint_eq(oh->len - sizeof(*oh), 5);
	ck_assert(memcmp(answer(), "world", 5) == 0);
	ck_assert_int_eq(do_write(fh, 7, "moon!", 5), 0);
	ck_assert(unit_has_text(tmp.fd, "hello", "hello, moon!"));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 / 7);
	ck_assert_int_eq(do_write(fh, 5, big, sizeof(big)), 0);
	ck_assert_uint_eq(((const struct fuse_write_out *)answer())->size, sizeof(big));
	ck_assert_int_eq(do_read(fh, 5, sizeof(big)), 0);
	ck_assert(memcmp(answer(), big, sizeof(big)) == 0);
	r.fh = fh;
	ck_assert_int_eq(req(FUSE_RELEASE, n, &r, sizeof(r), NULL, 0), 0);
	ck_assert_int_eq(do_read(fh, 0, 1), -EBADF);
	teardown();
}
END_TEST

START_TEST(makes_and_removes)
{
	const struct fuse_mkdir_in md = { 0700, 0 };
	const struct fuse_create_in cr = { O_RDWR | O_CREAT, 0640, 0, 0 };
	struct fuse_create_in excl = cr;
	const struct fuse_mknod_in fifo = { S_IFIFO | 0600, 0, 0, 0 };
	const struct fuse_mknod_in dev = { S_IFCHR | 0666, 0x103, 0, 0 };
	const struct fuse_mknod_in blk = { S_IFBLK | 0666, 0, 0, 0 };
	struct fuse_rename2_in rn = { 0 };
	struct fuse_link_in ln = { 0 };
	struct stat st;
	uint64_t d;

	setup(false);
	ck_assert_int_eq(req_name(FUSE_MKDIR, 1, &md, sizeof(md), "new"), 0);
	d = ((const struct fuse_entry_out *)answer())->nodeid;
	ck_assert_int_eq(req_name(FUSE_CREATE, d, &cr, sizeof(cr), "file"), 0);
	ck_assert_int_eq(fstatat(tmp.fd, "new/file", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0640);
	ck_assert_int_eq(req_name(FUSE_CREATE, d, &cr, sizeof(cr), "file"), 0);
	excl.flags |= O_EXCL;
	ck_assert_int_eq(req_name(FUSE_CREATE, d, &excl, sizeof(excl), "file"), -EEXIST);
	/* what is there and no file is neither opened nor followed */
	ck_assert_int_eq(req_name(FUSE_CREATE, 1, &cr, sizeof(cr), "pipe"), -EPERM);
	ck_assert_int_eq(req_name(FUSE_CREATE, 1, &cr, sizeof(cr), "link"), -ELOOP);
	ck_assert_int_eq(req_name(FUSE_MKNOD, d, &fifo, sizeof(fifo), "fifo"), 0);
	ck_assert_int_eq(req_name(FUSE_MKNOD, d, &dev, sizeof(dev), "null"), -EPERM);
	ck_assert_int_eq(req_name(FUSE_MKNOD, d, &blk, sizeof(blk), "disk"), -EPERM);
	ck_assert_int_eq(req(FUSE_SYMLINK, d, "sl\0/target", 11, NULL, 0), 0);
	ck_assert_int_eq(req(FUSE_READLINK, lookup(d, "sl"), NULL, 0, NULL, 0), 0);
	ck_assert(oh->len == sizeof(*oh) + 7 && memcmp(answer(), "/target", 7) == 0);
	ln.oldnodeid = lookup(1, "hello");
	ck_assert_int_eq(req_name(FUSE_LINK, d, &ln, sizeof(ln), "hard"), 0);
	ck_assert_uint_eq(((const struct fuse_entry_out *)answer())->nodeid, ln.oldnodeid);
	rn.newdir = 1;
	ck_assert_int_eq(req(FUSE_RENAME2, d, &rn, sizeof(rn), "file\0moved", 11), 0);
	ck_assert(unit_exists(tmp.fd, "moved"));
	rn.flags = RENAME_NOREPLACE;
	ck_assert_int_eq(req(FUSE_RENAME2, d, &rn, sizeof(rn), "hard\0moved", 11), -EEXIST);
	rn.flags = 1 << 9;
	ck_assert_int_eq(req(FUSE_RENAME2, d, &rn, sizeof(rn), "hard\0moved", 11), -EINVAL);
	ck_assert_int_eq(req_name(FUSE_RMDIR, 1, NULL, 0, "new"), -ENOTEMPTY);
	ck_assert_int_eq(req_name(FUSE_UNLINK, d, NULL, 0, "hard"), 0);
	ck_assert_int_eq(req_name(FUSE_UNLINK, d, NULL, 0, "sl"), 0);
	ck_assert_int_eq(req_name(FUSE_UNLINK, d, NULL, 0, "fifo"), 0);
	ck_assert_int_eq(req_name(FUSE_RMDIR, 1, NULL, 0, "new"), 0);
	teardown();
}
END_TEST

START_TEST(stays_in_its_folder)
{
	static const char *const bad[] = {
		"..", ".", "", "a/b", "/", "dir/inner", "dir/..", "/etc"
	};
	const struct fuse_mkdir_in md = { 0700, 0 };
	const struct fuse_open_in o = { O_RDONLY, 0 };
	char long_name[300];
	uint64_t n;

	setup(false);
	memset(long_name, 'x', 299);
	long_name[299] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(req_name(FUSE_LOOKUP, 1, NULL, 0, bad[i]), -EINVAL);
		ck_assert_int_eq(req_name(FUSE_MKDIR, 1, &md, sizeof(md), bad[i]), -EINVAL);
		ck_assert_int_eq(req_name(FUSE_UNLINK, 1, NULL, 0, bad[i]), -EINVAL);
		ck_assert_int_eq(req_name(FUSE_CREATE, 1, &(struct fuse_create_in){ 0 },
					  sizeof(struct fuse_create_in), bad[i]),
				 -EINVAL);
	}
	ck_assert_int_eq(req_name(FUSE_LOOKUP, 1, NULL, 0, long_name), -EINVAL);
	ck_assert_int_eq(req(FUSE_LOOKUP, 1, NULL, 0, "hello", 5), -EINVAL); /* no NUL */
	/* links are read, not followed */
	n = lookup(1, "up");
	ck_assert_uint_eq(((const struct fuse_entry_out *)answer())->attr.mode & S_IFMT, S_IFLNK);
	ck_assert_int_eq(req_name(FUSE_LOOKUP, n, NULL, 0, "tmp"), -ENOTDIR);
	ck_assert_int_eq(req(FUSE_OPENDIR, n, &o, sizeof(o), NULL, 0), -ENOTDIR);
	ck_assert_int_eq(req(FUSE_OPEN, lookup(1, "link"), &o, sizeof(o), NULL, 0), -ELOOP);
	/* a pipe would block us for ever */
	ck_assert_int_eq(req(FUSE_OPEN, lookup(1, "pipe"), &o, sizeof(o), NULL, 0), -EPERM);
	teardown();
}
END_TEST

START_TEST(refuses_forged_ids)
{
	const uint64_t bad[] = { 0, 2, 3, 1ULL << 32 | 1, UINT64_MAX, 1ULL << 40, 0x100000000 };
	const struct fuse_open_in o = { O_RDONLY, 0 };
	struct fuse_forget_in fg = { 1 };
	struct fuse_link_in ln = { 99 };
	uint64_t n, again, fh;

	setup(false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(req(FUSE_GETATTR, bad[i], NULL, 0, NULL, 0), -ESTALE);
		ck_assert_int_eq(req(FUSE_OPEN, bad[i], &o, sizeof(o), NULL, 0), -ESTALE);
		ck_assert_int_eq(req_name(FUSE_LOOKUP, bad[i], NULL, 0, "hello"), -ESTALE);
		ck_assert_int_eq(req_name(FUSE_UNLINK, bad[i], NULL, 0, "hello"), -ESTALE);
		ck_assert_int_eq(do_read(bad[i], 0, 1), -EBADF);
		ck_assert_int_eq(do_write(bad[i], 0, "x", 1), -EBADF);
		ck_assert_int_eq(req(FUSE_FORGET, bad[i], &fg, sizeof(fg), NULL, 0), 0);
	}
	ck_assert_int_eq(req_name(FUSE_LINK, 1, &ln, sizeof(ln), "n"), -ESTALE);
	/* an id that was forgotten is not the next file's */
	n = lookup(1, "hello");
	ck_assert_uint_eq(lookup(1, "hello"), n);
	req(FUSE_FORGET, n, &fg, sizeof(fg), NULL, 0);
	ck_assert_int_eq(req(FUSE_GETATTR, n, NULL, 0, NULL, 0), 0);
	fg.nlookup = UINT64_MAX;
	req(FUSE_FORGET, n, &fg, sizeof(fg), NULL, 0);
	ck_assert_int_eq(req(FUSE_GETATTR, n, NULL, 0, NULL, 0), -ESTALE);
	again = lookup(1, "dir");
	ck_assert_uint_ne(again, n);
	ck_assert_int_eq(req(FUSE_GETATTR, n, NULL, 0, NULL, 0), -ESTALE);
	/* a folder's handle is no file's */
	ck_assert_int_eq(req(FUSE_OPENDIR, 1, &o, sizeof(o), NULL, 0), 0);
	fh = ((const struct fuse_open_out *)answer())->fh;
	ck_assert_int_eq(do_read(fh, 0, 1), -EBADF);
	teardown();
}
END_TEST

START_TEST(is_read_only)
{
	const struct fuse_mkdir_in md = { 0700, 0 };
	const struct fuse_open_in rw = { O_RDWR, 0 }, trunc = { O_RDONLY | O_TRUNC, 0 };
	struct fuse_setattr_in sa = { .valid = FATTR_MODE };
	uint64_t n;

	setup(true);
	n = lookup(1, "hello");
	ck_assert_int_eq(req(FUSE_OPEN, n, &rw, sizeof(rw), NULL, 0), -EROFS);
	ck_assert_int_eq(req(FUSE_OPEN, n, &trunc, sizeof(trunc), NULL, 0), -EROFS);
	ck_assert_int_eq(req_name(FUSE_MKDIR, 1, &md, sizeof(md), "x"), -EROFS);
	ck_assert_int_eq(req_name(FUSE_UNLINK, 1, NULL, 0, "hello"), -EROFS);
	ck_assert_int_eq(req(FUSE_SETATTR, n, &sa, sizeof(sa), NULL, 0), -EROFS);
	ck_assert_int_eq(do_write(open_file(n, O_RDONLY), 0, "x", 1), -EROFS);
	ck_assert_int_eq(do_read(open_file(n, O_RDONLY), 0, 5), 0);
	teardown();
}
END_TEST

START_TEST(lists_folders)
{
	const struct fuse_open_in o = { O_RDONLY, 0 };
	struct fuse_read_in rd = { .size = 512 };
	char name[32];
	int seen = 0, looked_up = 0;

	setup(false);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "dir/file-%d", i);
		unit_write_str(tmp.fd, name, "");
	}
	for (int plus = 0; plus < 2; plus++) {
		uint64_t dir = lookup(1, "dir");

		ck_assert_int_eq(req(FUSE_OPENDIR, dir, &o, sizeof(o), NULL, 0), 0);
		rd.fh = ((const struct fuse_open_out *)answer())->fh;
		rd.offset = 0;
		seen = 0;
		for (;;) {
			size_t at = 0, len;

			ck_assert_int_eq(req(plus ? FUSE_READDIRPLUS : FUSE_READDIR, dir, &rd,
					     sizeof(rd), NULL, 0),
					 0);
			len = oh->len - sizeof(*oh);
			ck_assert_uint_le(len, rd.size);
			if (!len)
				break;
			while (at < len) {
				const uint8_t *p = (const uint8_t *)answer() + at;
				const struct fuse_dirent *e;

				e = (const void *)(p + (plus ? sizeof(struct fuse_entry_out) : 0));
				if (plus &&
				    ((const struct fuse_entry_out *)(const void *)p)->nodeid)
					looked_up++;
				rd.offset = e->off;
				at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + e->namelen) +
				      (plus ? sizeof(struct fuse_entry_out) : 0);
				seen++;
			}
		}
		ck_assert_int_eq(seen, 103); /* with . and .. and inner */
	}
	ck_assert_int_eq(looked_up, 101);
	teardown();
}
END_TEST

START_TEST(knows_and_changes_attributes)
{
	struct fuse_setattr_in sa = { .valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME,
				      .mode = 0604,
				      .size = 3,
				      .mtime = 12345,
				      .mtimensec = 678 };
	const struct fuse_attr *a;
	struct fuse_fallocate_in fa = { .length = 5000, .offset = 0 };
	struct fuse_lseek_in ls = { .whence = SEEK_DATA };
	struct fuse_fsync_in fs = { 0 };
	struct stat st;
	uint64_t n;

	setup(false);
	n = lookup(1, "hello");
	ck_assert_int_eq(req(FUSE_SETATTR, n, &sa, sizeof(sa), NULL, 0), 0);
	a = &((const struct fuse_attr_out *)answer())->attr;
	ck_assert_uint_eq(a->size, 3);
	ck_assert_uint_eq(a->mode, S_IFREG | 0604);
	ck_assert_uint_eq(a->mtime, 12345);
	ck_assert_uint_eq(a->mtimensec, 678);
	ck_assert_int_eq(fstatat(tmp.fd, "hello", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 3);
	sa = (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 1 };
	ck_assert_int_eq(req(FUSE_SETATTR, lookup(1, "pipe"), &sa, sizeof(sa), NULL, 0), -EINVAL);
	ck_assert_int_eq(req(FUSE_SETATTR, lookup(1, "link"), &sa, sizeof(sa), NULL, 0), -EINVAL);
	fs.fh = ls.fh = fa.fh = open_file(n, O_RDWR);
	ck_assert_int_eq(req(FUSE_FALLOCATE, n, &fa, sizeof(fa), NULL, 0), 0);
	ck_assert_int_eq(fstatat(tmp.fd, "hello", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 5000);
	fa.mode = 0x100;
	ck_assert_int_eq(req(FUSE_FALLOCATE, n, &fa, sizeof(fa), NULL, 0), -EOPNOTSUPP);
	ck_assert_int_eq(req(FUSE_LSEEK, n, &ls, sizeof(ls), NULL, 0), 0);
	ls.whence = SEEK_SET;
	ck_assert_int_eq(req(FUSE_LSEEK, n, &ls, sizeof(ls), NULL, 0), -EINVAL);
	ck_assert_int_eq(req(FUSE_FSYNC, n, &fs, sizeof(fs), NULL, 0), 0);
	ck_assert_int_eq(req(FUSE_STATFS, 1, NULL, 0, NULL, 0), 0);
	ck_assert_uint_gt(((const struct fuse_statfs_out *)answer())->st.bsize, 0);
	teardown();
}
END_TEST

START_TEST(has_extended_attributes)
{
	struct fuse_getxattr_in g = { 0 };
	uint8_t set[8] = { 5, 0, 0, 0, 0, 0, 0, 0 };
	uint64_t n;
	int ret;

	setup(false);
	n = lookup(1, "hello");
	ret = req(FUSE_SETXATTR, n, set, 8, "user.a\0value", 12);
	if (ret != -EOPNOTSUPP) { /* a tmpfs of old has none */
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq(req_name(FUSE_GETXATTR, n, &g, sizeof(g), "user.a"), 0);
		ck_assert_uint_eq(((const struct fuse_getxattr_out *)answer())->size, 5);
		g.size = 100;
		ck_assert_int_eq(req_name(FUSE_GETXATTR, n, &g, sizeof(g), "user.a"), 0);
		ck_assert(oh->len == sizeof(*oh) + 5 && memcmp(answer(), "value", 5) == 0);
		ck_assert_int_eq(req(FUSE_LISTXATTR, n, &g, sizeof(g), NULL, 0), 0);
		ck_assert_int_eq(req_name(FUSE_REMOVEXATTR, n, NULL, 0, "user.a"), 0);
		ck_assert_int_eq(req_name(FUSE_GETXATTR, n, &g, sizeof(g), "user.a"), -ENODATA);
	}
	set[0] = 200; /* more than there is */
	ck_assert_int_eq(req(FUSE_SETXATTR, n, set, 8, "user.a\0value", 12), -EINVAL);
	ck_assert_int_eq(req_name(FUSE_GETXATTR, lookup(1, "link"), &g, sizeof(g), "user.a"),
			 -EOPNOTSUPP);
	teardown();
}
END_TEST

START_TEST(bounds_what_is_open)
{
	const struct fuse_open_in o = { O_RDONLY, 0 };
	uint64_t n;
	int i, ret = 0;

	setup(false);
	n = lookup(1, "hello");
	for (i = 0; i < 200 && ret == 0; i++)
		ret = req(FUSE_OPEN, n, &o, sizeof(o), NULL, 0);
	ck_assert_int_eq(ret, -ENFILE);
	ck_assert_int_eq(i, 51);
	for (i = 0, ret = 0; i < 200 && ret == 0; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		unit_write_str(tmp.fd, name, "");
		ret = req_name(FUSE_LOOKUP, 1, NULL, 0, name);
	}
	ck_assert_int_eq(ret, -ENFILE);
	vio_fuse_reset(&f);
	teardown();
}
END_TEST

START_TEST(refuses_what_is_no_request)
{
	struct vio_chain c = { .n_out = 1, .n_in = 1 };
	struct fuse_in_header h = { .len = 40, .opcode = FUSE_GETATTR, .nodeid = 1 };

	setup(false);
	c.iov[0] = (struct iovec){ &h, 39 };
	c.iov[1] = (struct iovec){ out, 200 };
	c.out_len = 39;
	c.in_len = 200;
	ck_assert_int_eq(vio_fuse_request(&f, &c), -EINVAL);
	c.out_len = c.iov[0].iov_len = 40;
	h.len = 41;
	ck_assert_int_eq(vio_fuse_request(&f, &c), -EINVAL);
	h.len = 39;
	ck_assert_int_eq(vio_fuse_request(&f, &c), -EINVAL);
	h.len = 40;
	ck_assert_int_gt(vio_fuse_request(&f, &c), 16);
	c.in_len = c.iov[1].iov_len = 15;
	ck_assert_int_eq(vio_fuse_request(&f, &c), -EINVAL);
	c.in_len = c.iov[1].iov_len = 16; /* an answer that has no room is an error */
	ck_assert_int_eq(vio_fuse_request(&f, &c), 16);
	ck_assert_int_eq(oh->error, -EIO);
	h.opcode = 4000;
	ck_assert_int_eq(vio_fuse_request(&f, &c), 16);
	ck_assert_int_eq(oh->error, -ENOSYS);
	h.opcode = FUSE_SETATTR; /* cut short */
	ck_assert_int_eq(vio_fuse_request(&f, &c), 16);
	ck_assert_int_eq(oh->error, -EINVAL);
	teardown();
}
END_TEST

UNIT_MAIN("kvm/virtio/fuse", reads_and_writes, makes_and_removes, stays_in_its_folder,
	  refuses_forged_ids, is_read_only, lists_folders, knows_and_changes_attributes,
	  has_extended_attributes, bounds_what_is_open, refuses_what_is_no_request)
