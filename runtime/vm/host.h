#ifndef CS_RUNTIME_VM_HOST_H
#define CS_RUNTIME_VM_HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "runtime/vm/stream.h"

struct cg_resources;
struct cs_err;
struct ctr;
struct ctr_boot;
struct ctr_child;
struct ctr_create_opts;
struct ctr_exec_opts;
struct ctr_nic;
struct ctr_procs;
struct ctr_spec;

/*
 * The host's side of the second wall. For each machine there is a keeper: the process that stands
 * for the container's init on the host. It has the container's standard files and its exit status;
 * it starts the monitor (libexec/caisson/vmm), speaks to the agent in the machine, and serves
 * commands that come to "vm.sock" in the state folder: a CTR_VM_REQUEST frame whose word is enum
 * ctr_vm_ask, answered by the agent's CTR_VM_REPLY. It dies with its machine, and the machine with
 * it, whatever killed it.
 */

/* --- package.c: what a machine is started with ------------------------------------------------ */

/* The guest package: a folder with "vmlinux", "initramfs" (guest-init and the kernel's modules),
 * "cmdline" and "version". $CAISSON_GUEST names it, else it is CTR_VM_PACKAGE, which is made when
 * it is not there or of another version, by make-guest beside the monitor. The word "acpi=off" on a
 * command line means that the kernel has no ACPI: the machine tells it of its devices otherwise. */
#define CTR_VM_PACKAGE "/var/lib/caisson/guest"

struct ctr_vm_package {
	int kernel;	    /* owned */
	int initramfs;	    /* owned */
	char cmdline[1024]; /* the kernel's */
	char vmm[PATH_MAX]; /* the monitor's path */
};
/* Opens what @boot (NULL allowed) or the spec's vm section names, else the package. ENOENT tells
 * what makes one. May take minutes, once: a kernel is downloaded. */
int ctr_vm_package_open(const struct ctr_spec *spec, const struct ctr_boot *boot,
			struct ctr_vm_package *out, struct cs_err *err);
void ctr_vm_package_close(struct ctr_vm_package *p);

/* --- config.c: what the machine is told ------------------------------------------------------- */

/* Refuses what this wall cannot honour, by the field's name. */
int ctr_vm_check(const struct ctr_spec *spec, struct cs_err *err);
/* The "create" request: the container's config.json with what the host does taken out, and sources
 * of bind mounts as the machine sees them. The caller frees *@out. */
int ctr_vm_config(const struct ctr_spec *spec, const struct ctr_nic *nics, size_t n_nics,
		  char **out, size_t *len, struct cs_err *err);
/* "KEY": [ "…" ]; nothing for NULL. */
void ctr_vm_put_strings(struct cs_jw *w, const char *key, const char *const *v);
/* Is it a bind mount, of which the host shows the source? */
bool ctr_vm_is_shared(const struct ctr_spec *spec, size_t mount);

/* --- size.c ----------------------------------------------------------------------------------- */

/* As many processors as the container may use. */
uint64_t ctr_vm_cpus(const struct ctr_spec *spec);
/* Bytes: what the container may have, and what the machine's own kernel needs besides. */
uint64_t ctr_vm_memory(const struct ctr_spec *spec);
/* What of @res the host's cgroup gets: the limits on processors. Strings are borrowed. */
void ctr_vm_host_limits(const struct cg_resources *res, struct cg_resources *out);
/* ENOTSUP, by name: the running machine is too small for the change. */
int ctr_vm_fits(const struct ctr_spec *spec, const struct cg_resources *res, struct cs_err *err);
/* "resources": { … } of an "update" request; ENOTSUP: what is not changed in machines. */
int ctr_vm_put_resources(struct cs_jw *w, const struct cg_resources *res, struct cs_err *err);

/* --- share.c: what the machine sees of the host ----------------------------------------------- */

/* In a mount namespace of the caller's own: makes a folder that holds the root file system and the
 * source of each bind mount, and nothing else; read-only mounts are so for the machine's kernel as
 * well, a read-only root is not. Covers the state folder. Returns an O_PATH fd. */
int ctr_vm_share(const struct ctr *c, struct cs_err *err);

/* --- machine.c: the monitor's process --------------------------------------------------------- */

/* The last that came, for messages. */
struct ctr_vm_tail {
	int fd; /* owned; the read end, does not block; -EBADF: has ended */
	char text[2048];
	size_t len;
	int keep; /* borrowed; a file that gets all of it, at its end half of CTR_VM_KEPT_MAX at
		   * least; -EBADF: none */
	off_t kept;
};
enum { CTR_VM_KEPT_MAX = 128 << 10 };
/* Did something come? */
bool ctr_vm_tail_read(struct ctr_vm_tail *t);

struct ctr_vm_machine {
	pid_t pid;
	int pidfd;   /* owned */
	int owner;   /* owned; of its vsock, see kvm/virtio/vsock.h; does not block */
	int control; /* owned; to the monitor, see kvm/control.h */
	int result;  /* owned; memfd that gets how it ended */
	struct ctr_vm_tail console;
	struct ctr_vm_tail errors;
};
#define CTR_VM_MACHINE_INIT                                                    \
	((struct ctr_vm_machine){ .pidfd = -EBADF,                             \
				  .owner = -EBADF,                             \
				  .control = -EBADF,                           \
				  .result = -EBADF,                            \
				  .console = { .fd = -EBADF, .keep = -EBADF }, \
				  .errors = { .fd = -EBADF, .keep = -EBADF } })

/* Starts it; @share is what ctr_vm_share() gave. It dies when the calling thread does. */
struct ctr_vm_start {
	const struct ctr_spec *spec;
	const struct ctr_vm_package *package;
	int share;
	const struct ctr_nic *nics;
	size_t n_nics;
};
int ctr_vm_machine_start(const struct ctr_vm_start *start, struct ctr_vm_machine *m,
			 struct cs_err *err);
/* How it ended, in words. It must have. */
void ctr_vm_machine_why(struct ctr_vm_machine *m, char *out, size_t size);

/* --- term.c: the host's side of a terminal ---------------------------------------------------- */

/* Makes a pty in raw mode: its master goes to the console socket, else to child->master. Returns
 * the other end, to be the standard files of who relays. */
int ctr_vm_term_make(uint16_t rows, uint16_t columns, const char *console_socket,
		     struct ctr_child *child, struct cs_err *err);
/* Gives @s the calling process's files: its standard files, or the terminal @slave (negative:
 * none), which becomes its controlling terminal. */
int ctr_vm_term_ends(struct ctr_vm_stream *s, int slave, struct cs_err *err);
/* Tells the machine of a signal that came, or of the terminal's new size. */
void ctr_vm_term_signal(struct ctr_vm_stream *s, int slave, int signo);
/* All signals but those that a fault raises, as an fd. */
int ctr_vm_term_signals(struct cs_err *err);

/* --- keeper.c --------------------------------------------------------------------------------- */

enum ctr_vm_ask {
	CTR_VM_ASK_PLAIN, /* the answer is a frame */
	CTR_VM_ASK_EXEC,  /* and, when it is no error, a byte with the process's stream */
	CTR_VM_ASK_START, /* from then on the container does not wait any more */
	CTR_VM_ASK_TELL,  /* as PLAIN, but of a paused machine answered before it is done */
	/* of the keeper itself */
	CTR_VM_ASK_PAUSE,
	CTR_VM_ASK_RESUME,
	CTR_VM_ASK_PAUSED, /* answered by { "paused": true } if it is */
};

struct ctr_vm_keeper_in {
	const struct ctr *c;
	const struct ctr_vm_package *package;
	const struct ctr_nic *nics;
	size_t n_nics;
	const char *request; /* "create" */
	size_t request_len;
	int sync;     /* to who makes it: the messages of ns/sync.h */
	int runtime;  /* that one's own end, to be closed */
	int waits;    /* listens while the container waits for its start (ns/socket.h) */
	int commands; /* listens at "vm.sock" */
	int slave;    /* its terminal, -EBADF: none */
	int oom;      /* file that gets how many processes were killed in it for memory */
	int console;  /* file that gets the last of the guest's console, -EBADF: none */
	const struct cg *cg;
	bool cloned_into_cgroup;
};
/* The process itself. Its status is the container's; 125: the machine's own failure. */
_Noreturn void ctr_vm_keeper(struct ctr_vm_keeper_in *in);

/* --- ask.c: commands ---------------------------------------------------------------------------*/

int ctr_vm_listen(const struct ctr *c, struct cs_err *err);
/* The agent's answer as an error, if it is one; *@program_exit (else left alone) is 126 or 127 if
 * it was the user's program's own. What it says is the guest's word: made plain. */
int ctr_vm_judge(const struct cs_json *answer, int *program_exit, struct cs_err *err);
/* Asks for "processes"; the answer is checked and made plain. The caller frees @out->doc. */
int ctr_vm_procs(struct ctr *c, struct ctr_procs *out, struct cs_err *err);
/* The second half of it, pure. Takes @doc over, unless it fails. */
int ctr_vm_procs_parse(struct cs_json_doc *doc, struct ctr_procs *out, struct cs_err *err);
/* Asks the keeper and waits. *@answer (NULL allowed) is the agent's object; *@stream, for
 * CTR_VM_ASK_EXEC, the process's connection; c->program_exit is set as ctr.h says. ESRCH: there is
 * no machine any more. */
int ctr_vm_ask(struct ctr *c, enum ctr_vm_ask kind, struct cs_jw *request,
	       struct cs_json_doc *answer, int *stream, struct cs_err *err);

/* In the state folder: the decimal number that the keeper writes to in->oom at the end. */
#define CTR_VM_OOM_FILE "oom"

/* --- create.c, exec.c: as isolation.h says ---------------------------------------------------- */
int ctr_vm_create(struct ctr *c, const struct ctr_create_opts *opts, struct ctr_child *child,
		  struct cs_err *err);
int ctr_vm_exec(struct ctr *c, const struct ctr_exec_opts *opts, struct ctr_child *child,
		struct cs_err *err);

#endif
