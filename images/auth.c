#include "images/auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "images/base64.h"
#include "images/challenge.h"
#include "images/http.h"
#include "images/url.h"

enum {
	TOKEN_MAX = 1 << 16,   /* bytes of a token, and of a token server's answer */
	TOKEN_SECONDS = 60,    /* how long one lasts if nothing is said */
	TOKEN_MARGIN = 10,     /* seconds before its end it is old already */
	TOKEN_TIME_MS = 60000, /* for the token server's whole answer */
};

/* What to show a host for a scope. */
struct grant {
	struct grant *next;
	char *host, *scope; /* owned */
	char *value;	    /* owned: "Bearer ..." or "Basic ..." */
	int64_t until;	    /* CLOCK_MONOTONIC seconds; 0: for ever */
};

struct img_auth {
	struct img_auth_opts opts;
	pthread_mutex_t lock; /* held while a token is fetched: others want the same */
	struct grant *grants;
};

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec;
}

int img_auth_new(const struct img_auth_opts *opts, struct img_auth **out, struct cs_err *err)
{
	struct img_auth *a = calloc(1, sizeof(*a));

	if (!a)
		return oom(err);
	a->opts = *opts;
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void free_grant(struct grant *g)
{
	free(g->host);
	free(g->scope);
	wipe(g->value);
	free(g);
}

void img_auth_free(struct img_auth *a)
{
	if (!a)
		return;
	while (a->grants) {
		struct grant *g = a->grants;

		a->grants = g->next;
		free_grant(g);
	}
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* With the lock held. */
static struct grant *find(struct img_auth *a, const struct img_auth_for *f)
{
	for (struct grant *g = a->grants; g; g = g->next)
		if (strcmp(g->host, f->host) == 0 && strcmp(g->scope, f->scope) == 0)
			return g;
	return NULL;
}

int img_auth_value(struct img_auth *a, const struct img_auth_for *f, char **out, struct cs_err *err)
{
	const struct grant *g;
	char *v = NULL;
	bool have;

	pthread_mutex_lock(&a->lock);
	g = find(a, f);
	have = g && (!g->until || now() < g->until);
	if (have)
		v = strdup(g->value);
	pthread_mutex_unlock(&a->lock);
	if (have && !v)
		return oom(err);
	*out = v;
	return 0;
}

/* Keeps what was granted; takes @value. */
static int grant(struct img_auth *a, const struct img_auth_for *f, char *value, int64_t until,
		 struct cs_err *err)
{
	struct grant *g = find(a, f);

	if (!g) {
		g = calloc(1, sizeof(*g));
		if (g) {
			g->host = strdup(f->host);
			g->scope = strdup(f->scope);
		}
		if (!g || !g->host || !g->scope) {
			if (g)
				free_grant(g);
			wipe(value);
			return oom(err);
		}
		g->next = a->grants;
		a->grants = g;
	}
	wipe(g->value);
	g->value = value;
	g->until = until;
	return 0;
}

static char *basic_value(const struct img_creds *c)
{
	struct cs_buf pair = CS_BUF_INIT, v = CS_BUF_INIT;

	cs_buf_addf(&pair, "%s:%s", c->user, c->secret);
	cs_buf_add(&v, "Basic ");
	if (pair.s)
		img_base64_put(&v, pair.s, pair.len);
	if (pair.s)
		explicit_bzero(pair.s, pair.len);
	if (pair.failed || v.failed)
		cs_buf_fini(&v);
	cs_buf_fini(&pair);
	return v.s;
}

/* Our credentials for the place. Returns 1, or 0 without any. */
static int creds_for(const struct img_auth *a, const struct img_auth_for *f, struct img_creds *out,
		     struct cs_err *err)
{
	const struct img_creds *c = f->named ? a->opts.creds : NULL;

	if (!c)
		return img_creds_find(a->opts.authfile, f->host, f->repo, out, err);
	out->user = strdup(c->user ? c->user : "");
	out->secret = strdup(c->secret ? c->secret : "");
	return out->user && out->secret ? 1 : oom(err);
}

/* --- tokens ------------------------------------------------------------------------------------
 */

/* A token goes into a header line. */
static bool token_ok(const char *t)
{
	size_t n = 0;

	for (; t[n]; n++)
		if (t[n] <= 0x20 || t[n] > 0x7e)
			return false;
	return n > 0 && n <= TOKEN_MAX;
}

static int parse_token(const struct img_http_resp *resp, char **value, int64_t *until,
		       struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const char *token = "", *access = "";
	uint64_t seconds = TOKEN_SECONDS;
	int ret = cs_json_parse(resp->body, resp->body_len, "the token server's answer", &doc, err);

	if (ret < 0)
		return ret;
	if (cs_json_str(doc.root, "token", &token, err) < 0 ||
	    cs_json_str(doc.root, "access_token", &access, err) < 0 ||
	    cs_json_u64(doc.root, "expires_in", &seconds, err) < 0)
		return cs_err_wrap(err, "the token server's answer");
	if (!*token)
		token = access;
	if (!token_ok(token))
		return cs_err_set(err, EPROTO, "the token server's answer has no usable token");
	if (seconds < TOKEN_SECONDS)
		seconds = TOKEN_SECONDS;
	if (seconds > 86400)
		seconds = 86400;
	cs_buf_addf(&b, "Bearer %s", token);
	ret = cs_buf_ok(&b, err);
	if (ret < 0)
		return ret;
	*until = now() + (int64_t)seconds - TOKEN_MARGIN;
	*value = cs_buf_take(&b);
	return 0;
}

/* The scopes, each a parameter of its own. */
static void add_scopes(struct cs_buf *b, const char *scopes, bool query)
{
	while (*scopes) {
		char one[1024];
		size_t n = strcspn(scopes, " ");

		if (n && n < sizeof(one)) {
			memcpy(one, scopes, n);
			one[n] = '\0';
			cs_buf_add(b, query ? "&scope=" : "%20");
			img_url_escape(b, one);
		}
		scopes += n;
		scopes += *scopes == ' ';
	}
}

struct token_ask {
	struct cs_buf url, body;
	char *auth;
};

/* GET with Basic, as everybody knows it. */
static int ask_by_get(struct token_ask *k, const struct img_challenge *c, const char *scope,
		      const struct img_creds *creds)
{
	cs_buf_addf(&k->url, "%s%sservice=", c->realm, strchr(c->realm, '?') ? "&" : "?");
	img_url_escape(&k->url, c->service);
	add_scopes(&k->url, scope, true);
	if (!creds->user)
		return 0;
	cs_buf_add(&k->url, "&account=");
	img_url_escape(&k->url, creds->user);
	k->auth = basic_value(creds);
	return k->auth ? 0 : -ENOMEM;
}

/* POST (OAuth 2), for an identity token. */
static int ask_by_post(struct token_ask *k, const struct img_challenge *c, const char *scope,
		       const struct img_creds *creds)
{
	cs_buf_add(&k->url, c->realm);
	cs_buf_add(&k->body, "grant_type=refresh_token&client_id=caisson&service=");
	img_url_escape(&k->body, c->service);
	cs_buf_add(&k->body, "&refresh_token=");
	img_url_escape(&k->body, creds->identity);
	cs_buf_add(&k->body, "&scope=");
	for (const char *s = scope; *s; s++) {
		char one[2] = { *s, '\0' };

		img_url_escape(&k->body, one);
	}
	return 0;
}

/* The realm is where credentials go: what may it be? */
static int check_realm(const struct img_auth_for *f, const struct img_challenge *c,
		       struct cs_err *err)
{
	struct img_url u;
	int ret;

	if (!c->realm[0])
		return cs_err_set(err, EPROTO, "%s asks for a token and does not say from where",
				  f->host);
	ret = img_url_parse(c->realm, &u, err);
	if (ret < 0)
		return cs_err_wrap(err, "%s asks for a token", f->host);
	if (!u.https && (f->https || !f->insecure))
		return cs_err_set(err, EKEYREJECTED,
				  "%s wants our credentials sent by plain http, to %s", f->host,
				  u.host);
	return 0;
}

/* Is the token server the registry itself? */
static bool at_home(const struct img_auth_for *f, const char *realm)
{
	struct cs_err ignored = CS_ERR_INIT;
	struct img_url a, b;
	char text[300];

	return f->named &&
	       cs_str_fmt(text, sizeof(text), &ignored, "%s://%s/", f->https ? "https" : "http",
			  f->host) == 0 &&
	       img_url_parse(text, &a, &ignored) == 0 && img_url_parse(realm, &b, &ignored) == 0 &&
	       img_url_same_origin(&a, &b);
}

static int token_status(const struct img_auth_for *f, const struct img_http_resp *r,
			bool have_creds, struct cs_err *err)
{
	if (r->status == 200)
		return 0;
	if (r->status == 401 || r->status == 403)
		return cs_err_set(err, EACCES, "%s: %s", f->host,
				  have_creds ? "the token server does not take our credentials"
					     : "the token server wants credentials: caisson login");
	return cs_err_set(err, r->status >= 500 || r->status == 429 ? EAGAIN : EPROTO,
			  "%s: the token server answers %d", f->host, r->status);
}

static int get_token(struct img_http *http, const struct img_auth_for *f,
		     const struct img_challenge *c, const struct img_creds *creds, char **value,
		     int64_t *until, struct cs_err *err)
{
	static const char *const form[] = { "Content-Type: application/x-www-form-urlencoded",
					    NULL };
	/* What the registry says it needs, and what we know we shall. */
	const char *scope = c->scope[0] && !strchr(f->scope, ' ') ? c->scope : f->scope;
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct token_ask k = { CS_BUF_INIT, CS_BUF_INIT, NULL };
	struct img_http_req req = {
		.method = creds->identity ? "POST" : "GET",
		.headers = creds->identity ? form : NULL,
		.insecure = f->insecure,
		.home = at_home(f, c->realm),
		.max_body = 2ULL * TOKEN_MAX,
		.total_ms = TOKEN_TIME_MS,
	};
	int ret = check_realm(f, c, err);

	if (ret < 0)
		return ret;
	ret = creds->identity ? ask_by_post(&k, c, scope, creds) : ask_by_get(&k, c, scope, creds);
	if (ret < 0 || k.url.failed || k.body.failed) {
		ret = oom(err);
	} else {
		req.url = k.url.s;
		req.auth = k.auth;
		req.body = k.body.s;
		req.body_len = k.body.len;
		ret = img_http_do(http, &req, &resp, err);
	}
	if (!ret)
		ret = token_status(f, &resp, creds->user || creds->identity, err);
	if (!ret)
		ret = parse_token(&resp, value, until, err);
	if (resp.body)
		explicit_bzero(resp.body, resp.body_len);
	if (k.body.s)
		explicit_bzero(k.body.s, k.body.len);
	cs_buf_fini(&k.url);
	cs_buf_fini(&k.body);
	wipe(k.auth);
	return ret;
}

/* --- challenges --------------------------------------------------------------------------------
 */

static int read_challenge(const struct img_http_resp *resp, struct img_challenge *c,
			  struct cs_err *err)
{
	size_t len;
	const char *v;
	int ret = 0;

	for (unsigned int i = 0; !ret && (v = img_http_header(resp, "WWW-Authenticate", i, &len));
	     i++)
		ret = img_challenge_parse(v, len, c, err);
	return ret;
}

static int answer(struct img_auth *a, struct img_http *http, const struct img_auth_for *f,
		  const struct img_challenge *c, const char *used, struct cs_err *err)
{
	img_auto_creds struct img_creds creds = IMG_CREDS_INIT;
	char *value = NULL;
	int64_t until = 0;
	int ret = creds_for(a, f, &creds, err);

	if (ret < 0)
		return ret;
	if (c->bearer) {
		ret = get_token(http, f, c, &creds, &value, &until, err);
	} else if (!c->basic) {
		ret = cs_err_set(err, EACCES,
				 "%s refuses us and names no way to log in that we know", f->host);
	} else if (!creds.user) {
		ret = cs_err_set(err, EACCES, "%s wants credentials: caisson login %s", f->host,
				 f->host);
	} else {
		value = basic_value(&creds);
	}
	if (ret < 0)
		return ret;
	if (!value)
		return oom(err);
	if (used && strcmp(used, value) == 0) {
		wipe(value);
		return cs_err_set(err, EACCES, "%s does not take our credentials", f->host);
	}
	return grant(a, f, value, until, err);
}

int img_auth_answer(struct img_auth *a, struct img_http *http, const struct img_auth_for *f,
		    const struct img_http_resp *resp, const char *used, struct cs_err *err)
{
	struct img_challenge c = { 0 };
	const struct grant *g;
	int ret;

	if (resp->foreign)
		return cs_err_set(err, EACCES,
				  "%s redirects to a place that wants credentials of its own, "
				  "which it is not given",
				  f->host);
	ret = read_challenge(resp, &c, err);
	if (ret < 0)
		return cs_err_wrap(err, "%s", f->host);
	pthread_mutex_lock(&a->lock);
	g = find(a, f);
	/* Somebody else may have been here in the meantime. */
	if (!g || (g->until && now() >= g->until) || (used && strcmp(used, g->value) == 0))
		ret = answer(a, http, f, &c, used, err);
	pthread_mutex_unlock(&a->lock);
	return ret;
}
