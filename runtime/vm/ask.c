#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/vm/host.h"

enum {
	ANSWER_MAX = (1 << 20) + 4096, /* the agent's own is 1 MiB */
	PLAIN_MS = 10000,
	START_MS = 60000, /* something is made first */
};

static struct sockaddr_un address(const struct ctr *c)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/vm.sock", c->dir);
	return to;
}

int ctr_vm_listen(const struct ctr *c, struct cs_err *err)
{
	const struct sockaddr_un at = address(c);
	cs_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlinkat(c->dir, "vm.sock", 0); /* of a delete that was killed */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return cs_err_sys(err, "container %s: listen for commands", c->id);
	return cs_take_fd(&fd);
}

static int gone(const struct ctr *c, struct cs_err *err)
{
	cs_err_clear(err);
	return cs_err_set(err, ESRCH, "container %s: its machine has ended", c->id);
}

int ctr_vm_judge(const struct cs_json *answer, int *program_exit, struct cs_err *err)
{
	const struct cs_json *e = cs_json_get(answer, "error");
	uint32_t code = EIO, status = 0;
	const char *text = "the machine's agent failed";

	if (!e)
		return 0;
	if (cs_json_u32(e, "code", &code, err) < 0 || cs_json_str(e, "text", &text, err) < 0 ||
	    cs_json_u32(e, "exit", &status, err) < 0)
		return cs_err_wrap(err, "the agent's answer");
	if (status == 126 || status == 127)
		*program_exit = (int)status;
	cs_err_set(err, code > 0 && code < 4096 ? (int)code : EIO, "%s", text);
	cs_str_plain(err->msg);
	return -err->code;
}

/* Waits until there is something to be done; a signal that ends the command ends that. */
static int await(const struct ctr *c, int sock, short events, int ms, struct cs_err *err)
{
	struct pollfd p[] = { { sock, events, 0 }, { c->stop, POLLIN, 0 } };
	int n = poll(p, CS_LEN(p), ms);

	if (n < 0 && errno != EINTR)
		return cs_err_sys(err, "wait for the machine");
	if (n == 0)
		return cs_err_set(
			err, ETIMEDOUT,
			"container %s: its machine does not answer; kill it, if it never does",
			c->id);
	if (n > 0 && p[1].revents)
		return cs_err_set(err, EINTR, "interrupted while the machine was asked");
	return 0;
}

static int converse(struct ctr *c, int sock, struct ctr_vm_writer *w, int ms,
		    struct cs_json_doc *doc, struct cs_err *err)
{
	struct ctr_vm_reader r = { .max = ANSWER_MAX };
	struct ctr_vm_msg m = { 0 };
	uint32_t id;
	int ret = 0;

	while (ret == 0 && ctr_vm_waiting(w)) {
		ret = ctr_vm_flush(w, sock, err);
		if (ret == 0)
			ret = await(c, sock, POLLOUT, ms, err);
	}
	for (ret = ret < 0 ? ret : 0; ret == 0;) {
		ret = ctr_vm_read(&r, sock, &m, err);
		if (ret == 0)
			ret = await(c, sock, POLLIN, ms, err);
	}
	if (ret == 1 && (m.type != CTR_VM_REPLY || !ctr_vm_word(&m, 0, &id)))
		ret = cs_err_set(err, EPROTO, "the machine's keeper sent what is no answer");
	if (ret == 1)
		ret = cs_json_parse((const char *)m.data + sizeof(id), m.len - sizeof(id),
				    "the agent's answer", doc, err);
	ctr_vm_reader_fini(&r);
	if (ret == -EPIPE)
		return gone(c, err);
	return ret < 0 ? ret : ctr_vm_judge(doc->root, &c->program_exit, err);
}

static int take_stream(int sock, int *stream, struct cs_err *err)
{
	size_t n = 0, len = 1;
	char byte;

	if (cs_fd_recv(sock, stream, 1, &n, &byte, &len, err) < 0)
		return cs_err_wrap(err, "take the process's stream");
	return n == 1 ? 0 : cs_err_set(err, EPROTO, "the process's stream did not come");
}

int ctr_vm_ask(struct ctr *c, enum ctr_vm_ask kind, struct cs_jw *request,
	       struct cs_json_doc *answer, int *stream, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct sockaddr_un to = address(c);
	cs_auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ctr_vm_writer w = { 0 };
	cs_auto_free char *text = NULL;
	const uint32_t word = kind;
	size_t len = 0;
	int ret = cs_jw_take(request, &text, &len, err);

	if (ret < 0)
		return ret;
	if (sock < 0)
		return cs_err_sys(err, "make a socket");
	if (connect(sock, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return errno == ECONNREFUSED || errno == ENOENT
			       ? gone(c, err)
			       : cs_err_sys(err, "container %s: reach its machine", c->id);
	ctr_vm_put(&w, CTR_VM_REQUEST, &word, text, len);
	ret = fcntl(sock, F_SETFL, O_NONBLOCK) < 0
		      ? cs_err_sys(err, "keep a socket from blocking")
		      : converse(c, sock, &w,
				 kind == CTR_VM_ASK_EXEC || kind == CTR_VM_ASK_START ? START_MS
										     : PLAIN_MS,
				 &doc, err);
	ctr_vm_writer_fini(&w);
	if (ret == 0 && kind == CTR_VM_ASK_EXEC)
		ret = await(c, sock, POLLIN, PLAIN_MS, err);
	if (ret == 0 && kind == CTR_VM_ASK_EXEC)
		ret = take_stream(sock, stream, err);
	if (ret == 0 && answer) {
		*answer = doc;
		doc = CS_JSON_DOC_INIT;
	}
	return ret;
}
