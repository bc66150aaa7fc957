#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/proc.h"
#include "runtime/vm/guest/agent.h"

enum { ANSWER_MAX = 1 << 20 };

static void answer(struct agent *a, uint32_t id, const char *text, size_t len)
{
	ctr_vm_put(&a->out, CTR_VM_REPLY, &id, text, len);
}

/* { "error": … } of a request that no child could be made for. */
static void answer_error(struct agent *a, uint32_t id, const struct cs_err *why)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;

	cs_jw_obj(&w, NULL);
	agent_put_error(&w, why, 0);
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, &err) == 0)
		answer(a, id, text, len);
}

static int listen_console(uint32_t id, struct cs_err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	cs_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	AGENT_NAMED(to.sun_path, "console", id);
	unlink(to.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 || listen(fd, 1) < 0)
		return cs_err_sys(err, "wait for a terminal");
	return cs_take_fd(&fd);
}

/* Its standard files: pipes, or those of a terminal that comes later. */
static int make_files(struct agent_job *j, bool terminal, int child[3], struct cs_err *err)
{
	if (!j->proc || terminal) {
		for (int i = 0; i < 3; i++)
			child[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (!j->proc)
			return 0;
		j->console = listen_console(j->id, err);
		return j->console < 0 ? -err->code : 0;
	}
	return agent_proc_pipes(j->proc, child, err);
}

static _Noreturn void child_main(const struct cs_json_doc *req, uint32_t id, const int files[3],
				 int out)
{
	for (int i = 0; i < 3; i++)
		if (dup2(files[i], i) < 0)
			_exit(EXIT_FAILURE);
	cs_proc_default_signals();
	_exit(agent_work(req, id, out));
}

static int begin(struct agent_job *j, const struct cs_json_doc *req, bool terminal,
		 struct cs_err *err)
{
	int files[3] = { -EBADF, -EBADF, -EBADF }, p[2] = { -EBADF, -EBADF };
	int ret = make_files(j, terminal, files, err);

	if (ret == 0 && pipe2(p, O_CLOEXEC) < 0)
		ret = cs_err_sys(err, "make a pipe");
	if (ret == 0) {
		j->answer = p[0];
		j->pid = fork();
		if (j->pid == 0)
			child_main(req, j->id, files, p[1]);
		if (j->pid < 0)
			ret = cs_err_sys(err, "start a process for a request");
	}
	cs_close_fd(&p[1]);
	for (int i = 0; i < 3; i++)
		cs_close_fd(&files[i]);
	return ret;
}

/* Does the process that the request makes get a terminal? -EINVAL: what it says is wrong. */
static int wants_terminal(const struct cs_json *req, struct cs_err *err)
{
	const struct cs_json *config = cs_json_get(req, "config"), *p;
	bool terminal = false;

	p = cs_json_get(config ? config : req, "process");
	if (cs_json_bool(req, "terminal", &terminal, err) < 0 ||
	    cs_json_bool(p, "terminal", &terminal, err) < 0)
		return -err->code;
	return terminal;
}

static int take_up(struct agent *a, uint32_t id, const struct cs_json_doc *req, struct cs_err *err)
{
	struct agent_job *j;
	const char *what = "";
	int terminal, ret;

	if (cs_json_str(req->root, "do", &what, err) < 0)
		return -err->code;
	terminal = wants_terminal(req->root, err);
	if (terminal < 0)
		return terminal;
	j = calloc(1, sizeof(*j));
	if (!j)
		return cs_err_set(err, ENOMEM, "out of memory");
	j->id = id;
	j->answer = j->console = -EBADF;
	ret = 0;
	if (strcmp(what, "create") == 0 || strcmp(what, "exec") == 0) {
		j->proc = agent_proc_new(strcmp(what, "exec") == 0 ? id : 0, err);
		ret = j->proc ? 0 : -err->code;
	}
	if (ret == 0)
		ret = begin(j, req, terminal, err);
	if (ret < 0) {
		agent_job_free(a, j);
		return ret;
	}
	j->next = a->jobs;
	a->jobs = j;
	return 0;
}

int agent_request(struct agent *a, const struct ctr_vm_msg *m, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err why = CS_ERR_INIT;
	uint32_t id;

	if (m->type != CTR_VM_REQUEST || !ctr_vm_word(m, 0, &id))
		return cs_err_set(err, EPROTO, "the host sent what is no request");
	if (cs_json_parse((const char *)m->data + sizeof(id), m->len - sizeof(id), "request", &doc,
			  &why) < 0 ||
	    take_up(a, id, &doc, &why) < 0)
		answer_error(a, id, &why);
	return 0;
}

/* The terminal that the runtime made for it; its name, which comes along, nobody needs. */
static int take_terminal(struct agent_job *j, struct cs_err *err)
{
	/* cppcheck-suppress nullPointer ; accept4(2) takes no address */
	cs_auto_fd int sock = accept4(j->console, NULL, NULL, SOCK_CLOEXEC);
	char name[64];
	size_t len = sizeof(name), n = 0;
	int fd = -EBADF;

	if (sock < 0)
		return cs_err_sys(err, "take the terminal");
	if (cs_fd_recv(sock, &fd, 1, &n, name, &len, err) < 0)
		return -err->code;
	if (n != 1)
		return cs_err_set(err, EPROTO, "no terminal came");
	return agent_proc_terminal(j->proc, fd, err);
}

/* The process it made, which is a child of ours now. */
static int take_proc(struct agent *a, struct agent_job *j, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct agent_proc *p = j->proc;
	uint64_t pid = 0;
	char path[64];
	size_t len;

	AGENT_NAMED(path, "pid", j->id);
	if (cs_file_read(AT_FDCWD, path, sizeof(path), &text, &len, err) < 0)
		return -err->code;
	unlink(path);
	if (cs_str_u64(text, &pid) < 0)
		return cs_err_set(err, EPROTO, "the process's pid \"%s\" is no number", text);
	if (j->console >= 0 && take_terminal(j, err) < 0)
		return -err->code;
	p->pid = (pid_t)pid;
	p->next = a->procs;
	a->procs = p;
	j->proc = NULL;
	return 0;
}

static int finish(struct agent *a, struct agent_job *j, struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	int status = 0;

	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (cs_buf_ok(&j->text, err) < 0)
		return -err->code;
	if (status == 0 && j->proc && take_proc(a, j, &why) < 0)
		answer_error(a, j->id, &why);
	else if (j->text.len == 0)
		answer_error(a, j->id,
			     &(struct cs_err){ .code = ECHILD,
					       .msg = "the request's process ended "
						      "without an answer" });
	else
		answer(a, j->id, j->text.s, j->text.len);
	agent_job_free(a, j);
	agent_reap(a);
	return 1;
}

int agent_job_read(struct agent *a, struct agent_job *j, struct cs_err *err)
{
	char buf[4096];
	ssize_t n = read(j->answer, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR ? 0 : cs_err_sys(err, "read a request's answer");
	if (n == 0)
		return finish(a, j, err);
	if (j->text.len + (size_t)n > ANSWER_MAX)
		return cs_err_set(err, EFBIG, "a request's answer is too long");
	cs_buf_add_mem(&j->text, buf, (size_t)n);
	return 0;
}

void agent_job_free(struct agent *a, struct agent_job *j)
{
	for (struct agent_job **at = &a->jobs; *at; at = &(*at)->next) {
		if (*at == j) {
			*at = j->next;
			break;
		}
	}
	if (j->proc)
		agent_proc_free(a, j->proc);
	cs_close_fd(&j->answer);
	cs_close_fd(&j->console);
	cs_buf_fini(&j->text);
	free(j);
}
