#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
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

void ctr_fds_close(struct ctr_fds *f)
{
	cs_fd_close_rows(f->v, f->n);
	f->n = 0;
}
