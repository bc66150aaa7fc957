#include "engine/attach.h"

#include <pty.h>
#include <string.h>

#include "engine/attach_int.h"
#include "tests/unit/engine/monfix.h"

/* The client's side: keys, frames, and both ends together. */

START_TEST(test_keys)
{
	static const char *const bad[] = { "ctrl-",  "ctrl-1",	  "ab",	 "a,",
					   "Ctrl-p", "ctrl-pp,q", "a b", "ctrl-p;q" };
	struct cs_err err = CS_ERR_INIT;
	unsigned char k[16];

	ck_assert_int_eq(eng_detach_keys("", k, sizeof(k), &err), 0);
	ck_assert_int_eq(eng_detach_keys("ctrl-p,ctrl-q", k, sizeof(k), &err), 2);
	ck_assert_int_eq(k[0], 16);
	ck_assert_int_eq(k[1], 17);
	ck_assert_int_eq(eng_detach_keys("a,ctrl-@,ctrl-[,ctrl-_,Z", k, sizeof(k), &err), 5);
	ck_assert(memcmp(k, "a\0\x1b\x1fZ", 5) == 0);
	for (size_t i = 0; i < CS_LEN(bad); i++) {
		cs_err_clear(&err);
		ck_assert_msg(eng_detach_keys(bad[i], k, sizeof(k), &err) == -EINVAL, "%s", bad[i]);
	}
	cs_err_clear(&err);
	ck_assert_int_eq(eng_detach_keys("a,b,c", k, 2, &err), -EINVAL);
}
END_TEST

static void filter(const char *keys, const char *in, const char *want, bool detaches)
{
	struct cs_err err = CS_ERR_INIT;
	struct eng_detach d = { 0 };
	char out[256];
	size_t n = 0;
	bool yes = false;

	d.n = (size_t)eng_detach_keys(keys, d.keys, sizeof(d.keys), &err);
	for (size_t i = 0; i < strlen(in) && !yes; i++) /* in pieces of one */
		n += eng_detach_filter(&d, in + i, 1, out + n, &yes);
	out[n] = '\0';
	ck_assert_str_eq(out, want);
	ck_assert_int_eq(yes, detaches);
	memset(&d.seen, 0, sizeof(d.seen));
	n = eng_detach_filter(&d, in, strlen(in), out, &yes);
	out[n] = '\0';
	ck_assert_str_eq(out, want);
	ck_assert_int_eq(yes, detaches);
}

START_TEST(test_filter)
{
	struct cs_err err = CS_ERR_INIT;
	struct eng_detach d = { 0 };
	char out[64];
	bool yes;

	filter("", "abc", "abc", false);
	filter("a,b", "xaby", "x", true);
	filter("a,b", "xaaby", "xa", true);
	filter("a,b", "xacy", "xacy", false);
	filter("a,b", "xa", "x", false); /* held back */
	filter("a,a,b", "aaab", "a", true);
	filter("a,b,a,c", "ababac", "ab", true);
	filter("q", "q", "", true);
	/* with the end of the input it is no key any more */
	d.n = (size_t)eng_detach_keys("a,a,b", d.keys, sizeof(d.keys), &err);
	ck_assert_uint_eq(eng_detach_filter(&d, "xaa", 3, out, &yes), 1);
	ck_assert_uint_eq(eng_detach_filter(&d, NULL, 0, out, &yes), 2);
	ck_assert(memcmp(out, "aa", 2) == 0 && !yes);
	ck_assert_uint_eq(eng_detach_filter(&d, NULL, 0, out, &yes), 0);
}
END_TEST

START_TEST(test_frames)
{
	static const struct {
		const char *s;
		size_t len;
		bool good;
	} v[] = {
		{ "", 0, false },
		{ "H", 1, false },
		{ "H\7", 2, true },
		{ "H\7\7", 3, false },
		{ "I", 1, true },
		{ "Ix", 2, true },
		{ "C", 1, true },
		{ "Cx", 2, false },
		{ "R1234", 5, true },
		{ "R123", 4, false },
		{ "S", 1, true },
		{ "X\1\0\0\0", 5, true },
		{ "X\1\0\0\0\0", 6, false },
		{ "?", 1, false },
		{ "W", 1, true },
	};

	for (size_t i = 0; i < CS_LEN(v); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct eng_msg m;
		int ret = eng_msg_parse(v[i].s, v[i].len, &m, &err);

		ck_assert_int_eq(ret == 0, v[i].good);
		ck_assert(ret == 0 || ret == -EBADMSG);
	}
}
END_TEST

/* eng_attach() in a child with pipes for its files; returns its exit status. */
static pid_t attach_child(struct mf *f, const struct eng_attach_opts *o)
{
	struct eng_attach_opts greeted = *o;
	struct cs_err err = CS_ERR_INIT;
	pid_t pid;

	/* before the program can write anything, however slowly the child starts */
	ck_assert_int_eq(eng_attach_hello(f->client, o, &err), 0);
	greeted.greeted = true;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int code = 0, ret;

		signal(SIGTERM, SIG_DFL); /* Check's own handler ends the test */
		ret = eng_attach(&f->e, MF_ID, f->client, &greeted, &code, &err);

		_exit(ret < 0 ? 125 : ret == 1 ? 99 : code);
	}
	cs_close_fd(&f->client);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Ten megabytes through the monitor, its log and a client. */
START_TEST(test_much)
{
	struct eng_attach_opts o = { .want = ENG_WANT_STDOUT };
	enum { LINES = 200000 };
	static char buf[65536];
	size_t total = 0, lines = 0;
	struct mf f;
	pid_t pid;
	int p[2];
	ssize_t n;

	mf_setup(&f, "i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); done >&2; "
		     "seq -f '%049.0f' 1 200000");
	mf_start(&f, true);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	o.in = -1;
	o.out = p[1];
	o.err = -1;
	pid = attach_child(&f, &o);
	close(p[1]);
	ck_assert(mf_report(&f).ok);
	while ((n = read(p[0], buf, sizeof(buf))) > 0) {
		total += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	}
	close(p[0]);
	ck_assert_uint_eq(lines, LINES);
	ck_assert_uint_eq(total, 50 * LINES);
	ck_assert_int_eq(status_of(pid), 0);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

START_TEST(test_input)
{
	struct eng_attach_opts o = { .want = ENG_WANT_STDIN | ENG_WANT_STDOUT };
	struct mf f;
	char buf[64] = "";
	pid_t pid;
	int in[2], out[2];

	mf_setup(&f, "wc -c; exit 6");
	f.r.stdin_open = true;
	mf_start(&f, true);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	o.in = in[0];
	o.out = out[1];
	o.err = -1;
	if (fork() == 0) {
		static char much[100000];
		struct cs_err err = CS_ERR_INIT;

		for (int i = 0; i < 10; i++)
			cs_fd_write_all(in[1], much, sizeof(much), &err);
		_exit(0);
	}
	close(in[1]);
	pid = attach_child(&f, &o);
	close(in[0]);
	close(out[1]);
	ck_assert(mf_report(&f).ok);
	ck_assert_int_gt(read(out[0], buf, sizeof(buf) - 1), 0);
	ck_assert_str_eq(buf, "1000000\n");
	ck_assert_int_eq(status_of(pid), 6);
	close(out[0]);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

static void type(int master, const char *s)
{
	ck_assert_int_eq(write(master, s, strlen(s)), (ssize_t)strlen(s));
}

/* Reads the terminal until @what was seen; types @keys (NULL: none) whenever nothing comes. */
static void ask_until(int master, const char *keys, const char *what)
{
	static char all[8192];
	int tries = keys ? 200 : 1;
	size_t n = 0;

	while (n < sizeof(all) - 1) {
		struct pollfd p = { master, POLLIN, 0 };
		ssize_t got;

		while (poll(&p, 1, keys ? 100 : 20000) != 1) {
			ck_assert_msg(--tries > 0, "no \"%s\" in \"%.*s\"", what, (int)n, all);
			type(master, keys);
		}
		got = read(master, all + n, sizeof(all) - 1 - n);
		ck_assert_int_gt(got, 0);
		n += (size_t)got;
		all[n] = '\0';
		if (strstr(all, what))
			return;
	}
	ck_abort_msg("too much without \"%s\"", what);
}

static void expect(int master, const char *what)
{
	ask_until(master, NULL, what);
}

static bool is_raw(int tty)
{
	struct termios t;

	ck_assert_int_eq(tcgetattr(tty, &t), 0);
	return !(t.c_lflag & ICANON);
}

/* A terminal of ours, its size, detach keys, and a signal: it is put back each time. */
START_TEST(test_terminal)
{
	struct winsize ws = { .ws_row = 41, .ws_col = 103 };
	struct eng_attach_opts o = { .want = ENG_WANT_STDIN | ENG_WANT_STDOUT,
				     .tty = true,
				     .detach_keys = "ctrl-p,ctrl-q" };
	int master, slave, status;
	struct mf f;
	pid_t pid;

	mf_setup(&f, "while read l; do test \"$l\" = bye && exit 8; stty size; done");
	f.r.stdin_open = true;
	f.r.tty = true;
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &ws), 0);
	o.in = o.out = o.err = slave;
	mf_start(&f, true);
	pid = attach_child(&f, &o);
	ck_assert(mf_report(&f).ok);
	type(master, "x\r");
	expect(master, "41 103\r\n");
	ck_assert(is_raw(slave));
	ws.ws_row = 42;
	ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &ws), 0);
	kill(pid, SIGWINCH);
	ask_until(master, "x\r", "42 103\r\n"); /* the size comes when it comes */
	type(master, "\x10\x11");
	ck_assert_int_eq(status_of(pid), 99);
	ck_assert(!is_raw(slave));

	f.client = eng_attach_connect(&f.e, MF_ID, &(struct cs_err){ 0 });
	ck_assert_int_ge(f.client, 0);
	pid = attach_child(&f, &o);
	type(master, "x\r");
	expect(master, "42 103\r\n");
	ck_assert(is_raw(slave));
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	ck_assert(!is_raw(slave));

	f.client = eng_attach_connect(&f.e, MF_ID, &(struct cs_err){ 0 });
	pid = attach_child(&f, &o);
	type(master, "bye\r");
	ck_assert_int_eq(status_of(pid), 8);
	ck_assert(!is_raw(slave));
	close(master);
	close(slave);
	mf_wait(&f);
	mf_fini(&f);
}
END_TEST

/* Its monitor is killed. */
START_TEST(test_gone)
{
	struct eng_attach_opts o = { .want = ENG_WANT_STDOUT, .in = -1, .out = -1, .err = -1 };
	struct mf f;
	pid_t pid;

	mf_setup(&f, "exec sleep 2");
	mf_start(&f, true);
	pid = attach_child(&f, &o);
	ck_assert(mf_report(&f).ok);
	kill(f.pid, SIGKILL);
	waitpid(f.pid, NULL, 0);
	f.pid = 0;
	ck_assert_int_eq(status_of(pid), 125);
	/* once nobody who was forked with the lock has it any more */
	for (int i = 0; i < 1000 && mf_status(&f).state != ENG_DEAD; i++)
		usleep(10000);
	ck_assert_int_eq(mf_status(&f).state, ENG_DEAD);
	mf_fini(&f);
}
END_TEST

UNIT_MAIN("engine/attach", test_keys, test_filter, test_frames, test_much, test_input,
	  test_terminal, test_gone)
