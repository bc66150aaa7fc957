#include "kvm/serial.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kvm/bus.h"
#include "kvm/layout.h"

enum {
	RBR_THR = 0,
	IER = 1,
	IIR_FCR = 2,
	LCR = 3,
	MCR = 4,
	LSR = 5,
	MSR = 6,
	SCR = 7,

	IER_RX = 1,
	IER_THR = 2,
	IIR_NONE = 1,
	IIR_THR = 2,
	IIR_RX = 4,
	IIR_FIFO = 0xc0,
	FCR_ENABLE = 1,
	FCR_CLEAR_RX = 2,
	LCR_DLAB = 0x80,
	MCR_OUT2 = 8,
	MCR_LOOP = 0x10,
	LSR_READY = 1,
	LSR_IDLE = 0x60,
	MSR_UP = 0xb0, /* carrier, ready, clear to send */

	CHUNK = 512, /* a pipe that can be written to takes that much without waiting */
	FLUSH_NS = 20 * 1000 * 1000,
};

/* --- what the guest writes ---------------------------------------------------------------------
 */

static bool can_write(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static void flush(struct vm_serial *u)
{
	size_t done = 0;

	while (done < u->out_len && can_write(u->out_fd)) {
		const size_t left = u->out_len - done;
		ssize_t n = write(u->out_fd, u->out + done, left < CHUNK ? left : CHUNK);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memmove(u->out, u->out + done, u->out_len - done);
	u->out_len -= done;
	u->flushing = u->out_len > 0;
	if (u->flushing)
		vm_timer_set(&u->flush, FLUSH_NS, 0);
}

static void on_flush(struct vm_timer *t)
{
	flush((struct vm_serial *)(void *)((char *)t - offsetof(struct vm_serial, flush)));
}

static void watch_line(struct vm_serial *u, char c)
{
	if (c == '\n' && u->said) {
		u->line[u->line_len] = '\0';
		u->said(u->owner, u->line);
	}
	if (c == '\n')
		u->line_len = 0;
	else if (c != '\r' && c != '\0' && u->line_len < VM_SERIAL_LINE - 1)
		u->line[u->line_len++] = c;
}

static void send(struct vm_serial *u, uint8_t c)
{
	watch_line(u, (char)c);
	if (u->out_fd < 0)
		return;
	if (u->out_len == VM_SERIAL_BACKLOG) {
		memmove(u->out, u->out + 1, --u->out_len);
		u->lost++;
	}
	u->out[u->out_len++] = (char)c;
	if (u->flushing)
		return; /* the reader is slow, or more will come: the timer looks after it */
	if (c == '\n' || u->out_len >= CHUNK)
		flush(u);
	else if (u->out_len == 1)
		vm_timer_set(&u->flush, FLUSH_NS, 0);
}

/* --- interrupts --------------------------------------------------------------------------------
 */

static uint8_t pending(const struct vm_serial_state *s)
{
	if ((s->ier & IER_RX) && s->fifo_n)
		return IIR_RX;
	if ((s->ier & IER_THR) && s->thr_irq)
		return IIR_THR;
	return IIR_NONE;
}

static void update(struct vm_serial *u)
{
	if (pending(&u->s) != IIR_NONE)
		vm_irq_raise(&u->irq);
}

static void watch_in(struct vm_serial *u)
{
	vm_loop_mod(u->loop, &u->in, u->s.fifo_n < VM_SERIAL_FIFO ? EPOLLIN : 0);
}

static void receive(struct vm_serial *u, const uint8_t *p, size_t len)
{
	struct vm_serial_state *s = &u->s;

	for (size_t i = 0; i < len && s->fifo_n < VM_SERIAL_FIFO; i++)
		s->fifo[(s->fifo_at + s->fifo_n++) % VM_SERIAL_FIFO] = p[i];
	update(u);
}

static void on_input(struct vm_watch *w, uint32_t events)
{
	struct vm_serial *u =
		(struct vm_serial *)(void *)((char *)w - offsetof(struct vm_serial, in));
	uint8_t buf[VM_SERIAL_FIFO];
	ssize_t n;

	(void)events;
	n = read(w->fd, buf, VM_SERIAL_FIFO - u->s.fifo_n);
	if (n > 0)
		receive(u, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		vm_loop_del(u->loop, w);
	watch_in(u);
}

static uint8_t take(struct vm_serial *u)
{
	struct vm_serial_state *s = &u->s;
	uint8_t c;

	if (!s->fifo_n)
		return 0;
	c = s->fifo[s->fifo_at % VM_SERIAL_FIFO];
	s->fifo_at = (s->fifo_at + 1) % VM_SERIAL_FIFO;
	if (s->fifo_n-- == VM_SERIAL_FIFO)
		watch_in(u);
	update(u);
	return c;
}

/* --- registers ---------------------------------------------------------------------------------
 */

static void write_thr(struct vm_serial *u, uint8_t v)
{
	if (u->s.mcr & MCR_LOOP)
		receive(u, &v, 1);
	else
		send(u, v);
	u->s.thr_irq = true;
	update(u);
}

static void write_ier(struct vm_serial *u, uint8_t v)
{
	const bool armed = (v & IER_THR) && !(u->s.ier & IER_THR);

	u->s.ier = v & 0xf;
	if (armed)
		u->s.thr_irq = true;
	update(u);
}

static void write_reg(struct vm_serial *u, uint64_t off, uint8_t v)
{
	struct vm_serial_state *s = &u->s;
	const bool dlab = s->lcr & LCR_DLAB;

	switch (off) {
	case RBR_THR:
		if (dlab)
			s->dll = v;
		else
			write_thr(u, v);
		break;
	case IER:
		if (dlab)
			s->dlm = v;
		else
			write_ier(u, v);
		break;
	case IIR_FCR:
		s->fcr = v & FCR_ENABLE;
		if (v & FCR_CLEAR_RX) {
			s->fifo_n = 0;
			watch_in(u);
		}
		break;
	case LCR:
		s->lcr = v;
		break;
	case MCR:
		s->mcr = v & 0x1f;
		break;
	case SCR:
		s->scr = v;
		break;
	default:
		break;
	}
}

static uint8_t read_iir(struct vm_serial *u)
{
	const uint8_t what = pending(&u->s);

	if (what == IIR_THR)
		u->s.thr_irq = false;
	return (uint8_t)(what | (u->s.fcr ? IIR_FIFO : 0));
}

/* In a loop the four outputs come back as the four inputs. */
static uint8_t read_msr(const struct vm_serial_state *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_UP;
	return (uint8_t)((s->mcr & 0xc) << 4 | (s->mcr & 2) << 3 | (s->mcr & 1) << 5);
}

static uint8_t read_reg(struct vm_serial *u, uint64_t off)
{
	const struct vm_serial_state *s = &u->s;
	const bool dlab = s->lcr & LCR_DLAB;

	switch (off) {
	case RBR_THR:
		return dlab ? s->dll : take(u);
	case IER:
		return dlab ? s->dlm : s->ier;
	case IIR_FCR:
		return read_iir(u);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return (uint8_t)(LSR_IDLE | (s->fifo_n ? LSR_READY : 0));
	case MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

void vm_serial_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write)
{
	struct vm_serial *u = owner;

	if (len != 1)
		return;
	if (write)
		write_reg(u, off, data[0]);
	else
		data[0] = read_reg(u, off);
}

/* --- life --------------------------------------------------------------------------------------
 */

int vm_serial_init(struct vm_serial *u, const struct vm_serial_opts *o, struct cs_err *err)
{
	const struct vm_bus_range r = {
		.name = "serial",
		.base = VM_PORT_SERIAL,
		.len = 8,
		.owner = u,
		.do_io = vm_serial_io,
		.loop = o->loop,
	};
	int rc;

	*u = VM_SERIAL_INIT;
	u->s.version = VM_SERIAL_VERSION;
	u->loop = o->loop;
	u->owner = o->owner;
	u->said = o->said;
	u->out_fd = o->out_fd;
	u->out = malloc(VM_SERIAL_BACKLOG);
	if (!u->out)
		return cs_err_set(err, ENOMEM, "out of memory");
	rc = vm_irq_init(&u->irq, o->vm_fd, VM_GSI_SERIAL, err);
	if (rc == 0)
		rc = vm_timer_init(&u->flush, o->loop, on_flush, err);
	if (rc == 0 && o->in_fd >= 0) {
		u->in = (struct vm_watch){ .fd = o->in_fd, .ready = on_input };
		rc = vm_loop_add(o->loop, &u->in, EPOLLIN, err);
		if (rc == -EPERM) { /* a file: it has an end, and nothing to wait for */
			cs_err_clear(err);
			rc = cs_err_set(err, EINVAL,
					"serial: its input cannot be waited for: a file?");
		}
	}
	if (rc == 0)
		rc = vm_bus_add(o->pio, &r, err);
	return rc;
}

void vm_serial_fini(struct vm_serial *u)
{
	if (!u->loop)
		return;
	if (u->out && u->out_len)
		flush(u);
	vm_loop_del(u->loop, &u->in);
	vm_timer_fini(&u->flush, u->loop);
	vm_irq_fini(&u->irq);
	free(cs_take_ptr(&u->out));
	u->loop = NULL;
}
