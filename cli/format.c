#include "cli/format.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/out.h"
#include "cli/template.h"
#include "cli/yaml.h"

enum { COLUMN_MIN = 10, COLUMN_GAP = 3 };

enum format_kind { FORMAT_JSON, FORMAT_LINES, FORMAT_YAML, FORMAT_TABLE, FORMAT_TEXT };

struct cli_format {
	enum format_kind kind;
	struct cli_template *tpl; /* owned; NULL for JSON */
	bool no_heading;
	const struct cli_heading *headings;
	size_t n_headings;
	struct cs_buf out; /* text so far; a table's rows with tabs between cells */
	size_t n;
	char heading[64]; /* one being made */
};

int cli_format_parse(const char *spec, const char *fallback, const char *columns,
		     struct cli_format **out, struct cs_err *err)
{
	struct cli_format *f;
	const char *text = NULL;
	int ret = 0;

	if (!spec || !*spec)
		spec = fallback;
	f = calloc(1, sizeof(*f));
	if (!f)
		return cs_err_set(err, ENOMEM, "option --format: out of memory");
	if (strcmp(spec, "json") == 0) {
		f->kind = FORMAT_JSON;
	} else if (strcmp(spec, "jsonl") == 0) {
		f->kind = FORMAT_LINES;
	} else if (strcmp(spec, "yaml") == 0) {
		f->kind = FORMAT_YAML;
	} else if (strcmp(spec, "table") == 0) {
		f->kind = FORMAT_TABLE;
		text = columns;
	} else if (cs_str_starts(spec, "table ")) {
		f->kind = FORMAT_TABLE;
		text = spec + strspn(spec + 5, " ") + 5;
	} else if (strstr(spec, "{{")) {
		f->kind = FORMAT_TEXT;
		text = spec;
	} else {
		ret = cs_err_set(err, EINVAL,
				 "option --format: \"%.60s\" is not json, jsonl, yaml, table or a "
				 "template like {{.Name}}",
				 spec);
	}
	if (ret == 0 && text)
		ret = cli_template_parse(text, &f->tpl, err);
	if (ret < 0) {
		cli_format_free(f);
		return ret;
	}
	*out = f;
	return 0;
}

void cli_format_free(struct cli_format *f)
{
	if (!f)
		return;
	cli_template_free(f->tpl);
	cs_buf_fini(&f->out);
	free(f);
}

void cli_format_headings(struct cli_format *f, const struct cli_heading *v, size_t n)
{
	f->headings = v;
	f->n_headings = n;
}

void cli_format_no_heading(struct cli_format *f)
{
	f->no_heading = true;
}

bool cli_format_is_json(const struct cli_format *f)
{
	return f->kind == FORMAT_JSON || f->kind == FORMAT_LINES || f->kind == FORMAT_YAML;
}

bool cli_format_is_table(const struct cli_format *f)
{
	return f->kind == FORMAT_TABLE;
}

bool cli_format_wants(const struct cli_format *f, const char *field)
{
	return !f->tpl || cli_template_wants(f->tpl, field);
}

static int add_json(struct cli_format *f, const struct cs_json *v, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = f->kind == FORMAT_JSON };
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	cs_jw_value(&w, NULL, v);
	ret = cs_jw_take(&w, &text, &len, err);
	if (ret < 0)
		return ret;
	if (f->kind == FORMAT_LINES) {
		cs_buf_addf(&f->out, "%s\n", text);
		return 0;
	}
	/* one element of the array, two blanks further in */
	cs_buf_add(&f->out, f->n ? ",\n  " : "[\n  ");
	for (const char *s = text; *s; s++) {
		cs_buf_add_mem(&f->out, s, 1);
		if (*s == '\n')
			cs_buf_add(&f->out, "  ");
	}
	return 0;
}

/* A row of a table: a line end or another control character in a value must not make two of it. */
static int add_row(struct cli_format *f, const struct cs_json *v, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int ret = cli_template_put(f->tpl, v, &b, err);

	if (ret == 0)
		ret = cs_buf_ok(&b, err);
	if (ret < 0)
		return ret;
	for (char *s = b.s; s && *s;) {
		size_t n = strcspn(s, "\t");
		char end = s[n];

		s[n] = '\0';
		cs_str_plain(s);
		cs_buf_add(&f->out, s);
		cs_buf_add(&f->out, end ? "\t" : "");
		s += n + (end != '\0');
	}
	cs_buf_add(&f->out, "\n");
	return 0;
}

int cli_format_add(struct cli_format *f, const char *json, size_t len, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	int ret = cs_json_parse(json, len, "value", &doc, err);

	if (ret < 0)
		return ret;
	switch (f->kind) {
	case FORMAT_JSON:
	case FORMAT_LINES:
		ret = add_json(f, doc.root, err);
		break;
	case FORMAT_YAML:
		cli_yaml_put_item(&f->out, doc.root);
		break;
	case FORMAT_TABLE:
		ret = add_row(f, doc.root, err);
		break;
	case FORMAT_TEXT:
	default:
		ret = cli_template_put(f->tpl, doc.root, &f->out, err);
		cs_buf_add(&f->out, "\n");
	}
	f->n++;
	return ret;
}

/* "CreatedSince": what the command says, else the name in capitals with blanks between words. */
static const char *heading(void *ctx, const char *field)
{
	struct cli_format *f = ctx;
	char *text = f->heading;
	size_t n = 0;

	for (size_t i = 0; i < f->n_headings; i++) {
		if (strcasecmp(f->headings[i].field, field) == 0)
			return f->headings[i].heading;
	}
	for (const char *s = field; *s && n + 2 < sizeof(f->heading); s++) {
		if (s > field && isupper((unsigned char)*s) && islower((unsigned char)s[-1]))
			text[n++] = ' ';
		text[n++] = (char)toupper((unsigned char)*s);
	}
	text[n] = '\0';
	return text;
}

/* Characters a cell takes on a terminal, all taken as one wide. */
static size_t width_of(const char *s, size_t len)
{
	size_t w = 0;

	for (size_t i = 0; i < len; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

enum { COLUMNS_MAX = 64 };

static void measure(const char *text, size_t width[COLUMNS_MAX])
{
	size_t col = 0;

	while (*text) {
		size_t len = strcspn(text, "\t\n"), w = width_of(text, len);

		if (text[len] == '\t' && w + COLUMN_GAP > width[col])
			width[col] = w + COLUMN_GAP;
		if (text[len] == '\n')
			col = 0;
		else if (col + 1 < COLUMNS_MAX)
			col++;
		text += len + (text[len] != '\0');
	}
}

/* Cells of a column one below the other. */
static void align(const char *text, struct cs_buf *out)
{
	size_t width[COLUMNS_MAX], col = 0;

	for (size_t i = 0; i < COLUMNS_MAX; i++)
		width[i] = COLUMN_MIN;
	measure(text, width);
	while (*text) {
		size_t len = strcspn(text, "\t\n"), w = width_of(text, len);

		cs_buf_add_mem(out, text, len);
		if (text[len] == '\t') {
			for (; w < width[col]; w++)
				cs_buf_add(out, " ");
			col += col + 1 < COLUMNS_MAX;
		} else {
			cs_buf_add(out, "\n");
			col = 0;
		}
		text += len + (text[len] != '\0');
	}
}

int cli_format_finish(struct cli_format *f, struct cs_buf *out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf all = CS_BUF_INIT;
	int ret = cs_buf_ok(&f->out, err);

	if (ret < 0)
		return ret;
	if (f->kind == FORMAT_JSON) {
		cs_buf_add(out, f->n ? f->out.s : "[");
		cs_buf_add(out, f->n ? "\n]\n" : "]\n");
		return cs_buf_ok(out, err);
	}
	if (f->kind == FORMAT_YAML && f->n == 0)
		cs_buf_add(out, "[]\n");
	if (f->kind != FORMAT_TABLE) {
		cs_buf_add(out, f->out.s ? f->out.s : "");
		return cs_buf_ok(out, err);
	}
	if (!f->no_heading) {
		ret = cli_template_heading(f->tpl, heading, f, &all, err);
		if (ret < 0)
			return ret;
		cs_buf_add(&all, "\n");
	}
	cs_buf_add(&all, f->out.s ? f->out.s : "");
	ret = cs_buf_ok(&all, err);
	if (ret < 0)
		return ret;
	align(all.s, out);
	return cs_buf_ok(out, err);
}

int cli_format_print(struct cli_format *f, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int ret = cli_format_finish(f, &b, err);

	return ret < 0 || b.len == 0 ? ret : cli_out(&b, err);
}
