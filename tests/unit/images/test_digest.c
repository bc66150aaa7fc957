#include "images/digest.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#define EMPTY_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

START_TEST(parses)
{
	struct img_digest d = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;
	char text[IMG_DIGEST_SIZE];

	ck_assert_int_eq(img_digest_parse("sha256:" ABC_HEX, "it", &d, &err), 0);
	ck_assert_str_eq(d.hex, ABC_HEX);
	img_digest_text(&d, text);
	ck_assert_str_eq(text, "sha256:" ABC_HEX);
}
END_TEST

START_TEST(refuses)
{
	static const char *const bad[] = {
		"",
		"sha256",
		"sha256:",
		ABC_HEX,
		"sha256:" ABC_HEX "0",
		"sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:../../../../../../../../../../../../../../../../../../etc/passwd",
		"sha256:a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		" sha256:" ABC_HEX,
		"../sha256:" ABC_HEX,
		"sha256:" ABC_HEX "\n",
		"SHA256:" ABC_HEX,
	};

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct img_digest d = { "kept" };
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_digest_parse(bad[i], "it", &d, &err), -EINVAL);
		ck_assert_str_eq(d.hex, "kept");
		ck_assert_ptr_nonnull(strstr(err.msg, "it: "));
		ck_assert_ptr_null(strchr(err.msg, '\n'));
	}
}
END_TEST

START_TEST(names_other_algorithms)
{
	struct img_digest d = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_digest_parse("sha512:" ABC_HEX ABC_HEX, "layer 3", &d, &err),
			 -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "layer 3"));
	ck_assert_ptr_nonnull(strstr(err.msg, "not a sha256"));
}
END_TEST

START_TEST(compares)
{
	struct img_digest a = { ABC_HEX }, b = { ABC_HEX }, none = IMG_DIGEST_NONE;

	ck_assert(img_digest_equal(&a, &b));
	b.hex[63] = 'e';
	ck_assert(!img_digest_equal(&a, &b));
	ck_assert(!img_digest_equal(&none, &none));
}
END_TEST

START_TEST(hashes)
{
	struct img_sha s = IMG_SHA_INIT;
	struct img_digest d = IMG_DIGEST_NONE;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_sha_buf("", 0, &d, &err), 0);
	ck_assert_str_eq(d.hex, EMPTY_HEX);
	ck_assert_int_eq(img_sha_init(&s, &err), 0);
	img_sha_update(&s, "a", 1);
	img_sha_update(&s, "bc", 2);
	ck_assert_uint_eq(s.size, 3);
	ck_assert_int_eq(img_sha_done(&s, &d, &err), 0);
	ck_assert_str_eq(d.hex, ABC_HEX);
}
END_TEST

UNIT_MAIN("images/digest", parses, refuses, names_other_algorithms, compares, hashes)
