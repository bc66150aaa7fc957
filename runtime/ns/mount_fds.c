#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"

int ctr_fds_keep(struct ctr_fds *f, int fd)
{
	size_t i = f->n;

	if (fd < 0)
		return fd;
	assert(f->n < CS_LEN(f->v));
	for (; i > 0 && f->v[i - 1] > fd; i--)
		f->v[i] = f->v[i - 1];
	f->v[i] = fd;
	f->n++;
	return fd;
}

void ctr_fds_unit(struct ctr_fds *f)
{
	if (f->n + CTR_FDS_UNIT > CS_LEN(f->v))
		ctr_fds_close(f);
}

/* A process gets the lowest free fd each time: they are in a few unbroken rows. */
void ctr_fds_close(struct ctr_fds *f)
{
	int saved = errno;

	for (size_t i = 0, end; i < f->n; i = end) {
		for (end = i + 1; end < f->n && f->v[end] == f->v[end - 1] + 1;)
			end++;
		cs_sys_close_range((unsigned int)f->v[i], (unsigned int)f->v[end - 1], 0);
	}
	f->n = 0;
	errno = saved;
}
