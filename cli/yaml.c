#include "cli/yaml.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"

enum {
	STEP = 2,
	PLAIN_MAX = 64,	    /* a key longer than that is quoted */
	IMPLICIT_MAX = 900, /* and longer than that told by "?": YAML's bound is 1024 characters */
};

static void pad(struct cs_buf *b, unsigned int n)
{
	while (n-- > 0)
		cs_buf_add(b, " ");
}

/* What JSON lets stand and YAML does not, or takes for a line end, as @len bytes of UTF-8. */
static bool must_escape(const unsigned char *s, size_t *len, unsigned int *code)
{
	*len = 1;
	*code = s[0];
	if (s[0] == 0x7f)
		return true;
	*len = 2;
	*code = 0x80 | (s[1] & 0x3fU);
	if (s[0] == 0xc2 && s[1] < 0xa0)
		return true;
	*len = 3;
	if (s[0] < 0xe0 || s[0] > 0xef || !s[1] || !s[2])
		return false;
	*code = (s[0] & 0xfU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU);
	return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe;
}

static void put_string(struct cs_buf *b, const char *text)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *json = NULL;
	unsigned int code = 0;
	size_t len = 0;

	cs_jw_str(&w, NULL, text);
	if (cs_jw_take(&w, &json, NULL, &why) < 0) {
		b->failed = true;
		return;
	}
	for (const char *s = json; *s;) {
		if (must_escape((const unsigned char *)s, &len, &code)) {
			cs_buf_addf(b, "\\u%04x", code);
			s += len;
		} else {
			cs_buf_add_mem(b, s++, 1);
		}
	}
}

/* A word that nobody takes for anything but a string. */
static bool is_plain(const char *key)
{
	static const char *const others[] = { "y",     "n",  "yes", "no",  "true",
					      "false", "on", "off", "null" };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	for (size_t i = 0; i < CS_LEN(others); i++)
		if (strcasecmp(key, others[i]) == 0)
			return false;
	return *key && !key[len] && len <= PLAIN_MAX && strchr(letters, *key);
}

static void put_key(struct cs_buf *b, const char *key, unsigned int indent)
{
	if (is_plain(key)) {
		cs_buf_add(b, key);
	} else if (strlen(key) <= IMPLICIT_MAX / 6) { /* escaped it may take six times as much */
		put_string(b, key);
	} else {
		cs_buf_add(b, "? ");
		put_string(b, key);
		cs_buf_add(b, "\n");
		pad(b, indent);
	}
	cs_buf_add(b, ":");
}

static bool is_block(const struct cs_json *v)
{
	return v->child != NULL;
}

static void put_scalar(struct cs_buf *b, const struct cs_json *v)
{
	switch (v->type) {
	case CS_JSON_NULL:
		cs_buf_add(b, "null");
		return;
	case CS_JSON_BOOL:
		cs_buf_add(b, v->boolean ? "true" : "false");
		return;
	case CS_JSON_NUMBER:
		cs_buf_add(b, v->str);
		return;
	case CS_JSON_STRING:
		put_string(b, v->str);
		return;
	case CS_JSON_ARRAY:
		cs_buf_add(b, "[]");
		return;
	case CS_JSON_OBJECT:
		cs_buf_add(b, "{}");
		return;
	}
}

/* A container's children, a line each and more; the first where the text stands. The depth is
 * bounded by the parser. */
static void put_block(struct cs_buf *b, const struct cs_json *v, unsigned int indent)
{
	for (const struct cs_json *c = v->child; c; c = c->next) {
		bool member = v->type == CS_JSON_OBJECT;

		if (c != v->child)
			pad(b, indent);
		if (member)
			put_key(b, c->key, indent);
		else
			cs_buf_add(b, "-");
		if (!is_block(c)) {
			cs_buf_add(b, " ");
			put_scalar(b, c);
			cs_buf_add(b, "\n");
			continue;
		}
		if (member) {
			cs_buf_add(b, "\n");
			pad(b, indent + STEP);
		} else {
			cs_buf_add(b, " ");
		}
		put_block(b, c, indent + STEP);
	}
}

void cli_yaml_put(struct cs_buf *b, const struct cs_json *v)
{
	if (is_block(v)) {
		put_block(b, v, 0);
		return;
	}
	put_scalar(b, v);
	cs_buf_add(b, "\n");
}

void cli_yaml_put_item(struct cs_buf *b, const struct cs_json *v)
{
	cs_buf_add(b, "- ");
	if (is_block(v)) {
		put_block(b, v, STEP);
		return;
	}
	put_scalar(b, v);
	cs_buf_add(b, "\n");
}
