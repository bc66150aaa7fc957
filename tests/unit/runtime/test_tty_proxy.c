#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sys.h"
#include "runtime/ns/tty.h"
#include "tests/unit/runtime/child.h"

/*
 * Three processes: the test is the terminal emulator, with the master of an outer pty; the runtime,
 * with its slave as stdin and stdout, runs the proxy; the container has an inner pty.
 */
enum { PROXY_FAILED = 70, SIGNAL_END = 71, BULK = 3 << 20 };

struct scene {
	int (*container)(void);
	int outer;	 /* master */
	int outer_slave; /* the test's own open of it, to look at its settings */
	bool stdin_null; /* stdin is /dev/null */
	bool looks;	 /* on_input() looks at what is typed */
	int out;	 /* stdout instead of the outer pty, or -1 */
	pid_t pid;	 /* of the runtime */
	int told[2];	 /* the runtime tells of signals and of the proxy's error */
};

static int root_fd(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static int on_signal(int signo, void *arg, struct cs_err *err)
{
	const struct scene *s = arg;
	char c = (char)signo;

	(void)err;
	if (write(s->told[1], &c, 1) != 1)
		return PROXY_FAILED;
	return signo == SIGUSR2 ? SIGNAL_END : 0;
}

/* a is two, X detaches, the end is a line. */
static size_t on_input(const char *in, size_t len, char *out, bool *detach, void *arg)
{
	size_t n = len ? 0 : (size_t)snprintf(out, 6, "aabc\n");

	(void)arg;
	for (size_t i = 0; i < len && !*detach; i++) {
		*detach = in[i] == 'X';
		for (int twice = in[i] == 'a'; twice >= 0 && !*detach; twice--)
			out[n++] = in[i];
	}
	return n;
}

/* The container: its own session, the inner pty, and nothing else of it. */
static pid_t container_start(const struct scene *s, int *master, struct cs_err *err)
{
	int slave = -1;
	sigset_t none;
	pid_t pid;

	if (ctr_tty_open(root_fd(), 0, 0, master, &slave, err) < 0)
		_exit(CHILD_SETUP);
	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (setsid() < 0 || ctr_tty_take(slave, err) < 0 ||
		    cs_sys_close_range(3, ~0U, 0) < 0)
			_exit(CHILD_SETUP);
		_exit(s->container());
	}
	close(slave);
	return pid;
}

static int runtime_main(const struct scene *s)
{
	struct cs_err err = CS_ERR_INIT;
	const struct ctr_tty_hooks hooks = { .on_signal = on_signal,
					     .signal_arg = (void *)(uintptr_t)s,
					     .on_input = s->looks ? on_input : NULL };
	int master = -1, pidfd, sfd, rc;
	sigset_t set;
	pid_t pid;

	if (setsid() < 0 || ioctl(s->outer_slave, TIOCSCTTY, 0) < 0)
		return CHILD_SETUP;
	dup2(s->stdin_null ? open("/dev/null", O_RDONLY | O_CLOEXEC) : s->outer_slave, 0);
	dup2(s->out >= 0 ? s->out : s->outer_slave, 1);
	close(s->outer);
	close(s->outer_slave);
	close(s->told[0]);
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_CLOEXEC);
	pid = container_start(s, &master, &err);
	pidfd = cs_sys_pidfd_open(pid, 0);
	if (pid < 0 || pidfd < 0 || sfd < 0)
		return CHILD_SETUP;
	rc = ctr_tty_proxy(master, pidfd, sfd, &hooks, &err);
	if (rc < 0 && write(s->told[1], err.msg, strlen(err.msg)) < 0)
		return CHILD_SETUP;
	close(master);
	return rc < 0 ? PROXY_FAILED : rc;
}

static void scene_start(struct scene *s)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(ctr_tty_open(root_fd(), 24, 80, &s->outer, &s->outer_slave, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(pipe2(s->told, O_CLOEXEC), 0);
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0)
		_exit(runtime_main(s));
	close(s->told[1]);
}

static struct termios settings(const struct scene *s)
{
	struct termios t;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(tcgetattr(s->outer_slave, &t), 0);
	return t;
}

static bool is_raw(const struct scene *s)
{
	return !(settings(s).c_lflag & (ICANON | ECHO | ISIG));
}

/* Waits for the runtime; its exit code. The terminal must be as it was. */
static int scene_end(const struct scene *s)
{
	int status = -1;

	ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
	ck_assert(WIFEXITED(status));
	ck_assert(!is_raw(s));
	ck_assert(settings(s).c_oflag & OPOST);
	return WEXITSTATUS(status);
}

static void say(const struct scene *s, const char *text)
{
	ck_assert_int_eq(write(s->outer, text, strlen(text)), (ssize_t)strlen(text));
}

/* Reads the terminal's screen until @want is there, for five seconds at most. */
static void see(const struct scene *s, const char *want)
{
	static char text[4096];
	size_t len = 0;

	while (len < sizeof(text) - 1) {
		struct pollfd p = { .fd = s->outer, .events = POLLIN };
		ssize_t n = 0;

		if (poll(&p, 1, 5000) == 1)
			n = read(s->outer, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, want))
			return;
	}
	text[len] = '\0';
	ck_abort_msg("saw \"%s\", not \"%s\"", text, want);
}

static void told(const struct scene *s, char *out, size_t size)
{
	ssize_t n = read(s->told[0], out, size - 1);

	ck_assert_int_ge(n, 0);
	out[n] = '\0';
}

/* Says "ready", reads a line, says what it was. */
static int c_echo(void)
{
	char line[64];
	ssize_t n;

	if (write(1, "ready\n", 6) != 6)
		return 1;
	n = read(0, line, sizeof(line));
	return n > 0 && write(1, line, (size_t)n) == n ? 0 : 2;
}

/* Reads a line and tells it, whoever listens to its terminal. */
static int c_line(void)
{
	char line[64];
	ssize_t n;

	if (write(1, "ready\n", 6) != 6)
		return 1;
	n = read(0, line, sizeof(line));
	return n == 5 && memcmp(line, "aabc\n", 5) == 0 && write(1, "right\n", 6) == 6 ? 0 : 2;
}

START_TEST(test_input)
{
	for (int leaves = 0; leaves < 2; leaves++) {
		struct scene s = { .container = c_line, .out = -1, .looks = true };

		scene_start(&s);
		see(&s, "ready\r\n");
		say(&s, leaves ? "abXc" : "abc\n");
		if (!leaves)
			see(&s, "right\r\n");
		ck_assert_int_eq(scene_end(&s), leaves);
	}
}
END_TEST

START_TEST(test_both_ways)
{
	struct scene s = { .container = c_echo, .out = -1 };

	scene_start(&s);
	see(&s, "ready\r\n");
	ck_assert(is_raw(&s));
	say(&s, "hello\r");
	see(&s, "hello\r\nhello\r\n"); /* the inner terminal's echo, then the program */
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

static uint32_t next_random(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 24;
}

static void set_inner_raw(void)
{
	struct termios t;

	tcgetattr(0, &t);
	cfmakeraw(&t);
	tcsetattr(0, TCSANOW, &t);
}

/* Writes much and ends at once: the tail is in the pty when the process is gone. */
static int c_bulk_out(void)
{
	uint32_t x = 1;
	unsigned char buf[4096];

	set_inner_raw();
	for (size_t done = 0; done < BULK; done += sizeof(buf)) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (unsigned char)next_random(&x);
		for (size_t at = 0; at < sizeof(buf);) {
			ssize_t n = write(1, buf + at, sizeof(buf) - at);

			if (n <= 0)
				return 1;
			at += (size_t)n;
		}
	}
	return 0;
}

static void assert_bulk(int fd)
{
	unsigned char buf[3000];
	uint32_t x = 1;
	size_t got = 0;

	while (got < BULK) {
		ssize_t n = read(fd, buf, sizeof(buf));

		ck_assert_msg(n > 0, "at %zu: %s", got, strerror(errno));
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != next_random(&x))
				ck_abort_msg("wrong at %zu", got + (size_t)i);
		got += (size_t)n;
	}
	ck_assert_uint_eq(got, BULK);
}

START_TEST(test_bulk_out)
{
	const struct timespec pause = { .tv_nsec = 300000000 };
	struct scene s = { .container = c_bulk_out, .out = -1 };

	scene_start(&s);
	nanosleep(&pause, NULL); /* a slow terminal: all buffers are full meanwhile */
	assert_bulk(s.outer);
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

/* The same to a pipe, whose reader must not find it non-blocking afterwards. */
START_TEST(test_bulk_pipe)
{
	struct scene s = { .container = c_bulk_out, .stdin_null = true };
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	s.out = p[1];
	scene_start(&s);
	assert_bulk(p[0]);
	ck_assert_int_eq(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

/* To a regular file that is at some offset already. */
START_TEST(test_file)
{
	struct scene s = { .container = c_echo };
	char text[64] = "";

	s.out = memfd_create("out", MFD_CLOEXEC);
	ck_assert_int_eq(write(s.out, "before ", 7), 7);
	scene_start(&s);
	say(&s, "x\r");
	ck_assert_int_eq(scene_end(&s), 0);
	ck_assert_int_gt(pread(s.out, text, sizeof(text) - 1, 0), 7);
	ck_assert_msg(strncmp(text, "before ready\r\n", 14) == 0 ||
			      strncmp(text, "before x", 8) == 0,
		      "%s", text);
}
END_TEST

/* Takes much, slowly, and checks it. */
static int c_bulk_in(void)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	unsigned char buf[1000];
	uint32_t x = 1;
	size_t got = 0;

	set_inner_raw();
	if (write(1, "ready", 5) != 5)
		return 1;
	nanosleep(&pause, NULL);
	while (got < BULK) {
		ssize_t n = read(0, buf, sizeof(buf));

		if (n <= 0)
			return 2;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != (unsigned char)next_random(&x))
				return 3;
		got += (size_t)n;
	}
	return write(1, "right", 5) == 5 ? 0 : 4;
}

START_TEST(test_bulk_in)
{
	struct scene s = { .container = c_bulk_in, .out = -1 };
	unsigned char buf[BULK / 64];
	uint32_t x = 1;

	scene_start(&s);
	see(&s, "ready");
	for (int i = 0; i < 64; i++) {
		for (size_t k = 0; k < sizeof(buf); k++)
			buf[k] = (unsigned char)next_random(&x);
		ck_assert_int_eq(write(s.outer, buf, sizeof(buf)), sizeof(buf));
	}
	see(&s, "right");
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

static volatile sig_atomic_t winched;

static void on_winch(int signo)
{
	(void)signo;
	winched = 1;
}

static void tell_size(const struct winsize *w)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "<%dx%d>", w->ws_row, w->ws_col);

	if (write(1, text, (size_t)n) != n)
		_exit(1);
}

/* Tells its size at the start, which the proxy sets, and when it changed. */
static int c_size(void)
{
	const struct sigaction sa = { .sa_handler = on_winch };
	struct winsize first = { 0 }, w = { 0 };

	sigaction(SIGWINCH, &sa, NULL);
	for (int i = 0; i < 500 && !first.ws_row; i++) {
		ioctl(0, TIOCGWINSZ, &first);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	w = first;
	tell_size(&first);
	for (int i = 0; i < 500 && (!winched || w.ws_row == first.ws_row); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		ioctl(0, TIOCGWINSZ, &w);
	}
	tell_size(&w);
	return winched ? 0 : 2;
}

START_TEST(test_size)
{
	const struct winsize size = { .ws_row = 50, .ws_col = 100 };
	struct scene s = { .container = c_size, .out = -1 };

	scene_start(&s);
	see(&s, "<24x80>");
	ck_assert_int_eq(ioctl(s.outer, TIOCSWINSZ, &size), 0); /* sends SIGWINCH */
	see(&s, "<50x100>");
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

static int c_wait(void)
{
	char c;

	return write(1, "ready", 5) == 5 && read(0, &c, 1) == 1 ? 0 : 1;
}

START_TEST(test_signals)
{
	struct scene s = { .container = c_wait, .out = -1 };
	struct termios cooked;
	char text[16];

	scene_start(&s);
	see(&s, "ready");
	kill(s.pid, SIGUSR1);
	told(&s, text, sizeof(text));
	ck_assert_int_eq(text[0], SIGUSR1);

	/* stopped, the shell sets its own mode, and continued */
	cooked = settings(&s);
	cooked.c_lflag |= ICANON | ECHO | ISIG;
	ck_assert_int_eq(tcsetattr(s.outer_slave, TCSANOW, &cooked), 0);
	kill(s.pid, SIGCONT);
	for (int i = 0; i < 500 && !is_raw(&s); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	ck_assert(is_raw(&s));

	/* the callback ends it, with its own value */
	kill(s.pid, SIGUSR2);
	told(&s, text, sizeof(text));
	ck_assert_int_eq(text[0], SIGUSR2);
	ck_assert_int_eq(scene_end(&s), SIGNAL_END);
}
END_TEST

/* Leaves a child behind that has the terminal and goes on writing. */
static int c_survivor(void)
{
	signal(SIGHUP, SIG_IGN);
	if (fork() == 0) {
		for (int i = 0; i < 5000 && write(1, "still here\n", 11) > 0; i++)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		_exit(0);
	}
	return write(1, "leaving\n", 8) == 8 ? 0 : 1;
}

START_TEST(test_survivor)
{
	struct scene s = { .container = c_survivor, .out = -1 };
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	scene_start(&s);
	see(&s, "still here\r\n");
	ck_assert_int_eq(scene_end(&s), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_int_le(end.tv_sec - start.tv_sec, 3);
}
END_TEST

/* Shared with the container: it may come back. */
static volatile int *back;

/* Lets go of the terminal until it is told to take it again. */
static int c_absent(void)
{
	char name[64];

	if (ttyname_r(0, name, sizeof(name)) != 0 || write(1, "first", 5) != 5)
		return 1;
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	while (!*back)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	if (open(name, O_RDWR | O_CLOEXEC) != 0)
		return 2;
	return write(0, "second", 6) == 6 ? 0 : 3;
}

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(id, &t), 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

START_TEST(test_absent)
{
	struct scene s = { .container = c_absent, .out = -1 };
	int64_t wall, used;
	clockid_t cpu;

	back = mmap(NULL, sizeof(*back), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)(uintptr_t)back, MAP_FAILED);
	scene_start(&s);
	see(&s, "first");
	say(&s, "typed meanwhile\r");
	ck_assert_int_eq(clock_getcpuclockid(s.pid, &cpu), 0);
	used = clock_us(cpu);
	wall = clock_us(CLOCK_MONOTONIC);
	nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	used = clock_us(cpu) - used;
	wall = clock_us(CLOCK_MONOTONIC) - wall;
	*back = 1;
	see(&s, "second");
	ck_assert_int_eq(scene_end(&s), 0);
	ck_assert_int_lt(used, wall / 5); /* it did not spin */
	munmap((void *)(uintptr_t)back, sizeof(*back));
}
END_TEST

/* The end of stdin is not the end of the output. */
static int c_late(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	return write(1, "late", 4) == 4 ? 0 : 1;
}

START_TEST(test_stdin_ends)
{
	struct scene s = { .container = c_late, .out = -1, .stdin_null = true, .looks = true };

	scene_start(&s);
	see(&s, "late");
	ck_assert_int_eq(scene_end(&s), 0);
	s.container = c_line;
	scene_start(&s);
	see(&s, "right");
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

START_TEST(test_stdout_closed)
{
	struct scene s = { .container = c_wait };
	char text[512];
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	s.out = p[1];
	scene_start(&s);
	close(p[1]);
	told(&s, text, sizeof(text));
	ck_assert_msg(strstr(text, "to stdout: ") != NULL, "%s", text);
	ck_assert_int_eq(scene_end(&s), PROXY_FAILED);
}
END_TEST

CHILD_MAIN("runtime/tty_proxy", test_both_ways, test_input, test_bulk_out, test_bulk_pipe,
	   test_file, test_bulk_in, test_size, test_signals, test_survivor, test_absent,
	   test_stdin_ends, test_stdout_closed)
