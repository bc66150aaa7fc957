#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/ns/tty.h"
#include "runtime/vm/host.h"

int ctr_vm_term_make(uint16_t rows, uint16_t columns, const char *console_socket,
		     struct ctr_child *child, struct cs_err *err)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };
	cs_auto_fd int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	cs_auto_fd int slave = -EBADF, sock = -EBADF;
	struct termios t;
	const int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return cs_err_sys(err, "process.terminal: open a pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	/* ours alone: who relays is never to wait for it */
	if (slave < 0 || fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK) < 0 || tcgetattr(slave, &t) < 0)
		return cs_err_sys(err, "process.terminal: open the other end of the pty");
	/* the terminal that the process has is the machine's: this one only hands on */
	cfmakeraw(&t);
	if (tcsetattr(slave, TCSANOW, &t) < 0 ||
	    ((rows || columns) && ioctl(master, TIOCSWINSZ, &size) < 0))
		return cs_err_sys(err, "process.terminal: set the pty");
	if (console_socket) {
		sock = ctr_tty_connect(console_socket, err);
		if (sock < 0 || ctr_tty_send(sock, master, err) < 0)
			return -err->code;
	} else {
		child->master = cs_take_fd(&master);
	}
	return cs_take_fd(&slave);
}

int ctr_vm_term_ends(struct ctr_vm_stream *s, int slave, struct cs_err *err)
{
	if (slave < 0) {
		s->source[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDIN, .fd = STDIN_FILENO };
		s->sink[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDOUT, .fd = STDOUT_FILENO };
		s->sink[1] = (struct ctr_vm_end){ .kind = CTR_VM_STDERR, .fd = STDERR_FILENO };
		return 0;
	}
	if (ctr_tty_take(slave, err) < 0)
		return -err->code;
	s->source[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDIN, .fd = STDIN_FILENO };
	s->sink[0] = (struct ctr_vm_end){ .kind = CTR_VM_STDOUT, .fd = STDOUT_FILENO };
	return 0;
}

void ctr_vm_term_signal(struct ctr_vm_stream *s, int slave, int signo)
{
	struct winsize size;

	if (signo == SIGCHLD)
		return;
	if (signo == SIGWINCH && slave >= 0) {
		if (ioctl(slave, TIOCGWINSZ, &size) == 0)
			ctr_vm_put_word(&s->out, CTR_VM_WINSIZE,
					(uint32_t)size.ws_col << 16 | size.ws_row);
		return;
	}
	ctr_vm_put_word(&s->out, CTR_VM_SIGNAL, (uint32_t)signo);
}

int ctr_vm_term_signals(struct cs_err *err)
{
	static const int faults[] = { SIGSEGV, SIGBUS,	SIGFPE, SIGILL,
				      SIGTRAP, SIGABRT, SIGSYS, SIGPIPE };
	cs_auto_fd int fd = -EBADF;
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < CS_LEN(faults); i++)
		sigdelset(&set, faults[i]);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return cs_err_sys(err, "hold signals back");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? cs_err_sys(err, "wait for signals") : cs_take_fd(&fd);
}
