#include "base/which.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cs_which(const char *name, char *out, size_t size)
{
	const char *p = getenv("PATH");

	if (!p || !*p)
		p = "/usr/local/bin:/usr/bin:/bin";
	while (*p) {
		size_t len = strcspn(p, ":");
		int n = snprintf(out, size, "%.*s/%s", (int)len, p, name);

		if (*p == '/' && n > 0 && (size_t)n < size && access(out, X_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}
