#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroups/resources.h"
#include "engine/config.h"
#include "engine/config_int.h"

enum { PIDS_DEFAULT = 2048, PERIOD_DEFAULT = 100000, NANO = 1000000000 };

/* PATH:VALUE, PATH a block device. */
struct device_value {
	unsigned int major, minor;
	uint64_t value;
};

/* Bytes with k, m, g or t behind, also kb, mb ... */
static bool number(const char *s, bool units, uint64_t *out)
{
	static const char letters[] = "kmgt";
	size_t digits = strspn(s, "0123456789");
	char text[24];
	uint64_t v;

	if (digits == 0 || digits >= sizeof(text))
		return false;
	memcpy(text, s, digits);
	text[digits] = '\0';
	if (cs_str_u64(text, &v) < 0)
		return false;
	s += digits;
	if (units && *s) {
		const char *l = strchr(letters, *s | 0x20);

		if (l && *l) {
			for (const char *p = letters; p <= l; p++) {
				if (__builtin_mul_overflow(v, 1024, &v))
					return false;
			}
			s++;
		}
		if (*s == 'b' || *s == 'B')
			s++;
	}
	*out = v;
	return *s == '\0';
}

/* @look: which device it is; else what can be said of the text alone. */
static int device_value(bool look, const char *option, const char *text, bool units,
			struct device_value *out, struct cs_err *err)
{
	const char *colon = strrchr(text, ':');
	cs_auto_free char *path = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	struct stat sb;

	if (!colon || text[0] != '/' || !number(colon + 1, units, &out->value))
		return cs_err_set(err, EINVAL, "%s %.100s: write DEVICE:%s, DEVICE a path", option,
				  text, units ? "BYTES (1mb)" : "NUMBER");
	if (!path)
		return cs_err_set(err, ENOMEM, "out of memory");
	out->major = 0;
	out->minor = 0;
	if (!look)
		return 0;
	if (stat(path, &sb) < 0)
		return cs_err_sys(err, "%s %.100s", option, text);
	if (!S_ISBLK(sb.st_mode))
		return cs_err_set(err, EINVAL, "%s %.100s: that is no block device", option, text);
	out->major = major(sb.st_rdev);
	out->minor = minor(sb.st_rdev);
	return 0;
}

struct list {
	const char *name, *option, *member;
	const struct eng_strv *v;
	bool units;
};

static int put_list(struct cfg *c, const struct list *l, struct cs_err *err)
{
	if (l->v->n == 0)
		return 0;
	cs_jw_arr(&c->w, l->name);
	for (size_t i = 0; i < l->v->n; i++) {
		struct device_value d = { 0 };
		int ret = device_value(c->p, l->option, l->v->v[i], l->units, &d, err);

		if (ret < 0)
			return ret;
		cs_jw_obj(&c->w, NULL);
		cs_jw_u64(&c->w, "major", d.major);
		cs_jw_u64(&c->w, "minor", d.minor);
		cs_jw_u64(&c->w, l->member, d.value);
		cs_jw_obj_end(&c->w);
	}
	cs_jw_arr_end(&c->w);
	return 0;
}

static int put_blkio(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	const struct list lists[] = {
		{ "weightDevice", "--blkio-weight-device", "weight", &r->blkio_weight_device,
		  false },
		{ "throttleReadBpsDevice", "--device-read-bps", "rate", &r->read_bps, true },
		{ "throttleWriteBpsDevice", "--device-write-bps", "rate", &r->write_bps, true },
		{ "throttleReadIOPSDevice", "--device-read-iops", "rate", &r->read_iops, false },
		{ "throttleWriteIOPSDevice", "--device-write-iops", "rate", &r->write_iops, false },
	};
	bool any = r->blkio_weight != 0;
	int ret = 0;

	for (size_t i = 0; i < CS_LEN(lists); i++)
		any = any || lists[i].v->n > 0;
	if (!any)
		return 0;
	if (r->blkio_weight && (r->blkio_weight < 10 || r->blkio_weight > 1000))
		return cs_err_set(err, EINVAL, "--blkio-weight: a number from 10 to 1000");
	cs_jw_obj(&c->w, "blockIO");
	if (r->blkio_weight)
		cs_jw_i64(&c->w, "weight", r->blkio_weight);
	for (size_t i = 0; ret == 0 && i < CS_LEN(lists); i++)
		ret = put_list(c, &lists[i], err);
	cs_jw_obj_end(&c->w);
	return ret;
}

/* A limit nobody asked for must not be what a start fails by. */
static bool has_swap_limit(void)
{
	return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ||
	       access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0;
}

static int put_memory(struct cfg *c, struct cs_err *err)
{
	enum { LEAST = 6 << 20 };
	const struct eng_record *r = c->r;
	int64_t swap = r->memory_swap;

	if (r->memory && r->memory < LEAST)
		return cs_err_set(err, EINVAL, "--memory: at least 6 MiB");
	if (swap > 0 && !r->memory)
		return cs_err_set(err, EINVAL,
				  "--memory-swap is memory and swap together: give --memory, too");
	if (swap > 0 && swap < r->memory)
		return cs_err_set(err, EINVAL,
				  "--memory-swap is memory and swap together: it must not be less "
				  "than --memory");
	if (r->memory_reservation && r->memory && r->memory_reservation > r->memory)
		return cs_err_set(err, EINVAL, "--memory-reservation must be less than --memory");
	if (r->memory_swappiness > 100)
		return cs_err_set(err, EINVAL, "--memory-swappiness: a number from 0 to 100");
	if (swap == 0 && r->memory && has_swap_limit() &&
	    __builtin_mul_overflow(r->memory, 2, &swap))
		swap = -1;
	if (!r->memory && !r->memory_reservation && !swap && r->memory_swappiness < 0 &&
	    !r->oom_kill_disable)
		return 0;
	cs_jw_obj(&c->w, "memory");
	if (r->memory)
		cs_jw_i64(&c->w, "limit", r->memory);
	if (r->memory_reservation)
		cs_jw_i64(&c->w, "reservation", r->memory_reservation);
	if (swap)
		cs_jw_i64(&c->w, "swap", swap);
	if (r->memory_swappiness >= 0)
		cs_jw_i64(&c->w, "swappiness", r->memory_swappiness);
	if (r->oom_kill_disable)
		cs_jw_bool(&c->w, "disableOOMKiller", true);
	cs_jw_obj_end(&c->w);
	return 0;
}

static int put_cpu(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	int64_t quota = r->cpu_quota, period = r->cpu_period;

	if (r->nano_cpus && (quota || period))
		return cs_err_set(err, EINVAL,
				  "--cpus and --cpu-quota or --cpu-period say the same: give one");
	if (r->nano_cpus < 0 || r->nano_cpus > 8192LL * NANO)
		return cs_err_set(err, EINVAL, "--cpus: a number of CPUs, 0.01 or more");
	if (r->nano_cpus) {
		period = PERIOD_DEFAULT;
		quota = r->nano_cpus / (NANO / PERIOD_DEFAULT);
		if (quota < 1000)
			return cs_err_set(err, EINVAL, "--cpus: a number of CPUs, 0.01 or more");
	}
	if (!quota && !period && !r->cpu_shares && !r->cpuset_cpus && !r->cpuset_mems)
		return 0;
	cs_jw_obj(&c->w, "cpu");
	if (r->cpu_shares)
		cs_jw_i64(&c->w, "shares", r->cpu_shares);
	if (quota)
		cs_jw_i64(&c->w, "quota", quota);
	if (period)
		cs_jw_i64(&c->w, "period", period);
	if (r->cpuset_cpus && *r->cpuset_cpus)
		cs_jw_str(&c->w, "cpus", r->cpuset_cpus);
	if (r->cpuset_mems && *r->cpuset_mems)
		cs_jw_str(&c->w, "mems", r->cpuset_mems);
	cs_jw_obj_end(&c->w);
	return 0;
}

int eng_cfg_put_limits(struct cfg *c, struct cs_err *err)
{
	int ret = put_memory(c, err);

	if (ret == 0)
		ret = put_cpu(c, err);
	if (ret == 0)
		ret = put_blkio(c, err);
	cs_jw_obj(&c->w, "pids");
	cs_jw_i64(&c->w, "limit", c->r->pids_limit ? c->r->pids_limit : PIDS_DEFAULT);
	cs_jw_obj_end(&c->w);
	return ret;
}

int eng_config_rates(const char *option, const struct eng_strv *v, bool units, struct cs_arena *a,
		     const struct cg_blkio_rate **out, struct cs_err *err)
{
	struct cg_blkio_rate *rates = cs_arena_alloc(a, (v->n + 1) * sizeof(*rates));

	if (!rates)
		return eng_cfg_oom(err);
	for (size_t i = 0; i < v->n; i++) {
		struct device_value d = { 0 };

		if (device_value(true, option, v->v[i], units, &d, err) < 0)
			return -err->code;
		rates[i] = (struct cg_blkio_rate){ .major = d.major,
						   .minor = d.minor,
						   .rate = d.value };
	}
	*out = rates;
	return 0;
}

int eng_config_weights(const struct eng_strv *v, struct cs_arena *a,
		       const struct cg_blkio_weight **out, struct cs_err *err)
{
	static const char option[] = "--blkio-weight-device";
	struct cg_blkio_weight *weights = cs_arena_alloc(a, (v->n + 1) * sizeof(*weights));

	if (!weights)
		return eng_cfg_oom(err);
	for (size_t i = 0; i < v->n; i++) {
		struct device_value d = { 0 };

		if (device_value(true, option, v->v[i], false, &d, err) < 0)
			return -err->code;
		if (d.value < 10 || d.value > 1000)
			return cs_err_set(err, EINVAL, "%s %.100s: a number from 10 to 1000",
					  option, v->v[i]);
		weights[i] = (struct cg_blkio_weight){ .major = d.major,
						       .minor = d.minor,
						       .has_weight = true,
						       .weight = (uint16_t)d.value };
	}
	*out = weights;
	return 0;
}
