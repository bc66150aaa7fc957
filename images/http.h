#ifndef CS_IMAGES_HTTP_H
#define CS_IMAGES_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * An HTTP client for registries: HTTP/1.1 and 2 over libcurl's multi interface, run by one thread
 * of its own. img_http_do() may be called by many threads at once: each waits for its own answer
 * and takes the body in its own thread, and a slow taker slows its transfer only. libcurl and the
 * thread start with the first request.
 *
 * Redirects are followed here and not by libcurl: credentials go to the origin they are for and to
 * no other, https is never left for http. Proxies come from the environment (http_proxy,
 * https_proxy, no_proxy), as libcurl has them.
 */

struct img_http;

enum {
	IMG_HTTP_CONNS = 8,	  /* transfers at a time */
	IMG_HTTP_REDIRECTS = 5,	  /* followed for a request */
	IMG_HTTP_HEADERS = 65536, /* bytes of headers in an answer */
	IMG_HTTP_ERROR_BODY = 16384,
};

struct img_http_opts {
	/* --cert-dir, for the origin of requests with @home alone; others are not shown the
	 * client's certificate in it. NULL, and for others: <host:port> in the usual folders. */
	const char *cert_dir;
	unsigned int connect_ms; /* to reach a host, TLS included; 0: 30 s */
	unsigned int stall_ms;	 /* without a byte; 0: 30 s */
};

/* Strings of @opts are borrowed. */
int img_http_new(const struct img_http_opts *opts, struct img_http **out, struct cs_err *err);

/* Ends what is under way, then frees. NULL is allowed. No call may be in it. */
void img_http_free(struct img_http *h);

/* Makes every call, now and later, fail with ECANCELED. For any thread. */
void img_http_cancel(struct img_http *h);

/* Waits @ms milliseconds; ECANCELED as soon as the client is cancelled. */
int img_http_wait(struct img_http *h, unsigned int ms, struct cs_err *err);

struct img_http_resp {
	int status;
	bool foreign;  /* came, after redirects, from another origin than was asked */
	char *headers; /* owned: lines "Name: value\n" */
	char *url;     /* owned: where it came from in the end */
	char *body;    /* owned, NUL-terminated: without a data function, and for errors */
	size_t body_len;
};
#define IMG_HTTP_RESP_INIT ((struct img_http_resp){ 0 })

void img_http_resp_fini(struct img_http_resp *r);
#define img_auto_resp CS_CLEANUP(img_http_resp_fini) /* needs base/cleanup.h */

/* The value of the @nth (from 0) header of that name, in any case: its length in *@len; NULL when
 * there is none. Not NUL-terminated. */
const char *img_http_header(const struct img_http_resp *r, const char *name, unsigned int nth,
			    size_t *len);

/* As a whole number. Returns 1, 0 when it is absent, -EINVAL when it is no number. */
int img_http_header_u64(const struct img_http_resp *r, const char *name, uint64_t *out);

struct img_http_req {
	const char *method; /* GET, HEAD, POST, PUT, PATCH, DELETE */
	const char *url;
	const char *const *headers; /* lines "Name: value" that any origin may see; NULL-terminated,
				       or NULL */
	const char *auth;	    /* value of Authorization, for this URL's origin; or NULL */
	bool insecure;		    /* plain http or an unverified certificate will do */
	bool home;		    /* this URL's origin is the one that cert_dir is for */
	bool no_redirect;	    /* a redirect is an answer like others */
	const void *body;	    /* sent; NULL: none, or from body_fd */
	uint64_t body_len;
	int body_fd; /* where a body comes from if @body is NULL and body_len is not
			0, by pread(2) */
	uint64_t body_off;
	uint64_t max_body;     /* of a good answer; one byte more is EFBIG */
	unsigned int total_ms; /* for all of it; 0: no limit but the stall's */
	/* Called once when the headers of a good (2xx) answer are there. May be NULL. */
	int (*start)(void *ctx, const struct img_http_resp *resp, struct cs_err *err);
	/* Takes a good answer's body. NULL: it is kept in the answer. */
	int (*data)(void *ctx, const void *buf, size_t len, struct cs_err *err);
	/* Told as the body is sent, from another thread. May be NULL. */
	void (*sent)(void *ctx, uint64_t total);
	void *ctx;
};

/*
 * Makes the request. 0 with the answer, whatever its status, in *@resp; else an error:
 * EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ETIMEDOUT (worth another try, see img_http_again()),
 * EKEYREJECTED (TLS), EPROTO, EFBIG, ECANCELED, or what @start and @data returned. On failure too
 * what @data took stays taken.
 */
int img_http_do(struct img_http *h, const struct img_http_req *req, struct img_http_resp *resp,
		struct cs_err *err);

/* Is that error one that may pass? */
bool img_http_again(int error);

#endif
