#include "runtime/ns/seccomp_load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "runtime/container.h"
#include "runtime/ns/seccomp.h"

int ctr_seccomp_load(const struct ctr *c, struct ctr_seccomp_prog *out, struct cs_err *err)
{
	cs_auto_fd int cache = -EBADF;
	const struct ctr_seccomp *sc = &c->spec.seccomp;

	if (!sc->present)
		return 0;
	cache = openat(c->root_fd, CTR_SECCOMP_CACHE,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cache < 0 && errno == ENOENT && mkdirat(c->root_fd, CTR_SECCOMP_CACHE, 0700) == 0)
		cache = openat(c->root_fd, CTR_SECCOMP_CACHE,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return ctr_seccomp_compile(sc, cache, out, err); /* without a cache as well */
}
