#include "tests/unit/engine/monfix.h"

/* Who is attached: many, slow, stuck, rude. */

static char text[8 << 20], other[8 << 20];

/* Receives until a message of @type, or the end (false). */
static bool until(int sock, enum eng_frame type)
{
	static char buf[ENG_FRAME_MAX];

	for (;;) {
		struct pollfd p = { sock, POLLIN, 0 };
		ssize_t n;

		ck_assert_int_eq(poll(&p, 1, 20000), 1);
		n = recv(sock, buf, sizeof(buf), 0);
		if (n <= 0 || *buf == (char)type)
			return n > 0;
	}
}

/* All see the same, from when they came. */
START_TEST(test_several)
{
	int c[5];
	struct mf f;

	mf_setup(&f, "read go; seq 1 100000; exit 2");
	f.r.stdin_open = true;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	for (size_t i = 0; i < CS_LEN(c); i++)
		c[i] = mf_connect(&f, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert_int_eq(eng_msg_send(c[0], ENG_F_STDIN, "\n", 1), 1);
	for (size_t i = 0; i < CS_LEN(c); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			static const char last[] = "99999\n100000\n";
			int code = mf_collect(c[i], text, sizeof(text));
			size_t n = strlen(text);

			_exit(code == 2 && n == 588895 && strcmp(text + n - strlen(last), last) == 0
				      ? 0
				      : 1);
		}
		close(c[i]);
	}
	for (size_t i = 0; i < CS_LEN(c); i++) {
		int status;
		pid_t pid;

		do
			pid = wait(&status);
		while (pid == f.pid && (f.pid = 0, true));
		ck_assert_int_eq(status, 0);
	}
	mf_fini(&f);
}
END_TEST

/* The first client takes its time: the container waits, and nothing is lost. */
START_TEST(test_slow)
{
	struct mf f;

	mf_setup(&f, "seq 1 500000; echo gone >&2");
	f.stuck_ms = 1000;
	mf_start_with(&f, true, ENG_WANT_STDOUT);
	ck_assert(mf_report(&f).ok);
	usleep(1500000); /* longer than a later one may take */
	ck_assert_int_eq(mf_status(&f).state, ENG_RUNNING);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 0);
	ck_assert_uint_eq(strlen(text), 3388895);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* A later one that takes nothing is told so and let go; the first gets it all. */
START_TEST(test_stuck)
{
	struct mf f;
	int late;

	mf_setup(&f, "read go; seq 1 500000");
	f.stuck_ms = 1000;
	f.r.stdin_open = true;
	mf_start_with(&f, true, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert(mf_report(&f).ok);
	late = mf_connect(&f, ENG_WANT_STDOUT);
	ck_assert_int_eq(eng_msg_send(f.client, ENG_F_STDIN, "\n", 1), 1);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 0);
	ck_assert_uint_eq(strlen(text), 3388895);
	ck_assert(until(late, ENG_F_WARN));
	ck_assert(!until(late, ENG_F_EXIT));
	close(late);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* Nobody reads what is left when the container has ended: it is there for who comes to it late. */
START_TEST(test_reads_later)
{
	struct mf f;

	mf_setup(&f, "head -c 220000 /dev/zero | tr '\\0' x; exit 9");
	mf_start_with(&f, true, ENG_WANT_STDOUT);
	ck_assert(mf_report(&f).ok);
	/* more than its buffer holds: the container is held back until it is read */
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 9);
	ck_assert_uint_eq(strlen(text), 220000);
	mf_fini(&f);
}
END_TEST

START_TEST(test_rude)
{
	static const struct {
		const char *s;
		size_t len;
	} v[] = { { "x", 1 }, { "I before hello", 14 }, { "H\7H", 3 }, { "", 0 }, { "R12", 3 } };
	static char huge[ENG_FRAME_MAX + 1000];
	struct mf f;
	int fd;

	mf_setup(&f, "read x; exit 3");
	f.r.stdin_open = true;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	for (size_t i = 0; i < CS_LEN(v); i++) {
		fd = eng_attach_connect(&f.e, MF_ID, &(struct cs_err){ 0 });
		send(fd, v[i].s, v[i].len, MSG_NOSIGNAL);
		ck_assert(!until(fd, ENG_F_EXIT));
		close(fd);
	}
	fd = mf_connect(&f, ENG_WANT_STDIN);
	huge[0] = 'I';
	ck_assert_int_eq(send(fd, huge, sizeof(huge), MSG_NOSIGNAL), (ssize_t)sizeof(huge));
	ck_assert(!until(fd, ENG_F_EXIT));
	close(fd);
	fd = mf_connect(&f, ENG_WANT_STDIN);
	ck_assert_int_eq(eng_msg_send(fd, ENG_F_HELLO, "\7", 1), 1); /* twice */
	ck_assert(!until(fd, ENG_F_EXIT));
	close(fd);
	fd = mf_connect(&f, ENG_WANT_STDIN);
	ck_assert_int_eq(eng_msg_send(fd, ENG_F_STDIN, "\n", 1), 1);
	ck_assert_int_eq(mf_collect(fd, text, sizeof(text)), 3);
	close(fd);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* Somebody else holds the output open and floods it, and a client reads, but slowly: what the
 * container itself wrote comes, and then the end. */
START_TEST(test_flood)
{
	static char buf[ENG_FRAME_MAX];
	struct timespec pause = { 0, 20 * 1000 * 1000 };
	bool own = false, ended = false;
	pid_t flood;
	struct mf f;

	mf_setup(&f, "echo mine; (trap '' HUP; exec yes flood) & echo $! >&2; exit 6");
	mf_start_with(&f, true, ENG_WANT_STDOUT | ENG_WANT_STDERR);
	ck_assert(mf_report(&f).ok);
	flood = 0;
	for (int i = 0; i < 3000 && !ended; i++) { /* a minute: 1 MB of what never ends */
		struct pollfd p = { f.client, POLLIN, 0 };
		struct eng_msg m;
		ssize_t n;

		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		n = recv(f.client, buf, sizeof(buf) - 1, 0);
		if (n <= 0)
			break;
		ck_assert_int_eq(eng_msg_parse(buf, (size_t)n, &m, &(struct cs_err){ 0 }), 0);
		buf[n] = '\0';
		own = own || (m.type == ENG_F_STDOUT && strncmp(m.data, "mine\n", 5) == 0);
		if (m.type == ENG_F_STDERR && flood == 0)
			flood = (pid_t)strtol(m.data, NULL, 10);
		ended = m.type == ENG_F_EXIT;
		if (ended)
			ck_assert_int_eq(m.exit_code, 6);
		nanosleep(&pause, NULL);
	}
	if (flood > 1)
		kill(flood, SIGKILL);
	ck_assert(own);
	ck_assert(ended);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* More than there is room for. */
START_TEST(test_many)
{
	enum { MANY = 256 };
	int c[MANY], fd, code;
	struct mf f;

	mf_setup(&f, "read x; exit 4");
	f.r.stdin_open = true;
	mf_start(&f, false);
	ck_assert(mf_report(&f).ok);
	for (size_t i = 0; i < MANY; i++)
		c[i] = mf_connect(&f, 0);
	fd = eng_attach_connect(&f.e, MF_ID, &(struct cs_err){ 0 });
	ck_assert(until(fd, ENG_F_WARN));
	close(fd);
	close(c[MANY - 1]);
	do { /* there is room again once it was seen to go: what who is let in types arrives */
		fd = eng_attach_connect(&f.e, MF_ID, &(struct cs_err){ 0 });
		mf_hello(fd, ENG_WANT_STDIN);
		eng_msg_send(fd, ENG_F_STDIN, "\n", 1);
		code = mf_collect(fd, text, sizeof(text));
		close(fd);
	} while (code == -1);
	ck_assert_int_eq(code, 4);
	for (size_t i = 0; i < MANY - 1; i++) {
		ck_assert_int_eq(mf_collect(c[i], other, sizeof(other)), 4);
		close(c[i]);
	}
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* Input that the container does not read holds up nobody else, nor a window's new size. */
START_TEST(test_full_stdin)
{
	static char much[32 * 1024];
	struct mf f;
	int fd, sent = 0;

	mf_setup(&f, "sleep 1; exit 5");
	f.r.stdin_open = true;
	mf_start_with(&f, true, ENG_WANT_STDIN | ENG_WANT_STDOUT);
	ck_assert(mf_report(&f).ok);
	while (sent < 100 && eng_msg_send(f.client, ENG_F_STDIN, much, sizeof(much)) == 1)
		sent++;
	ck_assert_int_lt(sent, 100);
	fd = mf_connect(&f, 0);
	ck_assert_int_eq(mf_collect(fd, text, sizeof(text)), 5);
	close(fd);
	ck_assert_int_eq(mf_collect(f.client, text, sizeof(text)), 5);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

UNIT_MAIN("engine/mon_client", test_several, test_slow, test_stuck, test_reads_later, test_rude,
	  test_flood, test_many, test_full_stdin)
