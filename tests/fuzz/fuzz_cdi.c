#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "engine/cdi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = eng_cdi_check((const char *)data, size, &err);

	if (ret < 0 && err.code != -ret)
		abort();
	return 0;
}
