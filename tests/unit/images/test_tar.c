/* The tar reader and what entries mean, looked at through an image made of them. */
#include "images/tar.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/apply.h"
#include "images/erofs.h"
#include "images/erofs_read.h"
#include "images/limits.h"
#include "images/unpack.h"
#include "tests/unit/fixture.h"
#include "tests/unit/images/tarmake.h"
#include "tests/unit/unit.h"

/* A made image. */
struct made {
	int fd;
	struct img_er im;
};

static int feed(struct img_apply *a, const struct cs_buf *b, size_t step, struct cs_err *err)
{
	struct img_tar *t = NULL;
	int ret = img_tar_new(&img_apply_tar, a, NULL, &t, err);

	for (size_t i = 0; ret == 0 && i < b->len; i += step)
		ret = img_tar_write(t, b->s + i, b->len - i < step ? b->len - i : step, err);
	if (ret == 0)
		ret = img_tar_end(t, err);
	img_tar_free(t);
	return ret;
}

static int make(const struct cs_buf *b, size_t step, struct made *m, struct cs_err *err)
{
	static const uint8_t uuid[16] = { 1 };
	struct img_apply a = { .skip = false };
	struct img_erofs *w = NULL;
	uint64_t size = 0;
	int ret;

	m->fd = memfd_create("image", MFD_CLOEXEC);
	ck_assert_int_ge(m->fd, 0);
	ck_assert_int_eq(img_erofs_new(m->fd, NULL, &w, err), 0);
	ck_assert_int_eq(img_apply_init(&a, &img_erofs_sink, w, NULL, err), 0);
	ret = feed(&a, b, step, err);
	if (ret == 0)
		ret = img_erofs_finish(w, &a.tree, uuid, &size, err);
	if (ret == 0)
		ret = img_er_open(&m->im, m->fd, size, err);
	if (ret == 0)
		ret = img_er_check(&m->im, err);
	img_apply_fini(&a);
	img_erofs_free(w);
	return ret;
}

static struct made image(const struct cs_buf *b)
{
	struct cs_err err = CS_ERR_INIT;
	struct made m;

	ck_assert_msg(make(b, 777, &m, &err) == 0, "%s", err.msg);
	return m;
}

/* The image is refused with this code and word, and unpacking to a folder too. */
static void refused(struct cs_buf *b, int code, const char *word)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_apply a = { .skip = false };
	struct img_unpack *u = NULL;
	struct cs_err err = CS_ERR_INIT;
	struct made m;
	int ret;

	tm_end(b);
	ret = make(b, 512, &m, &err);
	ck_assert_msg(ret == -code, "%d %s", ret, err.msg);
	ck_assert_msg(strstr(err.msg, word), "%s", err.msg);
	close(m.fd);
	cs_err_clear(&err);
	ck_assert_int_eq(img_unpack_new(t.fd, "fs", false, NULL, &u, &err), 0);
	ck_assert_int_eq(img_apply_init(&a, &img_unpack_sink, u, NULL, &err), 0);
	ck_assert_int_eq(feed(&a, b, 512, &err), -code);
	img_apply_fini(&a);
	img_unpack_free(u);
	ck_assert_int_eq(unit_entries(t.fd, "."), 1);
	unit_tmp_fini(&t);
	b->len = 0;
}

/* 1 when it is there. */
static int find(const struct made *m, const char *path, struct img_er_inode *i)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = 1;

	ck_assert_int_eq(img_er_inode(&m->im, m->im.root, i, &err), 0);
	while (ret == 1 && *path) {
		size_t n = strcspn(path, "/");

		ret = img_er_lookup(&m->im, i, path, n, i, &err);
		path += n;
		path += *path == '/';
	}
	return ret;
}

static bool has(const struct made *m, const char *path, const char *text)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_er_inode i;
	char buf[4096];
	ssize_t n;

	if (find(m, path, &i) != 1)
		return false;
	n = img_er_read(&m->im, &i, 0, buf, sizeof(buf), &err);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static uint32_t mode_of(const struct made *m, const char *path)
{
	struct img_er_inode i;

	ck_assert_msg(find(m, path, &i) == 1, "%s is not there", path);
	return i.mode;
}

START_TEST(paths_that_lead_out)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	tm_file(&b, "../x", "out");
	refused(&b, EBADMSG, "\"..\"");
	tm_file(&b, "a/../../x", "out");
	refused(&b, EBADMSG, "\"..\"");
	tm_dir(&b, "a/..");
	refused(&b, EBADMSG, "\"..\"");
	tm_link(&b, '1', "passwd", "../../../etc/passwd");
	refused(&b, EBADMSG, "\"..\"");
	tm_link(&b, '1', "passwd", "/etc/passwd");
	refused(&b, ENOENT, "not in this layer");
	tm_link(&b, '2', ".", "/etc");
	refused(&b, EBADMSG, "root");
	tm_file(&b, "./.", "x");
	refused(&b, EBADMSG, "root");
	tm_link(&b, '2', "l", "/");
	tm_link(&b, '1', "l/p", "l/etc/passwd");
	refused(&b, ENOENT, "not in this layer");
}
END_TEST

START_TEST(symlink_then_write)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct unit_tmp t = unit_tmp_init();
	struct img_apply a = { .skip = false };
	struct img_unpack *u = NULL;
	struct cs_err err = CS_ERR_INIT;
	struct made m;
	uint64_t size = 0;
	char target[100];

	ck_assert_int_eq(mkdirat(t.fd, "outside", 0755), 0);
	snprintf(target, sizeof(target), "%s/outside", t.path);
	tm_link(&b, '2', "l", target);
	tm_file(&b, "l/planted", "x");
	tm_link(&b, '2', "up", "../../../outside");
	tm_file(&b, "up/planted", "y");
	tm_end(&b);
	m = image(&b);
	snprintf(target, sizeof(target), "%s/outside/planted", t.path + 1);
	ck_assert(has(&m, target, "x"));
	ck_assert(has(&m, "outside/planted", "y"));
	close(m.fd);
	/* and in a folder: the tree inside is made, the true one is untouched */
	ck_assert_int_eq(img_unpack_new(t.fd, "fs", false, NULL, &u, &err), 0);
	ck_assert_int_eq(img_apply_init(&a, &img_unpack_sink, u, NULL, &err), 0);
	ck_assert_msg(feed(&a, &b, 4096, &err) == 0, "%s", err.msg);
	ck_assert_msg(img_unpack_finish(u, &a.tree, &size, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(unit_entries(t.fd, "outside"), 0);
	ck_assert(unit_has_text(t.fd, "fs/outside/planted", "y"));
	img_apply_fini(&a);
	img_unpack_free(u);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(things_in_the_way)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	tm_file(&b, "f", "x");
	tm_file(&b, "f/g", "x");
	refused(&b, ENOTDIR, "not a folder");
	tm_link(&b, '2', "a", "b");
	tm_link(&b, '2', "b", "a");
	tm_file(&b, "a/x", "x");
	refused(&b, ELOOP, "symlinks");
	tm_dir(&b, "d");
	tm_link(&b, '1', "h", "d");
	refused(&b, EPERM, "folder");
	tm_file(&b, ".wh.", "");
	refused(&b, EBADMSG, "whiteout");
	tm_file(&b, ".wh...", "");
	refused(&b, EBADMSG, "whiteout");
	tm_file(&b, ".wh.x/y", "");
	refused(&b, EBADMSG, "whiteout");
	tm_file(&b, ".wh.x", "");
	tm_link(&b, '1', "h", "x");
	refused(&b, ENOENT, "not in this layer");
}
END_TEST

START_TEST(damaged_headers)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	static char big[IMG_PAX_MAX + 1];

	tm_file(&b, "f", "x");
	b.s[0] = 'g';
	refused(&b, EBADMSG, "checksum");
	cs_buf_add(&b, "this is no tar at all");
	tm_pad(&b);
	refused(&b, EBADMSG, "checksum");
	tm_data(&b, 'Z', "f", "", "", 0);
	refused(&b, ENOTSUP, "unknown kind");
	tm_data(&b, 'x', "pax", "", "12 path", 7);
	tm_file(&b, "f", "x");
	refused(&b, EBADMSG, "extended header");
	tm_pax(&b, 'x', "uid", "4294967295", 10);
	tm_file(&b, "f", "x");
	refused(&b, EOVERFLOW, "no user");
	tm_pax(&b, 'x', "path", "a\0b", 3);
	tm_file(&b, "f", "x");
	refused(&b, EBADMSG, "NUL");
	memset(big, 'p', sizeof(big));
	tm_pax(&b, 'x', "path", big, 5000);
	tm_file(&b, "f", "x");
	refused(&b, ENAMETOOLONG, "longer");
	tm_pax(&b, 'x', "path", big, 300);
	tm_file(&b, "f", "x");
	refused(&b, ENAMETOOLONG, "255");
	tm_data(&b, 'x', "pax", "", big, sizeof(big));
	refused(&b, EFBIG, "extended header");
	tm_pax(&b, 'x', "size", "99999999999999999", 17);
	tm_file(&b, "f", "x");
	refused(&b, EFBIG, "16 TiB");
	tm_pax(&b, 'x', "path", "orphan", 6);
	refused(&b, EBADMSG, "middle");
}
END_TEST

START_TEST(bad_sparse)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	static const char *const maps[] = { "0,1,1", "5,1,2,1", "0,2", "99,2",
					    "0,18446744073709551615" };

	for (size_t i = 0; i < CS_LEN(maps); i++) {
		tm_pax(&b, 'x', "GNU.sparse.size", "100", 3);
		tm_pax(&b, 'x', "GNU.sparse.map", maps[i], strlen(maps[i]));
		tm_file(&b, "f", "x");
		refused(&b, EBADMSG, i == 0 ? "GNU.sparse" : "pieces");
	}
	tm_pax(&b, 'x', "GNU.sparse.major", "1", 1);
	tm_pax(&b, 'x', "GNU.sparse.realsize", "100", 3);
	tm_file(&b, "f", "not a map");
	refused(&b, EBADMSG, "map");
	tm_pax(&b, 'x', "GNU.sparse.major", "2", 1);
	tm_file(&b, "f", "x");
	refused(&b, ENOTSUP, "2.0");
}
END_TEST

static void varied(struct cs_buf *b)
{
	static char data[10000];

	memset(data, 'd', sizeof(data));
	tm_dir(b, "etc/");
	tm_file(b, "etc/f", "text");
	tm_data(b, '0', "big", "", data, sizeof(data));
	tm_link(b, '1', "hard", "etc/f");
	tm_link(b, '2', "soft", "etc/f");
	tm_data(b, '3', "null", "", "", 0);
	tm_pax(b, 'x', "SCHILY.xattr.user.a", "value", 5);
	tm_file(b, "x", "x");
	tm_pax(b, 'x', "GNU.sparse.size", "100000", 6);
	tm_pax(b, 'x', "GNU.sparse.map", "0,2,50000,2", 11);
	tm_file(b, "sparse", "abcd");
	tm_end(b);
}

START_TEST(whatever_the_pieces)
{
	static const size_t steps[] = { 1, 3, 511, 512, 513, 100000 };
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	static char first[1 << 20], again[1 << 20];
	ssize_t n = 0;

	varied(&b);
	for (size_t i = 0; i < CS_LEN(steps); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct img_er_inode s;
		struct made m;

		ck_assert_msg(make(&b, steps[i], &m, &err) == 0, "%s", err.msg);
		ck_assert(has(&m, "hard", "text") && has(&m, "soft", "etc/f"));
		ck_assert_int_eq(find(&m, "hard", &s), 1);
		ck_assert_uint_eq(s.nlink, 2);
		ck_assert_int_eq(find(&m, "sparse", &s), 1);
		ck_assert_uint_eq(s.size, 100000);
		if (i == 0)
			n = pread(m.fd, first, sizeof(first), 0);
		else
			ck_assert_int_eq(pread(m.fd, again, sizeof(again), 0), n);
		ck_assert(i == 0 || memcmp(first, again, (size_t)n) == 0);
		close(m.fd);
	}
}
END_TEST

/* Cut off anywhere it ends in a message or is a shorter layer; it never hangs. */
START_TEST(cut_off)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	size_t whole;

	varied(&b);
	whole = b.len;
	for (size_t len = 0; len < whole; len += len % 512 < 2 ? 1 : 255) {
		struct cs_err err = CS_ERR_INIT;
		struct made m;
		int ret;

		b.len = len;
		ret = make(&b, 4096, &m, &err);
		ck_assert(ret == 0 || (ret == -EBADMSG && *err.msg));
		ck_assert(ret == 0 || len > 0);
		close(m.fd);
	}
}
END_TEST

static int find_xattr(void *ctx, const char *name, const void *value, size_t len,
		      struct cs_err *err)
{
	(void)err;
	cs_buf_addf(ctx, "%s=%.*s;", name, (int)len, (const char *)value);
	return 0;
}

static const char *xattrs_of(const struct made *m, const char *path, struct cs_buf *out)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_er_inode i;

	out->len = 0;
	cs_buf_add(out, "");
	ck_assert_int_eq(find(m, path, &i), 1);
	ck_assert_int_eq(img_er_xattrs(&m->im, &i, find_xattr, out, &err), 0);
	return out->s;
}

START_TEST(attributes)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, x = CS_BUF_INIT;
	struct img_er_inode i;
	struct made m;

	tm_pax(&b, 'g', "SCHILY.xattr.user.g", "all", 3);
	tm_pax(&b, 'g', "uid", "77", 2);
	tm_pax(&b, 'x', "SCHILY.xattr.trusted.overlay.redirect", "/etc", 4);
	tm_pax(&b, 'x', "SCHILY.xattr.user.overlay.opaque", "y", 1);
	tm_pax(&b, 'x', "SCHILY.xattr.security.selinux", "label", 5);
	tm_pax(&b, 'x', "SCHILY.xattr.com.apple.quarantine", "q", 1);
	tm_pax(&b, 'x', "LIBARCHIVE.xattr.user.%6c", "aGVsbG8", 7);
	tm_pax(&b, 'x', "mtime", "-1.5", 4);
	tm_file(&b, "f", "x");
	tm_pax(&b, 'x', "SCHILY.xattr.user.g", "own", 3);
	tm_pax(&b, 'x', "uid", "5", 1);
	tm_file(&b, "g", "x");
	tm_end(&b);
	m = image(&b);
	ck_assert_str_eq(xattrs_of(&m, "f", &x), "user.l=hello;user.g=all;");
	ck_assert_str_eq(xattrs_of(&m, "g", &x), "user.g=own;");
	ck_assert_int_eq(find(&m, "f", &i), 1);
	ck_assert_uint_eq(i.uid, 77);
	ck_assert_int_eq(i.mtime, -2);
	ck_assert_uint_eq(i.mtime_nsec, 500000000);
	ck_assert_int_eq(find(&m, "g", &i), 1);
	ck_assert_uint_eq(i.uid, 5);
	close(m.fd);
}
END_TEST

/* @n attributes in one global header. */
static void many_xattrs(struct cs_buf *b, const char *prefix, int n)
{
	cs_auto_buf struct cs_buf rec = CS_BUF_INIT;

	for (int i = 0; i < n; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "SCHILY.xattr.%s%05d=v", prefix, i);

		cs_buf_addf(&rec, "%d %s\n", len + 4, text);
	}
	tm_data(b, 'g', "pax", "", rec.s, rec.len);
}

/* As many attributes as an inode can have, none more; those that are not kept don't count. */
START_TEST(attributes_at_most)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, x = CS_BUF_INIT;
	struct made m;

	many_xattrs(&b, "com.apple.", 12000);
	many_xattrs(&b, "user.", 255);
	tm_pax(&b, 'x', "SCHILY.xattr.user.00007", "own", 3);
	tm_file(&b, "f", "x");
	tm_end(&b);
	m = image(&b);
	xattrs_of(&m, "f", &x);
	ck_assert_ptr_nonnull(strstr(x.s, "user.00007=own;"));
	ck_assert_ptr_null(strstr(x.s, "user.00007=v;"));
	ck_assert_ptr_nonnull(strstr(x.s, "user.00254=v;"));
	ck_assert_ptr_null(strstr(x.s, "apple"));
	close(m.fd);
	b.len = 0;
	many_xattrs(&b, "user.", 256);
	tm_file(&b, "f", "x");
	tm_end(&b);
	refused(&b, EFBIG, "more than 255 extended attributes");
	b.len = 0;
	many_xattrs(&b, "user.", 255);
	tm_pax(&b, 'x', "SCHILY.xattr.user.own", "own", 3);
	tm_file(&b, "f", "x");
	tm_end(&b);
	refused(&b, EFBIG, "more than 255 extended attributes");
}
END_TEST

START_TEST(whiteouts)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, x = CS_BUF_INIT;
	struct img_er_inode i;
	struct made m;

	tm_file(&b, "a/.wh.gone", "");
	tm_file(&b, "o/.wh..wh..opq", "");
	tm_file(&b, ".wh..wh.plnk/1.2", "aufs");
	tm_file(&b, ".wh.f", "");
	tm_file(&b, "f", "stays");
	tm_dir(&b, "d");
	tm_file(&b, "d/x", "stays");
	tm_file(&b, ".wh.d", "");
	tm_end(&b);
	m = image(&b);
	ck_assert_int_eq(find(&m, "a/gone", &i), 1);
	ck_assert(S_ISCHR(i.mode) && i.rdev == 0);
	ck_assert_str_eq(xattrs_of(&m, "o", &x), "trusted.overlay.opaque=y;");
	ck_assert_str_eq(xattrs_of(&m, "d", &x), "trusted.overlay.opaque=y;");
	ck_assert(has(&m, "f", "stays") && has(&m, "d/x", "stays"));
	ck_assert_int_eq(find(&m, ".wh..wh.plnk", &i), 0);
	close(m.fd);
}
END_TEST

/* What a name hid stays hidden when it becomes a folder, whatever it was in between. */
START_TEST(hides_when_replaced)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT, x = CS_BUF_INIT;
	struct made m;

	tm_file(&b, "a", "file");
	tm_dir(&b, "a/");
	tm_file(&b, ".wh.b", "");
	tm_file(&b, "b", "file");
	tm_dir(&b, "b/");
	tm_file(&b, ".wh.c", "");
	tm_file(&b, "c/x", "implied");
	tm_dir(&b, "d/");
	tm_dir(&b, "d/");
	tm_end(&b);
	m = image(&b);
	ck_assert_str_eq(xattrs_of(&m, "a", &x), "trusted.overlay.opaque=y;");
	ck_assert_str_eq(xattrs_of(&m, "b", &x), "trusted.overlay.opaque=y;");
	ck_assert_str_eq(xattrs_of(&m, "c", &x), "trusted.overlay.opaque=y;");
	ck_assert_str_eq(xattrs_of(&m, "d", &x), "");
	close(m.fd);
}
END_TEST

START_TEST(later_replaces_earlier)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_er_inode i;
	struct made m;

	tm_file(&b, "f", "first");
	tm_link(&b, '1', "h", "f");
	tm_file(&b, "f", "second");
	tm_dir(&b, "d");
	tm_file(&b, "d/x", "x");
	tm_header_raw(&b, '5', "d", "", 0, 0700);
	tm_dir(&b, "gone");
	tm_file(&b, "gone/x", "x");
	tm_file(&b, "gone", "file");
	tm_end(&b);
	m = image(&b);
	ck_assert(has(&m, "f", "second") && has(&m, "h", "first"));
	ck_assert_int_eq(find(&m, "h", &i), 1);
	ck_assert_uint_eq(i.nlink, 1);
	ck_assert_uint_eq(mode_of(&m, "d"), S_IFDIR | 0700);
	ck_assert(has(&m, "d/x", "x") && has(&m, "gone", "file"));
	close(m.fd);
}
END_TEST

/* The same in a folder, where what goes was there, also below the folder last written to. */
START_TEST(replaces_in_a_folder)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct unit_tmp t = unit_tmp_init();
	struct img_apply a = { .skip = false };
	struct img_unpack *u = NULL;
	struct cs_err err = CS_ERR_INIT;
	uint64_t size = 0;

	tm_file(&b, "a/d/x", "x");
	tm_file(&b, "a/d", "file");
	tm_file(&b, "e", "file");
	tm_file(&b, "e2/f/g/h", "x");
	tm_file(&b, "e2", "file");
	tm_dir(&b, "e");
	tm_file(&b, "e/y", "y");
	tm_end(&b);
	ck_assert_int_eq(img_unpack_new(t.fd, "fs", false, NULL, &u, &err), 0);
	ck_assert_int_eq(img_apply_init(&a, &img_unpack_sink, u, NULL, &err), 0);
	ck_assert_msg(feed(&a, &b, 4096, &err) == 0, "%s", err.msg);
	ck_assert_msg(img_unpack_finish(u, &a.tree, &size, &err) == 0, "%s", err.msg);
	ck_assert(unit_has_text(t.fd, "fs/a/d", "file"));
	ck_assert(unit_has_text(t.fd, "fs/e2", "file"));
	ck_assert(unit_has_text(t.fd, "fs/e/y", "y"));
	img_apply_fini(&a);
	img_unpack_free(u);
	unit_tmp_fini(&t);
}
END_TEST

/* 20000 entries below one symlink and one long path: not quadratic. */
START_TEST(many_names)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_er_inode i;
	struct made m;

	tm_dir(&b, "d");
	tm_link(&b, '2', "l", "d");
	for (int k = 0; k < 20000; k++) {
		char name[40];

		snprintf(name, sizeof(name), "l/%d", k);
		tm_file(&b, name, "x");
	}
	tm_end(&b);
	m = image(&b);
	ck_assert_int_eq(find(&m, "d/19999", &i), 1);
	close(m.fd);
}
END_TEST

UNIT_MAIN("images/tar", paths_that_lead_out, symlink_then_write, things_in_the_way, damaged_headers,
	  bad_sparse, whatever_the_pieces, cut_off, attributes, attributes_at_most, whiteouts,
	  hides_when_replaced, later_replaces_earlier, replaces_in_a_folder, many_names)
