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

/* What environments, labels and sets are made of: a key is there once, the last value counts. */
struct pairs {
	struct pair {
		char *key, *value; /* owned */
	} * v;
	size_t n;
};

static void pairs_fini(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].value);
	}
	free(p->v);
}
#define auto_pairs CS_CLEANUP(pairs_fini)

static int pairs_add(struct pairs *p, const char *key, size_t len, const char *value,
		     struct cs_err *err)
{
	char *copy = strdup(value);
	struct pair *v;
	size_t i;

	for (i = 0; copy && i < p->n; i++) {
		if (strlen(p->v[i].key) == len && memcmp(p->v[i].key, key, len) == 0) {
			free(p->v[i].value);
			p->v[i].value = copy;
			return 0;
		}
	}
	v = copy ? reallocarray(p->v, p->n + 1, sizeof(*v)) : NULL;
	if (v) {
		p->v = v;
		v[p->n].key = strndup(key, len);
		v[p->n].value = copy;
		if (v[p->n].key) {
			p->n++;
			return 0;
		}
	}
	free(copy);
	return cs_err_set(err, ENOMEM, "out of memory");
}

/* "KEY=VALUE" or "KEY VALUE", the value maybe in quotes. */
static int add_pair(struct pairs *p, const char *args, struct cs_err *err)
{
	size_t n = strcspn(args, "= \t"), len;
	cs_auto_free char *value = NULL;
	const char *v;

	if (n == 0 || !args[n])
		return cs_err_set(err, EINVAL, "option --change: \"%.60s\" is not KEY=VALUE", args);
	v = args + n + 1;
	len = strlen(v);
	if (len >= 2 && (*v == '"' || *v == '\'') && v[len - 1] == *v) {
		v++;
		len -= 2;
	}
	value = strndup(v, len);
	if (!value)
		return cs_err_set(err, ENOMEM, "out of memory");
	return pairs_add(p, args, n, value, err);
}

static int add_member(struct pairs *p, bool port, const char *s, size_t len, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	int ret;

	cs_buf_add_mem(&b, s, len);
	if (port && !memchr(s, '/', len))
		cs_buf_add(&b, "/tcp");
	ret = cs_buf_ok(&b, err);
	return ret < 0 ? ret : pairs_add(p, b.s ? b.s : "", b.len, "", err);
}

static int add_set(struct pairs *p, bool port, const char *args, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct cs_json *c;
	int ret = parse_array(args, &doc, err);

	if (ret > 0) {
		cs_json_for_each (c, doc.root) {
			ret = add_member(p, port, c->str, strlen(c->str), err);
			if (ret < 0)
				return ret;
		}
		return 0;
	}
	while (ret == 0 && *args) {
		size_t n = strcspn(args, " \t");

		ret = add_member(p, port, args, n, err);
		args += n;
		args += strspn(args, " \t");
	}
	return ret;
}

static int put_pairs(struct cs_jw *w, const char *key, enum kind kind, const struct pairs *p,
		     struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	if (kind == KIND_ENV)
		cs_jw_arr(w, key);
	else
		cs_jw_obj(w, key);
	for (size_t i = 0; i < p->n; i++) {
		switch (kind) {
		case KIND_ENV:
			b.len = 0;
			cs_buf_addf(&b, "%s=%s", p->v[i].key, p->v[i].value);
			if (cs_buf_ok(&b, err) < 0)
				return -err->code;
			cs_jw_str(w, NULL, b.s);
			break;
		case KIND_LABELS:
			cs_jw_str(w, p->v[i].key, p->v[i].value);
			break;
		case KIND_SET:
		case KIND_LIST:
		case KIND_TEXT:
		default:
			cs_jw_obj(w, p->v[i].key);
			cs_jw_obj_end(w);
		}
	}
	if (kind == KIND_ENV)
		cs_jw_arr_end(w);
	else
		cs_jw_obj_end(w);
	return 0;
}

/* All instructions of one kind: of a list or a text the last counts. */
static int put_kind(struct cs_jw *w, size_t k, const char *const *changes, size_t n,
		    struct cs_err *err)
{
	const char *key = instructions[k].key, *last = NULL;
	auto_pairs struct pairs pairs = { .v = NULL };
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
	for (size_t i = 0; i < n && ret == 0; i++) {
		const char *args = args_of(changes[i], instructions[k].word);

		if (args && kind == KIND_SET)
			ret = add_set(&pairs, strcmp(key, "ExposedPorts") == 0, args, err);
		else if (args)
			ret = add_pair(&pairs, args, err);
	}
	return ret < 0 ? ret : put_pairs(w, key, kind, &pairs, err);
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
