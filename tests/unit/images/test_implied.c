#include "images/implied.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/layer.h"
#include "images/peek.h"
#include "tests/unit/fixture.h"
#include "tests/unit/images/tarmake.h"
#include "tests/unit/unit.h"

/* A layer of this tar; _i is 0: an image, 1: a folder. */
static struct img_digest layer(const struct unit_tmp *t, const struct cs_buf *b, bool folder)
{
	struct img_layer_opts o = IMG_LAYER_OPTS_INIT;
	struct img_layer_info info;
	struct cs_err err = CS_ERR_INIT;
	struct img_layer *l = NULL;

	o.root = t->fd;
	o.folder = folder;
	ck_assert_int_eq(img_layer_open(&o, &l, &err), 0);
	ck_assert_int_eq(img_layer_write(l, b->s, b->len, &err), 0);
	ck_assert_msg(img_layer_commit(l, &info, &err) == 0, "%s", err.msg);
	img_layer_free(l);
	return info.diff_id;
}

static struct img_peeked peek(const struct unit_tmp *t, const struct img_digest *d,
			      const char *path)
{
	struct img_peek p = IMG_PEEK_INIT;
	struct img_peeked x = IMG_PEEKED_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(img_peek_init(&p, t->fd, d, &err) == 0, "%s", err.msg);
	ck_assert_msg(img_peek(&p, path, &x, &err) == 0, "%s", err.msg);
	img_peek_fini(&p);
	return x;
}

static void base_tar(struct cs_buf *b)
{
	tm_dir(b, "./");
	tm_header_raw(b, '5', "./tmp/", "", 0, 01777);
	tm_header_raw(b, '5', "./home/", "", 0, 0711);
	tm_pax(b, 'x', "SCHILY.xattr.user.k", "v", 1);
	tm_header_raw(b, '5', "./home/me/", "", 0, 0700);
	tm_dir(b, "./etc/");
	tm_end(b);
}

START_TEST(takes_from_below)
{
	struct unit_tmp t = unit_tmp_init();
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_digest l[2], fix = IMG_DIGEST_NONE, again = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;
	struct img_peeked x;

	base_tar(&b);
	l[0] = layer(&t, &b, _i == 1);
	b.len = 0;
	tm_file(&b, "home/me/f", "x");
	tm_file(&b, "etc/f", "as it is by default");
	tm_end(&b);
	l[1] = layer(&t, &b, _i == 1);
	ck_assert_msg(img_implied_fix(t.fd, l, 2, &fix, &err) == 1, "%s", err.msg);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 2, &again, &err), 1);
	ck_assert(img_digest_equal(&fix, &again));
	x = peek(&t, &fix, "home/me");
	ck_assert(x.is_dir && !x.hides);
	ck_assert_uint_eq(x.mode & 07777, 0700);
	ck_assert_uint_eq(x.n_xattrs, 1);
	ck_assert_str_eq(x.xattrs[0].name, "user.k");
	ck_assert_int_eq(x.mtime, 1700000000);
	img_peeked_fini(&x);
	x = peek(&t, &fix, "home");
	ck_assert_uint_eq(x.mode & 07777, 0711);
	img_peeked_fini(&x);
	x = peek(&t, &fix, "etc");
	ck_assert(!x.found);
	x = peek(&t, &fix, "home/me/f");
	ck_assert(!x.found);
	unit_tmp_fini(&t);
}
END_TEST

START_TEST(nothing_to_do)
{
	struct unit_tmp t = unit_tmp_init();
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct img_digest l[3], fix = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;

	base_tar(&b);
	l[0] = layer(&t, &b, _i == 1);
	b.len = 0;
	tm_file(&b, "etc/f", "x");
	tm_file(&b, "new/f", "x");
	tm_end(&b);
	l[1] = layer(&t, &b, _i == 1);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 1, &fix, &err), 0);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 2, &fix, &err), 0);
	/* listed above, hidden in between, not a folder at all */
	b.len = 0;
	tm_file(&b, "home/me/f", "x");
	tm_end(&b);
	l[1] = layer(&t, &b, _i == 1);
	b.len = 0;
	tm_dir(&b, "home/");
	tm_dir(&b, "home/me/");
	tm_end(&b);
	l[2] = layer(&t, &b, _i == 1);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 3, &fix, &err), 0);
	b.len = 0;
	tm_file(&b, ".wh.home", "");
	tm_end(&b);
	l[2] = l[1];
	l[1] = layer(&t, &b, _i == 1);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 3, &fix, &err), 0);
	b.len = 0;
	tm_file(&b, "home/.wh..wh..opq", "");
	tm_end(&b);
	l[1] = layer(&t, &b, _i == 1);
	ck_assert_int_eq(img_implied_fix(t.fd, l, 3, &fix, &err), 1); /* home itself */
	unit_tmp_fini(&t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { takes_from_below, nothing_to_do };

	return unit_run_times("images/implied", tests, CS_LEN(tests), 2);
}
