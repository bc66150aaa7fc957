#ifndef CS_KVM_CONTROL_H
#define CS_KVM_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm/loop.h"

struct cs_err;
struct vm_machine;

/*
 * The machine's control socket: a Unix stream socket that listens, or one that is connected, whose
 * other end is then the only one who asks. A request is a line with a JSON object, {"do": "pause"};
 * each gets one line back, in order: {"ok": true} with what was asked for, or {"ok": false,
 * "error": "…"}.
 *
 *	pause, resume    stops and continues the vCPUs
 *	power-button     presses it: the guest decides
 *	stop             ends the machine at once
 *	state            "state": "running" or "paused"
 *	counters         "counters": { … } as in the result
 *
 * A line longer than VM_CONTROL_LINE, or one that is no such object, ends the connection after its
 * answer. Who does not read the answers is not waited for, but disconnected.
 */
enum {
	VM_CONTROL_LINE = 1024,
	VM_CONTROL_PEERS = 4, /* at a time; more are turned away */
};

enum vm_control_do {
	VM_CONTROL_PAUSE,
	VM_CONTROL_RESUME,
	VM_CONTROL_POWER_BUTTON,
	VM_CONTROL_STOP,
	VM_CONTROL_STATE,
	VM_CONTROL_COUNTERS,
	VM_CONTROL_DOS,
};

/* Reads a request, without its newline. EINVAL. Pure. */
int vm_control_parse(const char *line, size_t len, enum vm_control_do *out, struct cs_err *err);

struct vm_control {
	struct vm_machine *m;
	struct vm_watch listen;
	struct vm_control_peer {
		struct vm_watch w;
		struct vm_control *c;
		char line[VM_CONTROL_LINE];
		size_t len;
	} peer[VM_CONTROL_PEERS];
};
#define VM_CONTROL_INIT ((struct vm_control){ .listen = VM_WATCH_INIT })

/* Serves @fd (borrowed) on the machine's main loop. */
int vm_control_init(struct vm_control *c, struct vm_machine *m, int fd, struct cs_err *err);
/* Idempotent. */
void vm_control_fini(struct vm_control *c);

#endif
