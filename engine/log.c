#include "engine/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "engine/logjson.h"
#include "engine/stamp.h"

enum { OUT_SIZE = 32 * 1024 };

static const char *const stream_names[] = { "stdout", "stderr" };

/* --- the file --------------------------------------------------------------------------------- */

static int open_file(int dir, const char *name, int flags)
{
	return openat(dir, name,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags,
		      0600);
}

/* A monitor that was killed may have left half a record: what is written next begins a line. */
static int end_torn_line(struct eng_log *l, struct cs_err *err)
{
	cs_auto_fd int fd = openat(l->dir, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char last = '\n';

	if (fd < 0 || (l->size && pread(fd, &last, 1, (off_t)l->size - 1) < 0))
		return cs_err_sys(err, "read the end of the log");
	if (last == '\n')
		return 0;
	if (cs_fd_write_all(l->fd, "\n", 1, err) < 0)
		return cs_err_wrap(err, "write the log");
	l->size++;
	return 0;
}

int eng_log_open(int dir, const struct eng_log_opts *o, struct eng_log *out, struct cs_err *err)
{
	struct eng_log l = ENG_LOG_INIT;
	struct stat st = { 0 };

	l.o = *o;
	l.dir = dir;
	if (o->driver == ENG_LOG_NONE) {
		*out = l;
		return 0;
	}
	l.fd = open_file(dir, "log", 0);
	if (l.fd < 0)
		return cs_err_sys(err, "open the log");
	l.out = malloc(OUT_SIZE);
	if (!l.out)
		cs_err_set(err, ENOMEM, "open the log: out of memory");
	else if (fstat(l.fd, &st) < 0 || !S_ISREG(st.st_mode))
		cs_err_set(err, EINVAL, "open the log: it is no regular file");
	if (err->code == 0) {
		l.size = (uint64_t)st.st_size;
		end_torn_line(&l, err);
	}
	if (err->code) {
		eng_log_close(&l);
		return -err->code;
	}
	*out = l;
	return 0;
}

/* Older ones move up by one, the oldest goes, and a new one begins. The new one is made first: if
 * that fails the log goes on as it is. */
static void rotate(struct eng_log *l)
{
	char from[16], to[16];
	unsigned int n = 1;
	struct stat st;
	int fd = open_file(l->dir, ".log.new", O_TRUNC);

	if (fd < 0)
		return;
	for (; n < l->o.max_file - 1; n++) {
		snprintf(to, sizeof(to), "log.%u", n);
		if (fstatat(l->dir, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	for (; n > 1 && l->o.max_file > 1; n--) {
		snprintf(to, sizeof(to), "log.%u", n);
		snprintf(from, sizeof(from), "log.%u", n - 1);
		renameat(l->dir, from, l->dir, to);
	}
	if (l->o.max_file > 1)
		renameat(l->dir, "log", l->dir, "log.1");
	renameat(l->dir, ".log.new", l->dir, "log");
	cs_close_fd(&l->fd);
	l->fd = fd;
	l->size = 0;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Writes what is in the buffer; @whole: it ends with a record's end. What could not be written is
 * taken back, so that the file holds whole records only. */
static void flush(struct eng_log *l, bool whole)
{
	struct cs_err why = CS_ERR_INIT;

	if (l->used && !l->skip && cs_fd_write_all(l->fd, l->out, l->used, &why) == 0) {
		l->size += l->used;
	} else if (l->used) {
		/* the head of the first record may be there already */
		uint64_t good = l->start < l->size ? l->start : l->size;

		if (ftruncate(l->fd, (off_t)good) == 0)
			l->size = good;
		l->lost += l->told + l->batch;
		l->skip = true;
	}
	l->used = 0;
	l->told = 0;
	l->batch = 0;
	if (whole)
		l->skip = false;
}

static void put(struct eng_log *l, const char *s, size_t len)
{
	while (len) {
		size_t n = len < OUT_SIZE - l->used ? len : OUT_SIZE - l->used;

		memcpy(l->out + l->used, s, n);
		l->used += n;
		s += n;
		len -= n;
		if (l->used == OUT_SIZE)
			flush(l, false);
	}
}

static void put_json(void *arg, const char *s, size_t len)
{
	put(arg, s, len);
}

/* @ended: a line end belongs behind @text. */
static void put_record(struct eng_log *l, enum eng_log_stream s, const char *text, size_t len,
		       bool ended)
{
	char stamp[ENG_STAMP_LEN + 1];

	eng_stamp_put(eng_now(), stamp);
	l->start = l->size + l->used;
	if (l->o.driver == ENG_LOG_K8S) {
		put(l, stamp, ENG_STAMP_LEN);
		put(l, " ", 1);
		put(l, stream_names[s], 6);
		put(l, ended ? " F " : " P ", 3);
		put(l, text, len);
		put(l, "\n", 1);
	} else {
		put(l, "{\"log\":\"", 8);
		eng_log_escape(text, len, put_json, l);
		if (ended)
			put(l, "\\n", 2);
		put(l, "\",\"stream\":\"", 12);
		put(l, stream_names[s], 6);
		put(l, "\",\"time\":\"", 10);
		put(l, stamp, ENG_STAMP_LEN);
		put(l, "\"}\n", 3);
	}
	if (l->skip) /* its head was not written: nor is its rest */
		flush(l, true);
}

static void tell_lost(struct eng_log *l)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "caisson: %llu records of this log were lost",
			   (unsigned long long)l->lost);

	l->told = l->lost;
	l->lost = 0;
	put_record(l, ENG_LOG_STDERR, text, (size_t)len, true);
}

static void record(struct eng_log *l, enum eng_log_stream s, const char *text, size_t len,
		   bool ended)
{
	if (l->o.max_size && l->size + l->used >= l->o.max_size) {
		flush(l, true);
		if (l->size >= l->o.max_size)
			rotate(l);
	}
	if (l->lost && !l->told)
		tell_lost(l);
	l->batch++;
	put_record(l, s, text, len, ended);
}

/* Keeps the beginning of a line until its end comes. Without memory it becomes a record now. */
static void keep(struct eng_log *l, enum eng_log_stream s, const char *text, size_t len)
{
	if (!l->line[s].s)
		l->line[s].s = malloc(ENG_LOG_LINE);
	if (!l->line[s].s) {
		record(l, s, text, len, false);
		return;
	}
	memcpy(l->line[s].s + l->line[s].len, text, len);
	l->line[s].len += len;
}

/* One piece of a line, which fits in a record together with what is kept. */
static void piece(struct eng_log *l, enum eng_log_stream s, const char *text, size_t len,
		  bool ended)
{
	bool full = l->line[s].len + len == ENG_LOG_LINE;

	if (l->line[s].len == 0 && (ended || full)) {
		record(l, s, text, len, ended);
		return;
	}
	keep(l, s, text, len);
	if (ended || full) {
		record(l, s, l->line[s].s, l->line[s].len, ended);
		l->line[s].len = 0;
	}
}

void eng_log_add(struct eng_log *l, enum eng_log_stream s, const char *buf, size_t len)
{
	if (l->fd < 0)
		return;
	while (len) {
		size_t room = ENG_LOG_LINE - l->line[s].len;
		size_t look = len < room + 1 ? len : room + 1;
		const char *end = memchr(buf, '\n', look);
		size_t n = end ? (size_t)(end - buf) : (len < room ? len : room);

		piece(l, s, buf, n, end);
		n += end ? 1 : 0;
		buf += n;
		len -= n;
	}
	flush(l, true);
}

void eng_log_end(struct eng_log *l)
{
	if (l->fd < 0)
		return;
	for (int s = ENG_LOG_STDOUT; s <= ENG_LOG_STDERR; s++) {
		if (l->line[s].len)
			record(l, (enum eng_log_stream)s, l->line[s].s, l->line[s].len, false);
		l->line[s].len = 0;
	}
	flush(l, true);
}

void eng_log_close(struct eng_log *l)
{
	cs_close_fd(&l->fd);
	for (int s = ENG_LOG_STDOUT; s <= ENG_LOG_STDERR; s++) {
		free(l->line[s].s);
		l->line[s].s = NULL;
		l->line[s].len = 0;
	}
	free(l->out);
	l->out = NULL;
	l->used = 0;
}
