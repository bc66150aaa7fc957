#include "images/challenge.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

static int parse(const char *text, struct img_challenge *c)
{
	struct cs_err err = CS_ERR_INIT;
	int ret;

	memset(c, 0, sizeof(*c));
	ret = img_challenge_parse(text, strlen(text), c, &err);
	ck_assert((ret < 0) == (err.code != 0));
	return ret;
}

START_TEST(test_bearer)
{
	struct img_challenge c;

	ck_assert_int_eq(parse("Bearer realm=\"https://auth.example/token\",service=\"r.example\","
			       "scope=\"repository:a/b:pull,push\", error=\"invalid_token\"",
			       &c),
			 0);
	ck_assert(c.bearer && !c.basic);
	ck_assert_str_eq(c.realm, "https://auth.example/token");
	ck_assert_str_eq(c.service, "r.example");
	ck_assert_str_eq(c.scope, "repository:a/b:pull,push");
	ck_assert_str_eq(c.error, "invalid_token");
}
END_TEST

START_TEST(test_forms)
{
	struct img_challenge c;

	ck_assert_int_eq(parse("Basic realm=\"a \\\"b\\\", Bearer realm=x\"", &c), 0);
	ck_assert(c.basic && !c.bearer);
	ck_assert_int_eq(parse("basic", &c), 0);
	ck_assert(c.basic);
	ck_assert_int_eq(parse(" , ,bEaReR  realm = \"u\" , service=s", &c), 0);
	ck_assert(c.bearer);
	ck_assert_str_eq(c.realm, "u");
	ck_assert_str_eq(c.service, "s");
	ck_assert_int_eq(parse("Negotiate abc/def+==, Basic realm=x, Bearer realm=y", &c), 0);
	ck_assert(c.basic && c.bearer);
	ck_assert_str_eq(c.realm, "y");
	/* The first Bearer counts, another scheme's parameters do not. */
	ck_assert_int_eq(parse("Bearer realm=a, Basic realm=b, Bearer realm=c,service=d", &c), 0);
	ck_assert_str_eq(c.realm, "a");
	ck_assert_str_eq(c.service, "");
	ck_assert_int_eq(parse("", &c), 0);
	ck_assert(!c.basic && !c.bearer);
	ck_assert_int_eq(parse("Digest realm=\"x\", nonce=\"y\"", &c), 0);
	ck_assert(!c.basic && !c.bearer);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {
		"Bearer realm=\"x",
		"Bearer realm=\"x\\",
		"Bearer realm=\"a\r\nb\"",
		"Bearer realm=a,realm=b",
		"Bearer realm=\"a\", service=\"b\", service=\"c\"",
		"\"x\"",
		"Bearer realm=(",
		"Bearer \x01",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct img_challenge c;

		ck_assert_msg(parse(rows[i], &c) == -EINVAL, "%s", rows[i]);
	}
}
END_TEST

START_TEST(test_long)
{
	static char text[IMG_CHALLENGE_MAX + 2];
	struct img_challenge c = { 0 };
	struct cs_err err = CS_ERR_INIT;

	memset(text, 'a', sizeof(text) - 1);
	ck_assert_int_eq(img_challenge_parse(text, sizeof(text) - 1, &c, &err), -EFBIG);
	memcpy(text, "Bearer realm=", 13);
	text[5000] = '\0';
	ck_assert_int_eq(parse(text, &c), -EINVAL);
}
END_TEST

/* Several headers add up. */
START_TEST(test_two)
{
	struct img_challenge c = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_challenge_parse("Basic realm=x", 13, &c, &err), 0);
	ck_assert_int_eq(img_challenge_parse("Bearer realm=y", 14, &c, &err), 0);
	ck_assert(c.basic && c.bearer);
	ck_assert_str_eq(c.realm, "y");
}
END_TEST

UNIT_MAIN("images/challenge", test_bearer, test_forms, test_bad, test_long, test_two)
