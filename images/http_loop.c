#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/http_int.h"

/* The thread that runs libcurl. All handles of the multi interface are touched by it alone. */

enum { POLL_MS = 1000 };

/* Takes @x out of the list of active ones. */
static void forget(struct img_http *h, const struct img_xfer *x)
{
	for (struct img_xfer **p = &h->active; *p; p = &(*p)->next) {
		if (*p == x) {
			*p = x->next;
			h->n_active--;
			return;
		}
	}
}

static void finish(struct img_http *h, struct img_xfer *x, CURLcode result)
{
	h->curl->multi_remove_handle(h->multi, x->easy);
	pthread_mutex_lock(&h->lock);
	forget(h, x);
	x->result = result;
	x->state = IMG_XFER_DONE;
	pthread_cond_signal(&x->cond);
	pthread_mutex_unlock(&h->lock);
}

/* Starts what is queued, as long as there are connections for it. */
static void start_queued(struct img_http *h)
{
	for (;;) {
		struct img_xfer *x;

		pthread_mutex_lock(&h->lock);
		x = h->queue;
		if (!x || (h->n_active >= IMG_HTTP_CONNS && !h->cancelled)) {
			pthread_mutex_unlock(&h->lock);
			return;
		}
		h->queue = x->next;
		x->next = h->active;
		x->state = IMG_XFER_ACTIVE;
		h->active = x;
		h->n_active++;
		pthread_mutex_unlock(&h->lock);
		if (h->curl->multi_add_handle(h->multi, x->easy) != CURLM_OK)
			finish(h, x, CURLE_FAILED_INIT);
	}
}

/* The first active transfer that its caller, or a cancelled client, wants something done with. */
static struct img_xfer *next_wish(struct img_http *h, bool *drop)
{
	struct img_xfer *x;

	pthread_mutex_lock(&h->lock);
	for (x = h->active; x; x = x->next) {
		*drop = x->drop || h->cancelled || h->stop;
		if (*drop || x->resume)
			break;
	}
	if (x) {
		x->resume = false;
		x->paused = false;
	}
	pthread_mutex_unlock(&h->lock);
	return x;
}

static void *loop(void *arg)
{
	struct img_http *h = arg;
	struct img_xfer *x;
	bool stop = false, drop;
	int running, left;

	while (!stop) {
		CURLMsg *msg;

		start_queued(h);
		while ((x = next_wish(h, &drop))) {
			if (drop)
				finish(h, x, CURLE_ABORTED_BY_CALLBACK);
			else /* may call the write function: without the lock */
				h->curl->easy_pause(x->easy, CURLPAUSE_CONT);
		}
		h->curl->multi_perform(h->multi, &running);
		while ((msg = h->curl->multi_info_read(h->multi, &left))) {
			if (msg->msg != CURLMSG_DONE)
				continue;
			h->curl->easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
			finish(h, x, msg->data.result);
		}
		pthread_mutex_lock(&h->lock);
		stop = h->stop && !h->active && !h->queue;
		left = (h->queue && h->n_active < IMG_HTTP_CONNS) || stop ? 0 : POLL_MS;
		pthread_mutex_unlock(&h->lock);
		h->curl->multi_poll(h->multi, NULL, 0, left, NULL);
	}
	return NULL;
}

int img_http_loop_start(struct img_http *h, struct cs_err *err)
{
	sigset_t all, old;
	int ret;

	if (h->running)
		return 0;
	ret = img_curl_load(&h->curl, err);
	if (ret < 0)
		return ret;
	if (!h->multi)
		h->multi = h->curl->multi_init();
	if (!h->multi)
		return cs_err_set(err, ENOMEM, "set up libcurl: out of memory");
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&h->thread, NULL, loop, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return cs_err_errno(err, ret, "start a thread");
	h->running = true;
	return 0;
}

void img_http_loop_stop(struct img_http *h)
{
	if (h->running) {
		pthread_mutex_lock(&h->lock);
		h->stop = true;
		pthread_mutex_unlock(&h->lock);
		h->curl->multi_wakeup(h->multi);
		pthread_join(h->thread, NULL);
		h->running = false;
	}
	if (h->multi)
		h->curl->multi_cleanup(h->multi);
	h->multi = NULL;
}
