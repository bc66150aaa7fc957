#include "images/index.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#define D(c) "sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DA D("aa")
#define DB D("bb")
#define DC D("cc")

static const struct img_record records[] = {
	{ .name = "localhost/web:1",
	  .digest = DA,
	  .media_type = IMG_MT_OCI_MANIFEST,
	  .manifest_size = 10,
	  .source = DC,
	  .id = DB,
	  .fix = DC,
	  .size = 123456789012,
	  .created = -5,
	  .platform = { .os = "linux", .arch = "arm", .variant = "v7", .os_version = "" } },
	{ .name = "",
	  .digest = DB,
	  .media_type = IMG_MT_DOCKER_MANIFEST,
	  .source = "",
	  .id = DA,
	  .fix = "",
	  .platform = { .os = "", .arch = "", .variant = "", .os_version = "" } },
};

START_TEST(test_round)
{
	img_auto_list struct img_list l = IMG_LIST_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;

	ck_assert_int_eq(img_index_text(records, CS_LEN(records), &text, &len, &err), 0);
	ck_assert_int_eq(img_index_parse(text, len, &l, &err), 0);
	ck_assert_uint_eq(l.n, CS_LEN(records));
	for (size_t i = 0; i < l.n; i++) {
		ck_assert_str_eq(l.v[i].name, records[i].name);
		ck_assert_str_eq(l.v[i].digest, records[i].digest);
		ck_assert_str_eq(l.v[i].media_type, records[i].media_type);
		ck_assert_uint_eq(l.v[i].manifest_size, records[i].manifest_size);
		ck_assert_str_eq(l.v[i].source, records[i].source);
		ck_assert_str_eq(l.v[i].id, records[i].id);
		ck_assert_str_eq(l.v[i].fix, records[i].fix);
		ck_assert_uint_eq(l.v[i].size, records[i].size);
		ck_assert_int_eq(l.v[i].created, records[i].created);
		ck_assert_str_eq(l.v[i].platform.arch, records[i].platform.arch);
		ck_assert_str_eq(l.v[i].platform.variant, records[i].platform.variant);
	}
}
END_TEST

/* What another program wrote into the layout. */
START_TEST(test_others)
{
	static const char text[] =
		"{\"manifests\":[{\"digest\":\"" DA "\",\"size\":3},{\"digest\":\"" DB
		"\",\"size\":3,\"annotations\":{\"org.opencontainers.image.ref.name\":\"t\","
		"\"caisson.id\":\"../x\",\"caisson.fix\":\"..\",\"caisson.source\":\"/\","
		"\"caisson.size\":\"-1\",\"caisson.created\":\"x\"}}]}";
	img_auto_list struct img_list l = IMG_LIST_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_index_parse(text, strlen(text), &l, &err), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.v[0].name, "");
	ck_assert_str_eq(l.v[0].id, DA);
	ck_assert_str_eq(l.v[1].name, "t");
	ck_assert_str_eq(l.v[1].id, DB);
	ck_assert_str_eq(l.v[1].fix, "");
	ck_assert_str_eq(l.v[1].source, "");
	ck_assert_uint_eq(l.v[1].size, 0);
	ck_assert_int_eq(l.v[1].created, 0);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		"{\"manifests\":{}}",
		"{\"manifests\":[1]}",
		"{\"manifests\":[{\"digest\":\"x\",\"size\":1}]}",
		"{\"manifests\":[{\"digest\":\"" DA "\",\"size\":1,\"annotations\":[]}]}",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct img_list l = IMG_LIST_INIT;
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_index_parse(rows[i], strlen(rows[i]), &l, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.msg, "index.json"));
		ck_assert_ptr_null(l.mem);
	}
}
END_TEST

/* One letter a record: its image; the name follows. */
static void names_are(const struct img_list *l, const char *want)
{
	char got[128] = "";

	for (size_t i = 0; i < l->n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%c%s ", l->v[i].digest[7],
			 l->v[i].name);
	ck_assert_str_eq(got, want);
}

static void enter(struct img_list *l, const char *digest, const char *name)
{
	img_list_enter(l, &(struct img_record){ .digest = digest, .name = name });
}

START_TEST(test_enter)
{
	struct img_record v[8];
	struct img_list l = { .v = v };

	enter(&l, DA, "");
	enter(&l, DA, "");
	names_are(&l, "a ");
	enter(&l, DA, "one");
	names_are(&l, "aone ");
	enter(&l, DA, "one");
	enter(&l, DA, "");
	names_are(&l, "aone ");
	enter(&l, DA, "two");
	names_are(&l, "aone atwo ");
	/* a name moves on: the image has another */
	enter(&l, DB, "one");
	names_are(&l, "atwo bone ");
	/* and here it has none: it stays, without */
	enter(&l, DC, "one");
	names_are(&l, "atwo b cone ");
	img_list_unname(&l, 0);
	names_are(&l, "a b cone ");
	img_list_drop(&l, 1);
	names_are(&l, "a cone ");
}
END_TEST

UNIT_MAIN("images/index", test_round, test_others, test_bad, test_enter)
