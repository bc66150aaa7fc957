#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/attach_int.h"

bool eng_att_is_proxied(int signo)
{
	switch (signo) {
	case SIGCHLD:
	case SIGPIPE:
	case SIGURG:
	case SIGWINCH:
	case SIGKILL:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
	case SIGABRT:
		return false;
	default:
		/* the C library has the two between for itself */
		return signo < SIGSYS + 1 || signo >= SIGRTMIN;
	}
}

/* Without a proxy those that would end us are held back, too: the terminal is put back first. */
static void wanted(sigset_t *set, bool proxy)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH, SIGCONT };

	sigemptyset(set);
	for (size_t i = 0; i < CS_LEN(ending); i++)
		sigaddset(set, ending[i]);
	for (int s = 1; proxy && s <= SIGRTMAX; s++)
		if (eng_att_is_proxied(s))
			sigaddset(set, s);
}

static int set_raw(const struct att_tty *t)
{
	struct termios raw = t->saved;

	cfmakeraw(&raw);
	return tcsetattr(t->in, TCSANOW, &raw);
}

int eng_att_tty_init(struct att_tty *t, int in, bool raw, bool proxy, struct cs_err *err)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	wanted(&set, proxy);
	*t = (struct att_tty){ .in = in, .signals = -EBADF };
	if (sigprocmask(SIG_BLOCK, &set, &t->mask) < 0)
		return cs_err_sys(err, "hold signals back");
	t->held = true;
	sigaction(SIGPIPE, &ignore, &t->pipe);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0) {
		cs_err_sys(err, "signalfd");
		eng_att_tty_fini(t);
		return -err->code;
	}
	if (!raw || in < 0 || tcgetattr(in, &t->saved) < 0)
		return 0;
	t->raw = true;
	if (set_raw(t) < 0) {
		cs_err_sys(err, "set the terminal to raw mode");
		eng_att_tty_fini(t);
		return -err->code;
	}
	return 0;
}

void eng_att_tty_again(struct att_tty *t)
{
	if (t->raw)
		set_raw(t);
}

void eng_att_tty_fini(struct att_tty *t)
{
	if (t->raw)
		tcsetattr(t->in, TCSANOW, &t->saved);
	t->raw = false;
	cs_close_fd(&t->signals);
	if (t->held) {
		sigaction(SIGPIPE, &t->pipe, NULL);
		sigprocmask(SIG_SETMASK, &t->mask, NULL);
	}
	t->held = false;
}
