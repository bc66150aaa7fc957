#include "kvm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "kvm/machine.h"
#include "kvm/machine_int.h"

static const char *const names[VM_CONTROL_DOS] = {
	[VM_CONTROL_PAUSE] = "pause",
	[VM_CONTROL_RESUME] = "resume",
	[VM_CONTROL_POWER_BUTTON] = "power-button",
	[VM_CONTROL_STOP] = "stop",
	[VM_CONTROL_STATE] = "state",
	[VM_CONTROL_COUNTERS] = "counters",
};

int vm_control_parse(const char *line, size_t len, enum vm_control_do *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const char *what = NULL;
	int rc = cs_json_parse(line, len, "request", &doc, err);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	if (doc.root->type != CS_JSON_OBJECT || doc.root->n != 1)
		return cs_err_set(err, EINVAL, "a request is an object with \"do\"");
	rc = cs_json_str(doc.root, "do", &what, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; what && i < CS_LEN(names); i++) {
		if (strcmp(what, names[i]) == 0) {
			*out = (enum vm_control_do)i;
			return 0;
		}
	}
	return cs_err_set(err, EINVAL, "\"do\" is none of the known requests");
}

/* Does it, and adds what was asked for to the answer. */
static int perform(struct vm_machine *m, enum vm_control_do what, struct cs_jw *w,
		   struct cs_err *err)
{
	switch (what) {
	case VM_CONTROL_PAUSE:
		vm_cpus_pause(&m->cpus);
		break;
	case VM_CONTROL_RESUME:
		vm_cpus_resume(&m->cpus);
		break;
	case VM_CONTROL_POWER_BUTTON:
		return vm_machine_power_button(m, err);
	case VM_CONTROL_STOP:
		vm_machine_end(m, VM_REASON_STOPPED, 0, "by control");
		break;
	case VM_CONTROL_STATE:
		cs_jw_str(w, "state", vm_cpus_paused(&m->cpus) ? "paused" : "running");
		break;
	case VM_CONTROL_COUNTERS:
		cs_jw_obj(w, "counters");
		vm_machine_counters(m, w);
		cs_jw_obj_end(w);
		break;
	case VM_CONTROL_DOS:
		break;
	}
	return 0;
}

static void disconnect(struct vm_control_peer *p)
{
	vm_loop_del(&p->c->m->loop, &p->w);
	cs_close_fd(&p->w.fd);
	p->len = 0;
}

/* False: whom it was for does not read. */
static bool answer(struct vm_control_peer *p, struct cs_jw *w)
{
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len;
	ssize_t n;

	cs_jw_obj_end(w);
	if (cs_jw_take(w, &text, &len, &err) < 0)
		return false;
	text[len] = '\n'; /* instead of the NUL */
	n = send(p->w.fd, text, len + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n == (ssize_t)len + 1;
}

static bool refuse(struct vm_control_peer *p, const char *why)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_bool(&w, "ok", false);
	cs_jw_str(&w, "error", why);
	return answer(p, &w);
}

/* False ends the connection. */
static bool handle(struct vm_control_peer *p, const char *line, size_t len)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	enum vm_control_do what;

	if (vm_control_parse(line, len, &what, &err) < 0) {
		refuse(p, err.msg);
		return false;
	}
	cs_jw_obj(&w, NULL);
	cs_jw_bool(&w, "ok", true);
	if (perform(p->c->m, what, &w, &err) < 0)
		return refuse(p, err.msg);
	return answer(p, &w);
}

/* Handles the whole lines that are there. False ends the connection. */
static bool handle_lines(struct vm_control_peer *p)
{
	const char *end;

	while ((end = memchr(p->line, '\n', p->len)) != NULL) {
		const size_t len = (size_t)(end - p->line);

		if (!handle(p, p->line, len))
			return false;
		p->len -= len + 1;
		memmove(p->line, end + 1, p->len);
	}
	if (p->len == sizeof(p->line)) {
		refuse(p, "the line is too long");
		return false;
	}
	return true;
}

static void peer_ready(struct vm_watch *w, uint32_t events)
{
	struct vm_control_peer *p = vm_of(w, struct vm_control_peer, w);
	ssize_t n = recv(w->fd, p->line + p->len, sizeof(p->line) - p->len, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		p->len += (size_t)n;
	if (n <= 0 || !handle_lines(p))
		disconnect(p);
}

/* Takes *@fd over, unless it fails. */
static int take_peer(struct vm_control_peer *p, int *fd, struct cs_err *err)
{
	p->w.fd = *fd;
	if (vm_loop_add(&p->c->m->loop, &p->w, EPOLLIN, err) < 0) {
		p->w.fd = -EBADF;
		return -err->code;
	}
	cs_take_fd(fd);
	return 0;
}

static void listen_ready(struct vm_watch *w, uint32_t events)
{
	struct vm_control *c = vm_of(w, struct vm_control, listen);
	/* cppcheck-suppress nullPointer ; accept4(2) takes no address */
	cs_auto_fd int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	for (size_t i = 0; fd >= 0 && i < CS_LEN(c->peer); i++) {
		struct cs_err err = CS_ERR_INIT;

		if (c->peer[i].w.fd < 0) {
			take_peer(&c->peer[i], &fd, &err);
			return;
		}
	}
}

/* One that is connected already: its other end is the only one who asks. */
static int serve_connected(struct vm_control *c, int fd, struct cs_err *err)
{
	cs_auto_fd int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return own < 0 ? cs_err_sys(err, "set up the control socket")
		       : take_peer(&c->peer[0], &own, err);
}

int vm_control_init(struct vm_control *c, struct vm_machine *m, int fd, struct cs_err *err)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	*c = VM_CONTROL_INIT;
	c->m = m;
	for (size_t i = 0; i < CS_LEN(c->peer); i++) {
		c->peer[i].c = c;
		c->peer[i].w = (struct vm_watch){ .fd = -EBADF, .ready = peer_ready };
	}
	/* who connects may be gone when it is accepted: that must not wait for the next one */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return cs_err_sys(err, "set up the control socket");
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		return serve_connected(c, fd, err);
	c->listen = (struct vm_watch){ .fd = fd, .ready = listen_ready };
	return vm_loop_add(&m->loop, &c->listen, EPOLLIN, err);
}

void vm_control_fini(struct vm_control *c)
{
	if (!c->m)
		return;
	for (size_t i = 0; i < CS_LEN(c->peer); i++)
		if (c->peer[i].w.fd >= 0)
			disconnect(&c->peer[i]);
	vm_loop_del(&c->m->loop, &c->listen);
	c->m = NULL;
}
