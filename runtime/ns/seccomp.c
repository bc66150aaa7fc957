#include "runtime/ns/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
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

/* A compilation under way. */
struct work {
	const struct ctr_seccomp *sc;
	size_t n_archs, n_sections;
	uint32_t archs[CTR_SECCOMP_MAX_ARCHS];
	struct ctr_seccomp_code codes[CTR_SECCOMP_MAX_ARCHS]; /* of archs */
	struct ctr_seccomp_section sections[CTR_SECCOMP_MAX_ARCHS];
};

static void work_fini(struct work *w)
{
	for (size_t i = 0; i < w->n_archs; i++)
		free(w->codes[i].v);
	for (size_t i = 0; i < w->n_sections; i++)
		free(w->sections[i].spans.v);
}

/* The numbers from @first to @last, which are those of the @i-th architecture: what its code does
 * up to the newest call that the profile knows, and ENOSYS from there. */
static int add_numbers(struct work *w, size_t i, struct ctr_seccomp_section *section,
		       uint32_t first, uint32_t last, struct cs_err *err)
{
	struct ctr_seccomp_span younger = { .fixed = true, .action = SECCOMP_RET_ERRNO | ENOSYS };
	int64_t newest = ctr_seccomp_newest(w->sc, w->archs[i]);
	bool all = newest < first || newest >= last;
	int rc;

	rc = ctr_seccomp_spans_of(&w->codes[i], i, section->audit_arch, first,
				  all ? last : (uint32_t)newest, &section->spans, err);
	if (rc < 0 || all)
		return rc;
	younger.first = (uint32_t)newest + 1;
	return ctr_seccomp_spans_add(&section->spans, younger, err);
}

/* x32 shares its audit arch with x86-64, which comes before it; its numbers have a bit more. */
static int add_arch(struct work *w, size_t i, struct cs_err *err)
{
	struct ctr_seccomp_section *s;
	uint32_t arch = w->archs[i];
	int rc;

	if (arch == SCMP_ARCH_X32)
		return add_numbers(w, i, &w->sections[w->n_sections - 1], CTR_SECCOMP_X32_BIT,
				   UINT32_MAX, err);
	s = &w->sections[w->n_sections++];
	s->audit_arch = arch;
	if (arch != SCMP_ARCH_X86_64)
		return add_numbers(w, i, s, 0, UINT32_MAX, err);
	rc = add_numbers(w, i, s, 0, CTR_SECCOMP_X32_BIT - 1, err);
	if (rc < 0 || (i + 1 < w->n_archs && w->archs[i + 1] == SCMP_ARCH_X32))
		return rc;
	return ctr_seccomp_spans_of(&w->codes[i], i, arch, CTR_SECCOMP_X32_BIT, UINT32_MAX,
				    &s->spans, err);
}

/* What calls of an architecture get that the filter is not for. */
static int other_action(const struct work *w, uint32_t *out, struct cs_err *err)
{
	struct ctr_seccomp_spans s = { 0 };
	int rc;

	rc = ctr_seccomp_spans_of(&w->codes[0], 0, 0, 0, 0, &s, err);
	if (rc == 0 && !s.v[0].fixed)
		rc = cs_err_set(err, EPROTO, "linux.seccomp: unexpected code from libseccomp");
	if (rc == 0)
		*out = s.v[0].action;
	free(s.v);
	return rc;
}

static int compile(const struct ctr_seccomp *sc, struct ctr_seccomp_code *out, struct cs_err *err)
{
	struct work w = { .sc = sc };
	uint32_t other = 0;
	int rc = 0;

	w.n_archs = ctr_seccomp_archs(sc, w.archs);
	for (size_t i = 0; i < w.n_archs && rc == 0; i++) {
		rc = ctr_seccomp_build(sc, w.archs[i], &w.codes[i], err);
		if (rc == 0)
			rc = add_arch(&w, i, err);
	}
	if (rc == 0)
		rc = other_action(&w, &other, err);
	if (rc == 0)
		rc = ctr_seccomp_pack(w.sections, w.n_sections, w.codes, other, out, err);
	work_fini(&w);
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
