#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/spec.h"

enum {
	N_ARGS = 6,
};

static void release(const scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}
#define auto_filter CS_CLEANUP(release)

/* The native one first; x32 behind x86-64, as seccomp.c wants it. */
#if defined(__x86_64__)
static const uint32_t here[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_X86 };
#elif defined(__aarch64__)
static const uint32_t here[] = { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };
#else
#error "which architectures can run on this one?"
#endif

size_t ctr_seccomp_archs(const struct ctr_seccomp *sc, uint32_t *out)
{
	size_t n = 1;

	_Static_assert(CS_LEN(here) <= CTR_SECCOMP_MAX_ARCHS, "room for all");
	out[0] = here[0]; /* a filter without it would kill the container's first call */
	for (size_t i = 1; i < CS_LEN(here); i++)
		for (size_t k = 0; k < sc->n_archs; k++)
			if (sc->archs[k] == here[i]) {
				out[n++] = here[i];
				break;
			}
	return n;
}

static bool lets_through(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	/* a tracer emulates calls, and can say ENOSYS by itself */
	return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

/*
 * A profile that refuses by default refuses every call younger than itself with EPERM, and a libc
 * that would fall back on an older one if it got ENOSYS fails instead. The profile's age shows in
 * the newest call it names.
 */
int64_t ctr_seccomp_newest(const struct ctr_seccomp *sc, uint32_t arch)
{
	int top = -1;

	if (lets_through(sc->default_action))
		return -1;
	for (size_t i = 0; i < sc->n_rules; i++)
		for (size_t k = 0; k < sc->rules[i].n_names; k++) {
			int nr = seccomp_syscall_resolve_name_arch(arch, sc->rules[i].names[k]);

			/* unknown ones and those of other architectures are negative */
			if (nr > top)
				top = nr;
		}
	return top;
}

static int only_arch(scmp_filter_ctx ctx, uint32_t arch, struct cs_err *err)
{
	uint32_t native = seccomp_arch_native();
	int rc;

	if (arch == native)
		return 0;
	rc = seccomp_arch_add(ctx, arch);
	if (rc == 0)
		rc = seccomp_arch_remove(ctx, native);
	if (rc < 0)
		return cs_err_errno(err, -rc, "linux.seccomp.architectures: add %#x", arch);
	return 0;
}

static int rule_failed(int rc, const char *name, struct cs_err *err)
{
	return cs_err_errno(err, -rc, "linux.seccomp.syscalls: rule for %s", name);
}

/* libseccomp takes one comparison per argument in a rule. For several on one argument each
 * comparison has been a rule of its own since the first runtimes (so they are or-ed), and
 * profiles in use rely on it. */
static int add_conditional(scmp_filter_ctx ctx, const struct ctr_seccomp_rule *rule,
			   const char *name, int nr, struct cs_err *err)
{
	struct scmp_arg_cmp cmp[N_ARGS];
	unsigned int seen = 0;
	bool split = rule->n_args > N_ARGS;
	int rc = 0;

	for (size_t i = 0; i < rule->n_args; i++) {
		unsigned int bit = 1U << rule->args[i].index;

		split = split || (seen & bit);
		seen |= bit;
	}
	for (size_t i = 0; i < rule->n_args && rc == 0; i++) {
		const struct ctr_seccomp_arg *a = &rule->args[i];

		cmp[split ? 0 : i] = (struct scmp_arg_cmp){ .arg = a->index,
							    .op = (enum scmp_compare)a->op,
							    .datum_a = a->value,
							    .datum_b = a->value_two };
		if (split)
			rc = seccomp_rule_add_array(ctx, rule->action, nr, 1, cmp);
	}
	if (!split)
		rc = seccomp_rule_add_array(ctx, rule->action, nr, (unsigned int)rule->n_args, cmp);
	return rc < 0 ? rule_failed(rc, name, err) : 0;
}

static int add_rule(scmp_filter_ctx ctx, const struct ctr_seccomp *sc,
		    const struct ctr_seccomp_rule *rule, struct cs_err *err)
{
	/* libseccomp takes it for a mistake, profiles have it */
	if (rule->action == sc->default_action)
		return 0;
	for (size_t i = 0; i < rule->n_args; i++)
		if (rule->args[i].index >= N_ARGS)
			return cs_err_set(err, EINVAL,
					  "linux.seccomp.syscalls: args[%zu].index: %u is no "
					  "argument (0 to 5)",
					  i, rule->args[i].index);
	for (size_t i = 0; i < rule->n_names; i++) {
		const char *name = rule->names[i];
		int nr = seccomp_syscall_resolve_name(name);
		int rc;

		if (nr == __NR_SCMP_ERROR) {
			cs_log(CS_LOG_DEBUG, "linux.seccomp: unknown system call %s ignored", name);
			continue;
		}
		if (rule->n_args) {
			rc = add_conditional(ctx, rule, name, nr, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = seccomp_rule_add_array(ctx, rule->action, nr, 0, NULL);
		if (rc < 0)
			return rule_failed(rc, name, err);
	}
	return 0;
}

/* libseccomp 2.5 can only write its code to a file. */
static int export_code(scmp_filter_ctx ctx, struct ctr_seccomp_code *out, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;
	cs_auto_free struct sock_filter *v = NULL;
	struct stat sb;
	size_t size;
	int rc;

	fd = memfd_create("seccomp", MFD_CLOEXEC);
	if (fd < 0)
		return cs_err_sys(err, "linux.seccomp: file for the filter");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return cs_err_errno(err, -rc, "linux.seccomp: generate the filter");
	if (fstat(fd, &sb) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return cs_err_sys(err, "linux.seccomp: read the filter");
	size = (size_t)sb.st_size;
	v = malloc(size ? size : 1);
	if (!v)
		return cs_err_set(err, ENOMEM, "linux.seccomp: out of memory");
	rc = cs_fd_read_exact(fd, v, size, err);
	if (rc < 0)
		return cs_err_wrap(err, "linux.seccomp: read the filter");
	out->v = cs_take_ptr(&v);
	out->n = size / sizeof(struct sock_filter);
	return 0;
}

int ctr_seccomp_build(const struct ctr_seccomp *sc, uint32_t arch, struct ctr_seccomp_code *out,
		      struct cs_err *err)
{
	auto_filter scmp_filter_ctx ctx = NULL;
	int rc;

	ctx = seccomp_init(sc->default_action);
	if (!ctx)
		return cs_err_set(err, EINVAL,
				  "linux.seccomp.defaultAction: this library and kernel have no "
				  "action %#x",
				  sc->default_action);
	rc = only_arch(ctx, arch, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sc->n_rules; i++) {
		rc = add_rule(ctx, sc, &sc->rules[i], err);
		if (rc < 0)
			return rc;
	}
	return export_code(ctx, out, err);
}
