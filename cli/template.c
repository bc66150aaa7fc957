#include "cli/template.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/template_int.h"

enum { ARGS_MAX = 16 };

static struct tpl_val eval_path(const struct tpl_fill *f, const struct cs_json *dot,
				const struct tpl_arg *a)
{
	const struct cs_json *v = a->root ? f->root : dot;
	const char *s = a->text;

	while (*s && v) {
		size_t n = strcspn(s, ".");

		v = cli_tpl_member(v, s, n);
		s += n + (s[n] == '.');
	}
	return cli_tpl_val_json(v);
}

static int eval_pipe(const struct tpl_fill *f, const struct cs_json *dot,
		     const struct tpl_command *c, struct tpl_val *out, struct cs_err *err);

static int eval_arg(const struct tpl_fill *f, const struct cs_json *dot, const struct tpl_arg *a,
		    struct tpl_val *out, struct cs_err *err)
{
	const char *last;

	switch (a->kind) {
	case TPL_ARG_PATH:
		if (!f->heading) {
			*out = eval_path(f, dot, a);
			return 0;
		}
		last = strrchr(a->text, '.');
		*out = (struct tpl_val){ .kind = VAL_TEXT,
					 .text = f->heading(f->ctx, last ? last + 1 : a->text) };
		return 0;
	case TPL_ARG_PIPE:
		return eval_pipe(f, dot, a->pipe, out, err);
	case TPL_ARG_NUMBER:
		*out = (struct tpl_val){ .kind = VAL_NUMBER, .number = a->number };
		return 0;
	case TPL_ARG_BOOL:
		*out = (struct tpl_val){ .kind = VAL_BOOL, .number = a->number };
		return 0;
	case TPL_ARG_TEXT:
	default:
		*out = (struct tpl_val){ .kind = VAL_TEXT, .text = a->text };
		return 0;
	}
}

static int eval_pipe(const struct tpl_fill *f, const struct cs_json *dot,
		     const struct tpl_command *c, struct tpl_val *out, struct cs_err *err)
{
	struct tpl_val before = { .kind = VAL_NONE };
	bool piped = false;

	for (; c; c = c->next, piped = true) {
		struct tpl_val v[ARGS_MAX + 1] = { { VAL_NONE, NULL, NULL, 0, NULL, 0 } };
		size_t n = 0;
		int ret = 0;

		for (const struct tpl_arg *a = c->args; a && ret == 0; a = a->next)
			ret = eval_arg(f, dot, a, &v[n++], err);
		if (piped)
			v[n++] = before;
		if (ret < 0)
			return ret;
		if (f->heading) {
			before = piped ? v[n - 1] : v[0];
			continue;
		}
		ret = cli_tpl_call(f, c->fn, v, n, &before, err);
		if (ret < 0)
			return ret;
	}
	*out = before;
	return 0;
}

static int put_nodes(const struct tpl_fill *f, const struct tpl_node *node,
		     const struct cs_json *dot, struct cs_err *err);

static int put_range(const struct tpl_fill *f, const struct tpl_node *node, const struct tpl_val *v,
		     const struct cs_json *dot, struct cs_err *err)
{
	const struct cs_json *c;
	int ret = 0;

	if (!cli_tpl_val_truth(v))
		return put_nodes(f, node->otherwise, dot, err);
	for (size_t i = 0; v->kind == VAL_LIST && i < v->n && ret == 0; i++) {
		struct cs_json one = { .type = CS_JSON_STRING, .str = v->list[i] };

		ret = put_nodes(f, node->then, &one, err);
	}
	if (v->kind != VAL_JSON)
		return ret;
	cs_json_for_each (c, v->json) {
		ret = put_nodes(f, node->then, c, err);
		if (ret < 0)
			break;
	}
	return ret;
}

static int put_node(const struct tpl_fill *f, const struct tpl_node *node,
		    const struct cs_json *dot, struct cs_err *err)
{
	struct cs_json text = { .type = CS_JSON_STRING };
	struct tpl_val v;
	int ret;

	if (node->kind == TPL_NODE_TEXT) {
		cs_buf_add(f->out, node->text);
		return 0;
	}
	ret = eval_pipe(f, dot, node->pipe, &v, err);
	if (ret < 0)
		return ret;
	if (node->kind == TPL_NODE_PIPE) {
		cli_tpl_val_print(&v, f->out);
		return 0;
	}
	if (f->heading)
		return put_nodes(f, node->then, dot, err);
	if (node->kind == TPL_NODE_RANGE)
		return put_range(f, node, &v, dot, err);
	if (!cli_tpl_val_truth(&v))
		return put_nodes(f, node->otherwise, dot, err);
	if (node->kind == TPL_NODE_WITH && v.kind == VAL_JSON)
		dot = v.json;
	if (node->kind == TPL_NODE_WITH && v.kind == VAL_TEXT) {
		text.str = v.text;
		dot = &text;
	}
	return put_nodes(f, node->then, dot, err);
}

static int put_nodes(const struct tpl_fill *f, const struct tpl_node *node,
		     const struct cs_json *dot, struct cs_err *err)
{
	int ret = 0;

	for (; node && ret == 0; node = node->next)
		ret = put_node(f, node, dot, err);
	return ret;
}

static int fill_in(const struct cli_template *t, struct tpl_fill *f, struct cs_err *err)
{
	int ret;

	f->arena = cs_arena_new(0);
	if (!f->arena)
		return cs_err_set(err, ENOMEM, "option --format: out of memory");
	ret = put_nodes(f, t->nodes, f->root, err);
	cs_arena_free(f->arena);
	return ret;
}

int cli_template_put(const struct cli_template *t, const struct cs_json *value, struct cs_buf *out,
		     struct cs_err *err)
{
	struct tpl_fill f = { .root = value, .out = out };

	return fill_in(t, &f, err);
}

int cli_template_heading(const struct cli_template *t, cli_heading_fn fn, void *ctx,
			 struct cs_buf *out, struct cs_err *err)
{
	struct tpl_fill f = { .out = out, .heading = fn, .ctx = ctx };

	return fill_in(t, &f, err);
}
