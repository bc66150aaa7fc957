#ifndef CS_CLI_TEMPLATE_H
#define CS_CLI_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct cs_buf;
struct cs_err;
struct cs_json;

/* The templates of cli/format.h: parsed once, filled in many times. */
struct cli_template;

/* Parses @text; everything that can be wrong with a template is found here. *@out is the
 * caller's. */
int cli_template_parse(const char *text, struct cli_template **out, struct cs_err *err);
void cli_template_free(struct cli_template *t); /* NULL is allowed */

/* May it look at the object's member @name? One that it does not is not missed. */
bool cli_template_wants(const struct cli_template *t, const char *name);

/* Fills it in with @value. EINVAL: a value it cannot do with ("len" of a number). */
int cli_template_put(const struct cli_template *t, const struct cs_json *value, struct cs_buf *out,
		     struct cs_err *err);

/* The text for a field in a table's heading. */
typedef const char *(*cli_heading_fn)(void *ctx, const char *field);
/* Fills it in with headings: each path is replaced by what @fn says for its last part, functions
 * give back their first argument, conditions are taken as true. */
int cli_template_heading(const struct cli_template *t, cli_heading_fn fn, void *ctx,
			 struct cs_buf *out, struct cs_err *err);

#endif
