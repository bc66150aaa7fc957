#include "images/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/registry_int.h"
#include "images/url.h"

enum { PING_MS = 30000, PING_MAX = 65536 };

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

int img_reg_new(const struct img_reg_opts *opts, struct img_reg **out, struct cs_err *err)
{
	struct img_reg *r = calloc(1, sizeof(*r));
	struct img_http_opts http = { .cert_dir = opts->cert_dir, .stall_ms = opts->stall_ms };
	struct img_auth_opts auth = { .creds = opts->creds, .authfile = opts->authfile };
	int ret;

	if (!r)
		return oom(err);
	r->opts = *opts;
	/* Reaching a host is given the same time. */
	http.connect_ms = opts->stall_ms;
	ret = img_registries_load(opts->registries_conf, &r->conf, err);
	if (!ret)
		ret = img_http_new(&http, &r->http, err);
	if (!ret)
		ret = img_auth_new(&auth, &r->auth, err);
	if (ret < 0) {
		img_reg_free(r);
		return ret;
	}
	*out = r;
	return 0;
}

void img_reg_free(struct img_reg *r)
{
	if (!r)
		return;
	img_http_free(r->http);
	img_auth_free(r->auth);
	img_registries_fini(&r->conf);
	free(r);
}

void img_reg_cancel(struct img_reg *r)
{
	img_http_cancel(r->http);
}

int img_reg_name(const struct img_reg *r, const char *text, struct img_ref *out, struct cs_err *err)
{
	struct img_ref ref, full;
	const char *value, *registry = NULL;
	int ret;

	if (cs_str_starts(text, "docker://"))
		text += strlen("docker://");
	ret = img_ref_parse(text, &ref, err);
	if (ret < 0)
		return ret;
	if (ref.host[0])
		return img_ref_remote(text, NULL, out, err);
	value = img_registries_alias(&r->conf, ref.path);
	if (value) {
		ret = img_ref_remote(value, NULL, &full, err);
		if (ret < 0)
			return cs_err_wrap(err, "alias of %s", ref.path);
		memcpy(ref.host, full.host, sizeof(ref.host));
		memcpy(ref.path, full.path, sizeof(ref.path));
		img_ref_default_tag(&ref);
		*out = ref;
		return 0;
	}
	ret = img_registries_default(&r->conf, ref.path, &registry, err);
	return ret < 0 ? ret : img_ref_remote(text, registry, out, err);
}

/* --- repositories ------------------------------------------------------------------------------
 */

/* What the user allows is for the place that was named; a mirror has its own setting. */
static bool insecure(const struct img_reg *r, const struct img_place *p)
{
	return (r->opts.tls == IMG_TLS_ANY && !p->mirror) ||
	       (r->opts.tls != IMG_TLS_VERIFY && p->insecure);
}

int img_repo_open(struct img_reg *r, const struct img_ref *ref, bool push, struct img_repo **out,
		  struct cs_err *err)
{
	struct img_place places[IMG_PLACES];
	int n = img_registries_places(&r->conf, ref, push, places, err);
	struct img_repo *p;

	if (n < 0)
		return n;
	p = calloc(1, sizeof(*p));
	if (!p)
		return oom(err);
	p->reg = r;
	p->n = (size_t)n;
	for (size_t i = 0; i < p->n; i++) {
		p->v[i].p = places[i];
		p->v[i].p.insecure = insecure(r, &places[i]);
		p->v[i].known = !p->v[i].p.insecure;
		p->v[i].https = true;
		pthread_mutex_init(&p->v[i].lock, NULL);
	}
	snprintf(p->scope, sizeof(p->scope), "%s", push ? "pull,push" : "pull");
	*out = p;
	return 0;
}

void img_repo_close(struct img_repo *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		pthread_mutex_destroy(&p->v[i].lock);
	free(p);
}

/* Where plain http is allowed: does the place speak https? */
static int probe(struct img_repo *p, struct img_repo_place *pl, struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	struct cs_err why = CS_ERR_INIT;
	char url[400];
	struct img_http_req req = {
		.method = "GET",
		.url = url,
		.insecure = true,
		.home = !pl->p.mirror,
		.no_redirect = true,
		.max_body = PING_MAX,
		.total_ms = PING_MS,
	};
	int ret = cs_str_fmt(url, sizeof(url), err, "https://%s/v2/", pl->p.host);

	if (ret < 0)
		return ret;
	ret = img_http_do(p->reg->http, &req, &resp, &why);
	if (ret == -ECANCELED)
		return cs_err_set(err, ECANCELED, "cancelled");
	pl->https = ret == 0;
	pl->known = true;
	return 0;
}

int img_repo_base(struct img_repo *p, size_t place, char *out, size_t size, struct cs_err *err)
{
	struct img_repo_place *pl = &p->v[place];
	bool https;
	int ret = 0;

	pthread_mutex_lock(&pl->lock);
	if (!pl->known)
		ret = probe(p, pl, err);
	https = pl->https;
	pthread_mutex_unlock(&pl->lock);
	if (ret < 0)
		return ret;
	return cs_str_fmt(out, size, err, "%s://%s", https ? "https" : "http", pl->p.host);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* One try, in which a 401 may lead to a token and the request being made again. */
static int ask_once(struct img_repo *p, size_t place, struct img_http_req *req,
		    struct img_http_resp *resp, struct cs_err *err)
{
	const struct img_repo_place *pl = &p->v[place];
	struct img_auth_for f = {
		.host = pl->p.host,
		.repo = pl->p.repo,
		.named = !pl->p.mirror,
		.insecure = pl->p.insecure,
		.https = pl->https,
	};
	char scope[2600];
	int ret = cs_str_fmt(scope, sizeof(scope), err, "repository:%s:%s", pl->p.repo, p->scope);

	if (ret < 0)
		return ret;
	f.scope = pl->p.repo[0] ? scope : "";
	for (int i = 0;; i++) {
		char *auth = NULL;

		ret = img_auth_value(p->reg->auth, &f, &auth, err);
		if (ret < 0)
			return ret;
		req->auth = auth;
		ret = img_http_do(p->reg->http, req, resp, err);
		if (!ret && resp->status == 401 && i < 2)
			ret = img_auth_answer(p->reg->auth, p->reg->http, &f, resp, auth, err);
		else
			i = 2;
		req->auth = NULL;
		wipe(auth);
		if (ret < 0 || i == 2)
			return ret;
	}
}

int img_repo_ask(struct img_repo *p, size_t place, struct img_ask *a, int ok,
		 struct img_http_resp *resp, struct cs_err *err)
{
	const struct img_place *pl = &p->v[place].p;
	char base[300], url[IMG_URL_MAX];
	int ret = img_repo_base(p, place, base, sizeof(base), err);

	if (ret < 0)
		return ret;
	if (a->path) {
		ret = cs_str_fmt(url, sizeof(url), err, "%s/v2/%s%s%s", base, pl->repo,
				 pl->repo[0] ? "/" : "", a->path);
		if (ret < 0)
			return ret;
		a->req.url = url;
	}
	a->req.insecure = pl->insecure;
	a->req.home = !pl->mirror;
	for (unsigned int n = 1;; n++) {
		struct cs_err slow = CS_ERR_INIT;

		ret = ask_once(p, place, &a->req, resp, err);
		if (!ret && resp->status >= 400 && resp->status != ok)
			ret = img_reg_refusal(resp, pl->host, a->path ? a->path : "upload", err);
		if (ret >= 0 || !img_reg_again(ret) || a->once || n > p->reg->opts.retries)
			break;
		if (img_reg_backoff(p->reg, n, resp, &slow) < 0)
			break;
		cs_err_clear(err);
		img_http_resp_fini(resp);
	}
	if (a->path)
		a->req.url = NULL;
	return ret;
}

int img_reg_login(struct img_reg *r, const char *host, struct cs_err *err)
{
	img_auto_resp struct img_http_resp resp = IMG_HTTP_RESP_INIT;
	const struct img_registry *g = img_registries_find(&r->conf, host, "");
	struct img_ask a = {
		.req = { .method = "GET", .max_body = PING_MAX, .total_ms = PING_MS },
		.path = "",
	};
	const struct img_place place = { .insecure = g && g->insecure };
	struct img_repo p = { .reg = r, .n = 1 };
	int ret;

	if (!img_url_authority_ok(host))
		return cs_err_set(err, EINVAL, "\"%s\" is no registry: HOST[:PORT]", host);
	ret = cs_str_fmt(p.v[0].p.host, sizeof(p.v[0].p.host), err, "%s", host);
	if (ret < 0)
		return ret;
	p.v[0].p.insecure = insecure(r, &place);
	p.v[0].known = !p.v[0].p.insecure;
	p.v[0].https = true;
	pthread_mutex_init(&p.v[0].lock, NULL);
	ret = img_repo_ask(&p, 0, &a, 404, &resp, err);
	pthread_mutex_destroy(&p.v[0].lock);
	if (!ret && resp.status != 200)
		return cs_err_set(err, EPROTO, "%s is no registry: it answers %d to /v2/", host,
				  resp.status);
	return ret;
}
