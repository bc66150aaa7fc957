#include "engine/events.h"

#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/engine.h"
#include "engine/eventread.h"
#include "engine/record.h"
#include "engine/stamp.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

static struct unit_tmp tmp;
static char root[128], state[128];
static struct eng e;

static void setup(void)
{
	struct cs_err err = CS_ERR_INIT;

	tmp = unit_tmp_init();
	snprintf(root, sizeof(root), "%s/r", tmp.path);
	snprintf(state, sizeof(state), "%s/s", tmp.path);
	ck_assert_int_eq(eng_open(&e, root, state, &err), 0);
}

static void teardown(void)
{
	eng_close(&e);
	unit_tmp_fini(&tmp);
}

static struct eng_record record(const char *name)
{
	static const char *const labels[] = { "app=web", "name=trick", "x=" };
	struct eng_record r = ENG_RECORD_INIT;

	r.id = "abcdef0123";
	r.name = name;
	r.image = "img:1";
	r.labels = (struct eng_strv){ .v = labels, .n = CS_LEN(labels) };
	return r;
}

struct got {
	size_t n;
	char last[4096];
};

static int take(void *arg, const struct cs_json *event, const char *text, struct cs_err *err)
{
	struct got *g = arg;

	(void)event;
	(void)err;
	g->n++;
	snprintf(g->last, sizeof(g->last), "%s", text);
	return 0;
}

/* How many there are. */
static size_t count(struct got *g, const char *const *filters, size_t n)
{
	struct eng_events_opts o = {
		.since_ns = INT64_MIN, .until_ns = eng_now(), .filters = filters, .n_filters = n
	};
	struct cs_err err = CS_ERR_INIT;
	int ret;

	g->n = 0;
	ret = eng_events(&e, &o, take, g, &err);
	ck_assert_msg(ret == 0, "%s", err.msg);
	return g->n;
}

START_TEST(test_form)
{
	struct eng_record r = record("box");
	struct got g = { 0 };

	setup();
	eng_event(&e, "die", &r, "exitCode", "3");
	ck_assert_uint_eq(count(&g, NULL, 0), 1);
	ck_assert_ptr_nonnull(strstr(g.last, "{\"status\":\"die\",\"id\":\"abcdef0123\",\"from\":"
					     "\"img:1\",\"Type\":\"container\",\"Action\":\"die\","
					     "\"Actor\":{\"ID\":\"abcdef0123\",\"Attributes\":{"));
	ck_assert_ptr_nonnull(strstr(g.last, "\"app\":\"web\""));
	ck_assert_ptr_nonnull(strstr(g.last, "\"exitCode\":\"3\""));
	ck_assert_ptr_nonnull(strstr(g.last, "\"name\":\"box\"")); /* not the label's */
	ck_assert_ptr_null(strstr(g.last, "trick"));
	eng_event_other(&e, "volume", "create", "data");
	ck_assert_uint_eq(count(&g, NULL, 0), 2);
	ck_assert_ptr_nonnull(strstr(g.last, "{\"Type\":\"volume\",\"Action\":\"create\","
					     "\"Actor\":{\"ID\":\"data\""));
	teardown();
}
END_TEST

START_TEST(test_filters)
{
	static const struct {
		const char *f[3];
		size_t n, want;
	} v[] = {
		{ { "type=container" }, 1, 3 },
		{ { "type=volume" }, 1, 1 },
		{ { "type=container", "type=volume" }, 2, 4 },
		{ { "container=box" }, 1, 2 },
		{ { "container=abc" }, 1, 3 },
		{ { "container=box", "event=die" }, 2, 1 },
		{ { "event=die", "event=start", "type=container" }, 3, 3 },
		{ { "image=img:1" }, 1, 3 },
		{ { "label=app" }, 1, 3 },
		{ { "label=app=web", "label=x" }, 2, 3 },
		{ { "label=app=no" }, 1, 0 },
		{ { "volume=data" }, 1, 1 },
		{ { "network=data" }, 1, 0 },
	};
	static const char *const bad[] = { "", "x=y", "event", "contain=er", "=x" };
	struct eng_record box = record("box"), other = record("other");
	struct cs_err err = CS_ERR_INIT;
	struct got g = { 0 };

	setup();
	eng_event(&e, "start", &box, NULL, NULL);
	eng_event(&e, "die", &box, "exitCode", "0");
	eng_event(&e, "start", &other, NULL, NULL);
	eng_event_other(&e, "volume", "create", "data");
	for (size_t i = 0; i < CS_LEN(v); i++)
		ck_assert_msg(count(&g, v[i].f, v[i].n) == v[i].want, "row %zu: %zu", i, g.n);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		cs_err_clear(&err);
		ck_assert_int_eq(eng_events_check(&bad[i], 1, &err), -EINVAL);
	}
	teardown();
}
END_TEST

/* A full file is put away, whoever writes at that moment; a torn line is no event. */
START_TEST(test_rotate)
{
	enum { WRITERS = 4, EACH = 200 };
	static char filler[16 << 20];
	struct eng_record r = record("box");
	struct got g = { 0 };
	int fd;

	setup();
	memset(filler, ' ', sizeof(filler));
	for (size_t i = 0; i < sizeof(filler); i += 65536)
		filler[i] = '\n';
	fd = openat(e.containers, ".events", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, filler, sizeof(filler) - 40000), sizeof(filler) - 40000);
	ck_assert_int_eq(write(fd, "\n{\"torn\n", 8), 8);
	close(fd);
	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			for (int k = 0; k < EACH; k++)
				eng_event(&e, "start", &r, NULL, NULL);
			_exit(0);
		}
	for (int i = 0; i < WRITERS; i++)
		wait(NULL);
	ck_assert_int_eq(faccessat(e.containers, ".events.1", F_OK, 0), 0);
	ck_assert_uint_eq(count(&g, NULL, 0), WRITERS * EACH);
	teardown();
}
END_TEST

UNIT_MAIN("engine/events", test_form, test_filters, test_rotate)
