#include "runtime/ns/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/ns/unixsock.h"
#include "runtime/spec.h"

/* Flags by seccomp(2)'s own rules: only a filter with a listener may wait killably, and one with
 * a listener can't report a thread that is out of step by its id. */
static uint32_t filter_flags(const struct ctr_seccomp *sc)
{
	uint32_t flags = sc->filter_flags;

	if (!sc->uses_notify)
		return flags & ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

static int compile(const struct ctr_seccomp *sc, struct ctr_seccomp_code *out, struct cs_err *err)
{
	int rc;

	rc = ctr_seccomp_build(sc, out, err);
	if (rc < 0)
		return rc;
	rc = ctr_seccomp_add_enosys(sc, out, err);
	if (rc == 0 && out->n > BPF_MAXINSNS)
		rc = cs_err_set(err, E2BIG,
				"linux.seccomp: the filter has %zu instructions, the kernel takes "
				"%d: name fewer architectures or rules with args",
				out->n, BPF_MAXINSNS);
	if (rc < 0) {
		free(out->v);
		*out = (struct ctr_seccomp_code){ 0 };
	}
	return rc;
}

int ctr_seccomp_compile(const struct ctr_seccomp *sc, int cache_fd, struct ctr_seccomp_prog *out,
			struct cs_err *err)
{
	struct ctr_seccomp_code code = { 0 };
	cs_auto_buf struct cs_buf key = CS_BUF_INIT;
	int rc;

	if (cache_fd >= 0)
		ctr_seccomp_key(sc, &key);
	if (!key.len || key.failed || !ctr_seccomp_cache_get(cache_fd, key.s, key.len, &code)) {
		rc = compile(sc, &code, err);
		if (rc < 0)
			return rc;
		if (key.len && !key.failed)
			ctr_seccomp_cache_put(cache_fd, key.s, key.len, &code);
	}
	out->insns = code.v;
	out->n = (unsigned short)code.n;
	out->flags = filter_flags(sc);
	return 0;
}

void ctr_seccomp_fini(struct ctr_seccomp_prog *prog)
{
	free(prog->insns);
	prog->insns = NULL;
	prog->n = 0;
}

int ctr_seccomp_install(const struct ctr_seccomp_prog *prog, int *listener, struct cs_err *err)
{
	struct sock_fprog fprog = { .len = prog->n, .filter = prog->insns };
	long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, prog->flags, &fprog);

	if (rc < 0)
		return cs_err_sys(err, "linux.seccomp: install the filter");
	if (prog->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		*listener = (int)rc;
		return 0;
	}
	/* with TSYNC a thread's id says that it has a filter of its own */
	if (rc > 0)
		return cs_err_set(err, ESRCH, "linux.seccomp: thread %ld cannot take the filter",
				  rc);
	*listener = -EBADF;
	return 0;
}

int ctr_seccomp_send_listener(const char *socket_path, int listener, const char *state,
			      struct cs_err *err)
{
	cs_auto_fd int sock = -EBADF;
	int rc;

	sock = ctr_unixsock_connect(socket_path, err);
	if (sock < 0)
		return cs_err_wrap(err, "linux.seccomp.listenerPath");
	rc = cs_fd_send(sock, &listener, 1, state, strlen(state), err);
	if (rc < 0)
		return cs_err_wrap(err, "linux.seccomp.listenerPath: send the listener to %s",
				   socket_path);
	return 0;
}
