#ifndef CS_RUNTIME_NS_SECCOMP_H
#define CS_RUNTIME_NS_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct ctr_seccomp;

/* A compiled filter. */
struct ctr_seccomp_prog {
	struct sock_filter *insns; /* owned */
	unsigned short n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_*, incl. NEW_LISTENER when it is used */
};

/* Compiles by libseccomp. System calls newer than every one the config names get ENOSYS instead of
 * the default errno (so glibc falls back), as container users expect. @cache_fd (a folder only we
 * can write to, or -EBADF) keeps compiled filters; an entry holds the whole canonical input, which
 * is compared, so neither a collision nor a damaged file can give a wrong filter. */
int ctr_seccomp_compile(const struct ctr_seccomp *sc, int cache_fd, struct ctr_seccomp_prog *out,
			struct cs_err *err);
void ctr_seccomp_fini(struct ctr_seccomp_prog *prog);

/* Installs it on the calling thread; allocates nothing. *@listener is the notify fd or -EBADF. The
 * caller has set no_new_privs or has CAP_SYS_ADMIN. */
int ctr_seccomp_install(const struct ctr_seccomp_prog *prog, int *listener, struct cs_err *err);

/* Sends the notify fd with the OCI "container process state" JSON @state (config-linux.md, The
 * Container Process State) to the agent's socket. Host side. */
int ctr_seccomp_send_listener(const char *socket_path, int listener, const char *state,
			      struct cs_err *err);

#endif
