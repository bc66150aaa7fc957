#include "engine/cdi.h"

#include <errno.h>

#include "base/err.h"

int eng_cdi_device(struct cfg *c, const char *name, struct cs_err *err)
{
	(void)c;
	return cs_err_set(err, EOPNOTSUPP, "--device %.100s: CDI devices are not there yet", name);
}
