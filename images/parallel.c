#include "images/parallel.h"

#include <pthread.h>
#include <signal.h>

#include "base/err.h"

struct work {
	const struct img_parallel *w;
	size_t n;
	pthread_mutex_t lock;
	size_t next;	   /* the first piece nobody has begun with */
	struct cs_err err; /* the first failure */
};

static void *run(void *arg)
{
	struct work *k = arg;

	for (;;) {
		struct cs_err err = CS_ERR_INIT;
		size_t i;

		pthread_mutex_lock(&k->lock);
		i = k->err.code ? k->n : k->next++;
		pthread_mutex_unlock(&k->lock);
		if (i >= k->n)
			return NULL;
		if (k->w->one(k->w->ctx, i, &err) >= 0)
			continue;
		pthread_mutex_lock(&k->lock);
		if (!k->err.code)
			k->err = err;
		pthread_mutex_unlock(&k->lock);
		if (k->w->stop)
			k->w->stop(k->w->ctx);
	}
}

int img_parallel(const struct img_parallel *w, size_t n, size_t threads, struct cs_err *err)
{
	struct work k = { .w = w, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t others[IMG_PARALLEL_MAX] = { 0 };
	sigset_t all, old;
	size_t m = 0;

	if (threads > n)
		threads = n;
	if (threads > IMG_PARALLEL_MAX)
		threads = IMG_PARALLEL_MAX;
	/* Signals are for the program's own threads; this one works as well. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (m + 1 < threads && pthread_create(&others[m], NULL, run, &k) == 0)
		m++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	run(&k);
	for (size_t i = 0; i < m; i++)
		pthread_join(others[i], NULL);
	pthread_mutex_destroy(&k.lock);
	if (!k.err.code)
		return 0;
	*err = k.err;
	return -err->code;
}
