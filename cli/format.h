#ifndef CS_CLI_FORMAT_H
#define CS_CLI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

struct cs_buf;
struct cs_err;
struct cs_json;

/*
 * --format of every command that lists or inspects. A command makes each of its objects a JSON
 * object (cs_jw), and these functions print it:
 *
 *	json		all of them as one array, indented
 *	jsonl		an object a line
 *	yaml		all of them as one sequence
 *	table		the command's own columns
 *	table TEMPLATE	the template's columns (tab-separated), with headings
 *	TEMPLATE	a line an object
 *
 * A template is text with actions in double braces, a part of Go's text/template that users of
 * docker and podman write: a path like .Name, .Config.Env or . alone (keys are compared without
 * case); functions json, join, lower, upper, title, len, index, split, truncate, println, eq, ne,
 * not, and, or; pipes, parentheses, text and number literals, if/else if/else/end, range/end,
 * with/end, comments and trimming. Backslash-t and -n outside of actions mean tab and line end.
 * What is not there prints "<no value>". Anything else is EINVAL at cli_format_parse(), before any
 * work is done.
 */
struct cli_format;

/* @spec NULL or "": @fallback, another spec ("table", "json", ...). @columns is the template that
 * "table" stands for: "{{.Name}}\t{{.Driver}}". *@out is the caller's. */
int cli_format_parse(const char *spec, const char *fallback, const char *columns,
		     struct cli_format **out, struct cs_err *err);
void cli_format_free(struct cli_format *f);
static inline void cli_format_cleanup(struct cli_format **f)
{
	cli_format_free(*f);
}
#define cli_auto_format CS_CLEANUP(cli_format_cleanup) /* needs base/cleanup.h */

/* A heading that is not the field's name in capitals with blanks ("CreatedSince": "CREATED SINCE"):
 * pairs of field and heading, borrowed. */
struct cli_heading {
	const char *field, *heading;
};
void cli_format_headings(struct cli_format *f, const struct cli_heading *v, size_t n);
/* Tables without their heading (--noheading). */
void cli_format_no_heading(struct cli_format *f);

/* Does it print JSON or YAML (or run through one by one)? Then fields that are costly to make, or
 * are only for people, can be left out. */
bool cli_format_is_json(const struct cli_format *f);
bool cli_format_is_table(const struct cli_format *f);

/* Does it show the objects' member @field, or may it? One that it does not can be left out. */
bool cli_format_wants(const struct cli_format *f, const char *field);

/* Adds an object: @json is its text. For a table, a cell whose value has control characters gets
 * "?" instead of them. */
int cli_format_add(struct cli_format *f, const char *json, size_t len, struct cs_err *err);

/* All that was added, at the end: to @out. */
int cli_format_finish(struct cli_format *f, struct cs_buf *out, struct cs_err *err);
/* The same to standard output. */
int cli_format_print(struct cli_format *f, struct cs_err *err);

#endif
