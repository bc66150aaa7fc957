/* System calls of a worker's thread, beside those of its handler: ppoll read write futex
 * clock_gettime clock_nanosleep rt_sigprocmask madvise munmap exit */
#include "kvm/virtio/worker.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"

static void drain(int fd)
{
	eventfd_t count;

	(void)eventfd_read(fd, &count);
}

static void *worker_main(void *arg)
{
	struct vio_worker *w = arg;
	struct pollfd fds[2] = {
		{ .fd = w->dev->kick_fd[w->qi], .events = POLLIN },
		{ .fd = w->wake_fd, .events = POLLIN },
	};

	if (w->dev->thread_begin)
		w->dev->thread_begin();
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		const struct timespec wait = { (time_t)(w->wait_ns / 1000000000),
					       (long)(w->wait_ns % 1000000000) };

		if (ppoll(fds, CS_LEN(fds), w->wait_ns ? &wait : NULL, NULL) > 0) {
			if (fds[0].revents)
				drain(fds[0].fd);
			if (fds[1].revents)
				drain(fds[1].fd);
		}
		w->wait_ns = 0;
		pthread_mutex_lock(&w->busy);
		if (vio_dev_live(w->dev)) {
			__atomic_add_fetch(&w->dev->kicks, 1, __ATOMIC_RELAXED);
			vio_dev_run(w->dev, w->qi, w->handle);
		}
		pthread_mutex_unlock(&w->busy);
	}
	return NULL;
}

int vio_worker_start(struct vio_worker *w, struct vio_dev *dev, uint16_t qi, vio_handle_fn handle,
		     struct cs_err *err)
{
	cs_auto_fd int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigset_t all, old;
	int rc;

	if (wake < 0)
		return cs_err_sys(err, "make an eventfd for a thread of %s", dev->name);
	*w = (struct vio_worker){ .dev = dev, .qi = qi, .handle = handle, .wake_fd = wake };
	pthread_mutex_init(&w->busy, NULL);
	(void)sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		pthread_mutex_destroy(&w->busy);
		return cs_err_errno(err, rc, "start a thread of %s", dev->name);
	}
	cs_take_fd(&wake);
	w->running = true;
	return 0;
}

void vio_worker_barrier(struct vio_worker *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->busy);
	pthread_mutex_unlock(&w->busy);
}

void vio_worker_stop(struct vio_worker *w)
{
	if (!w->running)
		return;
	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	(void)eventfd_write(w->wake_fd, 1);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->busy);
	cs_close_fd(&w->wake_fd);
	w->running = false;
}
