#include "cli/value.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

int cli_value_bool(const char *s, bool *out)
{
	static const char *const yes[] = { "1", "t", "T", "true", "True", "TRUE" };
	static const char *const no[] = { "0", "f", "F", "false", "False", "FALSE" };

	if (cs_str_in(s, yes, CS_LEN(yes)))
		*out = true;
	else if (cs_str_in(s, no, CS_LEN(no)))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

/* A decimal number as a whole part and a fraction of @den: no floating point, which would make
 * 2^63-1 inexact. */
struct decimal {
	uint64_t whole;
	uint64_t num;
	uint64_t den;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int read_decimal(const char **ps, struct decimal *d)
{
	const char *s = *ps;

	*d = (struct decimal){ .den = 1 };
	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++) {
		if (__builtin_mul_overflow(d->whole, 10u, &d->whole) ||
		    __builtin_add_overflow(d->whole, (uint64_t)(*s - '0'), &d->whole))
			return -ERANGE;
	}
	if (*s == '.') {
		s++;
		if (!is_digit(*s))
			return -EINVAL;
		for (; is_digit(*s); s++) {
			if (d->den > UINT64_C(100000000))
				continue; /* finer than anything a unit can show */
			d->num = d->num * 10 + (uint64_t)(*s - '0');
			d->den *= 10;
		}
	}
	*ps = s;
	return 0;
}

/* *@acc += d * unit. @unit is a power of two up to 2^50 or at most 3.6e12: num < 1e9 times unit
 * stays far below 2^128. */
static int add_scaled(const struct decimal *d, uint64_t unit, uint64_t *acc)
{
	unsigned __int128 v = (unsigned __int128)d->whole * unit +
			      (unsigned __int128)d->num * unit / d->den + *acc;

	if (v > INT64_MAX)
		return -ERANGE;
	*acc = (uint64_t)v;
	return 0;
}

int cli_value_size(const char *s, int64_t *out)
{
	static const char units[] = "kmgtp";
	uint64_t unit = 1, bytes = 0;
	struct decimal d;
	const char *u;
	int ret;

	if (strcmp(s, "-1") == 0) {
		*out = -1;
		return 0;
	}
	ret = read_decimal(&s, &d);
	if (ret < 0)
		return ret;
	if (*s == ' ')
		s++;
	u = *s ? strchr(units, *s | 0x20) : NULL;
	if (u) {
		unit <<= 10 * (u - units + 1);
		s++;
		if (*s == 'i' || *s == 'I')
			s++;
	}
	if (*s == 'b' || *s == 'B')
		s++;
	if (*s)
		return -EINVAL;
	ret = add_scaled(&d, unit, &bytes);
	if (ret == 0)
		*out = (int64_t)bytes;
	return ret;
}

struct time_unit {
	const char *name;
	uint64_t ns;
};

/* "ms" stands before "m". */
static const struct time_unit time_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
};

int cli_value_time_ms(const char *s, int64_t *out)
{
	uint64_t ns = 0;

	if (!*s)
		return -EINVAL;
	if (strcmp(s, "0") == 0) {
		*out = 0;
		return 0;
	}
	while (*s) {
		const struct time_unit *u = NULL;
		struct decimal d;
		int ret = read_decimal(&s, &d);

		if (ret < 0)
			return ret;
		for (size_t i = 0; i < CS_LEN(time_units) && !u; i++) {
			if (cs_str_starts(s, time_units[i].name))
				u = &time_units[i];
		}
		if (!u)
			return -EINVAL;
		s += strlen(u->name);
		ret = add_scaled(&d, u->ns, &ns);
		if (ret < 0)
			return ret;
	}
	*out = (int64_t)(ns / 1000000 + (ns % 1000000 != 0));
	return 0;
}
