#include "engine/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum {
	FIRST_CAP = 64 * 1024,
	BLOCK = 32 * 1024,
	TRIES = 64,	  /* how often a file may be put away while we look for it */
	FILES_MAX = 1000, /* more than eng_log_opts() allows */
};

/* Opens number @n, 0 being the one that is written; -ENOENT without a message. */
static int open_nth(const struct eng_tail *t, unsigned int n, struct stat *st, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	char name[NAME_MAX + 1];
	int ret = n ? cs_str_fmt(name, sizeof(name), err, "%s.%u", t->name, n)
		    : cs_str_fmt(name, sizeof(name), err, "%s", t->name);

	if (ret < 0)
		return ret;
	fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, st) < 0)
		return cs_err_sys(err, "open %s", name);
	if (!S_ISREG(st->st_mode))
		return cs_err_set(err, EINVAL, "%s is no regular file", name);
	return cs_take_fd(&fd);
}

/* The files move up one by one from the oldest, so that one number may be free for a moment. */
enum { GAP = 2 };

/* The number that the file @st has now; -1: it is gone. */
static int number_of(const struct eng_tail *t, const struct stat *st)
{
	char name[NAME_MAX + 1];
	struct stat now;
	int missing = 0;

	for (unsigned int n = 0; n < FILES_MAX && missing < GAP; n++) {
		snprintf(name, sizeof(name), n ? "%.200s.%u" : "%.200s", t->name, n);
		if (fstatat(t->dir, name, &now, AT_SYMLINK_NOFOLLOW) < 0) {
			missing++;
			continue;
		}
		missing = 0;
		if (now.st_dev == st->st_dev && now.st_ino == st->st_ino)
			return (int)n;
	}
	return -1;
}

/* Opens the oldest. -ENOENT: there is none. */
static int open_oldest(const struct eng_tail *t, struct cs_err *err)
{
	for (int i = 0; i < TRIES; i++) {
		cs_auto_fd int fd = -EBADF;
		int number = -1, missing = 0;
		struct stat st;

		for (unsigned int n = 0; n < FILES_MAX && missing < GAP; n++) {
			struct stat next;
			int older = open_nth(t, n, &next, err);

			if (older < 0 && older != -ENOENT)
				return older;
			missing = older < 0 ? missing + 1 : 0;
			if (older < 0)
				continue;
			cs_close_fd(&fd);
			fd = older;
			st = next;
			number = (int)n;
		}
		if (number < 0)
			return -ENOENT;
		if (number_of(t, &st) == number)
			return cs_take_fd(&fd);
	}
	return cs_err_set(err, EBUSY, "%s is put away faster than it can be read", t->name);
}

/* Opens the next below number @n. */
static int open_below(const struct eng_tail *t, int n, struct stat *st, int *number,
		      struct cs_err *err)
{
	int fd = -ENOENT;

	for (int i = 1; i <= GAP && n - i >= 0 && fd == -ENOENT; i++) {
		*number = n - i;
		fd = open_nth(t, (unsigned int)*number, st, err);
	}
	return fd;
}

/* Opens the one that came after the one we have. -ENOENT: it is not there yet. */
static int open_newer(const struct eng_tail *t, struct cs_err *err)
{
	struct stat mine, st;

	if (fstat(t->fd, &mine) < 0)
		return cs_err_sys(err, "stat %s", t->name);
	for (int i = 0; i < TRIES; i++) {
		cs_auto_fd int fd = -EBADF, again = -EBADF;
		int n = number_of(t, &mine), number = 0, check = 0;
		struct stat st2;

		if (n == 0)
			return -ENOENT;
		if (n < 0)
			return open_oldest(t, err);
		fd = open_below(t, n, &st, &number, err);
		if (fd < 0)
			return fd;
		/* nothing may have moved meanwhile, or one could be left out */
		again = open_below(t, n, &st2, &check, err);
		if (again < 0 && again != -ENOENT)
			return again;
		if (again >= 0 && number_of(t, &mine) == n && st.st_ino == st2.st_ino &&
		    st.st_dev == st2.st_dev && number == check)
			return cs_take_fd(&fd);
	}
	return cs_err_set(err, EBUSY, "%s is put away faster than it can be read", t->name);
}

/* --- the last lines --------------------------------------------------------------------------- */

/* Looks in the file from its end for the offset behind which *@lines lines follow; what a file has
 * less is left in *@lines, the offset is 0 then. A line without end does not count. */
static int last_lines(int fd, size_t *lines, off_t *at, struct cs_err *err)
{
	cs_auto_free char *buf = malloc(BLOCK);
	struct stat st;
	off_t end;

	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (fstat(fd, &st) < 0)
		return cs_err_sys(err, "stat a log");
	end = st.st_size;
	while (end > 0) {
		size_t want = end < BLOCK ? (size_t)end : BLOCK;
		ssize_t n = pread(fd, buf, want, end - (off_t)want);

		if (n < 0 || (size_t)n < want)
			return cs_err_set(err, EIO, "read a log: it shrinks");
		for (size_t i = want; i > 0; i--) {
			if (buf[i - 1] != '\n')
				continue;
			if (*lines == 0) {
				*at = end - (off_t)want + (off_t)i;
				return 0;
			}
			(*lines)--;
		}
		end -= (off_t)want;
	}
	*at = 0;
	return 0;
}

/* Each file from the newest to the oldest until there are enough lines. One that is put away
 * meanwhile is met again under its next number. */
static int open_last(struct eng_tail *t, size_t lines, struct cs_err *err)
{
	struct stat st = { 0 }, newer = { 0 };
	int missing = 0;
	off_t at = 0;

	for (unsigned int n = 0; n < FILES_MAX && missing < GAP && at == 0; n++) {
		cs_auto_fd int fd = open_nth(t, n, &st, err);

		if (fd < 0 && fd != -ENOENT)
			return fd;
		missing = fd < 0 ? missing + 1 : 0;
		if (fd < 0 || (st.st_ino == newer.st_ino && st.st_dev == newer.st_dev))
			continue;
		newer = st;
		if (last_lines(fd, &lines, &at, err) < 0)
			return -err->code;
		if (lseek(fd, at, SEEK_SET) < 0)
			return cs_err_sys(err, "seek in %s", t->name);
		cs_close_fd(&t->fd);
		t->fd = cs_take_fd(&fd);
	}
	return 0;
}

int eng_tail_open(struct eng_tail *t, int dir, const char *name, size_t lines, struct cs_err *err)
{
	struct eng_tail n = ENG_TAIL_INIT;
	int ret;

	n.dir = dir;
	n.name = name;
	n.cap = FIRST_CAP;
	n.buf = malloc(n.cap + 1);
	if (!n.buf)
		return cs_err_set(err, ENOMEM, "open %s: out of memory", name);
	if (lines == SIZE_MAX) {
		ret = open_oldest(&n, err);
		if (ret >= 0)
			n.fd = ret;
		ret = ret == -ENOENT || ret >= 0 ? 0 : ret;
	} else {
		ret = open_last(&n, lines, err);
	}
	if (ret < 0)
		eng_tail_close(&n);
	else
		*t = n;
	return ret;
}

void eng_tail_close(struct eng_tail *t)
{
	cs_close_fd(&t->fd);
	free(t->buf);
	t->buf = NULL;
	t->from = t->to = 0;
}

/* --- line by line ----------------------------------------------------------------------------- */

/* A line from what is in the buffer. */
static bool take_line(struct eng_tail *t, char **line, size_t *len)
{
	while (t->from < t->to) {
		char *s = t->buf + t->from, *end = memchr(s, '\n', t->to - t->from);
		bool skip = t->skip;

		if (!end)
			return false;
		t->from += (size_t)(end - s) + 1;
		t->skip = false;
		if (skip)
			continue;
		*end = '\0';
		*line = s;
		*len = (size_t)(end - s);
		return true;
	}
	return false;
}

/* Makes room for more of a line: moves its beginning to the front, or grows, or gives it up. */
static int make_room(struct eng_tail *t, struct cs_err *err)
{
	char *bigger;

	memmove(t->buf, t->buf + t->from, t->to - t->from);
	t->to -= t->from;
	t->from = 0;
	if (t->skip)
		t->to = 0;
	if (t->to < t->cap)
		return 0;
	if (t->cap >= ENG_TAIL_LINE) {
		t->skip = true;
		t->to = 0;
		return 0;
	}
	bigger = realloc(t->buf, t->cap * 2 + 1);
	if (!bigger)
		return cs_err_set(err, ENOMEM, "read %s: out of memory", t->name);
	t->buf = bigger;
	t->cap *= 2;
	return 0;
}

/* What a writer took back (a record that found the disk full) may have been read in part. */
static int mind_shrinking(struct eng_tail *t, struct cs_err *err)
{
	off_t at = lseek(t->fd, 0, SEEK_CUR);
	struct stat st;

	if (at < 0 || fstat(t->fd, &st) < 0)
		return cs_err_sys(err, "stat %s", t->name);
	if (st.st_size >= at)
		return 0;
	t->from = t->to = 0;
	return lseek(t->fd, st.st_size, SEEK_SET) < 0 ? cs_err_sys(err, "seek in %s", t->name) : 0;
}

/* At the end of the file: goes on with the next one, if this one was put away and nothing more
 * comes in it. 1: look again, 0: there is nothing for now. */
static int go_on(struct eng_tail *t, struct cs_err *err)
{
	int next;

	if (t->fd < 0) {
		next = open_oldest(t, err);
	} else if (mind_shrinking(t, err) < 0) {
		return -err->code;
	} else {
		next = open_newer(t, err);
		if (next >= 0 && !t->last_look) {
			/* it may have been written to between our read and its end */
			cs_close_fd(&next);
			t->last_look = true;
			return 1;
		}
	}
	if (next < 0)
		return next == -ENOENT ? 0 : next;
	cs_close_fd(&t->fd);
	t->fd = next;
	t->last_look = false;
	t->skip = false;
	t->from = t->to = 0; /* a line that never got its end */
	return 1;
}

int eng_tail_next(struct eng_tail *t, char **line, size_t *len, struct cs_err *err)
{
	for (;;) {
		ssize_t n = 0;
		int ret;

		if (take_line(t, line, len))
			return 1;
		ret = make_room(t, err);
		if (ret < 0)
			return ret;
		if (t->fd >= 0) {
			n = read(t->fd, t->buf + t->to, t->cap - t->to);
			if (n < 0)
				return cs_err_sys(err, "read %s", t->name);
			t->to += (size_t)n;
		}
		if (n > 0)
			continue;
		ret = go_on(t, err);
		if (ret <= 0)
			return ret;
	}
}

int eng_tail_watch(int dir, struct cs_err *err)
{
	cs_auto_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	if (fd < 0)
		return cs_err_sys(err, "watch a folder: inotify (fs.inotify.max_user_instances?)");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (inotify_add_watch(fd, path,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) < 0)
		return cs_err_sys(err, "watch a folder");
	return cs_take_fd(&fd);
}

void eng_tail_seen(int fd)
{
	_Alignas(struct inotify_event) char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}
