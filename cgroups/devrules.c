#include "cgroups/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* Default devices and terminals work in every container, and making a node gives no access to what
 * is behind it (config-linux.md, Default Devices). */
static const struct cg_devrule defaults[] = {
	{ true, false, CG_DEV_MKNOD, -1, -1 }, { true, true, CG_DEV_MKNOD, -1, -1 },
	{ true, false, CG_DEV_ALL, 1, 3 },    /* null */
	{ true, false, CG_DEV_ALL, 1, 5 },    /* zero */
	{ true, false, CG_DEV_ALL, 1, 7 },    /* full */
	{ true, false, CG_DEV_ALL, 1, 8 },    /* random */
	{ true, false, CG_DEV_ALL, 1, 9 },    /* urandom */
	{ true, false, CG_DEV_ALL, 5, 0 },    /* tty */
	{ true, false, CG_DEV_ALL, 5, 2 },    /* ptmx */
	{ true, false, CG_DEV_ALL, 136, -1 }, /* pts, what /dev/console is as well */
};

void cg_devset_fini(struct cg_devset *set)
{
	free(set->v);
	set->v = NULL;
	set->n = 0;
}

/* Room for @n rules. */
static int reserve(struct cg_devset *set, size_t n, struct cs_err *err)
{
	set->v = calloc(n ? n : 1, sizeof(*set->v));
	return set->v ? 0 : cs_err_set(err, ENOMEM, "linux.resources.devices: out of memory");
}

static uint8_t access_bits(const struct cg_device_rule *r)
{
	return (uint8_t)((r->mknod ? CG_DEV_MKNOD : 0) | (r->read ? CG_DEV_READ : 0) |
			 (r->write ? CG_DEV_WRITE : 0));
}

static bool is_for_all(const struct cg_device_rule *r)
{
	return r->type == 'a' && r->major == -1 && r->minor == -1 && access_bits(r) == CG_DEV_ALL;
}

static bool same_devices(const struct cg_devrule *a, const struct cg_devrule *b)
{
	return a->block == b->block && a->major == b->major && a->minor == b->minor;
}

/* Adds a rule unless it says what holds anyhow: the default with no rule before that differs, or
 * what is there already with none after it that differs. */
static void push(struct cg_devset *set, const struct cg_devrule *r)
{
	if (!r->access || (!set->n && r->allow == set->allow))
		return;
	for (size_t i = set->n; i-- > 0 && set->v[i].allow == r->allow;)
		if (same_devices(&set->v[i], r) && !(r->access & ~set->v[i].access))
			return;
	set->v[set->n++] = *r;
}

int cg_devset_build(const struct cg_device_rule *rules, size_t n, struct cg_devset *out,
		    struct cs_err *err)
{
	struct cg_devset set = { 0 };
	size_t first = 0;
	int ret = reserve(&set, 2 * n + CS_LEN(defaults), err);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < n; i++) {
		if (!is_for_all(&rules[i]))
			continue;
		set.allow = rules[i].allow;
		first = i + 1;
	}
	for (size_t i = first; i < n; i++) {
		struct cg_devrule r = { .allow = rules[i].allow,
					.access = access_bits(&rules[i]),
					.major = rules[i].major,
					.minor = rules[i].minor };

		if (rules[i].type != 'b')
			push(&set, &r);
		r.block = true;
		if (rules[i].type != 'c')
			push(&set, &r);
	}
	for (size_t i = 0; i < CS_LEN(defaults); i++)
		push(&set, &defaults[i]);
	*out = set;
	return 0;
}

/* Is every device of @b one of @a? */
static bool covers(const struct cg_devrule *a, const struct cg_devrule *b)
{
	return a->block == b->block && (a->major == -1 || a->major == b->major) &&
	       (a->minor == -1 || a->minor == b->minor);
}

static bool overlaps(const struct cg_devrule *a, const struct cg_devrule *b)
{
	return a->block == b->block && (a->major == -1 || b->major == -1 || a->major == b->major) &&
	       (a->minor == -1 || b->minor == -1 || a->minor == b->minor);
}

static void add_exception(struct cg_devset *set, const struct cg_devrule *r)
{
	for (size_t i = 0; i < set->n; i++) {
		struct cg_devrule *e = &set->v[i];

		if (same_devices(e, r)) {
			e->access |= r->access;
			return;
		}
	}
	set->v[set->n++] = *r;
}

static int drop_exception(struct cg_devset *set, const struct cg_devrule *r, struct cs_err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct cg_devrule *e = &set->v[i];

		if (!overlaps(e, r) || !(e->access & r->access))
			continue;
		if (!covers(r, e))
			return cs_err_set(
				err, ENOTSUP,
				"linux.resources.devices: a rule to %s %c %lld:%lld takes a "
				"part out of one to %s %c %lld:%lld (-1: any), which cgroup "
				"v1 cannot",
				r->allow ? "allow" : "deny", r->block ? 'b' : 'c',
				(long long)r->major, (long long)r->minor,
				e->allow ? "allow" : "deny", e->block ? 'b' : 'c',
				(long long)e->major, (long long)e->minor);
		e->access &= (uint8_t)~r->access;
	}
	return 0;
}

int cg_devset_flatten(const struct cg_devset *set, struct cg_devset *out, struct cs_err *err)
{
	struct cg_devset flat = { .allow = set->allow };
	size_t kept = 0;
	int ret = reserve(&flat, set->n, err);

	for (size_t i = 0; i < set->n && !ret; i++) {
		if (set->v[i].allow != set->allow)
			add_exception(&flat, &set->v[i]);
		else
			ret = drop_exception(&flat, &set->v[i], err);
	}
	if (ret < 0) {
		cg_devset_fini(&flat);
		return ret;
	}
	for (size_t i = 0; i < flat.n; i++)
		if (flat.v[i].access)
			flat.v[kept++] = flat.v[i];
	flat.n = kept;
	*out = flat;
	return 0;
}

/* "*" or a number. */
static int parse_number(const char *s, int64_t *out)
{
	if (s && strcmp(s, "*") == 0) {
		*out = -1;
		return 0;
	}
	return s ? cs_str_i64(s, out) : -EINVAL;
}

/* "c 1:3 rwm", cut up in place. */
static int parse_line(char *line, struct cg_devrule *out)
{
	const char *type = strsep(&line, " ");
	const char *major = strsep(&line, ":");
	const char *minor = strsep(&line, " ");

	*out = (struct cg_devrule){ .allow = true, .block = type && *type == 'b' };
	if (!line || parse_number(major, &out->major) < 0 || parse_number(minor, &out->minor) < 0)
		return -EINVAL;
	for (; *line; line++)
		out->access |= (uint8_t)(*line == 'm'	? CG_DEV_MKNOD
					 : *line == 'r' ? CG_DEV_READ
							: CG_DEV_WRITE);
	return 0;
}

int cg_devset_parse_list(const char *text, struct cg_devset *out, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(text);
	struct cg_devset set = { 0 };
	char *rest = copy, *line;
	size_t lines = 1;
	int ret;

	if (!copy)
		return cs_err_set(err, ENOMEM, "devices.list: out of memory");
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	ret = reserve(&set, lines, err);
	while (!ret && (line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (*line == 'a')
			set.allow = true;
		else if (parse_line(line, &set.v[set.n++]) < 0)
			ret = cs_err_set(err, EPROTO, "devices.list: cannot read a line of it");
	}
	if (ret < 0) {
		cg_devset_fini(&set);
		return ret;
	}
	if (set.allow)
		set.n = 0;
	*out = set;
	return 0;
}
