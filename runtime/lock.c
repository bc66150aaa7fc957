#include "runtime/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/sys.h"

enum {
	PATIENCE_MS = 10000, /* for the lock */
	GRACE_MS = 3000,     /* from SIGTERM to SIGKILL */
	LOOK_MS = 20,	     /* from one look at the lock to the next */
};

/* Who has the lock. */
struct holder {
	pid_t pid; /* 0: not known */
	int pidfd; /* owned */
	enum ctr_lock_for what;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int ctr_lock_try(int dir, enum ctr_lock_for what, struct cs_err *err)
{
	struct flock sign = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = cs_file_lock(dir, "lock", true, err);

	if (fd < 0)
		return fd;
	sign.l_start = what;
	/* Where the file system has none, nobody is told who we are. */
	(void)fcntl(fd, F_SETLK, &sign);
	return fd;
}

/* The pid of who signed, 0: nobody (in sight of this pid namespace). */
static pid_t signer(int fd, enum ctr_lock_for *what)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 2 };

	if (fcntl(fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK || l.l_pid <= 0)
		return 0;
	*what = l.l_start == CTR_LOCK_CREATE ? CTR_LOCK_CREATE : CTR_LOCK_DELETE;
	return l.l_pid;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* Finds the holder anew, unless it is the one known already. The pidfd is that of the process that
 * has the lock: it has it after the pidfd was opened, and has not ended then. */
static void find_holder(int dir, struct holder *h)
{
	cs_auto_fd int fd = openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	enum ctr_lock_for what = CTR_LOCK_DELETE;
	pid_t pid = fd < 0 ? 0 : signer(fd, &what);

	if (pid > 0 && pid == h->pid && h->pidfd >= 0 && !has_ended(h->pidfd)) {
		h->what = what;
		return;
	}
	cs_close_fd(&h->pidfd);
	h->pid = pid;
	h->what = what;
	if (pid <= 0)
		return;
	h->pidfd = cs_sys_pidfd_open(pid, 0);
	if (h->pidfd >= 0 && (signer(fd, &h->what) != pid || has_ended(h->pidfd)))
		cs_close_fd(&h->pidfd);
}

static int held(const char *id, const struct holder *h, bool force, struct cs_err *err)
{
	const char *what = h->what == CTR_LOCK_CREATE ? "being made" : "being deleted";

	if (h->pid == 0)
		return cs_err_set(err, EWOULDBLOCK,
				  "container %s: another command has had its lock for %d s; end "
				  "that command and delete the container again",
				  id, PATIENCE_MS / 1000);
	return cs_err_set(err, EWOULDBLOCK,
			  "container %s is %s by process %d, which has had its lock for %d s (in a "
			  "hook?); %s",
			  id, what, (int)h->pid, PATIENCE_MS / 1000,
			  h->what == CTR_LOCK_CREATE && !force
				  ? "wait for it, or use --force"
				  : "end that process and delete the container again");
}

/* The container is gone when its folder is removed: no file can be made in it. */
static int lock_failed(const char *id, int rc, struct cs_err *err)
{
	if (rc != -ENOENT)
		return cs_err_wrap(err, "container %s", id);
	cs_err_clear(err);
	return cs_err_set(err, ENOENT, "container %s does not exist", id);
}

/* The lock is let go also by a holder that lives on, hence the looks. */
static void wait_holder(const struct holder *h)
{
	struct pollfd p = { .fd = h->pidfd, .events = POLLIN };

	(void)poll(&p, 1, LOOK_MS);
}

int ctr_lock_wait(int dir, const char *id, bool force, int *out, struct cs_err *err)
{
	struct holder h = { .pidfd = -EBADF };
	int64_t start = now_ms(), asked = 0;
	int rc;

	for (;;) {
		rc = ctr_lock_try(dir, CTR_LOCK_DELETE, err);
		if (rc != -EWOULDBLOCK)
			break;
		cs_err_clear(err);
		find_holder(dir, &h);
		if (now_ms() - start > PATIENCE_MS) {
			rc = held(id, &h, force, err);
			break;
		}
		if (force && h.pidfd >= 0 && h.what == CTR_LOCK_CREATE) {
			/* whatever its end leaves, the next holder of the lock takes down */
			if (asked == 0)
				cs_sys_pidfd_send_signal(h.pidfd, SIGTERM);
			else if (now_ms() - asked > GRACE_MS)
				cs_sys_pidfd_send_signal(h.pidfd, SIGKILL);
			asked = asked ? asked : now_ms();
		}
		wait_holder(&h);
	}
	cs_close_fd(&h.pidfd);
	if (rc < 0)
		return rc == -EWOULDBLOCK ? rc : lock_failed(id, rc, err);
	*out = rc;
	return 0;
}
