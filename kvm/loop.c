#include "kvm/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

int vm_loop_init(struct vm_loop *loop, struct cs_err *err)
{
	cs_auto_fd int epfd = epoll_create1(EPOLL_CLOEXEC);
	cs_auto_fd int wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN };
	int rc;

	if (epfd < 0 || wakefd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, wakefd, &ev) < 0)
		return cs_err_sys(err, "make an event loop");
	*loop = (struct vm_loop){ .epfd = -EBADF, .wakefd = -EBADF };
	rc = pthread_mutex_init(&loop->lock, NULL);
	if (rc)
		return cs_err_errno(err, rc, "make an event loop's lock");
	loop->epfd = cs_take_fd(&epfd);
	loop->wakefd = cs_take_fd(&wakefd);
	return 0;
}

void vm_loop_fini(struct vm_loop *loop)
{
	if (loop->epfd < 0)
		return;
	cs_close_fd(&loop->epfd);
	cs_close_fd(&loop->wakefd);
	pthread_mutex_destroy(&loop->lock);
}

void vm_loop_lock(struct vm_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
}

void vm_loop_unlock(struct vm_loop *loop)
{
	pthread_mutex_unlock(&loop->lock);
}

int vm_loop_add(struct vm_loop *loop, struct vm_watch *w, uint32_t events, struct cs_err *err)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0)
		return cs_err_sys(err, "watch fd %d", w->fd);
	w->added = true;
	w->events = events;
	return 0;
}

void vm_loop_mod(struct vm_loop *loop, struct vm_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	/* devices ask for the same again with every packet */
	if (!w->added || w->events == events)
		return;
	w->events = events;
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_MOD, w->fd, &ev);
}

void vm_loop_del(struct vm_loop *loop, struct vm_watch *w)
{
	if (!w->added)
		return;
	w->added = false;
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = 0; i < loop->n_batch; i++)
		if (loop->batch[i] == w)
			loop->batch[i] = NULL;
}

static void drain(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n; /* EAGAIN: somebody was quicker */
}

int vm_loop_once(struct vm_loop *loop, int timeout_ms, struct cs_err *err)
{
	struct epoll_event ev[VM_LOOP_BATCH];
	int n = epoll_wait(loop->epfd, ev, VM_LOOP_BATCH, timeout_ms);
	int called = 0;

	if (n < 0 && errno != EINTR)
		return cs_err_sys(err, "wait for events");
	if (n < 0)
		n = 0;
	vm_loop_lock(loop);
	loop->wakeups++;
	for (int i = 0; i < n; i++)
		loop->batch[i] = ev[i].data.ptr;
	loop->n_batch = n;
	for (int i = 0; i < n; i++) {
		struct vm_watch *w = loop->batch[i];

		if (w) {
			w->ready(w, ev[i].events);
			called++;
		} else if (!ev[i].data.ptr) {
			drain(loop->wakefd);
		}
	}
	loop->n_batch = 0;
	vm_loop_unlock(loop);
	return called;
}

int vm_loop_run(struct vm_loop *loop, struct cs_err *err)
{
	while (!__atomic_load_n(&loop->stop, __ATOMIC_ACQUIRE)) {
		int rc = vm_loop_once(loop, -1, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void vm_loop_stop(struct vm_loop *loop)
{
	const uint64_t one = 1;
	ssize_t n;

	__atomic_store_n(&loop->stop, true, __ATOMIC_RELEASE);
	n = write(loop->wakefd, &one, sizeof(one));
	(void)n; /* EAGAIN: it is awake */
}

static void timer_ready(struct vm_watch *w, uint32_t events)
{
	struct vm_timer *t = (struct vm_timer *)w; /* its first member */
	uint64_t count;

	(void)events;
	if (read(w->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		t->fire(t);
}

int vm_timer_init(struct vm_timer *t, struct vm_loop *loop, void (*fire)(struct vm_timer *t),
		  struct cs_err *err)
{
	cs_auto_fd int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int rc;

	if (fd < 0)
		return cs_err_sys(err, "make a timer");
	*t = (struct vm_timer){ .w = { .fd = fd, .ready = timer_ready }, .fire = fire };
	rc = vm_loop_add(loop, &t->w, EPOLLIN, err);
	if (rc < 0) {
		t->w = VM_WATCH_INIT;
		return rc;
	}
	cs_take_fd(&fd);
	return 0;
}

void vm_timer_fini(struct vm_timer *t, struct vm_loop *loop)
{
	vm_loop_del(loop, &t->w);
	cs_close_fd(&t->w.fd);
}

void vm_timer_set(struct vm_timer *t, uint64_t first_ns, uint64_t every_ns)
{
	const struct itimerspec its = {
		.it_value = { (time_t)(first_ns / 1000000000), (long)(first_ns % 1000000000) },
		.it_interval = { (time_t)(every_ns / 1000000000), (long)(every_ns % 1000000000) },
	};

	(void)timerfd_settime(t->w.fd, 0, &its, NULL);
}
