#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/template_int.h"

enum { DEPTH_MAX = 32, TEMPLATE_MAX = 64 << 10 };

static const struct {
	const char *name;
	enum tpl_fn fn;
	size_t min, max; /* arguments, with the piped one */
} functions[] = {
	{ "and", TPL_FN_AND, 1, 16 },	     { "eq", TPL_FN_EQ, 2, 16 },
	{ "index", TPL_FN_INDEX, 2, 8 },     { "join", TPL_FN_JOIN, 2, 2 },
	{ "json", TPL_FN_JSON, 1, 1 },	     { "len", TPL_FN_LEN, 1, 1 },
	{ "lower", TPL_FN_LOWER, 1, 1 },     { "ne", TPL_FN_NE, 2, 2 },
	{ "not", TPL_FN_NOT, 1, 1 },	     { "or", TPL_FN_OR, 1, 16 },
	{ "println", TPL_FN_PRINTLN, 0, 8 }, { "split", TPL_FN_SPLIT, 2, 2 },
	{ "title", TPL_FN_TITLE, 1, 1 },     { "truncate", TPL_FN_TRUNCATE, 2, 2 },
	{ "upper", TPL_FN_UPPER, 1, 1 },
};

struct parser {
	struct cs_arena *arena;
	const struct tpl_name *names; /* of all paths so far */
	const char *p;		      /* where we are */
	const char *end;	      /* of the action, at its closing braces */
	unsigned int depth;
};

static int fail(struct cs_err *err, const char *why, const char *at)
{
	char shown[48];

	snprintf(shown, sizeof(shown), "%.40s", at);
	cs_str_plain(shown);
	return cs_err_set(err, EINVAL, "option --format: %s at \"%s\"", why, shown);
}

static int no_memory(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "option --format: out of memory");
}

static void *zalloc(struct parser *ps, size_t size, struct cs_err *err)
{
	void *p = cs_arena_alloc(ps->arena, size);

	if (!p)
		no_memory(err);
	else
		memset(p, 0, size);
	return p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct parser *ps)
{
	while (ps->p < ps->end && is_blank(*ps->p))
		ps->p++;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Length of the word at p. */
static size_t word_len(const struct parser *ps)
{
	size_t n = 0;

	while (ps->p + n < ps->end && is_word(ps->p[n]))
		n++;
	return n;
}

static bool take_word(struct parser *ps, const char *word)
{
	size_t n = word_len(ps);

	if (n != strlen(word) || strncmp(ps->p, word, n) != 0)
		return false;
	ps->p += n;
	skip_blanks(ps);
	return true;
}

/* "text" with backslashes, or `text`. */
static int parse_text(struct parser *ps, struct tpl_arg *a, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const char *from = ps->p;
	char quote = *ps->p++;

	cs_buf_add(&b, "");
	while (ps->p < ps->end && *ps->p != quote) {
		char c = *ps->p++;

		if (c == '\\' && quote == '"' && ps->p < ps->end) {
			c = *ps->p++;
			c = (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c);
		}
		cs_buf_add_mem(&b, &c, 1);
	}
	if (ps->p >= ps->end)
		return fail(err, "a text without an end", from);
	ps->p++;
	a->kind = TPL_ARG_TEXT;
	a->text = b.failed ? NULL : cs_arena_str(ps->arena, b.s, b.len);
	return a->text ? 0 : no_memory(err);
}

static int add_name(struct parser *ps, const char *path, struct cs_err *err)
{
	struct tpl_name *n = zalloc(ps, sizeof(*n), err);

	if (!n)
		return -err->code;
	*n = (struct tpl_name){ .text = path, .len = strcspn(path, "."), .next = ps->names };
	ps->names = n;
	return 0;
}

static int parse_path(struct parser *ps, struct tpl_arg *a, struct cs_err *err)
{
	const char *from;

	a->kind = TPL_ARG_PATH;
	if (*ps->p == '$') {
		a->root = true;
		ps->p++;
	}
	from = ps->p;
	while (ps->p < ps->end && *ps->p == '.') {
		size_t n;

		ps->p++;
		n = word_len(ps);
		if (n == 0 && ps->p - from > 1)
			return fail(err, "a name is missing", from);
		ps->p += n;
	}
	if (from < ps->p)
		from++;
	a->text = cs_arena_str(ps->arena, from, (size_t)(ps->p - from));
	return a->text ? add_name(ps, a->text, err) : no_memory(err);
}

static int parse_number(struct parser *ps, struct tpl_arg *a, struct cs_err *err)
{
	char text[24];
	size_t n = *ps->p == '-';

	while (ps->p + n < ps->end && ps->p[n] >= '0' && ps->p[n] <= '9' && n < sizeof(text) - 1)
		n++;
	memcpy(text, ps->p, n);
	text[n] = '\0';
	a->kind = TPL_ARG_NUMBER;
	if (cs_str_i64(text, &a->number) < 0)
		return fail(err, "no number", ps->p);
	ps->p += n;
	return 0;
}

static int parse_pipe(struct parser *ps, const struct tpl_command **out, struct cs_err *err);

static int parse_parens(struct parser *ps, struct tpl_arg *a, struct cs_err *err)
{
	const char *from = ps->p++;
	int ret;

	if (++ps->depth > DEPTH_MAX)
		return fail(err, "too many parentheses", from);
	a->kind = TPL_ARG_PIPE;
	ret = parse_pipe(ps, &a->pipe, err);
	ps->depth--;
	if (ret < 0)
		return ret;
	if (ps->p >= ps->end || *ps->p != ')')
		return fail(err, "a parenthesis without an end", from);
	ps->p++;
	return 0;
}

static int parse_arg(struct parser *ps, struct tpl_arg *a, struct cs_err *err)
{
	char c = *ps->p;

	if (c == '"' || c == '`')
		return parse_text(ps, a, err);
	if (c == '.' || c == '$')
		return parse_path(ps, a, err);
	if (c == '(')
		return parse_parens(ps, a, err);
	if (c == '-' || (c >= '0' && c <= '9'))
		return parse_number(ps, a, err);
	a->kind = TPL_ARG_BOOL;
	a->number = 1;
	if (take_word(ps, "true"))
		return 0;
	a->number = 0;
	if (take_word(ps, "false"))
		return 0;
	return fail(err, "not understood", ps->p);
}

/* The function of a command; *@max its arguments. */
static int parse_function(struct parser *ps, struct tpl_command *c, size_t *min, size_t *max,
			  struct cs_err *err)
{
	size_t n = word_len(ps);
	const char *from = ps->p;

	*min = *max = 1;
	if (n == 0 || (*from >= '0' && *from <= '9') || (n == 4 && memcmp(from, "true", 4) == 0) ||
	    (n == 5 && memcmp(from, "false", 5) == 0))
		return 0;
	for (size_t i = 0; i < CS_LEN(functions); i++) {
		if (take_word(ps, functions[i].name)) {
			c->fn = functions[i].fn;
			*min = functions[i].min;
			*max = functions[i].max;
			return 0;
		}
	}
	return fail(err, "a function that is not known", from);
}

static int parse_command(struct parser *ps, bool piped, const struct tpl_command **out,
			 struct cs_err *err)
{
	struct tpl_command *c = zalloc(ps, sizeof(*c), err);
	const struct tpl_arg **tail;
	const char *from = ps->p;
	size_t min, max, n;
	int ret;

	if (!c)
		return -ENOMEM;
	tail = &c->args;
	ret = parse_function(ps, c, &min, &max, err);
	while (ret == 0) {
		struct tpl_arg *a;

		skip_blanks(ps);
		if (ps->p >= ps->end || *ps->p == '|' || *ps->p == ')')
			break;
		a = zalloc(ps, sizeof(*a), err);
		if (!a)
			return -ENOMEM;
		ret = parse_arg(ps, a, err);
		*tail = a;
		tail = &a->next;
		c->n_args++;
	}
	if (ret < 0)
		return ret;
	n = c->n_args + piped;
	if (n < min || n > max || (piped && c->fn == TPL_FN_NONE))
		return fail(err, "the wrong number of arguments", from);
	*out = c;
	return 0;
}

static int parse_pipe(struct parser *ps, const struct tpl_command **out, struct cs_err *err)
{
	const struct tpl_command **tail = out;
	bool piped = false;
	int ret;

	for (;;) {
		struct tpl_command *c;

		skip_blanks(ps);
		ret = parse_command(ps, piped, tail, err);
		if (ret < 0)
			return ret;
		if (ps->p >= ps->end || *ps->p != '|')
			return 0;
		ps->p++;
		/* just made by parse_command() in our arena */
		c = (struct tpl_command *)(uintptr_t)*tail;
		tail = &c->next;
		piped = true;
	}
}

/* The end of the action that begins at p: its closing braces, not those in a text. */
static const char *find_end(const char *p)
{
	char quote = 0;

	for (; *p; p++) {
		if (quote) {
			if (*p == '\\' && quote == '"' && p[1])
				p++;
			else if (*p == quote)
				quote = 0;
		} else if (*p == '"' || *p == '`') {
			quote = *p;
		} else if (p[0] == '}' && p[1] == '}') {
			return p;
		}
	}
	return NULL;
}

/* Text up to the next action, with \t and \n. */
static int parse_plain(struct parser *ps, bool trim_left, struct tpl_node *node, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const char *stop = strstr(ps->p, "{{"), *s = ps->p;

	if (!stop)
		stop = s + strlen(s);
	ps->p = stop;
	while (trim_left && s < stop && is_blank(*s))
		s++;
	if (cs_str_starts(stop, "{{- "))
		while (stop > s && is_blank(stop[-1]))
			stop--;
	cs_buf_add(&b, "");
	for (; s < stop; s++) {
		if (*s == '\\' && s + 1 < stop && (s[1] == 't' || s[1] == 'n'))
			cs_buf_add(&b, *++s == 't' ? "\t" : "\n");
		else
			cs_buf_add_mem(&b, s, 1);
	}
	node->kind = TPL_NODE_TEXT;
	node->text = b.failed ? NULL : cs_arena_str(ps->arena, b.s, b.len);
	node->len = b.len;
	return node->text ? 0 : no_memory(err);
}

enum stop { STOP_EOF, STOP_ELSE, STOP_ELSE_IF, STOP_END };

/* What a list of nodes ended with. */
struct list_end {
	enum stop stop;
	bool trim; /* blanks that follow the action go */
};

static int parse_nodes(struct parser *ps, bool trim, const struct tpl_node **out,
		       struct list_end *end, struct cs_err *err);
static int parse_action(struct parser *ps, bool *trim, struct tpl_node *node, enum stop *stop,
			struct cs_err *err);

/* "else if": a block in the other half, up to the same end; ps->p stands at its "if". */
static int parse_else_if(struct parser *ps, struct tpl_node *node, struct list_end *end,
			 struct cs_err *err)
{
	struct tpl_node *inner = zalloc(ps, sizeof(*inner), err);

	if (!inner)
		return -ENOMEM;
	if (node->kind != TPL_NODE_IF)
		return fail(err, "not understood", ps->p);
	node->otherwise = inner;
	end->stop = STOP_END;
	return parse_action(ps, &end->trim, inner, &end->stop, err);
}

/* The inside of if, range or with, to its end. */
static int parse_block(struct parser *ps, bool *trim, struct tpl_node *node, const char *from,
		       struct cs_err *err)
{
	struct list_end end = { STOP_EOF, false };
	int ret;

	if (++ps->depth > DEPTH_MAX)
		return fail(err, "too many blocks in blocks", from);
	ret = parse_nodes(ps, *trim, &node->then, &end, err);
	if (ret == 0 && end.stop == STOP_ELSE)
		ret = parse_nodes(ps, end.trim, &node->otherwise, &end, err);
	else if (ret == 0 && end.stop == STOP_ELSE_IF)
		ret = parse_else_if(ps, node, &end, err);
	ps->depth--;
	if (ret < 0)
		return ret;
	if (end.stop != STOP_END)
		return fail(err, "a block without its end", from);
	*trim = end.trim;
	return 0;
}

/* A comment, if that is what stands behind the opening braces: 1. */
static int parse_comment(struct parser *ps, bool *trim, struct cs_err *err)
{
	const char *from = ps->p, *p = from;

	if (cs_str_starts(p, "- "))
		p++;
	p += strspn(p, " \t\n");
	if (!cs_str_starts(p, "/*"))
		return 0;
	p = strstr(p + 2, "*/");
	if (p)
		p += 2;
	*trim = p && is_blank(*p) && cs_str_starts(p + strspn(p, " \t\n"), "-}}");
	if (*trim)
		p += strspn(p, " \t\n") + 1;
	if (!p || !cs_str_starts(p, "}}"))
		return fail(err, "a comment without its end", from);
	ps->p = p + 2;
	return 1;
}

/* The word that an action begins with, if it is one of ours. */
static void parse_keyword(struct parser *ps, struct tpl_node *node, enum stop *stop)
{
	const char *next;

	node->kind = TPL_NODE_TEXT;
	if (take_word(ps, "end")) {
		*stop = STOP_END;
	} else if (take_word(ps, "else")) {
		next = ps->p;
		*stop = take_word(ps, "if") ? STOP_ELSE_IF : STOP_ELSE;
		ps->p = next;
	} else if (take_word(ps, "if")) {
		node->kind = TPL_NODE_IF;
	} else if (take_word(ps, "range")) {
		node->kind = TPL_NODE_RANGE;
	} else if (take_word(ps, "with")) {
		node->kind = TPL_NODE_WITH;
	} else {
		node->kind = TPL_NODE_PIPE;
	}
}

/* One action; ps->p stands behind its opening braces. *@trim: blanks behind it go. */
static int parse_action(struct parser *ps, bool *trim, struct tpl_node *node, enum stop *stop,
			struct cs_err *err)
{
	const char *from = ps->p, *close;
	int ret = parse_comment(ps, trim, err);

	node->kind = TPL_NODE_TEXT;
	node->text = "";
	if (ret)
		return ret < 0 ? ret : 0;
	close = find_end(ps->p);
	if (!close)
		return fail(err, "an action without its end", from);
	ps->end = close;
	if (cs_str_starts(ps->p, "- "))
		ps->p++;
	*trim = close - ps->p >= 2 && close[-1] == '-' && is_blank(close[-2]);
	if (*trim)
		ps->end = close - 1;
	skip_blanks(ps);
	parse_keyword(ps, node, stop);
	if (*stop == STOP_ELSE_IF)
		return 0; /* parse_else_if() goes on from there */
	if (node->kind != TPL_NODE_TEXT)
		ret = parse_pipe(ps, &node->pipe, err);
	if (ret < 0)
		return ret;
	skip_blanks(ps);
	if (ps->p < ps->end)
		return fail(err, "not understood", ps->p);
	ps->p = close + 2;
	if (node->kind == TPL_NODE_TEXT || node->kind == TPL_NODE_PIPE)
		return 0;
	return parse_block(ps, trim, node, from, err);
}

static int parse_nodes(struct parser *ps, bool trim, const struct tpl_node **out,
		       struct list_end *end, struct cs_err *err)
{
	const struct tpl_node **tail = out;
	int ret = 0;

	end->stop = STOP_EOF;
	while (ret == 0 && *ps->p && end->stop == STOP_EOF) {
		struct tpl_node *node = zalloc(ps, sizeof(*node), err);

		if (!node)
			return -ENOMEM;
		if (cs_str_starts(ps->p, "{{")) {
			ps->p += 2;
			ret = parse_action(ps, &trim, node, &end->stop, err);
		} else {
			ret = parse_plain(ps, trim, node, err);
			trim = false;
		}
		*tail = node;
		tail = &node->next;
	}
	end->trim = trim;
	return ret;
}

int cli_template_parse(const char *text, struct cli_template **out, struct cs_err *err)
{
	struct cli_template *t = calloc(1, sizeof(*t));
	struct list_end end = { STOP_EOF, false };
	struct parser ps = { .p = text };
	int ret = 0;

	if (t)
		t->arena = cs_arena_new(0);
	if (!t || !t->arena)
		ret = no_memory(err);
	else if (strlen(text) > TEMPLATE_MAX)
		ret = fail(err, "too long a template", text);
	if (ret == 0) {
		ps.arena = t->arena;
		ret = parse_nodes(&ps, false, &t->nodes, &end, err);
		t->names = ps.names;
	}
	if (ret == 0 && end.stop != STOP_EOF)
		ret = fail(err, "an end or else without a beginning", text);
	if (ret < 0) {
		cli_template_free(t);
		return ret;
	}
	*out = t;
	return 0;
}

bool cli_template_wants(const struct cli_template *t, const char *name)
{
	const size_t len = strlen(name);

	for (const struct tpl_name *n = t->names; n; n = n->next)
		if (n->len == 0 || (n->len == len && strncasecmp(n->text, name, len) == 0))
			return true;
	return false;
}

void cli_template_free(struct cli_template *t)
{
	if (!t)
		return;
	cs_arena_free(t->arena);
	free(t);
}
