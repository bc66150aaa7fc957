#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/regopts.h"
#include "images/registry.h"

struct login_opts {
	struct cli_regopts reg;
	const char *username;
	const char *password;
	bool password_stdin;
};

static const struct cli_opt login_optv[] = {
	CLI_STR(struct login_opts, password, "password", 'p', "PASSWORD",
		"the password, for all to see that list processes"),
	CLI_BOOL(struct login_opts, password_stdin, "password-stdin", 0,
		 "read the password from stdin"),
	CLI_STR(struct login_opts, username, "username", 'u', "USER", "who we are there"),
	CLI_REG_OPTS_LOGIN(struct login_opts, reg),
};

enum { SECRET_MAX = 65536 };

/* Signals that end us; while the terminal does not echo they wait until it does again. */
static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static volatile sig_atomic_t caught;

static void on_deadly(int sig)
{
	caught = sig;
}

/* Reads a line, in which those signals are only noted (then EINTR). */
static ssize_t read_noting(int tty, char *line, size_t size)
{
	const struct sigaction note = { .sa_handler = on_deadly };
	struct pollfd p = { .fd = tty, .events = POLLIN };
	struct sigaction old[CS_LEN(deadly)];
	sigset_t block, before;
	ssize_t n = -1;
	int ret;

	sigemptyset(&block);
	for (size_t i = 0; i < CS_LEN(deadly); i++)
		sigaddset(&block, deadly[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	for (size_t i = 0; i < CS_LEN(deadly); i++)
		sigaction(deadly[i], &note, &old[i]);
	do
		ret = ppoll(&p, 1, NULL, &before);
	while (ret < 0 && errno == EINTR && !caught);
	if (ret > 0)
		n = read(tty, line, size);
	for (size_t i = 0; i < CS_LEN(deadly); i++)
		sigaction(deadly[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return n;
}

/* A line without echo. */
static ssize_t read_secret(int tty, char *line, size_t size, struct cs_err *err)
{
	struct termios old, quiet;
	ssize_t n;
	int error;

	if (tcgetattr(tty, &old) < 0)
		return cs_err_set(err, ENOTTY, "the terminal would show the password");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return cs_err_set(err, ENOTTY, "the terminal would show the password");
	caught = 0;
	n = read_noting(tty, line, size);
	error = errno;
	tcsetattr(tty, TCSAFLUSH, &old);
	(void)cs_fd_write_all(tty, "\n", 1, err);
	if (caught)
		(void)raise(caught);
	errno = error;
	return n < 0 ? cs_err_sys(err, "read from the terminal") : n;
}

/* A line from the terminal, without echo if it is a secret. */
static int ask(const char *what, bool secret, char **out, struct cs_err *err)
{
	cs_auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char line[1024];
	ssize_t n;
	int ret;

	if (tty < 0)
		return cs_err_set(err, ENOTTY,
				  "there is no terminal to ask at: give --username and "
				  "--password-stdin");
	ret = cs_fd_write_all(tty, what, strlen(what), err);
	if (ret < 0)
		return ret;
	if (secret) {
		n = read_secret(tty, line, sizeof(line) - 1, err);
	} else {
		do
			n = read(tty, line, sizeof(line) - 1);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			n = cs_err_sys(err, "read from the terminal");
	}
	if (n < 0)
		return (int)n;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	*out = strdup(line);
	explicit_bzero(line, sizeof(line));
	return *out ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

static int from_stdin(char **out, struct cs_err *err)
{
	size_t len = 0;
	int ret = cs_fd_read_all(STDIN_FILENO, SECRET_MAX, out, &len, err);

	if (ret < 0)
		return cs_err_wrap(err, "read the password");
	while (len && ((*out)[len - 1] == '\n' || (*out)[len - 1] == '\r'))
		(*out)[--len] = '\0';
	if (!len || strlen(*out) != len)
		return cs_err_set(err, EINVAL, "stdin holds no password");
	return 0;
}

static int copy(const char *s, char **out, struct cs_err *err)
{
	*out = strdup(s);
	return *out ? 0 : cs_err_set(err, ENOMEM, "out of memory");
}

static int get_creds(const struct login_opts *o, struct img_creds *out, struct cs_err *err)
{
	int ret;

	if (o->password_stdin && o->password)
		return cs_err_set(err, EINVAL,
				  "--password and --password-stdin exclude each other");
	if (o->password_stdin && !o->username)
		return cs_err_set(err, EINVAL, "--password-stdin needs --username");
	ret = o->username ? copy(o->username, &out->user, err)
			  : ask("Username: ", false, &out->user, err);
	if (ret < 0)
		return ret;
	if (!*out->user || strchr(out->user, ':'))
		return cs_err_set(err, EINVAL, "a user's name is not empty and has no \":\"");
	if (o->password)
		return copy(o->password, &out->secret, err);
	return o->password_stdin ? from_stdin(&out->secret, err)
				 : ask("Password: ", true, &out->secret, err);
}

/* "host" of "host" or "host/repo". */
static int host_of(const char *key, char *out, size_t size, struct cs_err *err)
{
	return cs_str_fmt(out, size, err, "%.*s", (int)strcspn(key, "/"), key);
}

static int login_run(struct cli_call *call, struct cs_err *err)
{
	const struct login_opts *o = call->opts;
	img_auto_creds struct img_creds creds = IMG_CREDS_INIT;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cli_reg session = CLI_REG_INIT;
	char host[300];
	int ret = host_of(call->argv[0], host, sizeof(host), err);

	if (!ret)
		ret = get_creds(o, &creds, err);
	if (!ret)
		ret = cli_reg_open_as(&o->reg, &creds, &session, err);
	if (!ret)
		ret = img_reg_login(session.reg, host, err);
	if (!ret)
		ret = img_creds_store(o->reg.authfile, call->argv[0], &creds, err);
	cli_reg_fini(&session);
	if (ret < 0)
		return cs_err_wrap(err, "login");
	cs_buf_add(&b, "Login Succeeded!\n");
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_login = {
	.name = "login",
	.synopsis = "[OPTIONS] HOST[:PORT][/REPOSITORY]",
	.help = "check and keep credentials for a registry",
	.opts = CLI_OPTS(login_optv),
	.opts_size = sizeof(struct login_opts),
	.min_args = 1,
	.max_args = 1,
	.transfer = true,
	.run = login_run,
};
