#include "cli/regopts.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "images/registry.h"

enum { RETRY_MAX = 100 };

static int tls(const char *text, enum img_verify_tls *out, struct cs_err *err)
{
	if (!text)
		*out = IMG_TLS_AS_CONFIGURED;
	else if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		*out = IMG_TLS_VERIFY;
	else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		*out = IMG_TLS_ANY;
	else
		return cs_err_set(err, EINVAL,
				  "option --tls-verify: \"%s\" is neither true nor false", text);
	return 0;
}

/* Everything but credentials. */
static int fill(const struct cli_regopts *o, struct img_reg_opts *r, struct cs_err *err)
{
	r->authfile = o->authfile;
	r->cert_dir = o->cert_dir;
	r->registries_conf = o->registries_conf;
	r->retries = IMG_REG_RETRIES;
	if (o->retry.set && o->retry.v > RETRY_MAX)
		return cs_err_set(err, ERANGE, "option --retry: at most %d", RETRY_MAX);
	if (o->retry.set)
		r->retries = (unsigned int)o->retry.v;
	if (o->timeout.set && (o->timeout.ms < 1000 || o->timeout.ms > 3600000))
		return cs_err_set(err, ERANGE, "option --timeout: between a second and an hour");
	if (o->timeout.set)
		r->stall_ms = (unsigned int)o->timeout.ms;
	return tls(o->tls_verify, &r->tls, err);
}

int cli_reg_open(const struct cli_regopts *o, uint64_t chunk, struct cli_reg *out,
		 struct cs_err *err)
{
	struct img_reg_opts r = { .chunk = chunk };
	int ret = fill(o, &r, err);

	if (ret < 0)
		return ret;
	if (o->creds) {
		ret = img_creds_from_text(o->creds, &out->creds, err);
		if (ret < 0)
			return cs_err_wrap(err, "option --creds");
		r.creds = &out->creds;
	}
	return img_reg_new(&r, &out->reg, err);
}

int cli_reg_open_as(const struct cli_regopts *o, const struct img_creds *creds, struct cli_reg *out,
		    struct cs_err *err)
{
	struct img_reg_opts r = { .creds = creds };
	int ret = fill(o, &r, err);

	return ret < 0 ? ret : img_reg_new(&r, &out->reg, err);
}

void cli_reg_fini(struct cli_reg *r)
{
	img_reg_free(r->reg);
	r->reg = NULL;
	img_creds_fini(&r->creds);
}
