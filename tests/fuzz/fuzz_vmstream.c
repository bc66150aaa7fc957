/* The stream of a process between host and machine: whatever the other side says, no more is kept
 * or sent than the window allows, and each step ends. The first byte chooses the side that is under
 * test and what its files do; then come frames, each after a byte of what else happens. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/vm/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SIDE_GUEST = 1, /* bits of the first byte */
	SINK_FULL = 2,
	SINK_GONE = 4,
	WRITE = 1, /* bits of the byte before a piece */
	READ_SINKS = 2,
	READ_SOCKET = 4,
	END_SOURCE = 8,
};

/* Our ends of everything. */
struct outside {
	int sock, to_source, from_sink[2];
};

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void make_pipe(int *r, int *w)
{
	int p[2];

	need(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0);
	*r = p[0];
	*w = p[1];
}

static void swallow(int fd)
{
	static char buf[65536];

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
}

static void set_up(struct ctr_vm_stream *s, struct outside *o, uint8_t how)
{
	static const char fill[65536];
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	*s = CTR_VM_STREAM_INIT;
	s->sock = pair[0];
	o->sock = pair[1];
	s->source[0].kind = how & SIDE_GUEST ? CTR_VM_STDOUT : CTR_VM_STDIN;
	s->sink[0].kind = how & SIDE_GUEST ? CTR_VM_STDIN : CTR_VM_STDOUT;
	make_pipe(&s->source[0].fd, &o->to_source);
	make_pipe(&o->from_sink[0], &s->sink[0].fd);
	o->from_sink[1] = -EBADF;
	if (!(how & SIDE_GUEST)) {
		s->sink[1].kind = CTR_VM_STDERR;
		make_pipe(&o->from_sink[1], &s->sink[1].fd);
	}
	while (how & SINK_FULL && write(s->sink[0].fd, fill, sizeof(fill)) > 0)
		;
	if (how & SINK_GONE)
		cs_close_fd(&o->from_sink[0]);
}

static void check(const struct ctr_vm_stream *s)
{
	for (int i = 0; i < 2; i++) {
		need(s->source[i].under_way <= CTR_VM_WINDOW);
		need(s->sink[i].n_kept <= CTR_VM_WINDOW);
		need(s->sink[i].from + s->sink[i].n_kept <= CTR_VM_WINDOW);
		need(!s->sink[i].n_kept || s->sink[i].fd >= 0);
	}
	need(s->out.buf.len - s->out.off <= 16 * CTR_VM_DATA_MAX);
}

/* Steps until there is nothing to do. False: it is over, in one of the ways there are. */
static bool steps(struct ctr_vm_stream *s)
{
	for (int i = 0; i < 10000; i++) {
		struct pollfd p[CTR_VM_STREAM_FDS];
		struct cs_err err = CS_ERR_INIT;
		struct ctr_vm_msg m;
		int ret;

		ctr_vm_stream_wants(s, p);
		do
			ret = poll(p, CTR_VM_STREAM_FDS, 0);
		while (ret < 0 && errno == EINTR); /* the fuzzer's own clock */
		need(ret >= 0);
		if (ret == 0)
			return true;
		ret = ctr_vm_stream_step(s, p, &m, &err);
		check(s);
		if (ret < 0) {
			need(ret == -EPIPE || ret == -EPROTO);
			need(err.code == -ret && err.msg[0]);
			return false;
		}
		if (ret == 1 && m.type == CTR_VM_EXIT) {
			need(s->exited && m.len >= 4 && m.len <= 8);
			return false;
		}
		need(ret == 0 || m.type == CTR_VM_WINSIZE || m.type == CTR_VM_SIGNAL);
	}
	abort(); /* it turns round */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char words[4096];
	struct cs_err err = CS_ERR_INIT;
	struct ctr_vm_stream s;
	struct outside o;
	bool going = true;

	if (size < 1)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	set_up(&s, &o, data[0]);
	data++;
	size--;
	while (size >= 2 && going) {
		const uint8_t what = data[0];
		size_t len = data[1];

		data += 2;
		size -= 2;
		len = len > size ? size : len;
		if (what & WRITE && o.to_source >= 0)
			need(write(o.to_source, words, sizeof(words)) >= 0 || errno == EAGAIN ||
			     errno == EPIPE);
		if (what & END_SOURCE)
			cs_close_fd(&o.to_source);
		if (len > 0 && send(o.sock, data, len, MSG_NOSIGNAL) < 0)
			need(errno == EAGAIN || errno == EPIPE);
		data += len;
		size -= len;
		going = steps(&s);
		for (int i = 0; i < 2 && what & READ_SINKS; i++)
			swallow(o.from_sink[i]);
		if (what & READ_SOCKET)
			swallow(o.sock);
	}
	if (going) {
		int ret = ctr_vm_stream_drain(&s, &err);

		need(ret >= -EPROTO && ret <= 1);
		check(&s);
	}
	ctr_vm_stream_fini(&s);
	cs_close_fd(&o.sock);
	cs_close_fd(&o.to_source);
	cs_close_fd(&o.from_sink[0]);
	cs_close_fd(&o.from_sink[1]);
	return 0;
}
