#include "engine/cgnote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/engine.h"
#include "engine/record.h"

#define NOTES ".cgroups"

int eng_cgnote_dir(const struct eng *e, struct cs_err *err)
{
	int fd = openat(e->containers, NOTES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : cs_err_sys(err, "open the folder of cgroups' parents");
}

int eng_cgnote_make(const struct eng *e, const struct eng_record *r, struct cs_err *err)
{
	cs_auto_fd int dir = -EBADF;

	if (!r->cgroup_parent || !*r->cgroup_parent)
		return 0;
	if (mkdirat(e->containers, NOTES, 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make the folder of cgroups' parents");
	dir = eng_cgnote_dir(e, err);
	if (dir < 0)
		return err->code ? dir : cs_err_set(err, ENOENT, "note the cgroup's parent");
	if (symlinkat(r->cgroup_parent, dir, r->id) < 0)
		return cs_err_sys(err, "note the cgroup's parent");
	return 0;
}

void eng_cgnote_drop(const struct eng *e, const char *id)
{
	char path[sizeof(NOTES) + 1 + ENG_ID_LEN];

	snprintf(path, sizeof(path), NOTES "/%.64s", id);
	unlinkat(e->containers, path, 0);
}
