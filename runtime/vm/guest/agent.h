#ifndef CS_RUNTIME_VM_GUEST_AGENT_H
#define CS_RUNTIME_VM_GUEST_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "base/str.h"
#include "runtime/vm/frame.h"
#include "runtime/vm/stream.h"

struct cs_err;
struct ctr_rt;

/*
 * The agent: PID 1 in a machine. It runs the container by the same runtime/ that runs one on the
 * host. What takes time is done by a child, a job; its own loop only moves bytes.
 */

#define AGENT_DIR "/run/agent"
#define AGENT_STATE "/run/ctr"
#define AGENT_BUNDLE "/run/bundle"

/* A process whose standard files go to the host. */
struct agent_proc {
	struct agent_proc *next;
	uint32_t id;
	pid_t pid; /* 0: not there yet */
	struct ctr_vm_stream stream;
	int master; /* owned; its terminal, -EBADF: it has none */
	bool ended;
	bool told; /* that it has ended */
	int code;
};

/* A request that a child works on. */
struct agent_job {
	struct agent_job *next;
	uint32_t id;
	pid_t pid;
	int answer;	    /* owned; the child's answer comes from there */
	int console;	    /* owned; listens for the terminal of what it makes, -EBADF: none */
	struct cs_buf text; /* owned; what came of it */
	struct agent_proc *proc; /* what it makes; NULL: nothing */
};

struct agent {
	int control; /* owned; the connection to the host */
	int signals; /* owned; signalfd of SIGCHLD */
	struct ctr_vm_reader in;
	struct ctr_vm_writer out;
	struct agent_proc *procs; /* owned */
	struct agent_job *jobs;	  /* owned */
	bool over;		  /* the container has ended, and the host knows */
};

/* setup.c: modules, mounts, a root of its own. */
int agent_setup(struct cs_err *err);
/* A connection to that port of the host. */
int agent_dial(uint32_t port, struct cs_err *err);
/* Ends the machine. */
_Noreturn void agent_end(int code);

/* net.c: the loopback, and the cards that a "create" tells of. */
int agent_net(const struct cs_json *req, struct cs_err *err);

/* How many of the container's processes were killed for want of memory so far. */
uint32_t agent_oom_kills(void);

/* ps.c: "processes": [ … ] of the answer. */
int agent_ps(const struct ctr_rt *rt, const char *id, struct cs_jw *w, struct cs_err *err);

/* job.c: begins what the host asked for; what is wrong with it becomes the answer. */
int agent_request(struct agent *a, const struct ctr_vm_msg *m, struct cs_err *err);
/* Takes what came of a job's answer. 1: the job is over and answered. */
int agent_job_read(struct agent *a, struct agent_job *j, struct cs_err *err);
void agent_job_free(struct agent *a, struct agent_job *j);

/* work.c: in the job's child: does it and writes the answer. Returns an exit status, 0: done. */
/* "error": { … } of an answer, into its open object. */
void agent_put_error(struct cs_jw *w, const struct cs_err *why, int program_exit);
int agent_work(const struct cs_json_doc *doc, uint32_t id, int answer);
#define AGENT_NAMED(out, what, id) \
	snprintf(out, sizeof(out), AGENT_DIR "/" what "-%u", (unsigned int)(id))

/* proc.c */
struct agent_proc *agent_proc_new(uint32_t id, struct cs_err *err);
/* The child's standard files (owned by the caller), and the stream's ends. */
int agent_proc_pipes(struct agent_proc *p, int child[3], struct cs_err *err);
int agent_proc_terminal(struct agent_proc *p, int master, struct cs_err *err);
/* What poll(2) said of its stream, NULL: nothing new. */
void agent_proc_step(struct agent *a, struct agent_proc *p, const struct pollfd *fds);
/* Ends that have come, and what was told of them. */
void agent_reap(struct agent *a);
void agent_proc_free(struct agent *a, struct agent_proc *p);

#endif
