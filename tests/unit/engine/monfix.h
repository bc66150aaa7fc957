#ifndef CS_TESTS_UNIT_ENGINE_MONFIX_H
#define CS_TESTS_UNIT_ENGINE_MONFIX_H

/* A monitor over a double of the work of a start: the "container" is a shell command of the host.
 * Every assertion is the test's. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "engine/attach.h"
#include "engine/engine.h"
#include "engine/frame.h"
#include "engine/monitor.h"
#include "engine/record.h"
#include "engine/status.h"
#include "engine/store.h"
#include "runtime/ns/tty.h"
#include "tests/unit/fixture.h"
#include "tests/unit/unit.h"

#define MF_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct mf {
	struct unit_tmp tmp;
	char root[128], state[128];
	struct eng e;
	struct eng_record r;
	const char *argv[2];
	pid_t pid; /* of the monitor */
	int report, client;
	int stuck_ms; /* as eng_mon_ops has it */
};

/* --- the double ------------------------------------------------------------------------------- */

/* Notes what was called, a line each, in <state>/calls. */
static inline void mf_note(const struct eng *e, const char *what)
{
	int fd = openat(e->run, "../calls", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) /* no ck_assert() here: its file is closed, and another may have its number */
		_exit(95);
	dprintf(fd, "%s\n", what);
	close(fd);
}

/* The terminal's other end, after its master went over the console socket. */
static inline int mf_tty(const char *console)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, sock;
	struct cs_err err = CS_ERR_INIT;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		_exit(90);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	sock = ctr_tty_connect(console, &err);
	if (slave < 0 || sock < 0 || ctr_tty_send(sock, master, &err) < 0)
		_exit(91);
	close(sock);
	close(master);
	return slave;
}

static inline _Noreturn void mf_init(const struct eng_record *r, const struct eng_bring_io *io)
{
	int in = io->in, out = io->out, errfd = io->err;

	setsid();
	if (io->console) {
		in = out = errfd = mf_tty(io->console);
		if (ioctl(in, TIOCSCTTY, 0) < 0)
			_exit(92);
	}
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(errfd, 2) < 0)
		_exit(93);
	execl("/bin/sh", "sh", "-c", r->cmd.v[0], (char *)NULL);
	_exit(94);
}

static inline int mf_bring(const struct eng *e, const struct eng_record *r,
			   const struct eng_bring_io *io, struct eng_brought *out,
			   struct cs_err *err)
{
	mf_note(e, "bring");
	if (strcmp(r->cmd.v[0], "FAIL") == 0) {
		out->program_exit = 127;
		return cs_err_set(err, ENOENT, "no such program");
	}
	out->pid = fork();
	if (out->pid == 0)
		mf_init(r, io);
	return 0;
}

static inline int mf_take_down(const struct eng *e, const struct eng_record *r, bool keep,
			       struct cs_err *err)
{
	mf_note(e, keep ? "down keep" : "down");
	if (strstr(r->cmd.v[0], "STUCK"))
		return cs_err_set(err, EBUSY, "something is stuck");
	return 0;
}

static inline int mf_remove(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	mf_note(e, "remove");
	return eng_store_drop(e, r->id, r, err);
}

/* --- the fixture ------------------------------------------------------------------------------ */

static inline void mf_setup(struct mf *f, const char *cmd)
{
	struct cs_err err = CS_ERR_INIT;

	*f = (struct mf){ .tmp = unit_tmp_init(), .e = ENG_INIT, .r = ENG_RECORD_INIT };
	f->report = f->client = -EBADF;
	snprintf(f->root, sizeof(f->root), "%s/root", f->tmp.path);
	snprintf(f->state, sizeof(f->state), "%s/state", f->tmp.path);
	ck_assert_int_eq(eng_open(&f->e, f->root, f->state, &err), 0);
	f->argv[0] = cmd;
	f->r.id = MF_ID;
	f->r.name = "box";
	f->r.image = "img";
	f->r.cmd = (struct eng_strv){ .v = f->argv, .n = 1 };
}

/* Writes the record and starts the monitor; @attached: f->client is a client from the beginning,
 * and asks for @want before it starts, as a command does; negative: for nothing yet. */
static inline void mf_start_with(struct mf *f, bool attached, int want)
{
	const struct eng_mon_ops ops = { .bring = mf_bring,
					 .take_down = mf_take_down,
					 .remove = mf_remove,
					 .stuck_ms = f->stuck_ms };
	char prog[] = "monitor", id[] = MF_ID;
	char *argv[] = { prog, f->root, f->state, id, NULL };
	struct cs_err err = CS_ERR_INIT;
	int p[2], s[2] = { -1, -1 }, live;

	if (faccessat(f->e.containers, MF_ID "/record.json", F_OK, 0) < 0) {
		int ret = eng_store_add(&f->e, &f->r, &err);
		ck_assert_msg(ret == 0, "%s", err.msg);
	}
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	if (attached)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	if (attached && want >= 0)
		ck_assert_int_eq(eng_msg_send(s[0], ENG_F_HELLO, &(char){ (char)want }, 1), 1);
	live = eng_live_take(&f->e, MF_ID, &err);
	ck_assert_msg(live >= 0, "%s", err.msg);
	f->pid = fork();
	ck_assert_int_ge(f->pid, 0);
	if (f->pid == 0) {
		int from[3] = { p[1], live,
				attached ? s[1] : open("/dev/null", O_RDWR | O_CLOEXEC) };

		for (int i = 0; i < 3; i++)
			from[i] = fcntl(from[i], F_DUPFD, 20);
		for (int i = 0; i < 3; i++)
			dup2(from[i], 3 + i);
		_exit(eng_monitor(argv, &ops));
	}
	close(p[1]);
	close(live);
	f->report = p[0];
	if (attached) {
		close(s[1]);
		f->client = s[0];
	}
}

static inline void mf_start(struct mf *f, bool attached)
{
	mf_start_with(f, attached, -1);
}

static inline struct eng_report mf_report(struct mf *f)
{
	struct eng_report rep = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int ret = cs_fd_read_exact(f->report, &rep, sizeof(rep), &err);

	ck_assert_msg(ret == 0, "%s", err.msg);
	return rep;
}

/* Waits for the monitor's own end. */
static inline int mf_wait(struct mf *f)
{
	int status;

	ck_assert_int_eq(waitpid(f->pid, &status, 0), f->pid);
	ck_assert(WIFEXITED(status));
	f->pid = 0;
	return WEXITSTATUS(status);
}

static inline void mf_fini(struct mf *f)
{
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	cs_close_fd(&f->report);
	cs_close_fd(&f->client);
	eng_close(&f->e);
	unit_tmp_fini(&f->tmp);
}

static inline void mf_hello(int sock, unsigned char want)
{
	ck_assert_int_eq(eng_msg_send(sock, ENG_F_HELLO, &want, 1), 1);
}

static inline int mf_connect(struct mf *f, unsigned char want)
{
	struct cs_err err = CS_ERR_INIT;
	int fd = eng_attach_connect(&f->e, MF_ID, &err);

	ck_assert_msg(fd >= 0, "%s", err.msg);
	mf_hello(fd, want);
	return fd;
}

/* Collects output until EXIT; returns its code; -1: the line ended without. */
static inline int mf_collect(int sock, char *out, size_t size)
{
	static char buf[ENG_FRAME_MAX];
	size_t n = 0;

	for (;;) {
		struct cs_err err = CS_ERR_INIT;
		struct pollfd p = { sock, POLLIN, 0 };
		struct eng_msg m;
		ssize_t got;

		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		got = recv(sock, buf, sizeof(buf), 0);
		if (got < 0 && errno == ECONNRESET) /* it did not read all of our input */
			continue;
		out[n] = '\0';
		if (got <= 0)
			return -1;
		ck_assert_int_eq(eng_msg_parse(buf, (size_t)got, &m, &err), 0);
		if (m.type == ENG_F_EXIT)
			return m.exit_code;
		if (m.type != ENG_F_STDOUT && m.type != ENG_F_STDERR)
			continue;
		ck_assert_uint_lt(n + m.len, size);
		memcpy(out + n, m.data, m.len);
		n += m.len;
	}
}

static inline struct eng_status mf_status(struct mf *f)
{
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err err = CS_ERR_INIT;
	int ret = eng_status_load(&f->e, MF_ID, &st, &err);

	ck_assert_msg(ret == 0, "%s", err.msg);
	return st;
}

/* A file below the fixture's folder as text. */
static inline char *mf_text(struct mf *f, const char *path)
{
	int fd = openat(f->tmp.fd, path, O_RDONLY | O_CLOEXEC);
	struct cs_err err = CS_ERR_INIT;
	char *text = NULL;
	int ret;

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ret = cs_fd_read_all(fd, 64 << 20, &text, NULL, &err);
	ck_assert_msg(ret == 0, "%s", err.msg);
	close(fd);
	return text;
}

#define MF_LOG "root/containers/" MF_ID "/log"

#endif
