#ifndef CS_CLI_YAML_H
#define CS_CLI_YAML_H

struct cs_buf;
struct cs_json;

/*
 * A JSON value as YAML, in block form: a document's text, or what follows one. Strings are written
 * as JSON strings, which YAML's double-quoted ones include, with everything escaped that YAML does
 * not take as it is. Pure; allocation errors are the buffer's.
 */
void cli_yaml_put(struct cs_buf *b, const struct cs_json *v);

/* The same as an element of the document's sequence. */
void cli_yaml_put_item(struct cs_buf *b, const struct cs_json *v);

#endif
