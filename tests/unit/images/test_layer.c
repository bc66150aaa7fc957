#include "images/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "images/limits.h"
#include "images/staging.h"
#include "tests/unit/fixture.h"
#include "tests/unit/images/tarmake.h"
#include "tests/unit/unit.h"

static void some_tar(struct cs_buf *b)
{
	tm_dir(b, "etc/");
	tm_file(b, "etc/passwd", "root\n");
	tm_file(b, "usr/bin/x", "implied parents");
	tm_link(b, '1', "usr/bin/y", "usr/bin/x");
	tm_end(b);
}

/* All of @b, in pieces. */
static int import(const struct img_layer_opts *o, const struct cs_buf *b,
		  struct img_layer_info *info, struct cs_err *err)
{
	struct img_layer *l = NULL;
	int ret = img_layer_open(o, &l, err);

	for (size_t i = 0; ret == 0 && i < b->len; i += 1000)
		ret = img_layer_write(l, b->s + i, b->len - i < 1000 ? b->len - i : 1000, err);
	if (ret == 0)
		ret = img_layer_commit(l, info, err);
	img_layer_free(l);
	return ret;
}

static struct img_layer_opts opts(const struct unit_tmp *t)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;

	o.root = t->fd;
	return o;
}

START_TEST(makes_a_layer)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_layer_info info, again;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_fd int fd = -EBADF;
	bool folder = true;
	char path[128];
	int fds;

	some_tar(&b);
	ck_assert_int_eq(img_sha_buf(b.s, b.len, &o.blob, &err), 0);
	o.diff_id = o.blob;
	o.blob_size = b.len;
	ck_assert_int_eq(img_layer_have(t.fd, &o.blob, &err), 0);
	fds = unit_fd_count();
	ck_assert_msg(import(&o, &b, &info, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(unit_fd_count(), fds);
	ck_assert(img_digest_equal(&info.diff_id, &o.blob));
	ck_assert_uint_eq(info.tar_size, b.len);
	ck_assert_uint_eq(info.entries, 6);
	ck_assert_uint_eq(info.implied, 3); /* the root, usr, usr/bin */
	ck_assert_int_eq(info.comp, IMG_COMP_PLAIN);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 0);
	ck_assert_int_eq(img_layer_have(t.fd, &o.blob, &err), 1);
	ck_assert_int_eq(img_layer_info_read(t.fd, &o.blob, &again, &err), 0);
	ck_assert_uint_eq(again.size, info.size);
	ck_assert_uint_eq(again.blob_size, b.len);
	snprintf(path, sizeof(path), "layers/%s/implied", info.diff_id.hex);
	ck_assert_int_eq(faccessat(t.fd, path, F_OK, 0), 0);
	fd = img_layer_open_data(t.fd, &o.blob, &folder, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert(!folder);
	/* once more: it is there already */
	ck_assert_msg(import(&o, &b, &info, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(img_layer_remove(t.fd, &o.blob, &err), 0);
	ck_assert_int_eq(img_layer_have(t.fd, &o.blob, &err), 0);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 0);
	unit_tmp_fini(&t);
}
END_TEST

/* Nothing of what is wrong gets into the store. */
static void refused(const struct img_layer_opts *o, const struct cs_buf *b, int code,
		    const char *word, const struct unit_tmp *t)
{
	struct cs_err err = CS_ERR_INIT;
	int fds = unit_fd_count();

	ck_assert_int_eq(import(o, b, NULL, &err), -code);
	ck_assert_msg(strstr(err.msg, word), "%s", err.msg);
	ck_assert_int_eq(unit_entries(t->fd, "staging"), 0);
	ck_assert(!unit_exists(t->fd, "layers") || unit_entries(t->fd, "layers") == 0);
	ck_assert_int_eq(unit_fd_count(), fds);
}

START_TEST(wrong_bytes)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_digest other = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;

	some_tar(&b);
	ck_assert_int_eq(img_sha_buf("", 0, &other, &err), 0);
	o.blob = other;
	refused(&o, &b, EBADMSG, "digest", &t);
	o.blob = IMG_DIGEST_NONE;
	o.diff_id = other;
	refused(&o, &b, EBADMSG, "diffID", &t);
	o.diff_id = IMG_DIGEST_NONE;
	o.blob_size = b.len - 1;
	refused(&o, &b, EBADMSG, "longer", &t);
	o.blob_size = b.len + 1;
	refused(&o, &b, EBADMSG, "ends after", &t);
	o.blob_size = IMG_SIZE_ANY;
	b.len = 512 * 3 + 100;
	refused(&o, &b, EBADMSG, "middle", &t);
	b.len = 0;
	cs_buf_add(&b, "\x1f\x8b\x08 this is no gzip data at all");
	refused(&o, &b, EBADMSG, "gzip", &t);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(given_up)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct img_layer *l = NULL;

	some_tar(&b);
	ck_assert_int_eq(img_layer_open(&o, &l, &err), 0);
	ck_assert_int_eq(img_layer_write(l, b.s, 700, &err), 0);
	ck_assert_uint_eq(img_layer_taken(l), 700);
	img_layer_free(l);
	ck_assert_int_eq(unit_entries(t.fd, "staging"), 0);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(keeps_the_blob)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = -EBADF;
	size_t len = 0;

	some_tar(&b);
	fd = openat(t.fd, "blob", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	o.keep_fd = fd;
	ck_assert_msg(import(&o, &b, NULL, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(cs_file_read(t.fd, "blob", 1 << 20, &text, &len, &err), 0);
	ck_assert_uint_eq(len, b.len);
	ck_assert_int_eq(memcmp(text, b.s, len), 0);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(without_waiting)
{
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct img_layer *l = NULL;
	struct img_layer_info info;
	static char big[3 << 20];
	size_t at = 0;

	tm_data(&b, '0', "big", "", big, sizeof(big));
	tm_end(&b);
	ck_assert_int_eq(img_layer_open(&o, &l, &err), 0);
	while (at < b.len) {
		ssize_t n = img_layer_try_write(l, b.s + at, b.len - at, &err);

		ck_assert_int_ge(n, 0);
		at += (size_t)n;
		if (at < b.len) {
			uint64_t v;
			fd_set set;

			FD_ZERO(&set);
			FD_SET(img_layer_event_fd(l), &set);
			ck_assert_int_eq(select(img_layer_event_fd(l) + 1, &set, NULL, NULL, NULL),
					 1);
			ck_assert_int_eq(read(img_layer_event_fd(l), &v, sizeof(v)), sizeof(v));
		}
	}
	ck_assert_msg(img_layer_commit(l, &info, &err) == 0, "%s", err.msg);
	img_layer_free(l);
	ck_assert_uint_eq(info.tar_size, b.len);
	unit_tmp_fini(&t);
}
END_TEST

/* A few bytes of tar that ask for much memory: nothing of it is in the store afterwards. */
START_TEST(memory_limits)
{
	static const struct img_limits list = { .max_implied = 40 }, tree = { .max_memory = 64000 },
				       seen = { .max_memory = 4 * 1024 * 32 };
	static const char value[30000] = { 'v' };
	struct unit_tmp t = unit_tmp_init();
	struct cs_err err = CS_ERR_INIT;
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	tm_file(&b, "a/b/c/d/e/f/g/h/i/j/k/l", "x");
	tm_end(&b);
	o.limits = &list;
	refused(&o, &b, EFBIG, "only implies", &t);
	b.len = 0;
	for (int i = 0; i < 60; i++) {
		char name[100];

		memset(name, 'a' + i % 26, 98);
		memcpy(name, i < 26 ? "1" : i < 52 ? "2" : "3", 1);
		for (int k = 1; k < 98; k += 2)
			name[k] = '/';
		name[98] = 'x';
		name[99] = '\0';
		tm_file(&b, name, "x");
	}
	tm_end(&b);
	o.limits = &tree;
	refused(&o, &b, EFBIG, "memory", &t);
	b.len = 0;
	for (int i = 0; i < 2000; i++) {
		char text[20];

		snprintf(text, sizeof(text), "%d", i);
		tm_pax(&b, 'x', "SCHILY.xattr.user.k", text, strlen(text));
		tm_file(&b, "f", "x");
	}
	tm_end(&b);
	o.limits = &seen;
	refused(&o, &b, EFBIG, "different extended attributes", &t);
	/* the memory of a folder's attributes is used again */
	b.len = 0;
	for (int i = 0; i < 100; i++) {
		tm_pax(&b, 'x', "SCHILY.xattr.user.k", value, sizeof(value) - (size_t)(99 - i));
		tm_dir(&b, "d");
	}
	tm_end(&b);
	o.limits = &(struct img_limits){ .max_memory = 200000 };
	ck_assert_msg(import(&o, &b, NULL, &err) == 0, "%s", err.msg);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(limits)
{
	static const struct img_limits few = { .max_entries = 3 }, small = { .max_tar = 2000 };
	struct unit_tmp t = unit_tmp_init();
	struct img_layer_opts o = opts(&t);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	some_tar(&b);
	o.limits = &few;
	refused(&o, &b, EFBIG, "limit", &t);
	o.limits = &small;
	refused(&o, &b, EFBIG, "limit", &t);
	unit_tmp_fini(&t);
}
END_TEST

UNIT_MAIN("images/layer", makes_a_layer, wrong_bytes, given_up, keeps_the_blob, without_waiting,
	  limits, memory_limits)
