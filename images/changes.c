#include "images/changes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum kind { KIND_LIST, KIND_ENV, KIND_SET, KIND_LABELS, KIND_TEXT };

static const struct {
	const char *word, *key;
	enum kind kind;
} instructions[] = {
	{ "CMD", "Cmd", KIND_LIST },
	{ "ENTRYPOINT", "Entrypoint", KIND_LIST },
	{ "ENV", "Env", KIND_ENV },
	{ "EXPOSE", "ExposedPorts", KIND_SET },
	{ "LABEL", "Labels", KIND_LABELS },
	{ "STOPSIGNAL", "StopSignal", KIND_TEXT },
	{ "USER", "User", KIND_TEXT },
	{ "VOLUME", "Volumes", KIND_SET },
	{ "WORKDIR", "WorkingDir", KIND_TEXT },
};

/* The instruction's arguments if it begins with @word, else NULL. "CMD=x" is podman's way. */
static const char *args_of(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(text, word, n) != 0 ||
	    (text[n] != ' ' && text[n] != '=' && text[n] != '\t'))
		return NULL;
	text += n + 1;
	return text + strspn(text, " \t");
}

static int check(const char *text, struct cs_err *err)
{
	for (size_t i = 0; i < CS_LEN(instructions); i++) {
		const char *args = args_of(text, instructions[i].word);

		if (args && *args)
			return 0;
	}
	return cs_err_set(err, EINVAL,
			  "option --change: \"%.60s\" is not CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, "
			  "STOPSIGNAL, USER, VOLUME or WORKDIR and what it shall be",
			  text);
}

/* A JSON array of strings, else NULL doc: plain text. */
static int parse_array(const char *args, struct cs_json_doc *doc, struct cs_err *err)
{
	const struct cs_json *c;
	const char *s;
	int ret;

	if (*args != '[')
		return 0;
	ret = cs_json_parse(args, strlen(args), "option --change", doc, err);
	if (ret < 0)
		return ret;
	cs_json_for_each (c, doc->root) {
		ret = cs_json_as_str(c, &s, err);
		if (ret < 0)
			return cs_err_wrap(err, "option --change");
	}
	return 1;
}

static int put_list(struct cs_jw *w, const char *key, const char *args, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	int ret = parse_array(args, &doc, err);

	if (ret < 0)
		return ret;
	if (ret > 0) {
		cs_jw_value(w, key, doc.root);
		return 0;
	}
	cs_jw_arr(w, key);
	cs_jw_str(w, NULL, "/bin/sh");
	cs_jw_str(w, NULL, "-c");
	cs_jw_str(w, NULL, args);
	cs_jw_arr_end(w);
	return 0;
}

/* "KEY=VALUE" or "KEY VALUE", the value maybe in quotes; a copy the caller frees. */
static int split_pair(const char *args, char **key, const char **value, struct cs_err *err)
{
	size_t n = strcspn(args, "= \t"), len;
	char *copy = strdup(args), *v;

	if (!copy)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (n == 0 || !args[n]) {
		free(copy);
		return cs_err_set(err, EINVAL, "option --change: \"%.60s\" is not KEY=VALUE", args);
	}
	copy[n] = '\0';
	v = copy + n + 1;
	len = strlen(v);
	if (len >= 2 && (*v == '"' || *v == '\'') && v[len - 1] == *v) {
		v[len - 1] = '\0';
		v++;
	}
	*key = copy;
	*value = v;
	return 0;
}

static int put_pair(struct cs_jw *w, enum kind kind, const char *args, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *key = NULL;
	const char *value;
	int ret = split_pair(args, &key, &value, err);

	if (ret < 0)
		return ret;
	if (kind == KIND_LABELS) {
		cs_jw_str(w, key, value);
		return 0;
	}
	cs_buf_addf(&b, "%s=%s", key, value);
	ret = cs_buf_ok(&b, err);
	if (ret == 0)
		cs_jw_str(w, NULL, b.s);
	return ret;
}

static void put_member(struct cs_jw *w, bool port, const char *s, size_t len)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_add_mem(&b, s, len);
	if (port && !memchr(s, '/', len))
		cs_buf_add(&b, "/tcp");
	if (b.failed) {
		w->buf.failed = true;
		return;
	}
	cs_jw_obj(w, b.s);
	cs_jw_obj_end(w);
}

static int put_set(struct cs_jw *w, bool port, const char *args, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct cs_json *c;
	int ret = parse_array(args, &doc, err);

	if (ret < 0)
		return ret;
	if (ret > 0) {
		cs_json_for_each (c, doc.root)
			put_member(w, port, c->str, strlen(c->str));
		return 0;
	}
	while (*args) {
		size_t n = strcspn(args, " \t");

		put_member(w, port, args, n);
		args += n;
		args += strspn(args, " \t");
	}
	return 0;
}

/* All instructions of one kind: of a list or a text the last counts. */
static int put_kind(struct cs_jw *w, size_t k, const char *const *changes, size_t n,
		    struct cs_err *err)
{
	const char *key = instructions[k].key, *last = NULL;
	enum kind kind = instructions[k].kind;
	size_t count = 0;
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		const char *args = args_of(changes[i], instructions[k].word);

		if (args) {
			last = args;
			count++;
		}
	}
	if (count == 0)
		return 0;
	if (kind == KIND_LIST)
		return put_list(w, key, last, err);
	if (kind == KIND_TEXT) {
		cs_jw_str(w, key, last);
		return 0;
	}
	if (kind == KIND_ENV)
		cs_jw_arr(w, key);
	else
		cs_jw_obj(w, key);
	for (size_t i = 0; i < n && ret == 0; i++) {
		const char *args = args_of(changes[i], instructions[k].word);

		if (args && kind == KIND_SET)
			ret = put_set(w, strcmp(key, "ExposedPorts") == 0, args, err);
		else if (args)
			ret = put_pair(w, kind, args, err);
	}
	if (kind == KIND_ENV)
		cs_jw_arr_end(w);
	else
		cs_jw_obj_end(w);
	return ret;
}

int img_changes_put(struct cs_jw *w, const char *const *changes, size_t n, struct cs_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < n && ret == 0; i++)
		ret = check(changes[i], err);
	if (ret < 0)
		return ret;
	cs_jw_obj(w, "config");
	for (size_t k = 0; k < CS_LEN(instructions) && ret == 0; k++)
		ret = put_kind(w, k, changes, n, err);
	cs_jw_obj_end(w);
	return ret;
}
