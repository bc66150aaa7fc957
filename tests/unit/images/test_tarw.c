#include "images/tarw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "images/limits.h"
#include "images/tar.h"
#include "tests/unit/unit.h"

#define TEN "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static int take(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	cs_buf_add_mem(ctx, buf, len);
	return cs_buf_ok(ctx, err);
}

/* What the reader makes of it, a line an entry. */
static int say_entry(void *ctx, const struct img_entry *e, struct cs_err *err)
{
	cs_buf_addf(ctx, "%d %s>%s %o %u:%u %lld.%u %llu %u:%u", (int)e->type, e->path, e->link,
		    e->mode, e->uid, e->gid, (long long)e->mtime, e->mtime_nsec,
		    (unsigned long long)e->size, e->major, e->minor);
	for (size_t i = 0; i < e->n_xattrs; i++)
		cs_buf_addf(ctx, " %s=%.*s", e->xattrs[i].name, (int)e->xattrs[i].len,
			    (const char *)e->xattrs[i].value);
	cs_buf_add(ctx, "\n");
	return cs_buf_ok(ctx, err);
}

static int say_data(void *ctx, uint64_t off, const void *buf, size_t len, struct cs_err *err)
{
	cs_buf_addf(ctx, "%llu:%.*s\n", (unsigned long long)off, (int)len, (const char *)buf);
	return cs_buf_ok(ctx, err);
}

static int say_end(void *ctx, struct cs_err *err)
{
	return cs_buf_ok(ctx, err);
}

static void read_back(const struct cs_buf *tar, struct cs_buf *said)
{
	static const struct img_tar_ops ops = { .entry = say_entry,
						.data = say_data,
						.end = say_end };
	struct cs_err err = CS_ERR_INIT;
	struct img_tar *t = NULL;

	ck_assert_uint_eq(tar->len % 512, 0);
	ck_assert_int_eq(img_tar_new(&ops, said, NULL, &t, &err), 0);
	ck_assert_msg(img_tar_write(t, tar->s, tar->len, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(img_tar_end(t, &err), 0);
	img_tar_free(t);
}

START_TEST(test_entries)
{
	static const struct img_tarw_xattr xattr = { "user.x", "a\nb", 3 };
	static const struct {
		struct img_tarw_entry e;
		const char *want;
	} rows[] = {
		{ { .path = "f", .mode = S_IFREG | 04755, .uid = 1, .gid = 2, .mtime = { 3, 0 } },
		  "0 f> 4755 1:2 3.0 0 0:0\n" },
		{ { .path = "d", .mode = S_IFDIR | 01777 }, "5 d/> 1777 0:0 0.0 0 0:0\n" },
		{ { .path = "s", .target = LONG, .mode = S_IFLNK | 0777 },
		  "2 s>" LONG " 777 0:0 0.0 0 0:0\n" },
		{ { .path = LONG, .target = "f", .hardlink = true, .mode = S_IFREG | 0644 },
		  "1 " LONG ">f 644 0:0 0.0 0 0:0\n" },
		{ { .path = "c", .mode = S_IFCHR | 0600, .rdev = 0x11100470UL },
		  "3 c> 600 0:0 0.0 0 4:70000\n" },
		{ { .path = "p", .mode = S_IFIFO | 0600, .uid = 4000000000, .gid = 2097152 },
		  "6 p> 600 4000000000:2097152 0.0 0 0:0\n" },
		{ { .path = "t", .mode = S_IFIFO, .mtime = { -2, 750000000 } },
		  "6 t> 0 0:0 -2.750000000 0 0:0\n" },
		{ { .path = "n", .mode = S_IFIFO, .mtime = { 9000000000, 1 } },
		  "6 n> 0 0:0 9000000000.1 0 0:0\n" },
		{ { .path = "x", .mode = S_IFDIR | 0755, .xattrs = &xattr, .n_xattrs = 1 },
		  "5 x/> 755 0:0 0.0 0 0:0 user.x=a\nb\n" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_buf struct cs_buf tar = CS_BUF_INIT, said = CS_BUF_INIT;
		struct img_tarw w = { .fn = take, .ctx = &tar };
		struct cs_err err = CS_ERR_INIT;
		const char *got;
		int type;

		ck_assert_int_eq(img_tarw_entry(&w, &rows[i].e, &err), 0);
		ck_assert_int_eq(img_tarw_end(&w, &err), 0);
		read_back(&tar, &said);
		/* the reader's numbers for types are its own */
		ck_assert_int_eq(sscanf(said.s, "%d", &type), 1);
		got = strchr(said.s, ' ');
		ck_assert_str_eq(got, strchr(rows[i].want, ' '));
	}
}
END_TEST

START_TEST(test_data)
{
	cs_auto_buf struct cs_buf tar = CS_BUF_INIT, said = CS_BUF_INIT;
	const struct img_tarw_entry e = { .path = "f", .mode = S_IFREG | 0600, .size = 5 };
	struct img_tarw w = { .fn = take, .ctx = &tar };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_tarw_entry(&w, &e, &err), 0);
	ck_assert_int_eq(img_tarw_data(&w, "abc", 3, &err), 0);
	ck_assert_int_eq(img_tarw_end(&w, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(img_tarw_entry(&w, &e, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(img_tarw_data(&w, "defg", 4, &err), -EINVAL);
	cs_err_clear(&err);
	ck_assert_int_eq(img_tarw_data(&w, "de", 2, &err), 0);
	ck_assert_int_eq(img_tarw_file(&w, "empty", NULL, 0, &err), 0);
	ck_assert_int_eq(img_tarw_file(&w, "g", "xyz", 3, &err), 0);
	ck_assert_int_eq(img_tarw_end(&w, &err), 0);
	read_back(&tar, &said);
	ck_assert_ptr_nonnull(strstr(said.s, " 5 0:0\n0:abcde\n"));
	ck_assert_ptr_nonnull(strstr(said.s, " empty> 644"));
	ck_assert_ptr_nonnull(strstr(said.s, " g> 644 0:0 0.0 3 0:0\n0:xyz\n"));
}
END_TEST

/* More than the 8 GiB that octal digits hold: the size goes to a pax record. */
START_TEST(test_large)
{
	cs_auto_buf struct cs_buf tar = CS_BUF_INIT, said = CS_BUF_INIT;
	const struct img_tarw_entry e = { .path = "f", .mode = S_IFREG | 0600, .size = 1ULL << 40 };
	static const struct img_tar_ops ops = { .entry = say_entry,
						.data = say_data,
						.end = say_end };
	struct img_tarw w = { .fn = take, .ctx = &tar };
	struct cs_err err = CS_ERR_INIT;
	struct img_tar *t = NULL;

	ck_assert_int_eq(img_tarw_entry(&w, &e, &err), 0);
	ck_assert_int_eq(img_tar_new(&ops, &said, NULL, &t, &err), 0);
	ck_assert_int_eq(img_tar_write(t, tar.s, tar.len, &err), 0);
	img_tar_free(t);
	ck_assert_ptr_nonnull(strstr(said.s, " 1099511627776 "));
}
END_TEST

static void put_file(int dir, const char *name, const char *text)
{
	cs_auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void folder(const char *path, bool whiteouts, struct cs_buf *tar)
{
	cs_auto_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct img_tarw w = { .fn = take, .ctx = tar };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_ge(dir, 0);
	ck_assert_msg(img_tarw_folder(&w, dir, whiteouts, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(img_tarw_end(&w, &err), 0);
}

START_TEST(test_folder)
{
	cs_auto_buf struct cs_buf tar = CS_BUF_INIT, again = CS_BUF_INIT, said = CS_BUF_INIT;
	char path[] = "caisson-tarw-XXXXXX";
	int dir;

	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(mkdirat(dir, "b", 0755), 0);
	put_file(dir, "b/two", "2");
	put_file(dir, "a", "1");
	ck_assert_int_eq(linkat(dir, "a", dir, "c", 0), 0);
	ck_assert_int_eq(symlinkat("a", dir, "link"), 0);
	ck_assert_int_eq(mkfifoat(dir, "pipe", 0600), 0);
	folder(path, true, &tar);
	folder(path, true, &again);
	ck_assert(tar.len == again.len && memcmp(tar.s, again.s, tar.len) == 0);
	read_back(&tar, &said);
	ck_assert_ptr_nonnull(strstr(said.s, " a>"));
	ck_assert_ptr_nonnull(strstr(strstr(said.s, " a>"), " b/>"));
	ck_assert_ptr_nonnull(strstr(strstr(said.s, " b/>"), " b/two>"));
	ck_assert_ptr_nonnull(strstr(strstr(said.s, " b/two>"), " c>a "));
	ck_assert_ptr_nonnull(strstr(said.s, " link>a "));
	ck_assert_ptr_nonnull(strstr(said.s, " pipe>"));
	unlinkat(dir, "b/two", 0);
	unlinkat(dir, "b", AT_REMOVEDIR);
	unlinkat(dir, "a", 0);
	unlinkat(dir, "c", 0);
	unlinkat(dir, "link", 0);
	unlinkat(dir, "pipe", 0);
	cs_close_fd(&dir);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* As take(), and what happens to the folder while its tar is made: at the header of the file "a",
 * its neighbours. */
struct busy {
	struct cs_buf tar; /* owned */
	int dir;
};

static int take_busy(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	const struct busy *b = ctx;
	const char *name = buf;

	if (len == 512 && strcmp(name, "a") == 0) {
		ck_assert_int_eq(unlinkat(b->dir, "b", 0), 0);
		ck_assert_int_eq(unlinkat(b->dir, "f", 0), 0);
		ck_assert_int_eq(unlinkat(b->dir, "link", 0), 0);
		ck_assert_int_eq(unlinkat(b->dir, "gone", AT_REMOVEDIR), 0);
	} else if (len == 512 && strcmp(name, "c/") == 0) {
		ck_assert_int_eq(unlinkat(b->dir, "c/x", 0), 0);
		ck_assert_int_eq(unlinkat(b->dir, "c", AT_REMOVEDIR), 0);
	} else if (len == 512 && strcmp(name, "d") == 0) {
		cs_auto_fd int fd = openat(b->dir, "d", O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, 2), 0);
	}
	return take(ctx, buf, len, err);
}

/* A container that runs goes on removing and shortening its files. */
START_TEST(test_busy)
{
	static const char zeros[998];
	cs_auto_buf struct cs_buf said = CS_BUF_INIT;
	struct busy b = { .tar = CS_BUF_INIT };
	char path[] = "caisson-tarw-XXXXXX", text[1001] = "";
	struct img_tarw w = { .fn = take_busy, .ctx = &b };
	struct cs_err err = CS_ERR_INIT;
	const char *d;
	int ret;

	ck_assert_ptr_nonnull(mkdtemp(path));
	b.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(b.dir, 0);
	memset(text, 'd', 1000);
	put_file(b.dir, "a", "1");
	put_file(b.dir, "b", "2");
	ck_assert_int_eq(mkdirat(b.dir, "c", 0755), 0);
	put_file(b.dir, "c/x", "x");
	put_file(b.dir, "d", text);
	put_file(b.dir, "f", "link");
	ck_assert_int_eq(linkat(b.dir, "f", b.dir, "g", 0), 0);
	ck_assert_int_eq(mkdirat(b.dir, "gone", 0755), 0);
	ck_assert_int_eq(symlinkat("a", b.dir, "link"), 0);
	ret = img_tarw_folder(&w, b.dir, false, &err);
	unlinkat(b.dir, "a", 0);
	unlinkat(b.dir, "d", 0);
	unlinkat(b.dir, "g", 0);
	cs_close_fd(&b.dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_msg(ret == 0, "%s", err.msg);
	ck_assert_int_eq(img_tarw_end(&w, &err), 0);
	read_back(&b.tar, &said);
	ck_assert_ptr_nonnull(strstr(said.s, " a>"));
	ck_assert_ptr_null(strstr(said.s, " b>"));
	ck_assert_ptr_nonnull(strstr(said.s, " c/>"));
	ck_assert_ptr_null(strstr(said.s, " c/x>"));
	ck_assert_ptr_null(strstr(said.s, " f>"));
	ck_assert_ptr_null(strstr(said.s, " gone/>"));
	ck_assert_ptr_null(strstr(said.s, " link>"));
	/* not as a link to "f", which is not there */
	ck_assert_ptr_nonnull(strstr(said.s, " g> 644"));
	ck_assert_ptr_nonnull(strstr(said.s, "\n0:link\n"));
	d = memmem(b.tar.s, b.tar.len, "dd", 2);
	ck_assert(d && memcmp(d + 2, zeros, sizeof(zeros)) == 0);
	cs_buf_fini(&b.tar);
}
END_TEST

/* Folders too deep are an error, no end of the stack. */
START_TEST(test_deep)
{
	cs_auto_buf struct cs_buf tar = CS_BUF_INIT;
	struct img_tarw w = { .fn = take, .ctx = &tar };
	struct cs_err err = CS_ERR_INIT, ignored = CS_ERR_INIT;
	char path[] = "caisson-tarw-XXXXXX";
	int dir, top, ret;

	ck_assert_ptr_nonnull(mkdtemp(path));
	top = dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		int next;

		ck_assert_int_eq(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		if (dir != top)
			close(dir);
		dir = next;
	}
	close(dir);
	ret = img_tarw_folder(&w, top, false, &err);
	close(top);
	ck_assert_int_eq(cs_file_rmtree(AT_FDCWD, path, &ignored), 0);
	ck_assert_int_eq(ret, -ELOOP);
	ck_assert_ptr_nonnull(strstr(err.msg, "folders deep"));
}
END_TEST

/* Two attributes fill the room for values exactly: there is none for the third. Only tmpfs takes
 * as many bytes, and only root may set them: else there is nothing to see. */
START_TEST(test_full_attributes)
{
	static const char value[32768] = { 'v' };
	char path[] = "/dev/shm/caisson-tarw-XXXXXX";
	cs_auto_buf struct cs_buf tar = CS_BUF_INIT;
	struct img_tarw w = { .fn = take, .ctx = &tar };
	struct cs_err err = CS_ERR_INIT;
	int dir, ret = 0, set = 0;

	if (!mkdtemp(path)) {
		puts("# full attributes are not tried: no /dev/shm");
		return;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	put_file(dir, "f", "1");
	for (const char *name = "xyz"; *name; name++) {
		cs_auto_fd int fd = openat(dir, "f", O_RDWR | O_CLOEXEC);
		char attr[] = { 't', 'r', 'u', 's', 't', 'e', 'd', '.', *name, 0 };

		set += fd >= 0 && fsetxattr(fd, attr, value, sizeof(value), 0) == 0;
	}
	if (set == 3)
		ret = img_tarw_folder(&w, dir, false, &err);
	unlinkat(dir, "f", 0);
	cs_close_fd(&dir);
	ck_assert_int_eq(rmdir(path), 0);
	if (set == 3)
		ck_assert_int_eq(ret, -E2BIG);
	else
		puts("# full attributes are not tried: they need root and a tmpfs that keeps them");
}
END_TEST

UNIT_MAIN("images/tarw", test_entries, test_data, test_large, test_folder, test_busy, test_deep,
	  test_full_attributes)
