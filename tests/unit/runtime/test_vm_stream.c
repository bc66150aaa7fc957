#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/vm/stream.h"
#include "tests/unit/unit.h"

/* Both sides of a process: the host's, with pipes for its files, and the machine's. */
struct sides {
	struct ctr_vm_stream host, guest;
	int user_in, user_out, user_err; /* the user's ends of the host's files */
	int prog_in, prog_out, prog_err; /* the program's */
};

static void make_pipe(int *r, int *w)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	*r = p[0];
	*w = p[1];
}

static void setup(struct sides *s)
{
	int sock[2];

	signal(SIGPIPE, SIG_IGN);
	*s = (struct sides){ .host = CTR_VM_STREAM_INIT, .guest = CTR_VM_STREAM_INIT };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sock),
			 0);
	s->host.sock = sock[0];
	s->guest.sock = sock[1];
	s->host.source[0].kind = s->guest.sink[0].kind = CTR_VM_STDIN;
	s->host.sink[0].kind = s->guest.source[0].kind = CTR_VM_STDOUT;
	s->host.sink[1].kind = s->guest.source[1].kind = CTR_VM_STDERR;
	make_pipe(&s->host.source[0].fd, &s->user_in);
	make_pipe(&s->user_out, &s->host.sink[0].fd);
	make_pipe(&s->user_err, &s->host.sink[1].fd);
	make_pipe(&s->prog_in, &s->guest.sink[0].fd);
	make_pipe(&s->guest.source[0].fd, &s->prog_out);
	make_pipe(&s->guest.source[1].fd, &s->prog_err);
}

static void fini(struct sides *s)
{
	int *const fds[] = { &s->user_in, &s->user_out, &s->user_err,
			     &s->prog_in, &s->prog_out, &s->prog_err };

	for (size_t i = 0; i < CS_LEN(fds); i++)
		cs_close_fd(fds[i]);
	ctr_vm_stream_fini(&s->host);
	ctr_vm_stream_fini(&s->guest);
}

/* A step of both. Returns what the host's side said. */
static int turn(struct sides *s, struct ctr_vm_msg *m)
{
	struct pollfd p[2 * CTR_VM_STREAM_FDS];
	struct cs_err err = CS_ERR_INIT;
	int ret;

	ctr_vm_stream_wants(&s->host, p);
	ctr_vm_stream_wants(&s->guest, p + CTR_VM_STREAM_FDS);
	ck_assert_int_ge(poll(p, CS_LEN(p), 10), 0);
	ret = ctr_vm_stream_step(&s->guest, p + CTR_VM_STREAM_FDS, m, &err);
	ck_assert_int_eq(ret, 0);
	ret = ctr_vm_stream_step(&s->host, p, m, &err);
	ck_assert_msg(ret >= 0, "%s", err.msg);
	return ret;
}

static size_t take_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size && (got = read(fd, out + n, size - n)) > 0)
		n += (size_t)got;
	return n;
}

/* All three go where they belong, and the end of stdin arrives. */
START_TEST(test_three)
{
	struct ctr_vm_msg m;
	struct sides s;
	char buf[64];

	setup(&s);
	ck_assert_int_eq(write(s.user_in, "to it", 5), 5);
	ck_assert_int_eq(write(s.prog_out, "out", 3), 3);
	ck_assert_int_eq(write(s.prog_err, "err!", 4), 4);
	cs_close_fd(&s.user_in);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(turn(&s, &m), 0);
	ck_assert_uint_eq(take_all(s.prog_in, buf, sizeof(buf)), 5);
	ck_assert_int_eq(memcmp(buf, "to it", 5), 0);
	ck_assert_int_eq(read(s.prog_in, buf, 1), 0);
	ck_assert_uint_eq(take_all(s.user_out, buf, sizeof(buf)), 3);
	ck_assert_uint_eq(take_all(s.user_err, buf, sizeof(buf)), 4);
	ck_assert_int_eq(memcmp(buf, "err!", 4), 0);
	fini(&s);
}
END_TEST

/* A user who does not read holds the program up: what is under way is bounded. Nothing is lost, and
 * the exit comes last. */
START_TEST(test_slow)
{
	static char in[4 << 20], out[4 << 20];
	size_t given = 0, got = 0, before;
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	struct sides s;
	uint32_t code = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 31 + i / 251);
	setup(&s);
	do {
		before = given;
		for (int i = 0; i < 50; i++) {
			n = write(s.prog_out, in + given, sizeof(in) - given);
			given += n > 0 ? (size_t)n : 0;
			ck_assert_int_eq(turn(&s, &m), 0);
		}
	} while (given > before);
	ck_assert_uint_lt(given, sizeof(in) / 2);
	while (given < sizeof(in) || got < sizeof(in)) {
		n = given < sizeof(in) ? write(s.prog_out, in + given, sizeof(in) - given) : 0;
		given += n > 0 ? (size_t)n : 0;
		if (given == sizeof(in))
			cs_close_fd(&s.prog_out);
		ck_assert_int_eq(turn(&s, &m), 0);
		got += take_all(s.user_out, out + got, sizeof(out) - got);
	}
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
	ck_assert_int_eq(ctr_vm_stream_drain(&s.guest, &err), 1);
	ctr_vm_put_word(&s.guest.out, CTR_VM_EXIT, 9);
	ck_assert_int_eq(ctr_vm_flush(&s.guest.out, s.guest.sock, &err), 1);
	while (turn(&s, &m) == 0)
		;
	ck_assert(m.type == CTR_VM_EXIT && ctr_vm_word(&m, 0, &code) && code == 9);
	fini(&s);
}
END_TEST

/* Who reads goes away: the program's pipe breaks, as it would without a machine. */
START_TEST(test_nobody_reads)
{
	struct ctr_vm_msg m;
	struct sides s;

	setup(&s);
	cs_close_fd(&s.user_out);
	ck_assert_int_eq(write(s.prog_out, "x", 1), 1);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(turn(&s, &m), 0);
	ck_assert_int_eq(write(s.prog_out, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	fini(&s);
}
END_TEST

/* What a hostile side sends ends the connection, no more. */
START_TEST(test_hostile)
{
	static const struct {
		uint32_t len, type, word;
	} v[] = { { 4, CTR_VM_STDIN, 0 }, /* data to what is a source */
		  { 2, CTR_VM_EOF, 0 },	  { 4, CTR_VM_HELLO, 1 },
		  { 4, CTR_VM_REPLY, 1 }, { 0, CTR_VM_EXIT, 0 },
		  { 2, CTR_VM_EXIT, 0 },  { CTR_VM_DATA_MAX + 1, CTR_VM_STDOUT, 0 } };

	for (size_t i = 0; i < CS_LEN(v); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct ctr_vm_msg m;
		struct sides s;

		setup(&s);
		ck_assert_int_gt(write(s.guest.sock, &v[i], 8 + (v[i].len < 4 ? v[i].len : 4)), 0);
		ck_assert_int_eq(ctr_vm_stream_step(&s.host, NULL, &m, &err), -EPROTO);
		fini(&s);
	}
}
END_TEST

/* A program that does not read its stdin gets signals all the same, and what it writes arrives. */
START_TEST(test_never_reads)
{
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	struct sides s;
	static char in[2 << 20], out[sizeof(in)];
	struct pollfd p[CTR_VM_STREAM_FDS];
	size_t given = 0, got = 0, before = 0;
	char buf[8];
	ssize_t n;
	int ret;

	setup(&s);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7 + i / 255);
	do {
		before = given;
		for (int i = 0; i < 20; i++) {
			n = write(s.user_in, in + given, sizeof(in) - given);
			given += n > 0 ? (size_t)n : 0;
			ck_assert_int_eq(turn(&s, &m), 0);
		}
	} while (given > before);
	ck_assert_uint_lt(given, sizeof(in) / 2);
	ctr_vm_put_word(&s.host.out, CTR_VM_SIGNAL, SIGTERM);
	ck_assert_int_eq(write(s.prog_out, "out", 3), 3);
	ck_assert_int_eq(ctr_vm_stream_step(&s.host, NULL, &m, &err), 0);
	ctr_vm_stream_wants(&s.guest, p);
	ck_assert_int_ge(poll(p, CS_LEN(p), 1000), 1);
	ret = ctr_vm_stream_step(&s.guest, p, &m, &err);
	ck_assert_int_eq(ret, 1);
	ck_assert_int_eq(m.type, CTR_VM_SIGNAL);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(turn(&s, &m), 0);
	ck_assert_uint_eq(take_all(s.user_out, buf, sizeof(buf)), 3);
	/* and when it reads, nothing is lost */
	while (got < sizeof(in)) {
		n = write(s.user_in, in + given, sizeof(in) - given);
		given += n > 0 ? (size_t)n : 0;
		if (given == sizeof(in))
			cs_close_fd(&s.user_in);
		ck_assert_int_eq(turn(&s, &m), 0);
		got += take_all(s.prog_in, out + got, sizeof(out) - got);
	}
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(turn(&s, &m), 0);
	ck_assert_int_eq(read(s.prog_in, buf, 1), 0);
	fini(&s);
}
END_TEST

/* Who sends more than was allowed, or says that more was taken than was sent, is let go. */
START_TEST(test_window)
{
	const struct {
		uint32_t head[2];
		unsigned char data[CTR_VM_DATA_MAX];
	} frame = { .head = { CTR_VM_DATA_MAX, CTR_VM_STDOUT } };
	const uint32_t taken[] = { 8, CTR_VM_TAKEN, CTR_VM_STDIN, 1 };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	struct sides s;
	int ret = 0;

	setup(&s);
	for (int i = 0; ret == 0 && i < 32; i++) {
		ck_assert_int_eq(write(s.guest.sock, &frame, sizeof(frame)), sizeof(frame));
		ret = ctr_vm_stream_step(&s.host, NULL, &m, &err);
	}
	ck_assert_int_eq(ret, -EPROTO);
	fini(&s);
	cs_err_clear(&err);
	setup(&s);
	ck_assert_int_eq(write(s.guest.sock, taken, sizeof(taken)), sizeof(taken));
	ck_assert_int_eq(ctr_vm_stream_step(&s.host, NULL, &m, &err), -EPROTO);
	fini(&s);
}
END_TEST

/* An end that is none of ours is no matter. */
START_TEST(test_foreign_end)
{
	const uint32_t v[] = { 4, CTR_VM_EOF, 0 };
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	struct sides s;

	setup(&s);
	ck_assert_int_eq(write(s.guest.sock, v, sizeof(v)), sizeof(v));
	ck_assert_int_eq(ctr_vm_stream_step(&s.host, NULL, &m, &err), 0);
	ck_assert_int_ge(s.host.source[0].fd, 0);
	ck_assert_int_ge(s.host.sink[0].fd, 0);
	fini(&s);
}
END_TEST

/* What others go on writing when the process has ended is not waited for. */
START_TEST(test_flood_after_end)
{
	static char buf[64 << 10];
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_msg m;
	struct sides s;
	int ret = 0;

	setup(&s);
	for (int i = 0; ret == 0 && i < 2000; i++) {
		while (write(s.prog_out, buf, sizeof(buf)) > 0)
			;
		ret = ctr_vm_stream_drain(&s.guest, &err);
		ck_assert_int_eq(turn(&s, &m), 0);
		take_all(s.user_out, buf, sizeof(buf));
	}
	ck_assert_int_eq(ret, 1);
	fini(&s);
}
END_TEST

UNIT_MAIN("runtime/vm_stream", test_three, test_slow, test_nobody_reads, test_hostile,
	  test_never_reads, test_window, test_foreign_end, test_flood_after_end)
