#ifndef CS_IMAGES_AUTH_H
#define CS_IMAGES_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "images/creds.h"

struct cs_err;
struct img_http;
struct img_http_resp;

/*
 * Proving to a registry who we are: Basic, or Bearer tokens (distribution's token authentication:
 * the registry names a token server, its "realm", which takes our credentials and gives a token for
 * a scope).
 *
 * Rules, each of them somebody's CVE: a challenge is only heard from the registry's own origin,
 * never from where it redirected to; a realm is https unless the registry itself was allowed plain
 * http; credentials go to the realm's origin and to no place it redirects to.
 */

struct img_auth;

struct img_auth_opts {
	const struct img_creds *creds; /* of --creds, for the place that was named; NULL: from
					* the files. Borrowed */
	const char *authfile;	       /* NULL: the usual ones. Borrowed */
};

int img_auth_new(const struct img_auth_opts *opts, struct img_auth **out, struct cs_err *err);
void img_auth_free(struct img_auth *a); /* NULL is allowed */

/* What is asked for, and where. */
struct img_auth_for {
	const char *host;
	const char *repo;  /* for the choice of credentials; "": none */
	const char *scope; /* "repository:a/b:pull", several apart by blanks; "": none */
	bool named; /* the place the user named, and no mirror of it: opts.creds are for it */
	bool insecure;
	bool https; /* how the registry is spoken to */
};

/* The Authorization header's value to begin with: what an earlier challenge led to, NULL if
 * nothing. The caller frees *@out, with explicit_bzero() before. */
int img_auth_value(struct img_auth *a, const struct img_auth_for *f, char **out,
		   struct cs_err *err);

/*
 * Answers the challenges of a 401: afterwards img_auth_value() has something better. EACCES: there
 * is nothing better, the credentials are wrong or missing. Several threads may come for one scope:
 * each @used says what it had been refused with (NULL: nothing), and if that is not the newest,
 * nothing needs doing.
 */
int img_auth_answer(struct img_auth *a, struct img_http *http, const struct img_auth_for *f,
		    const struct img_http_resp *resp, const char *used, struct cs_err *err);

#endif
