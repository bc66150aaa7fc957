#include "images/txn.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/store.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

/* A store of the test's own with a transaction in it. */
struct open_store {
	struct unit_tmp tmp;
	struct img_store *st;
	struct img_txn *t;
};

static struct open_store open_store(void)
{
	struct open_store s = { .tmp = unit_tmp_init() };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(img_store_open(s.tmp.path, &s.st, &err) == 0, "%s", err.msg);
	ck_assert_msg(img_txn_begin(s.st, &s.t, &err) == 0, "%s", err.msg);
	return s;
}

static void close_store(struct open_store *s)
{
	img_txn_end(s->t);
	img_store_close(s->st);
	unit_tmp_fini(&s->tmp);
}

/* Only what can be given as a name later is entered as one. */
START_TEST(test_names)
{
	static const char *const bad[] = {
		"h.example/a:1?x=/y@z", "h.example/a:../../b/manifests/c",
		"h.example/../a:1",	"h.example/a:-x",
		"h.example/a:",		"h.example/A:1",
	};
	struct open_store s = open_store();

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;
		char digest[IMG_DIGEST_TEXT];
		struct img_new_image im = { .name = bad[i], .digest = digest };

		ck_assert_int_eq(img_txn_put_blob(s.t, "{}", 2, NULL, digest, &err), 0);
		ck_assert_int_eq(img_txn_image(s.t, &im, NULL, &err), -EINVAL);
		ck_assert_msg(strstr(err.msg, "image name"), "%s: %s", bad[i], err.msg);
	}
	close_store(&s);
}
END_TEST

/* A blob that is there is believed by its bytes, not by its name. */
START_TEST(test_damaged_blob)
{
	static const char *const have[] = { "", "tex", "tExt", "text and more" };
	struct open_store s = open_store();

	for (size_t i = 0; i < CS_LEN(have); i++) {
		struct cs_err err = CS_ERR_INIT;
		cs_auto_free char *text = NULL;
		char digest[IMG_DIGEST_TEXT], path[256];
		size_t len = 0;
		FILE *f;

		ck_assert_int_eq(img_txn_put_blob(s.t, "text", 4, NULL, digest, &err), 0);
		snprintf(path, sizeof(path), "%s/blobs/sha256/%s", s.tmp.path, digest + 7);
		f = fopen(path, "we");
		ck_assert_ptr_nonnull(f);
		fputs(have[i], f);
		fclose(f);
		ck_assert_int_eq(img_store_blob_read(s.st, digest, &text, &len, &err), -EBADMSG);
		err = CS_ERR_INIT;
		ck_assert_int_eq(img_txn_put_blob(s.t, "text", 4, digest, NULL, &err), 0);
		ck_assert_msg(img_store_blob_read(s.st, digest, &text, &len, &err) == 0, "%s",
			      err.msg);
		ck_assert_uint_eq(len, 4);
	}
	close_store(&s);
}
END_TEST

UNIT_MAIN("images/txn", test_names, test_damaged_blob)
