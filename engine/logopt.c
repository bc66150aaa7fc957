#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/log.h"

static int driver_of(const char *name, enum eng_log_driver *out, struct cs_err *err)
{
	static const char *const names[] = { "json-file", "k8s-file", "none" };

	for (size_t i = 0; i < CS_LEN(names); i++)
		if (!name || strcmp(name, names[i]) == 0) {
			*out = (enum eng_log_driver)i;
			return 0;
		}
	return cs_err_set(err, EINVAL, "log driver \"%s\": there are json-file, k8s-file and none",
			  name);
}

/* "10m", "1.5g", "500"; units of 1024. */
static int size_of(const char *s, uint64_t *out)
{
	static const char units[] = "bkmgt";
	char digits[24];
	size_t n = strspn(s, "0123456789");
	const char *unit = s[n] ? strchr(units, s[n] | 0x20) : units;
	uint64_t v;

	if (n == 0 || n >= sizeof(digits) || !unit ||
	    (s[n] && s[n + 1] && (s[n + 1] | 0x20) != 'b'))
		return -EINVAL;
	if (s[n] && s[n + 1] && s[n + 2])
		return -EINVAL;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (cs_str_u64(digits, &v) < 0)
		return -EINVAL;
	for (; unit > units; unit--)
		if (__builtin_mul_overflow(v, 1024U, &v))
			return -EINVAL;
	*out = v;
	return v == 0 ? -EINVAL : 0;
}

static int one(const char *opt, struct eng_log_opts *o, struct cs_err *err)
{
	uint64_t n;

	if (cs_str_starts(opt, "max-size=")) {
		if (strcmp(opt + 9, "-1") == 0)
			o->max_size = 0;
		else if (size_of(opt + 9, &o->max_size) < 0)
			return cs_err_set(err, EINVAL, "log option %s: not a size such as 10m",
					  opt);
		return 0;
	}
	if (cs_str_starts(opt, "max-file=")) {
		if (cs_str_u64(opt + 9, &n) < 0 || n < 1 || n > ENG_LOG_FILES_MAX)
			return cs_err_set(err, EINVAL, "log option %s: not a number from 1 to %d",
					  opt, ENG_LOG_FILES_MAX);
		o->max_file = (unsigned int)n;
		return 0;
	}
	return cs_err_set(err, EINVAL, "log option \"%s\": there are max-size=SIZE and max-file=N",
			  opt);
}

int eng_log_opts(const char *driver, const char *const *opts, size_t n, struct eng_log_opts *out,
		 struct cs_err *err)
{
	struct eng_log_opts o = { .max_file = 1 };
	int ret = driver_of(driver, &o.driver, err);

	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = one(opts[i], &o, err);
	if (ret == 0 && o.max_file > 1 && o.max_size == 0)
		ret = cs_err_set(err, EINVAL,
				 "log option max-file=%u does nothing without max-size",
				 o.max_file);
	if (ret == 0)
		*out = o;
	return ret;
}
