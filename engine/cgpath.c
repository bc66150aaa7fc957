#include "engine/cgpath.h"

#include <limits.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroups/cgroup.h"

int eng_cgroup_path(const char *parent, const char *id, char *out, size_t size, struct cs_err *err)
{
	const char *in = parent && *parent ? parent : ENG_CGROUP_PARENT;
	char given[PATH_MAX];
	int ret = cs_str_fmt(given, sizeof(given), err, "/%s/%s", in, id);

	if (ret == 0)
		ret = cg_path_resolve(given, id, false, out, size, err);
	return ret < 0 ? cs_err_wrap(err, "option --cgroup-parent") : 0;
}
