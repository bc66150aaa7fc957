#ifndef CS_IMAGES_REGISTRY_INT_H
#define CS_IMAGES_REGISTRY_INT_H

#include <pthread.h>
#include <stdbool.h>

#include "images/auth.h"
#include "images/http.h"
#include "images/registry.h"

/* Between registry.c (sessions, requests), registry_pull.c, registry_push.c and
 * registry_error.c. */

struct img_reg {
	struct img_reg_opts opts;
	struct img_registries conf;
	struct img_http *http; /* owned */
	struct img_auth *auth; /* owned */
};

/* A place and how it is spoken to. */
struct img_repo_place {
	struct img_place p;
	pthread_mutex_t lock;
	bool known; /* https is: only asked about where plain http is allowed */
	bool https;
};

struct img_repo {
	struct img_reg *reg;
	struct img_repo_place v[IMG_PLACES];
	size_t n;
	size_t good;	  /* the place that had the manifest */
	char scope[1200]; /* what tokens are asked for */
};

/* A request to one place. */
struct img_ask {
	struct img_http_req req; /* url is set from path */
	const char *path;	 /* behind /v2/<repo>/; NULL: req.url is set */
	bool once;		 /* no further tries: the caller makes them */
};

/* Makes the request: authentication, further tries. 0 with an answer below 400, or what @ok lists;
 * other answers are errors with what the registry says of them. */
int img_repo_ask(struct img_repo *p, size_t place, struct img_ask *a, int ok,
		 struct img_http_resp *resp, struct cs_err *err);

/* "https://host" or "http://host" of a place. */
int img_repo_base(struct img_repo *p, size_t place, char *out, size_t size, struct cs_err *err);

/* May it pass, if tried again? */
bool img_reg_again(int error);

/* Before try number @n (from 1): waits, at least as long as the answer (NULL: none) says; EAGAIN if
 * that is more than a minute. */
int img_reg_backoff(struct img_reg *r, unsigned int n, const struct img_http_resp *resp,
		    struct cs_err *err);

/* An answer of 400 and more as an error: ENOENT (404), EACCES (401, 403), EAGAIN (429, 5xx), else
 * EPROTO. @what: what was asked for. */
int img_reg_refusal(const struct img_http_resp *resp, const char *host, const char *what,
		    struct cs_err *err);

#endif
