#include "runtime/isolation.h"

#include <string.h>

#include "base/cleanup.h"

static const struct ctr_isolation_ops *const walls[] = { &ctr_isolation_ns, &ctr_isolation_vm };

const struct ctr_isolation_ops *ctr_isolation_by_name(const char *name)
{
	for (size_t i = 0; i < CS_LEN(walls); i++)
		if (strcmp(walls[i]->name, name) == 0)
			return walls[i];
	return NULL;
}
