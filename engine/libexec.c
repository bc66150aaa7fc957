#include "engine/libexec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

int eng_libexec(const char *name, char *out, size_t size, struct cs_err *err)
{
	static const char *const at[] = { "/../libexec/caisson/", "/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return cs_err_sys(err, "find the folder of caisson's programs");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		if (cs_str_fmt(out, size, err, "%s%s%s", self, at[i], name) < 0)
			return -err->code;
		if (access(out, X_OK) == 0)
			return 0;
	}
	return cs_err_set(err, ENOENT,
			  "program %s is neither in %s/../libexec/caisson nor in %s: install "
			  "caisson whole",
			  name, self, self);
}
