#include "images/challenge.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

struct scan {
	const char *p, *end;
	struct img_challenge *out;
	bool ours; /* the challenge we are in is the Bearer that counts */
};

enum { VALUE_MAX = 4096 };

static bool token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

static size_t token(struct scan *s, const char **start)
{
	*start = s->p;
	while (s->p < s->end && token_char(*s->p))
		s->p++;
	return (size_t)(s->p - *start);
}

static bool is(const char *t, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(t, word, len) == 0;
}

/* A quoted string, its backslashes resolved. */
static int quoted(struct scan *s, char out[VALUE_MAX], size_t *len, struct cs_err *err)
{
	size_t n = 0;

	for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
		char c = *s->p;

		if (c == '\\') {
			s->p++;
			if (s->p == s->end)
				break;
			c = *s->p;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return cs_err_set(err, EINVAL,
					  "WWW-Authenticate: a control character in a string");
		if (n == VALUE_MAX)
			return cs_err_set(err, EINVAL,
					  "WWW-Authenticate: a value of more than %d "
					  "bytes",
					  VALUE_MAX);
		out[n++] = c;
	}
	if (s->p >= s->end)
		return cs_err_set(err, EINVAL, "WWW-Authenticate: a string without an end");
	s->p++;
	*len = n;
	return 0;
}

/* Stores a parameter of the Bearer challenge. */
static int keep(struct scan *s, const char *name, size_t name_len, const char *v, size_t len,
		struct cs_err *err)
{
	struct img_challenge *c = s->out;
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
		{ "realm", c->realm, sizeof(c->realm) },
		{ "service", c->service, sizeof(c->service) },
		{ "scope", c->scope, sizeof(c->scope) },
		{ "error", c->error, sizeof(c->error) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!is(name, name_len, known[i].name))
			continue;
		if (known[i].to[0])
			return cs_err_set(err, EINVAL, "WWW-Authenticate: %s is given twice",
					  known[i].name);
		if (len >= known[i].size)
			return cs_err_set(err, EINVAL, "WWW-Authenticate: %s is too long",
					  known[i].name);
		memcpy(known[i].to, v, len);
		known[i].to[len] = '\0';
	}
	return 0;
}

/* Behind "name" and "=": a value. More "=" or nothing is the end of a token68 ("abc=="). */
static int value(struct scan *s, const char *name, size_t name_len, struct cs_err *err)
{
	char text[VALUE_MAX];
	const char *v = text;
	size_t len = 0;
	int ret = 0;

	skip_blank(s);
	if (s->p == s->end || *s->p == ',' || *s->p == '=') {
		while (s->p < s->end && *s->p == '=')
			s->p++;
		return 0;
	}
	if (*s->p == '"') {
		ret = quoted(s, text, &len, err);
	} else {
		len = token(s, &v);
		if (!len)
			ret = cs_err_set(err, EINVAL, "WWW-Authenticate: a value is no token");
	}
	return ret || !s->ours ? ret : keep(s, name, name_len, v, len, err);
}

static void scheme(struct scan *s, const char *t, size_t len)
{
	s->ours = false;
	if (is(t, len, "Basic")) {
		s->out->basic = true;
	} else if (is(t, len, "Bearer") && !s->out->bearer) {
		s->out->bearer = true;
		s->ours = true;
	}
}

int img_challenge_parse(const char *buf, size_t len, struct img_challenge *out, struct cs_err *err)
{
	struct scan s = { .p = buf, .end = buf + len, .out = out };
	int ret = 0;

	if (len > IMG_CHALLENGE_MAX)
		return cs_err_set(err, EFBIG, "WWW-Authenticate of more than %d bytes",
				  IMG_CHALLENGE_MAX);
	while (!ret) {
		const char *t;
		size_t n;

		while (s.p < s.end && (*s.p == ' ' || *s.p == '\t' || *s.p == ','))
			s.p++;
		if (s.p == s.end)
			break;
		n = token(&s, &t);
		/* A token68 may have "/" as well. */
		while (n && s.p < s.end && *s.p == '/') {
			const char *more;

			s.p++;
			token(&s, &more);
		}
		if (!n)
			return cs_err_set(err, EINVAL, "WWW-Authenticate is not as HTTP has it");
		skip_blank(&s);
		if (s.p < s.end && *s.p == '=') {
			s.p++;
			ret = value(&s, t, n, err);
		} else {
			scheme(&s, t, n);
		}
	}
	return ret;
}
