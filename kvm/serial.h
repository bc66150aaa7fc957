#ifndef CS_KVM_SERIAL_H
#define CS_KVM_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/irq.h"
#include "kvm/loop.h"

struct cs_err;
struct vm_bus;

/*
 * The first serial port (16550A): what Linux' 8250 driver and its early console use. Sending takes
 * no time. What the guest writes is gathered and written to @out_fd a line at a time, never waiting
 * for a slow reader: the oldest is thrown away past VM_SERIAL_BACKLOG.
 */
enum {
	VM_SERIAL_VERSION = 1,
	VM_SERIAL_FIFO = 64, /* received and not yet read by the guest */
	VM_SERIAL_BACKLOG = 65536,
	VM_SERIAL_LINE = 160,
};

/* What a snapshot has to keep. */
struct vm_serial_state {
	uint32_t version;
	uint8_t ier, lcr, mcr, scr, dll, dlm, fcr;
	bool thr_irq; /* "transmitter empty" is pending */
	uint8_t fifo[VM_SERIAL_FIFO];
	uint32_t fifo_at, fifo_n;
};

struct vm_serial {
	struct vm_serial_state s;
	struct vm_loop *loop;
	struct vm_irq irq;
	int out_fd; /* borrowed; -EBADF: thrown away */
	struct vm_watch in;
	struct vm_timer flush;
	char *out; /* owned: written by the guest, not yet to out_fd */
	size_t out_len;
	uint64_t lost; /* bytes thrown away */
	bool flushing;

	char line[VM_SERIAL_LINE]; /* the current line, cut short */
	size_t line_len;
	void *owner;
	/* Each line the guest writes, without its end, NUL-terminated. With the loop's lock. */
	void (*said)(void *owner, const char *line);
};
#define VM_SERIAL_INIT                            \
	((struct vm_serial){ .irq = VM_IRQ_INIT,  \
			     .out_fd = -EBADF,    \
			     .in = VM_WATCH_INIT, \
			     .flush = VM_TIMER_INIT })

struct vm_serial_opts {
	struct vm_bus *pio;
	struct vm_loop *loop;
	int vm_fd;
	int in_fd;  /* borrowed; -EBADF: none */
	int out_fd; /* borrowed; -EBADF: thrown away */
	void *owner;
	void (*said)(void *owner, const char *line);
};

int vm_serial_init(struct vm_serial *u, const struct vm_serial_opts *o, struct cs_err *err);
/* Writes out what is left, as far as it can be without waiting. Idempotent. */
void vm_serial_fini(struct vm_serial *u);

/* The bus calls it, with the loop's lock. */
void vm_serial_io(void *owner, uint64_t off, uint8_t *data, uint32_t len, bool write);

#endif
