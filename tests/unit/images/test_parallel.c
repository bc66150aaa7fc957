#include "images/parallel.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tests/unit/unit.h"

enum { MANY = 100 };

struct job {
	atomic_uint done[MANY];
	atomic_uint stops;
	size_t bad; /* this one fails */
};

static int one(void *ctx, size_t i, struct cs_err *err)
{
	struct job *j = ctx;

	atomic_fetch_add(&j->done[i], 1);
	return i == j->bad ? cs_err_set(err, EBADMSG, "piece %zu", i) : 1;
}

static void stop(void *ctx)
{
	struct job *j = ctx;

	atomic_fetch_add(&j->stops, 1);
}

START_TEST(test_all)
{
	static const size_t threads[] = { 0, 1, 3, IMG_PARALLEL_MAX, 1000 };

	for (size_t t = 0; t < CS_LEN(threads); t++) {
		struct job j = { .bad = MANY };
		const struct img_parallel w = { .one = one, .stop = stop, .ctx = &j };
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_eq(img_parallel(&w, MANY, threads[t], &err), 0);
		for (size_t i = 0; i < MANY; i++)
			ck_assert_uint_eq(j.done[i], 1);
		ck_assert_uint_eq(j.stops, 0);
	}
}
END_TEST

START_TEST(test_failure)
{
	struct job j = { .bad = 5 };
	struct img_parallel w = { .one = one, .stop = stop, .ctx = &j };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(img_parallel(&w, MANY, 1, &err), -EBADMSG);
	ck_assert_str_eq(err.msg, "piece 5");
	ck_assert_uint_eq(j.stops, 1);
	ck_assert_uint_eq(j.done[5], 1);
	ck_assert_uint_eq(j.done[6], 0);
	cs_err_clear(&err);
	w.stop = NULL;
	ck_assert_int_eq(img_parallel(&w, MANY, 4, &err), -EBADMSG);
	cs_err_clear(&err);
	ck_assert_int_eq(img_parallel(&w, 0, 4, &err), 0);
}
END_TEST

UNIT_MAIN("images/parallel", test_all, test_failure)
