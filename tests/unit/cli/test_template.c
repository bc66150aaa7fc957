#include "cli/template.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "tests/unit/unit.h"

static const char object[] =
	"{\"Name\":\"web\",\"Id\":\"sha256:0123456789abcdef\",\"N\":3,\"Yes\":true,\"No\":false,"
	"\"Null\":null,\"Empty\":\"\",\"List\":[\"a\",\"b\",\"c\"],\"Config\":{\"Env\":[\"A=b\"],"
	"\"Labels\":{\"x\":\"y\"}},\"Big\":12345678901}";

static int fill(const char *text, struct cs_buf *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cli_template *t = NULL;
	int ret;

	ck_assert_int_eq(cs_json_parse(object, strlen(object), "x", &doc, err), 0);
	ret = cli_template_parse(text, &t, err);
	if (ret < 0)
		return ret;
	ret = cli_template_put(t, doc.root, out, err);
	cli_template_free(t);
	return ret;
}

START_TEST(test_good)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "{{.Name}}", "web" },
		{ "{{ .name }}!", "web!" },
		{ "{{.N}} {{.Big}} {{.Yes}} {{.No}}", "3 12345678901 true false" },
		{ "a\\tb\\n", "a\tb\n" },
		{ "{{\"a\\tb\"}}{{`c\\t`}}", "a\tbc\\t" },
		{ "{{.Config.Labels.x}}", "y" },
		{ "{{.Nosuch}}", "<no value>" },
		{ "{{.Config.Nosuch.Deeper}}", "<no value>" },
		{ "{{json .Config}}", "{\"Env\":[\"A=b\"],\"Labels\":{\"x\":\"y\"}}" },
		{ "{{json .Name}} {{json .N}}", "\"web\" 3" },
		{ "{{upper .Name}} {{.Name | upper | lower}} {{title .Name}}", "WEB web Web" },
		{ "{{join .List \"-\"}}", "a-b-c" },
		{ "{{len .List}} {{len .Name}} {{len .Config}}", "3 3 2" },
		{ "{{index .List 1}} {{index .Config.Labels \"x\"}}", "b y" },
		{ "{{index (split .Id \":\") 1}}", "0123456789abcdef" },
		{ "{{index .List \"x\"}}{{index .List 3}}", "<no value><no value>" },
		{ "{{truncate .Name 2}}", "we" },
		{ "{{range .List}}<{{.}}>{{end}}", "<a><b><c>" },
		{ "{{if .No}}a{{else if .Null}}b{{else}}c{{end}}d", "cd" },
		{ "{{if .No}}a{{- else if .Yes -}} b {{- else if .No}}c{{end}}d", "bd" },
		{ "{{if .No}}{{else if .No}}{{else if .N}}{{.N}}{{end}}{{.N}}", "33" },
		{ "a {{- /* \" }} -*/ -}} b{{/**/}}", "ab" },
		{ "{{range .Nosuch}}x{{else}}none{{end}}", "none" },
		{ "{{if .Empty}}a{{else if .Yes}}b{{else}}c{{end}}", "b" },
		{ "{{if and .Yes (not .No)}}x{{end}}", "x" },
		{ "{{if or .No .Null}}x{{else}}y{{end}}", "y" },
		{ "{{if eq .Name \"web\"}}same{{end}}{{if ne .N 3}}other{{end}}", "same" },
		{ "{{with .Config}}{{.Labels.x}}{{end}}", "y" },
		{ "{{with .Null}}x{{else}}y{{end}}", "y" },
		{ "a {{- .Name -}} b", "awebb" },
		{ "{{/* nothing */}}x", "x" },
		{ "{{println .Name .N}}", "web 3\n" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;
		struct cs_err err = CS_ERR_INIT;
		int ret = fill(rows[i].text, &b, &err);

		ck_assert_msg(ret == 0, "%s: %s", rows[i].text, err.msg);
		ck_assert_str_eq(b.s ? b.s : "", rows[i].want);
	}
}
END_TEST

START_TEST(test_bad)
{
	static const char *const rows[] = {
		"{{",
		"{{.Name",
		"{{.Name}",
		"{{}}",
		"{{end}}",
		"{{else}}",
		"{{if .Yes}}",
		"{{range .List}}x",
		"{{if .Yes}}{{else}}{{else}}{{end}}",
		"{{if .Yes}}{{else if}}{{end}}",
		"{{if .No}}{{else}}{{else if .No}}{{end}}",
		"{{range .List}}{{else if .No}}{{end}}",
		"{{else if .No}}{{end}}",
		"{{/* x */ y}}",
		"{{nosuch .Name}}",
		"{{upper}}",
		"{{upper .Name .Name}}",
		"{{\"x}}",
		"{{(.Name}}",
		"{{.Name)}}",
		"{{.Name |}}",
		"{{..}}",
		"{{template \"x\"}}",
		"{{$x := .Name}}",
		"{{/* x}}",
		"{{99999999999999999999}}",
		"{{((((((((((((((((((((((((((((((((((.Name))))))))))))))))))))))))))))))))))}}",
		/* only found when it is filled in */
		"{{len .N}}",
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		cs_auto_buf struct cs_buf b = CS_BUF_INIT;
		struct cs_err err = CS_ERR_INIT;
		int ret = fill(rows[i], &b, &err);

		ck_assert_msg(ret == -EINVAL, "%s: %d \"%s\"", rows[i], ret, b.s ? b.s : "");
		ck_assert_ptr_null(strchr(err.msg, '\n'));
	}
}
END_TEST

static const char *heading(void *ctx, const char *field)
{
	return strcmp(field, ctx) == 0 ? "IMAGE" : field;
}

START_TEST(test_heading)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct cli_template *t = NULL;
	char field[] = "Name";

	ck_assert_int_eq(
		cli_template_parse("{{upper .Name}}\\t{{if .N}}{{.Config.Env}}{{end}}", &t, &err),
		0);
	ck_assert_int_eq(cli_template_heading(t, heading, field, &b, &err), 0);
	ck_assert_str_eq(b.s, "IMAGE\tEnv");
	cli_template_free(t);
	cli_template_free(NULL);
}
END_TEST

START_TEST(test_wants)
{
	static const struct {
		const char *text, *name;
		bool want;
	} rows[] = {
		{ "plain Name", "Name", false },
		{ "{{.Name}}", "Name", true },
		{ "{{.name}}", "Name", true },
		{ "{{.Names}}", "Name", false },
		{ "{{.N}}", "Name", false },
		{ "{{.Config.Env}}", "Config", true },
		{ "{{.Config.Env}}", "Env", false },
		{ "{{if eq (len .A) 1}}{{.B}}{{else}}{{.C | upper}}{{end}}", "A", true },
		{ "{{if eq (len .A) 1}}{{.B}}{{else}}{{.C | upper}}{{end}}", "B", true },
		{ "{{if eq (len .A) 1}}{{.B}}{{else}}{{.C | upper}}{{end}}", "C", true },
		{ "{{if eq (len .A) 1}}{{.B}}{{else}}{{.C | upper}}{{end}}", "D", false },
		{ "{{with .A}}{{$.B}}{{end}}", "B", true },
		{ "{{json .}}", "Name", true },
		{ "{{index $ \"Name\"}}", "Name", true },
		{ "{{range .List}}{{.}}{{end}}", "Name", true }, /* it may be, for all it knows */
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct cli_template *t = NULL;

		ck_assert_int_eq(cli_template_parse(rows[i].text, &t, &err), 0);
		ck_assert_msg(cli_template_wants(t, rows[i].name) == rows[i].want, "%s of %s",
			      rows[i].name, rows[i].text);
		cli_template_free(t);
	}
}
END_TEST

UNIT_MAIN("cli/template", test_good, test_bad, test_heading, test_wants)
