#ifndef CS_RUNTIME_CONTAINER_H
#define CS_RUNTIME_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "runtime/spec.h"
#include "runtime/state.h"

struct cg_host;
struct cg_oom;
struct cs_err;
struct cs_jw;
struct ctr_isolation_ops;

/* An OCI container's life (runtime-spec, runtime.md), the same behind every wall. */

/* What every command shares: made once from the global flags. */
struct ctr_rt {
	const char *root; /* state root, "/run/caisson" */
	const char *wall; /* isolation for new containers: "container" or "vm" */
	bool systemd_cgroup;
};

enum ctr_status {
	CTR_CREATING,
	CTR_CREATED,
	CTR_RUNNING,
	CTR_PAUSED,
	CTR_STOPPED,
};
/* "creating", "created", … */
const char *ctr_status_name(enum ctr_status s);

/* A container in the hands of one command. */
struct ctr {
	const struct ctr_rt *rt;
	const struct ctr_isolation_ops *wall;
	const char *id;
	int root_fd;   /* owned; the state root */
	int dir;       /* owned; its state folder */
	int lock;      /* owned; -EBADF while not locked */
	int host_proc; /* owned; verified procfs root */
	int bundle;    /* owned; the bundle folder, while it is made; else -EBADF */
	int stop;      /* owned; can be read once a signal asks to end what is being set up; read
			* by ctr_attend_stopped() only; -EBADF: signals act as ever */
	struct ctr_state state;
	struct ctr_spec spec; /* parsed when has_spec */
	bool has_spec;
	struct cg_host *cgroups; /* owned; what ctr_cgroups() found; NULL: not looked yet */
	int program_exit;	 /* after a failed start: as ctr_child.program_exit */
	int go; /* owned; run only: the line to the waiting init, so that it needs no
		 * socket in the state folder; else -EBADF */
};

/* A process made by create or exec, for the command that waits for it. */
struct ctr_child {
	pid_t pid;
	int pidfd;	  /* owned; -EBADF: none */
	int master;	  /* owned; pty master when there is a terminal and no console socket */
	int program_exit; /* after a failure that is the user's program's own: 127 it was not found,
			   * 126 it cannot be executed; else 0 */
};
#define CTR_CHILD_INIT ((struct ctr_child){ .pidfd = -EBADF, .master = -EBADF })
void ctr_child_fini(struct ctr_child *child);
#define ctr_auto_child CS_CLEANUP(ctr_child_fini)

/* A network card of a container's that is a machine. All borrowed. */
struct ctr_nic {
	int tap;		      /* of the host's side: one queue, with virtio_net's header */
	const char *mac;	      /* "02:00:00:00:00:01" */
	const char *name;	      /* inside */
	uint32_t mtu;		      /* 0: the card's own */
	const char *const *addresses; /* "10.88.0.2/16"; NULL-terminated */
	const char *const *gateways;  /* of the default routes; NULL-terminated */
};
enum { CTR_NICS_MAX = 8 };

/* Of a machine's start, what the caller chooses. */
struct ctr_boot {
	const char *kernel; /* instead of the guest package's, without its words; NULL: that */
	const char *initrd; /* the same */
	const char *append; /* more words on the kernel's command line; NULL: none */
	int console;	    /* file that gets the last of the guest's console; -EBADF: none */
};

struct ctr_create_opts {
	const char *bundle;	    /* NULL: the working folder */
	const char *config;	    /* NULL: config.json of the bundle */
	const char *console_socket; /* NULL: none */
	const char *pidfd_socket;   /* NULL: none; gets init's pidfd by SCM_RIGHTS */
	const char *pid_file;	    /* NULL: none */
	bool no_pivot;
	bool no_new_keyring;
	bool detach; /* run: return once it runs */
	bool keep;   /* run: leave the state of an ended container */
	bool no_subreaper;
	bool run;		     /* set by ctr_run(): started by this same process */
	unsigned int preserve_fds;   /* fds 3 … 3+n-1 go to the process, LISTEN_FDS on top */
	const struct ctr_nic *nics;  /* isolation "vm" alone */
	size_t n_nics;		     /* at most CTR_NICS_MAX */
	const struct ctr_boot *boot; /* isolation "vm" alone; NULL: nothing is chosen */
};

struct ctr_exec_opts {
	const char *process_file; /* --process: an OCI process object; else the fields below */
	const char *const *argv;  /* NULL-terminated */
	const char *cwd;	  /* NULL: the container's */
	const char *const *env;	  /* NULL-terminated, added to the container's; NULL: none */
	const char *user;	  /* "uid[:gid]" or NULL: the container's */
	const gid_t *additional_gids;
	size_t n_additional_gids;
	const char *const *caps; /* added; NULL-terminated or NULL */
	const char *apparmor;	 /* NULL: the container's */
	const char *process_label;
	int no_new_privs; /* 1 set, 0 as the container */
	bool tty;
	bool detach;
	bool ignore_paused;
	/* looks at what is typed, see ns/tty.h; NULL: all of it is the process's */
	size_t (*on_input)(const char *in, size_t len, char *out, bool *detach, void *arg);
	void *input_arg;
	/* --cgroup, "sub" or "controller:sub"; NULL-terminated or NULL */
	const char *const *cgroups;
	const char *console_socket;
	const char *pidfd_socket;
	const char *pid_file;
	unsigned int preserve_fds;
};

/* All take the container's id and leave nothing open. Errors: ENOENT no such container, EEXIST id
 * in use, EINVAL bad id or config, EBUSY wrong status for the command (the message says which). */

/* *@program_exit (NULL allowed) becomes 126 or 127 with an error if it was the user's program that
 * could not be executed or found; otherwise it is not touched. The same for start. */
int ctr_create(const struct ctr_rt *rt, const char *id, const struct ctr_create_opts *opts,
	       int *program_exit, struct cs_err *err);
int ctr_start(const struct ctr_rt *rt, const char *id, int *program_exit, struct cs_err *err);
/* create + start, then (unless detached) forwards signals and the terminal, waits, deletes.
 * *@exit_code is what the command should exit with: the process's status, and with an error 126 or
 * 127 if it was the user's program that could not be executed; otherwise it is not touched. */
int ctr_run(const struct ctr_rt *rt, const char *id, const struct ctr_create_opts *opts,
	    int *exit_code, struct cs_err *err);
int ctr_exec(const struct ctr_rt *rt, const char *id, const struct ctr_exec_opts *opts,
	     int *exit_code, struct cs_err *err);
int ctr_kill(const struct ctr_rt *rt, const char *id, int signo, bool all, struct cs_err *err);
int ctr_delete(const struct ctr_rt *rt, const char *id, bool force, struct cs_err *err);
/* Leaves a file CTR_PAUSED_NOTE in the container's state folder until it is deleted: one without it
 * was not paused by this call. */
#define CTR_PAUSED_NOTE "paused"
int ctr_pause(const struct ctr_rt *rt, const char *id, struct cs_err *err);
int ctr_resume(const struct ctr_rt *rt, const char *id, struct cs_err *err);
int ctr_update(const struct ctr_rt *rt, const char *id, const struct cg_resources *res,
	       struct cs_err *err);

/* What `state` and `list` show. */
struct ctr_info {
	struct ctr_state state;
	enum ctr_status status;
	char *annotations; /* owned; JSON object text of config.json's annotations, or NULL */
};
int ctr_info_get(const struct ctr_rt *rt, const char *id, struct ctr_info *out, struct cs_err *err);
void ctr_info_fini(struct ctr_info *info);
#define ctr_auto_info CS_CLEANUP(ctr_info_fini)
/* The ids of all containers, sorted; NULL-terminated; the caller frees it with ctr_ids_free(). A
 * missing state root is an empty list. */
int ctr_ids(const struct ctr_rt *rt, char ***ids, size_t *n, struct cs_err *err);
void ctr_ids_free(char **ids);
/* Writes the OCI state object (runtime.md, State) with runc's extra members. */
int ctr_state_json(const struct ctr_info *info, bool runc_extra, struct cs_jw *w,
		   struct cs_err *err);

/* The `events` side. */
int ctr_stats(const struct ctr_rt *rt, const char *id, struct cs_jw *w, struct cs_err *err);
int ctr_pids(const struct ctr_rt *rt, const char *id, pid_t **pids, size_t *n, struct cs_err *err);
/* A process of a container's that the host's ps(1) does not know. */
struct ctr_proc {
	int64_t pid, ppid; /* as its machine numbers them */
	uint32_t uid;
	int64_t start;	       /* Unix time */
	uint64_t age, cpu;     /* seconds since then, and of processor time */
	const char *tty, *cmd; /* plain text */
};
struct ctr_procs {
	const struct ctr_proc *v;
	size_t n;
	struct cs_json_doc doc; /* owned; all of it is in there */
};
/* 1: @out has them, to be freed by cs_json_fini(&out->doc); 0: they are processes of the host's,
 * and ctr_pids() tells them. */
int ctr_procs(const struct ctr_rt *rt, const char *id, struct ctr_procs *out, struct cs_err *err);
/* As cg_oom_open() and cg_oom_next() for the container's cgroup. */
int ctr_oom_open(const struct ctr_rt *rt, const char *id, struct cg_oom *out, struct cs_err *err);
int ctr_oom_next(const struct ctr_rt *rt, const char *id, struct cg_oom *oom, struct cs_err *err);
/* How many of its processes were killed for want of memory so far; of a stopped one, too. */
int ctr_oom_kills(const struct ctr_rt *rt, const char *id, uint64_t *out, struct cs_err *err);

/* For walls: opens a container for a command. @spec: parse config.json. */
int ctr_open(const struct ctr_rt *rt, const char *id, bool spec, struct ctr *out,
	     struct cs_err *err);
/* For delete: the same with the container's lock, as ctr_lock_wait() takes it. */
int ctr_open_locked(const struct ctr_rt *rt, const char *id, bool spec, bool force, struct ctr *out,
		    struct cs_err *err);
void ctr_fini(struct ctr *c);
#define ctr_auto CS_CLEANUP(ctr_fini)
#define CTR_INIT                            \
	((struct ctr){ .root_fd = -EBADF,   \
		       .dir = -EBADF,       \
		       .lock = -EBADF,      \
		       .host_proc = -EBADF, \
		       .stop = -EBADF,      \
		       .bundle = -EBADF,    \
		       .go = -EBADF })
/* The host's cgroups, looked for the first time. Borrowed. */
int ctr_cgroups(struct ctr *c, const struct cg_host **out, struct cs_err *err);
int ctr_status_get(const struct ctr *c, enum ctr_status *out, struct cs_err *err);
/* A wall tells the pid of init; on disk when this returns. */
int ctr_record_init(struct ctr *c, pid_t pid, struct cs_err *err);
/* A wall publishes a process that stands: the pid file and the pidfd socket (each may be NULL). */
int ctr_publish_child(const char *pid_file, const char *pidfd_socket, const struct ctr_child *child,
		      struct cs_err *err);

/* Folder of compiled seccomp filters in the state root; no container's id starts so. */
#define CTR_SECCOMP_CACHE ".seccomp"

#endif
