#include "engine/stamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/err.h"

static const int64_t NS = 1000000000;
enum { DAY_S = 86400 };

/* A text being read. */
struct scan {
	const char *s;
	size_t len, at;
};

int64_t eng_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

int64_t eng_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_digits(char *out, int64_t v, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		out[i] = (char)('0' + v % 10);
		v /= 10;
	}
}

void eng_stamp_put(int64_t ns, char out[ENG_STAMP_LEN + 1])
{
	int64_t sec = ns / NS, frac = ns % NS, day, rest, year;
	int month, mday;

	if (frac < 0) {
		frac += NS;
		sec--;
	}
	day = sec / DAY_S;
	rest = sec % DAY_S;
	if (rest < 0) {
		rest += DAY_S;
		day--;
	}
	cs_date_of_day(day, &year, &month, &mday);
	memcpy(out, "0000-00-00T00:00:00.000000000Z", ENG_STAMP_LEN + 1);
	put_digits(out, year, 4);
	put_digits(out + 5, month, 2);
	put_digits(out + 8, mday, 2);
	put_digits(out + 11, rest / 3600, 2);
	put_digits(out + 14, rest / 60 % 60, 2);
	put_digits(out + 17, rest % 60, 2);
	put_digits(out + 20, frac, 9);
}

static bool next_is(struct scan *c, char ch)
{
	if (c->at >= c->len || c->s[c->at] != ch)
		return false;
	c->at++;
	return true;
}

/* Exactly @n digits; -1: they are not there. */
static int digits(struct scan *c, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++, c->at++) {
		if (c->at >= c->len || c->s[c->at] < '0' || c->s[c->at] > '9')
			return -1;
		v = v * 10 + (c->s[c->at] - '0');
	}
	return v;
}

/* What follows a point: one digit at least, those past nanoseconds are dropped. */
static int fraction(struct scan *c, int64_t *ns)
{
	int64_t v = 0, digit = NS / 10;
	size_t from = c->at;

	for (; c->at < c->len && c->s[c->at] >= '0' && c->s[c->at] <= '9'; c->at++) {
		v += digit * (c->s[c->at] - '0');
		digit /= 10;
	}
	*ns = v;
	return c->at == from ? -EINVAL : 0;
}

/* "Z" or "+hh:mm", in seconds east. */
static int zone(struct scan *c, int64_t *east)
{
	bool minus;
	int h, m;

	*east = 0;
	if (next_is(c, 'Z') || next_is(c, 'z'))
		return 0;
	minus = next_is(c, '-');
	if (!minus && !next_is(c, '+'))
		return -EINVAL;
	h = digits(c, 2);
	if (h < 0 || h > 23 || !next_is(c, ':'))
		return -EINVAL;
	m = digits(c, 2);
	if (m < 0 || m > 59)
		return -EINVAL;
	*east = (int64_t)(minus ? -1 : 1) * (h * 3600 + m * 60);
	return 0;
}

/* "03:04:05.6", with @loose also "03:04". */
static int time_of_day(struct scan *c, bool loose, int64_t *sec, int64_t *ns)
{
	int h = digits(c, 2), m, s = 0;

	*ns = 0;
	if (h < 0 || h > 23 || !next_is(c, ':'))
		return -EINVAL;
	m = digits(c, 2);
	if (m < 0 || m > 59)
		return -EINVAL;
	if (next_is(c, ':')) {
		s = digits(c, 2);
		if (s < 0 || s > 60)
			return -EINVAL;
		if (next_is(c, '.') && fraction(c, ns) < 0)
			return -EINVAL;
	} else if (!loose) {
		return -EINVAL;
	}
	*sec = h * 3600 + m * 60 + s;
	return 0;
}

static int to_ns(int64_t sec, int64_t frac, int64_t *ns)
{
	if (__builtin_mul_overflow(sec, NS, &sec) || __builtin_add_overflow(sec, frac, &sec))
		return -EINVAL;
	*ns = sec;
	return 0;
}

static int parse_date(struct scan *c, bool loose, int64_t *ns)
{
	int y = digits(c, 4), m, d;
	int64_t sec = 0, frac = 0, east = 0;

	if (y < 0 || !next_is(c, '-'))
		return -EINVAL;
	m = digits(c, 2);
	if (m < 1 || m > 12 || !next_is(c, '-'))
		return -EINVAL;
	d = digits(c, 2);
	if (d < 1 || d > cs_date_month_days(y, m))
		return -EINVAL;
	if (!loose || c->at < c->len) {
		if (!next_is(c, 'T') && !next_is(c, 't') && !next_is(c, ' '))
			return -EINVAL;
		if (time_of_day(c, loose, &sec, &frac) < 0)
			return -EINVAL;
		if (!(loose && c->at == c->len) && zone(c, &east) < 0)
			return -EINVAL;
	}
	if (c->at != c->len)
		return -EINVAL;
	return to_ns(cs_date_to_day(y, m, d) * DAY_S + sec - east, frac, ns);
}

int eng_stamp_parse(const char *s, size_t len, int64_t *ns)
{
	struct scan c = { .s = s, .len = len };

	return parse_date(&c, false, ns);
}

/* A whole number and what may follow a point. */
static int number(struct scan *c, int64_t *whole, int64_t *frac)
{
	size_t from = c->at;
	int64_t v = 0;

	for (; c->at < c->len && c->s[c->at] >= '0' && c->s[c->at] <= '9'; c->at++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, c->s[c->at] - '0', &v))
			return -EINVAL;
	*whole = v;
	*frac = 0;
	if (c->at == from)
		return -EINVAL;
	return next_is(c, '.') ? fraction(c, frac) : 0;
}

/* How many nanoseconds the unit at the scan is. */
static int64_t unit(struct scan *c)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60 * 1000000000LL },
		{ "h", 3600 * 1000000000LL },
		{ "d", 86400 * 1000000000LL },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (c->len - c->at >= n && strncmp(c->s + c->at, units[i].name, n) == 0) {
			c->at += n;
			return units[i].ns;
		}
	}
	return 0;
}

/* "1h30m"; a part of a unit ("1.5h") counts down to nanoseconds. */
static int span(struct scan *c, int64_t *ns)
{
	int64_t sum = 0;

	if (c->at == c->len)
		return -EINVAL;
	while (c->at < c->len) {
		int64_t whole, frac, u, part;

		if (number(c, &whole, &frac) < 0)
			return -EINVAL;
		u = unit(c);
		/* a fraction is below 1e9, and so is a unit in its seconds */
		part = u >= NS ? frac * (u / NS) : frac * u / NS;
		if (u == 0 || __builtin_mul_overflow(whole, u, &whole) ||
		    __builtin_add_overflow(sum, whole, &sum) ||
		    __builtin_add_overflow(sum, part, &sum))
			return -EINVAL;
	}
	*ns = sum;
	return 0;
}

int eng_when_parse(const char *s, int64_t now, int64_t *ns, struct cs_err *err)
{
	struct scan c = { .s = s, .len = strlen(s) };
	int64_t whole = 0, frac = 0;

	if (number(&c, &whole, &frac) == 0 && c.at == c.len && to_ns(whole, frac, ns) == 0)
		return 0;
	c.at = 0;
	if (parse_date(&c, true, ns) == 0)
		return 0;
	c.at = 0;
	if (span(&c, &whole) == 0 && !__builtin_sub_overflow(now, whole, ns))
		return 0;
	return cs_err_set(
		err, EINVAL,
		"\"%s\" is no time: give 2026-01-02T03:04:05Z, Unix time, or how long ago "
		"(10m)",
		s);
}
