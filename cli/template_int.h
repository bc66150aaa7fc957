#ifndef CS_CLI_TEMPLATE_INT_H
#define CS_CLI_TEMPLATE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/template.h"

struct cs_arena;
struct cs_buf;
struct cs_err;
struct cs_json;

/* What the template's parser and its evaluation share. All of it is in the template's arena. */

enum tpl_fn {
	TPL_FN_NONE,
	TPL_FN_AND,
	TPL_FN_EQ,
	TPL_FN_INDEX,
	TPL_FN_JOIN,
	TPL_FN_JSON,
	TPL_FN_LEN,
	TPL_FN_LOWER,
	TPL_FN_NE,
	TPL_FN_NOT,
	TPL_FN_OR,
	TPL_FN_PRINTLN,
	TPL_FN_SPLIT,
	TPL_FN_TITLE,
	TPL_FN_TRUNCATE,
	TPL_FN_UPPER,
};

enum tpl_arg_kind {
	TPL_ARG_PATH, /* from ".", or from the whole object ("$") */
	TPL_ARG_TEXT,
	TPL_ARG_NUMBER,
	TPL_ARG_BOOL,
	TPL_ARG_PIPE, /* in parentheses */
};

struct tpl_arg {
	enum tpl_arg_kind kind;
	bool root;	  /* a path from "$" */
	const char *text; /* text; a path's "A.B" without the first dot, "" for "." */
	int64_t number;	  /* and a bool */
	const struct tpl_command *pipe;
	const struct tpl_arg *next;
};

/* FUNCTION ARG..., or one ARG; the value of the command before it in the pipe comes last. */
struct tpl_command {
	enum tpl_fn fn;
	size_t n_args;
	const struct tpl_arg *args;
	const struct tpl_command *next; /* in the pipe */
};

enum tpl_node_kind {
	TPL_NODE_TEXT,
	TPL_NODE_PIPE,
	TPL_NODE_IF,
	TPL_NODE_RANGE,
	TPL_NODE_WITH,
};

struct tpl_node {
	enum tpl_node_kind kind;
	const char *text;
	size_t len;
	const struct tpl_command *pipe;
	const struct tpl_node *then, *otherwise;
	const struct tpl_node *next;
};

/* The first part of a path: a member of the object, or of what "range" or "with" look at. */
struct tpl_name {
	const char *text;
	size_t len; /* 0: the whole of it */
	const struct tpl_name *next;
};

struct cli_template {
	struct cs_arena *arena; /* owned */
	const struct tpl_name *names;
	const struct tpl_node *nodes;
};

enum tpl_val_kind { VAL_NONE, VAL_JSON, VAL_TEXT, VAL_NUMBER, VAL_BOOL, VAL_LIST };

/* A value while a template is filled in. Texts live in the arena of the filling. */
struct tpl_val {
	enum tpl_val_kind kind;
	const struct cs_json *json;
	const char *text;
	int64_t number; /* and a bool */
	const char *const *list;
	size_t n;
};

struct tpl_fill {
	struct cs_arena *arena;
	const struct cs_json *root;
	struct cs_buf *out;
	cli_heading_fn heading; /* NULL: real values */
	void *ctx;
};

/* The value of a JSON value. */
struct tpl_val cli_tpl_val_json(const struct cs_json *j);
/* The member of @obj whose name is the @len bytes of @key: exactly, else without regard to case. */
const struct cs_json *cli_tpl_member(const struct cs_json *obj, const char *key, size_t len);
/* Its text, as Go prints it. */
void cli_tpl_val_print(const struct tpl_val *v, struct cs_buf *b);
/* Go's idea of a true value. */
bool cli_tpl_val_truth(const struct tpl_val *v);
/* Calls a function with @n values, as many as the parser found right. */
int cli_tpl_call(const struct tpl_fill *f, enum tpl_fn fn, const struct tpl_val *v, size_t n,
		 struct tpl_val *out, struct cs_err *err);

#endif
