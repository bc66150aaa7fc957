#include "engine/record.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

/* Records go to disk and come back the same; what is damaged is refused by name. */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct eng_strv two(void)
{
	static const char *const v[] = { "one=1", "two words=2", NULL };

	return (struct eng_strv){ .v = v, .n = 2 };
}

START_TEST(round_trip)
{
	struct eng_mount mounts[] = {
		{ .type = ENG_MOUNT_VOLUME, .source = "v", .target = "/d", .read_only = true },
		{ .type = ENG_MOUNT_TMPFS, .target = "/t", .options = "size=1m" },
	};
	struct eng_net nets[] = { { .network = "default", .ip = "10.0.0.2", .aliases = two() } };
	struct eng_record r = ENG_RECORD_INIT, back = ENG_RECORD_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	r.id = ID;
	r.name = "web";
	r.env = two();
	r.labels = two();
	r.tty = true;
	r.memory = INT64_C(5) << 32;
	r.stop_timeout_s = 0;
	r.mounts = mounts;
	r.n_mounts = CS_LEN(mounts);
	r.nets = nets;
	r.n_nets = CS_LEN(nets);
	ck_assert_int_eq(eng_record_text(&r, &text, &len, &err), 0);
	ck_assert_msg(eng_record_parse(text, len, &back, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(back.id, ID);
	ck_assert_str_eq(back.name, "web");
	ck_assert_ptr_null(back.user);
	ck_assert(back.tty && !back.privileged);
	ck_assert_int_eq(back.memory, INT64_C(5) << 32);
	ck_assert_int_eq(back.memory_swappiness, -1);
	ck_assert_uint_eq(back.env.n, 2);
	ck_assert_str_eq(back.env.v[1], "two words=2");
	ck_assert_str_eq(eng_record_label(&back, "one"), "1");
	ck_assert_ptr_null(eng_record_label(&back, "on"));
	ck_assert_uint_eq(back.n_mounts, 2);
	ck_assert(back.mounts[0].read_only && !back.mounts[1].read_only);
	ck_assert_int_eq(back.mounts[1].type, ENG_MOUNT_TMPFS);
	ck_assert_uint_eq(back.nets[0].aliases.n, 2);
	eng_record_fini(&back);
}
END_TEST

/* 0 is the default of a number on disk, but a stop timeout of 0 is one: none left out means 10. */
START_TEST(stop_timeout)
{
	struct eng_record r = ENG_RECORD_INIT, back = ENG_RECORD_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	r.id = ID;
	r.name = "web";
	r.stop_timeout_s = 0;
	ck_assert_int_eq(eng_record_text(&r, &text, &len, &err), 0);
	ck_assert_int_eq(eng_record_parse(text, len, &back, &err), 0);
	ck_assert_int_eq(back.stop_timeout_s, 0);
	eng_record_fini(&back);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text, *says;
		int code;
	} rows[] = {
		{ "", "record.json", EINVAL },
		{ "[]", "object", EINVAL },
		{ "{}", "version", EINVAL },
		{ "{\"version\":2}", "newer", EOPNOTSUPP },
		{ "{\"version\":1,\"id\":\"zz\",\"name\":\"a\"}", "id", EINVAL },
		{ "{\"version\":1,\"id\":\"" ID "\"}", "name", EINVAL },
		{ "{\"version\":1,\"id\":\"" ID "\",\"name\":\"../x\"}", "name", EINVAL },
		{ "{\"version\":1,\"id\":\"" ID "\",\"name\":\"a\",\"env\":[1]}", "env[0]",
		  EINVAL },
		{ "{\"version\":1,\"id\":\"" ID "\",\"name\":\"a\",\"mounts\":[{\"type\":9,"
		  "\"target\":\"/a\"}]}",
		  "mounts[0].type", EINVAL },
		{ "{\"version\":1,\"id\":\"" ID
		  "\",\"name\":\"a\",\"mounts\":[{\"target\":\"a\"}]}",
		  "mounts[0].target", EINVAL },
		{ "{\"version\":1,\"id\":\"" ID "\",\"name\":\"a\",\"nets\":[{}]}", "nets[0]",
		  EINVAL },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct eng_record r = ENG_RECORD_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(eng_record_parse(rows[i].text, strlen(rows[i].text), &r, &err),
				 -rows[i].code);
		ck_assert_msg(strstr(err.msg, rows[i].says) != NULL, "%s: %s", rows[i].text,
			      err.msg);
	}
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = { "a", "Web-1.x_y", "9" };
	static const char *const bad[] = { "", "-a", ".a", "a b", "a/b", ID, "\xc3\xa9" };

	for (size_t i = 0; i < CS_LEN(good); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(eng_name_check(good[i], &err), 0);
	}
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(eng_name_check(bad[i], &err), -EINVAL);
	}
}
END_TEST

UNIT_MAIN("engine/record", round_trip, stop_timeout, refused, names)
