#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "images/registry_int.h"

enum {
	BACKOFF_MS = 250, /* before the second try, then twice as long each time */
	BACKOFF_MAX = 8000,
	PATIENCE = 60, /* seconds of Retry-After that are waited */
	SAID_MAX = 160,
};

bool img_reg_again(int error)
{
	return img_http_again(error) || error == -EAGAIN;
}

static unsigned int noise(unsigned int below)
{
	unsigned int v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
		return 0;
	return below ? v % below : 0;
}

/* Seconds the answer asks us to wait; 0: it does not. */
static uint64_t retry_after(const struct img_http_resp *resp)
{
	uint64_t s = 0;

	if (!resp || img_http_header_u64(resp, "Retry-After", &s) <= 0)
		return 0;
	return s;
}

int img_reg_backoff(struct img_reg *r, unsigned int n, const struct img_http_resp *resp,
		    struct cs_err *err)
{
	uint64_t wanted = retry_after(resp);
	unsigned int ms = n > 6 ? BACKOFF_MAX : (unsigned int)BACKOFF_MS << (n - 1);

	if (ms > BACKOFF_MAX)
		ms = BACKOFF_MAX;
	ms += noise(ms / 2);
	if (wanted > PATIENCE)
		return cs_err_set(err, EAGAIN, "it wants more patience than we have");
	if (ms < wanted * 1000)
		ms = (unsigned int)wanted * 1000 + noise(250);
	return img_http_wait(r->http, ms, err);
}

/* The first message of a JSON body {"errors": [{"code", "message"}]}, short and harmless. */
static void said(const struct img_http_resp *resp, char out[SAID_MAX])
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err ignored = CS_ERR_INIT;
	const struct cs_json *list = NULL, *first;
	const char *code = "", *text = "";
	size_t n = 0;

	out[0] = '\0';
	if (!resp->body_len ||
	    cs_json_parse(resp->body, resp->body_len, "answer", &doc, &ignored) < 0)
		return;
	if (doc.root->type != CS_JSON_OBJECT ||
	    cs_json_arr(doc.root, "errors", &list, &ignored) <= 0)
		return;
	first = list->child;
	if (!first || first->type != CS_JSON_OBJECT ||
	    cs_json_str(first, "code", &code, &ignored) < 0 ||
	    cs_json_str(first, "message", &text, &ignored) < 0)
		return;
	if (!*text)
		text = code;
	while (n < SAID_MAX - 1 && text[n]) {
		size_t len = cs_str_utf8_len(text + n);

		if (n + len >= SAID_MAX)
			break;
		n += len ? len : 1;
	}
	memcpy(out, text, n);
	out[n] = '\0';
	cs_str_plain(out);
}

int img_reg_refusal(const struct img_http_resp *resp, const char *host, const char *what,
		    struct cs_err *err)
{
	uint64_t wait = retry_after(resp);
	char text[SAID_MAX];
	const char *colon;

	said(resp, text);
	colon = *text ? ": " : "";
	switch (resp->status) {
	case 401:
	case 403:
		return cs_err_set(err, EACCES,
				  "%s: %s: access denied (%d)%s%s; is there such a repository, and "
				  "are you logged in to it?",
				  host, what, resp->status, colon, text);
	case 404:
		return cs_err_set(err, ENOENT, "%s: %s: not found%s%s", host, what, colon, text);
	case 429:
		if (wait)
			return cs_err_set(err, EAGAIN,
					  "%s: %s: its rate limit is reached%s%s; try again in "
					  "%llu s",
					  host, what, colon, text, (unsigned long long)wait);
		return cs_err_set(err, EAGAIN,
				  "%s: %s: its rate limit is reached%s%s; try again later, or log "
				  "in",
				  host, what, colon, text);
	default:
		return cs_err_set(err, resp->status >= 500 ? EAGAIN : EPROTO,
				  "%s: %s: the registry answers %d%s%s", host, what, resp->status,
				  colon, text);
	}
}
