#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "runtime/container.h"
#include "runtime/execproc.h"
#include "runtime/isolation.h"
#include "runtime/ns/clone.h"
#include "runtime/vm/host.h"

enum { FAILED = 125 };

/* The process that stands on the host for one that exec makes: it has its standard files, hands
 * signals on, and ends with its status. */
struct relay {
	int stream; /* owned */
	int slave;  /* owned; -EBADF: no terminal */
};

static int serve(struct ctr_vm_stream *s, int signals, int slave, int *code, struct cs_err *err)
{
	struct pollfd p[1 + CTR_VM_STREAM_FDS];
	struct signalfd_siginfo info;
	struct ctr_vm_msg m;
	uint32_t word;
	int ret;

	p[0] = (struct pollfd){ signals, POLLIN, 0 };
	for (;;) {
		ctr_vm_stream_wants(s, p + 1);
		if (poll(p, CS_LEN(p), -1) < 0 && errno != EINTR)
			return cs_err_sys(err, "wait");
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			ctr_vm_term_signal(s, slave, (int)info.ssi_signo);
		ret = ctr_vm_stream_step(s, p + 1, &m, err);
		if (ret == 1 && m.type == CTR_VM_EXIT && ctr_vm_word(&m, 0, &word)) {
			*code = (int)(word & 0xff);
			return 0;
		}
		if (ret < 0)
			return ret;
	}
}

static int relay_entry(void *arg)
{
	struct relay *r = arg;
	const int keep[] = { r->stream, r->slave };
	struct ctr_vm_stream s = CTR_VM_STREAM_INIT;
	struct cs_err err = CS_ERR_INIT;
	int code = FAILED, signals;

	if (cs_fd_close_others(3, keep, CS_LEN(keep), &err) == 0 && setsid() >= 0 &&
	    signal(SIGPIPE, SIG_IGN) != SIG_ERR) {
		s.sock = r->stream;
		signals = ctr_vm_term_signals(&err);
		if (signals >= 0 && fcntl(s.sock, F_SETFL, O_NONBLOCK) == 0 &&
		    ctr_vm_term_ends(&s, r->slave, &err) == 0)
			serve(&s, signals, r->slave, &code, &err);
	}
	if (err.code)
		dprintf(STDERR_FILENO, "caisson: the machine let go of the process: %s\n", err.msg);
	return code;
}

/* An OCI process object, as its file has it. */
static int put_process(struct cs_jw *w, const char *path, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	size_t len;

	if (cs_file_read(AT_FDCWD, path, CTR_SPEC_MAX_BYTES, &text, &len, err) < 0 ||
	    cs_json_parse(text, len, path, &doc, err) < 0)
		return cs_err_wrap(err, "--process");
	cs_jw_value(w, "process", doc.root);
	return 0;
}

static int put_request(struct cs_jw *w, const struct ctr_exec_opts *o, struct cs_err *err)
{
	int ret = 0;

	cs_jw_obj(w, NULL);
	cs_jw_str(w, "do", "exec");
	if (o->process_file) {
		ret = put_process(w, o->process_file, err);
	} else {
		ctr_vm_put_strings(w, "args", o->argv);
		ctr_vm_put_strings(w, "env", o->env);
		ctr_vm_put_strings(w, "caps", o->caps);
		cs_jw_str(w, "cwd", o->cwd);
		cs_jw_str(w, "user", o->user);
		cs_jw_bool(w, "terminal", o->tty);
		cs_jw_bool(w, "noNewPrivileges", o->no_new_privs);
		cs_jw_arr(w, "additionalGids");
		for (size_t i = 0; i < o->n_additional_gids; i++)
			cs_jw_u64(w, NULL, o->additional_gids[i]);
		cs_jw_arr_end(w);
	}
	cs_jw_obj_end(w);
	return ret;
}

static int check(const struct ctr_exec_opts *o, struct cs_err *err)
{
	if (o->cgroups && o->cgroups[0])
		return cs_err_set(err, ENOTSUP,
				  "--cgroup: isolation \"vm\" cannot honour it: the cgroup is the "
				  "machine's");
	if (o->preserve_fds)
		return cs_err_set(err, ENOTSUP,
				  "--preserve-fds: isolation \"vm\" cannot honour it: files of the "
				  "host do not go into a machine");
	if (o->apparmor || o->process_label)
		return cs_err_set(err, ENOTSUP,
				  "--apparmor, --process-label: isolation \"vm\" cannot honour "
				  "them: the guest's kernel has neither");
	return 0;
}

int ctr_vm_exec(struct ctr *c, const struct ctr_exec_opts *opts, struct ctr_child *child,
		struct cs_err *err)
{
	struct ctr_clone how = { .cgroup_fd = -EBADF, .entry = relay_entry };
	struct relay r = { .stream = -EBADF, .slave = -EBADF };
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct ctr_execproc x;
	int ret;

	if (check(opts, err) < 0 || put_request(&w, opts, err) < 0 ||
	    ctr_execproc_make(&c->spec, opts, &x, err) < 0)
		return -err->code;
	ret = 0;
	if (x.p.terminal) {
		r.slave = ctr_vm_term_make(x.p.console_height, x.p.console_width,
					   opts->console_socket, child, err);
		ret = r.slave < 0 ? r.slave : 0;
	}
	if (ret == 0)
		ret = ctr_vm_ask(c, CTR_VM_ASK_EXEC, &w, NULL, &r.stream, err);
	how.arg = &r;
	if (ret == 0)
		ret = ctr_clone(&how, &child->pid, &child->pidfd, err);
	if (ret == 0)
		ret = ctr_publish_child(opts->pid_file, opts->pidfd_socket, child, err);
	child->program_exit = c->program_exit;
	cs_close_fd(&r.stream);
	cs_close_fd(&r.slave);
	ctr_execproc_fini(&x);
	return ret;
}
