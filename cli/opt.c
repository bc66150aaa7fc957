#include "cli/opt.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/nearest.h"
#include "cli/value.h"

const struct cli_opt *cli_opt_find(const struct cli_opts *opts, const char *name, size_t len)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct cli_opt *o = &opts->v[i];

		if (len == 1 && o->letter && o->letter == *name)
			return o;
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

/* gcc's analyzer loses sight of a pointer that is stored at an offset it does not know. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif
static int strv_add(struct cli_strv *sv, const char *s, struct cs_err *err)
{
	const char **v = reallocarray(sv->v, sv->n + 2, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	v[sv->n++] = s;
	v[sv->n] = NULL;
	sv->v = v;
	return 0;
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

static int set_num(const struct cli_opt *o, struct cli_num *num, const char *s)
{
	int64_t v = 0;
	int ret;

	if (!*s) {
		*num = (struct cli_num){ 0 };
		return 0;
	}
	ret = o->type == CLI_OPT_SIZE ? cli_value_size(s, &v) : cs_str_i64(s, &v);
	if (ret == 0 && o->type == CLI_OPT_NUM && v < o->min)
		ret = -ERANGE;
	if (ret == 0)
		*num = (struct cli_num){ .set = true, .v = v };
	return ret;
}

static int set_uint(unsigned int *out, const char *s)
{
	uint64_t v;
	int ret = cs_str_u64(s, &v);

	if (ret == 0 && v > UINT_MAX)
		ret = -ERANGE;
	if (ret == 0)
		*out = (unsigned int)v;
	return ret;
}

static int set_time(struct cli_time *out, const char *s)
{
	int64_t ms;
	int ret = cli_value_time_ms(s, &ms);

	if (ret == 0)
		*out = (struct cli_time){ .set = true, .ms = ms };
	return ret;
}

static const char *expected(enum cli_opt_type type)
{
	switch (type) {
	case CLI_OPT_BOOL:
		return "\"true\" or \"false\"";
	case CLI_OPT_SIZE:
		return "a size such as 512m or 2g, or -1";
	case CLI_OPT_TIME:
		return "a time such as 5s or 1m30s";
	case CLI_OPT_UINT:
	case CLI_OPT_NUM:
	case CLI_OPT_STR:
	case CLI_OPT_STRV:
		break;
	}
	return "a whole number";
}

static int set_value(const struct cli_opt *o, void *values, const char *s, struct cs_err *err)
{
	void *field = (char *)values + o->off;
	int ret = 0;

	switch (o->type) {
	case CLI_OPT_BOOL:
		ret = cli_value_bool(s, field);
		break;
	case CLI_OPT_STR:
		*(const char **)field = s;
		break;
	case CLI_OPT_STRV:
		return strv_add(field, s, err);
	case CLI_OPT_UINT:
		ret = set_uint(field, s);
		break;
	case CLI_OPT_NUM:
	case CLI_OPT_SIZE:
		ret = set_num(o, field, s);
		break;
	case CLI_OPT_TIME:
		ret = set_time(field, s);
		break;
	}
	if (ret == -ERANGE)
		return cs_err_set(err, EINVAL, "option --%s: %s is out of range", o->name, s);
	if (ret < 0)
		return cs_err_set(err, EINVAL, "option --%s: \"%s\" is not %s", o->name, s,
				  expected(o->type));
	return 0;
}

/* One word of the command line, taken apart. */
struct word {
	const char *name; /* NULL: no option */
	size_t len;
	const char *value; /* after "=", or NULL */
};

static struct word split(const char *s)
{
	struct word w = { 0 };
	const char *eq;

	if (s[0] != '-' || !s[1])
		return w;
	w.name = s + (s[1] == '-' ? 2 : 1);
	eq = strchr(w.name, '=');
	w.len = eq ? (size_t)(eq - w.name) : strlen(w.name);
	w.value = eq ? eq + 1 : NULL;
	return w;
}

static bool is_help(const struct word *w)
{
	return (w->len == 4 && memcmp(w->name, "help", 4) == 0) || (w->len == 1 && *w->name == 'h');
}

/* Takes the option at word *@i, and its value from the next word if it needs one. */
static int take(const struct cli_opt *o, const struct word *w, void *values,
		const struct cli_args *in, size_t *i, struct cs_err *err)
{
	const char *value = w->value;

	if (!value && o->type == CLI_OPT_BOOL)
		value = "true";
	if (!value) {
		if (*i + 1 >= in->argc)
			return cs_err_set(err, EINVAL, "option --%s needs a value (%s)", o->name,
					  o->arg);
		value = in->argv[++*i];
	}
	return set_value(o, values, value, err);
}

static const struct cli_opt *by_letter(const struct cli_opts *opts, char letter)
{
	for (size_t i = 0; i < opts->n; i++)
		if (opts->v[i].letter == letter)
			return &opts->v[i];
	return NULL;
}

/* A word of letters behind one dash: switches, and at the end perhaps one that takes the rest of
 * the word ("-p80:80"), what follows "=", or the next word. */
static int take_letters(const struct cli_opts *opts, const char *s, void *values,
			const struct cli_args *in, size_t *i, struct cli_args *res,
			struct cs_err *err)
{
	for (const char *c = s + 1; *c; c++) {
		const struct cli_opt *o = by_letter(opts, *c);
		struct word w = { .name = c, .len = 1 };

		if (!o && *c == 'h') {
			res->help = true;
			continue;
		}
		if (!o)
			return cs_err_set(err, EINVAL, "unknown option \"-%c\" in \"%s\"", *c, s);
		if (o->type == CLI_OPT_BOOL && c[1] != '=') {
			if (take(o, &w, values, in, i, err) < 0)
				return -err->code;
			continue;
		}
		if (c[1])
			w.value = c + 1 + (c[1] == '=');
		return take(o, &w, values, in, i, err);
	}
	return 0;
}

/* Behind the first argument only a word that begins with one of our letters is an option. */
static bool are_letters(const struct cli_opts *opts, const char *s, bool first)
{
	return s[1] != '-' && (first || by_letter(opts, s[1]));
}

/* Ends parsing: the words from @i on are no options. */
static void keep_rest(const struct cli_args *in, size_t i, struct cli_args *res)
{
	if (res->argc == 0)
		res->argv = in->argv + i;
	while (i < in->argc)
		res->argv[res->argc++] = in->argv[i++];
	res->argv[res->argc] = NULL;
}

/* A single letter is near to every other. */
static int unknown(const struct cli_opts *opts, const struct word *w, const char *text,
		   struct cs_err *err)
{
	struct cli_nearest near = cli_nearest_to(w->name, w->len);
	const char *best = NULL;

	for (size_t i = 0; w->len > 1 && i < opts->n; i++)
		if (cli_nearest_try(&near, opts->v[i].name))
			best = opts->v[i].name;
	if (best)
		return cs_err_set(err, EINVAL, "unknown option \"%s\"; did you mean \"--%s\"?",
				  text, best);
	return cs_err_set(err, EINVAL, "unknown option \"%s\"", text);
}

int cli_opt_parse(const struct cli_opts *opts, void *values, bool in_order, struct cli_args *args,
		  struct cs_err *err)
{
	const struct cli_args in = *args;
	struct cli_args res = { .argv = in.argv, .letters = in.letters };
	size_t i;

	for (i = 0; i < in.argc; i++) {
		struct word w = split(in.argv[i]);
		const struct cli_opt *o;

		if (w.name && w.len == 0 && !w.value) { /* "--" */
			i++;
			break;
		}
		if (in.letters && w.name && are_letters(opts, in.argv[i], res.argc == 0)) {
			if (take_letters(opts, in.argv[i], values, &in, &i, &res, err) < 0)
				return -err->code;
			continue;
		}
		if (w.name && is_help(&w)) {
			res.help = true;
			continue;
		}
		o = w.name ? cli_opt_find(opts, w.name, w.len) : NULL;
		if (o) {
			if (take(o, &w, values, &in, &i, err) < 0)
				return -err->code;
			continue;
		}
		if (w.name && res.argc == 0)
			return unknown(opts, &w, in.argv[i], err);
		if (in_order)
			break;
		in.argv[res.argc++] = in.argv[i];
	}
	keep_rest(&in, i, &res);
	*args = res;
	return 0;
}

void cli_opt_fini(const struct cli_opts *opts, void *values)
{
	for (size_t i = 0; i < opts->n; i++) {
		if (opts->v[i].type == CLI_OPT_STRV) {
			struct cli_strv *sv = (void *)((char *)values + opts->v[i].off);

			free(sv->v);
			*sv = (struct cli_strv){ 0 };
		}
	}
}
