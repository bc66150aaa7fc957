#include "images/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static void look(const char *text, const char *host, const char *path, struct img_authfile *f)
{
	struct cs_err err = CS_ERR_INIT;
	int ret;

	*f = IMG_AUTHFILE_INIT;
	ret = img_authfile_look(text, strlen(text), host, path, f, &err);
	ck_assert_msg(ret == 0, "%s", err.msg);
}

START_TEST(test_look)
{
	/* a:1, b:2:3, c:4 */
	static const char text[] = "{\"auths\": {\"r.example/team/app\": {\"auth\": \"YTox\"},"
				   "\"r.example\": {\"auth\": \"YjoyOjM=\"},"
				   "\"https://s.example/v1/\": {\"auth\": \"Yzo0\"},"
				   "\"t.example\": {},"
				   "\"u.example\": {\"identitytoken\": \"idt\"}},"
				   "\"unknown\": [1, 2]}";
	static const struct {
		const char *host, *path, *user, *secret;
	} rows[] = {
		{ "r.example", "team/app", "a", "1" },
		{ "r.example", "team/app/sub", "a", "1" },
		{ "r.example", "team/apple", "b", "2:3" },
		{ "r.example", "", "b", "2:3" },
		{ "s.example", "x", "c", "4" },
		{ "t.example", "x", NULL, NULL },
		{ "example", "x", NULL, NULL },
		{ "r.example:443", "x", NULL, NULL },
	};
	struct img_authfile f;

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		look(text, rows[i].host, rows[i].path, &f);
		ck_assert_int_eq(f.found, rows[i].user ? IMG_AUTHFILE_CREDS : IMG_AUTHFILE_NONE);
		if (rows[i].user) {
			ck_assert_str_eq(f.creds.user, rows[i].user);
			ck_assert_str_eq(f.creds.secret, rows[i].secret);
		}
		img_creds_fini(&f.creds);
	}
	look(text, "u.example", "", &f);
	ck_assert_int_eq(f.found, IMG_AUTHFILE_CREDS);
	ck_assert_str_eq(f.creds.identity, "idt");
	img_creds_fini(&f.creds);
}
END_TEST

START_TEST(test_look_helper)
{
	static const char text[] = "{\"auths\": {\"r.example\": {\"auth\": \"YTox\"}},"
				   "\"credHelpers\": {\"h.example\": \"one\"},"
				   "\"credsStore\": \"two\"}";
	struct img_authfile f;

	look(text, "h.example", "x", &f);
	ck_assert_int_eq(f.found, IMG_AUTHFILE_HELPER);
	ck_assert_str_eq(f.helper, "one");
	look(text, "other.example", "x", &f);
	ck_assert_int_eq(f.found, IMG_AUTHFILE_HELPER);
	ck_assert_str_eq(f.helper, "two");
	look(text, "r.example", "x", &f);
	ck_assert_int_eq(f.found, IMG_AUTHFILE_CREDS);
	img_creds_fini(&f.creds);
}
END_TEST

START_TEST(test_look_bad)
{
	static const char *const rows[] = {
		"[]",
		"{",
		"{\"auths\": []}",
		"{\"auths\": {\"h\": 1}}",
		"{\"auths\": {\"h\": {\"auth\": \"!!\"}}}",
		"{\"auths\": {\"h\": {\"auth\": \"OnB3\"}}}", /* ":pw" */
		"{\"auths\": {\"h\": {\"auth\": \"YQBi\"}}}", /* a NUL in it */
		"{\"credHelpers\": {\"h\": \"../../bin/sh\"}}",
		"{\"credsStore\": \"a/b\"}",
		"{\"credsStore\": \"-x\"}",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct img_authfile f = IMG_AUTHFILE_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_msg(img_authfile_look(rows[i], strlen(rows[i]), "h", "", &f, &err) ==
				      -EINVAL,
			      "%s", rows[i]);
	}
}
END_TEST

START_TEST(test_text)
{
	static const char *const bad[] = { "", ":x" };
	struct cs_err err = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct img_creds c = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_from_text(bad[i], &c, &err), -EINVAL);
		cs_err_clear(&err);
	}
	{
		img_auto_creds struct img_creds c = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_from_text("u:p:q", &c, &err), 0);
		ck_assert_str_eq(c.user, "u");
		ck_assert_str_eq(c.secret, "p:q");
	}
}
END_TEST

static struct unit_tmp tmp;

/* A folder of the test's own with a helper in it that is the only thing in $PATH. */
static void setup(char file[200], const char *content, const char *helper)
{
	struct cs_err err = CS_ERR_INIT;
	const char *path = getenv("PATH");
	char both[4096];

	tmp = unit_tmp_init();
	snprintf(file, 200, "%s/auth.json", tmp.path);
	if (content)
		ck_assert_int_eq(cs_file_replace(tmp.fd, "auth.json", content, strlen(content),
						 0644, false, &err),
				 0);
	if (helper)
		ck_assert_int_eq(cs_file_replace(tmp.fd, "docker-credential-one", helper,
						 strlen(helper), 0755, false, &err),
				 0);
	snprintf(both, sizeof(both), "relative:%s:%s", tmp.path, path ? path : "/bin");
	setenv("PATH", both, 1);
}

static void teardown(void)
{
	unit_tmp_fini(&tmp);
}

static char *content_of(const char *file)
{
	struct cs_err err = CS_ERR_INIT;
	char *text = NULL;
	size_t len;

	ck_assert_int_eq(cs_file_read(AT_FDCWD, file, 10000, &text, &len, &err), 0);
	return text;
}

START_TEST(test_store)
{
	struct cs_err err = CS_ERR_INIT;
	char user[] = "alice", secret[] = "pw";
	struct img_creds c = { .user = user, .secret = secret };
	char file[200];
	struct stat sb;

	setup(file, "{\"keep\": {\"me\": 1}, \"auths\": {\"old\": {\"auth\": \"YTox\"}}}", NULL);
	ck_assert_int_eq(img_creds_store(file, "r.example", &c, &err), 0);
	ck_assert_int_eq(stat(file, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 0777, 0600);
	{
		cs_auto_free char *text = content_of(file);

		ck_assert_ptr_nonnull(strstr(text, "\"me\": 1"));
		ck_assert_ptr_nonnull(strstr(text, "YTox"));
		ck_assert_ptr_nonnull(strstr(text, "YWxpY2U6cHc="));
	}
	{
		img_auto_creds struct img_creds found = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_find(file, "r.example", "x/y", &found, &err), 1);
		ck_assert_str_eq(found.user, "alice");
		ck_assert_str_eq(found.secret, "pw");
	}
	ck_assert_int_eq(img_creds_erase(file, "nobody", &err), 0);
	ck_assert_int_eq(img_creds_erase(file, "r.example", &err), 1);
	ck_assert_int_eq(img_creds_erase(file, NULL, &err), 1);
	{
		img_auto_creds struct img_creds found = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_find(file, "old", "", &found, &err), 0);
	}
	teardown();
}
END_TEST

START_TEST(test_store_makes_folders)
{
	struct cs_err err = CS_ERR_INIT;
	char user[] = "u", secret[] = "p";
	struct img_creds c = { .user = user, .secret = secret };
	char file[200], deep[260];

	setup(file, NULL, NULL);
	snprintf(deep, sizeof(deep), "%s/a/b/auth.json", tmp.path);
	ck_assert_int_eq(img_creds_store(deep, "r.example", &c, &err), 0);
	ck_assert_int_eq(access(deep, R_OK), 0);
	teardown();
}
END_TEST

START_TEST(test_helper)
{
	static const char script[] =
		"#!/bin/sh\n"
		"read -r in\n"
		"echo \"$1 $in\" >>\"${0%/*}/log\"\n"
		"[ \"$1\" = get ] || exit 0\n"
		"case $in in\n"
		"h.example) echo '{\"ServerURL\":\"x\",\"Username\":\"hu\",\"Secret\":\"hs\"}' ;;\n"
		"t.example) echo '{\"Username\":\"<token>\",\"Secret\":\"idt\"}' ;;\n"
		"n.example) echo 'credentials not found in native keychain'; exit 1 ;;\n"
		"*) printf 'locked\\033[1m\\nmore'; exit 1 ;;\n"
		"esac\n";
	char user[] = "u", secret[] = "p";
	struct img_creds mine = { .user = user, .secret = secret };
	struct cs_err err = CS_ERR_INIT;
	char file[200], log[220];

	setup(file, "{\"credsStore\": \"one\"}", script);
	{
		img_auto_creds struct img_creds c = IMG_CREDS_INIT;

		ck_assert_msg(img_creds_find(file, "h.example", "a", &c, &err) == 1, "%s", err.msg);
		ck_assert_str_eq(c.user, "hu");
		ck_assert_str_eq(c.secret, "hs");
	}
	{
		img_auto_creds struct img_creds c = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_find(file, "t.example", "a", &c, &err), 1);
		ck_assert_str_eq(c.identity, "idt");
	}
	{
		img_auto_creds struct img_creds c = IMG_CREDS_INIT;

		ck_assert_int_eq(img_creds_find(file, "n.example", "a", &c, &err), 0);
		ck_assert_int_eq(img_creds_find(file, "x.example", "a", &c, &err), -EACCES);
		ck_assert_ptr_nonnull(strstr(err.msg, "locked?[1m"));
		ck_assert_ptr_null(strstr(err.msg, "more"));
		cs_err_clear(&err);
	}
	ck_assert_int_eq(img_creds_store(file, "h.example", &mine, &err), 0);
	ck_assert_int_eq(img_creds_erase(file, "h.example", &err), 1);
	snprintf(log, sizeof(log), "%s/log", tmp.path);
	{
		cs_auto_free char *text = content_of(log);

		ck_assert_ptr_nonnull(strstr(text, "store {\"ServerURL\":\"h.example\","
						   "\"Username\":\"u\",\"Secret\":\"p\"}"));
		ck_assert_ptr_nonnull(strstr(text, "erase h.example"));
	}
	teardown();
}
END_TEST

START_TEST(test_helper_missing)
{
	img_auto_creds struct img_creds c = IMG_CREDS_INIT;
	struct cs_err err = CS_ERR_INIT;
	char file[200];

	setup(file, "{\"credHelpers\": {\"h.example\": \"one\"}}", NULL);
	ck_assert_int_eq(img_creds_find(file, "h.example", "", &c, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "docker-credential-one"));
	teardown();
}
END_TEST

/* All means the helpers, too; one that is not there is no success. */
START_TEST(test_erase_all)
{
	static const char script[] = "#!/bin/sh\n"
				     "read -r in\n"
				     "echo \"$1 $in\" >>\"${0%/*}/log\"\n"
				     "[ \"$1\" != list ] || echo '{\"a.example\": \"u\", "
				     "\"b.example\": \"v\"}'\n";
	struct cs_err err = CS_ERR_INIT;
	char file[200], log[220];

	setup(file, "{\"credsStore\": \"nope\"}", NULL);
	ck_assert_int_eq(img_creds_erase(file, NULL, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "docker-credential-nope"));
	teardown();
	err = CS_ERR_INIT;
	setup(file,
	      "{\"credsStore\": \"one\", \"credHelpers\": {\"c.example\": \"one\"},"
	      "\"auths\": {\"a.example\": {}}}",
	      script);
	ck_assert_int_eq(img_creds_erase(file, NULL, &err), 4);
	snprintf(log, sizeof(log), "%s/log", tmp.path);
	{
		cs_auto_free char *text = content_of(log);

		ck_assert_ptr_nonnull(strstr(text, "erase a.example"));
		ck_assert_ptr_nonnull(strstr(text, "erase b.example"));
		ck_assert_msg(strstr(text, "erase c.example"), "%s", text);
	}
	teardown();
}
END_TEST

START_TEST(test_symlink)
{
	struct cs_err err = CS_ERR_INIT;
	char user[] = "alice", secret[] = "pw", file[200], link[220], where[256];
	struct img_creds c = { .user = user, .secret = secret };
	struct stat sb;

	setup(file, "{\"auths\": {}}", NULL);
	snprintf(link, sizeof(link), "%s/link", tmp.path);
	ck_assert_int_eq(symlink("auth.json", link), 0);
	ck_assert_int_eq(img_creds_store(link, "r.example", &c, &err), 0);
	ck_assert_int_eq(lstat(link, &sb), 0);
	ck_assert(S_ISLNK(sb.st_mode));
	ck_assert_int_eq(img_creds_where(file, "r.example", "x", where, sizeof(where), &err), 1);
	ck_assert_str_eq(where, file);
	ck_assert_int_eq(img_creds_where(file, "s.example", "x", where, sizeof(where), &err), 0);
	teardown();
}
END_TEST

UNIT_MAIN("images/creds", test_look, test_look_helper, test_look_bad, test_text, test_store,
	  test_store_makes_folders, test_helper, test_helper_missing, test_erase_all, test_symlink)
