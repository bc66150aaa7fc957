#ifndef CS_IMAGES_HTTP_INT_H
#define CS_IMAGES_HTTP_INT_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "images/curl.h"
#include "images/http.h"

struct img_url;

/* Between http.c (calls, redirects), http_loop.c (the thread) and http_easy.c (one transfer as
 * libcurl sees it). */

enum {
	IMG_RING = 1 << 20, /* bytes of a body on their way to who takes them */
};

enum img_xfer_state {
	IMG_XFER_QUEUED,
	IMG_XFER_ACTIVE,
	IMG_XFER_DONE,
};

/* A transfer. The loop's thread and the caller's share it under the client's lock. */
struct img_xfer {
	struct img_http *http;
	const struct img_http_req *req;
	struct img_xfer *next; /* in the queue, or among the active */
	pthread_cond_t cond;   /* signalled when there is something for the caller */
	enum img_xfer_state state;
	CURL *easy;
	struct curl_slist *slist;
	char *ca; /* owned: certificates for this host */
	char errbuf[CURL_ERROR_SIZE];
	CURLcode result;
	struct cs_err err; /* what we found wrong ourselves */

	struct cs_buf head; /* headers of the answer */
	size_t head_total;
	int status;
	bool head_done; /* status and headers are there */
	struct cs_buf body;
	bool cut;	/* an error's body, longer than wanted */
	uint64_t taken; /* bytes of a good answer so far */
	uint64_t sent;

	char *ring; /* owned; NULL without a data function */
	size_t ring_at, ring_len;
	bool paused;
	bool resume; /* for the loop: go on */
	bool drop;   /* for the loop: the caller has enough */
};

struct img_http {
	struct img_http_opts opts;
	const struct img_curl *curl;
	CURLM *multi;
	pthread_t thread;
	bool running;
	bool cancelled;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t waiters; /* for img_http_wait() */
	struct img_xfer *queue; /* oldest first */
	struct img_xfer *active;
	unsigned int n_active;
};

/* Starts libcurl and the thread if they are not up. With the lock held. */
int img_http_loop_start(struct img_http *h, struct cs_err *err);
void img_http_loop_stop(struct img_http *h);

/* Makes the libcurl handle for one request to @url. @auth: this origin may see the credentials;
 * @unverified: this host's certificate need not be good. */
int img_xfer_setup(struct img_xfer *x, const struct img_url *url, const char *text, bool auth,
		   bool unverified, struct cs_err *err);
void img_xfer_fini(struct img_xfer *x);

/* libcurl's result as an error. */
int img_xfer_error(const struct img_xfer *x, const char *host, struct cs_err *err);

/* The certificates for a host: all *.crt of its folder as one text in *@ca (NULL: the system's),
 * and paths of the client's own in @cert and @key ("" when there are none). The folder is @cert_dir
 * if the host is at @home, else one of the usual ones; where these have none for the host,
 * authorities are still taken from @cert_dir, but nothing of it is shown. */
struct img_certs_for {
	const char *cert_dir; /* NULL: none */
	bool home;
	const struct img_url *url;
};
int img_certs_find(const struct img_certs_for *c, char **ca, char cert[PATH_MAX],
		   char key[PATH_MAX], struct cs_err *err);

#endif
