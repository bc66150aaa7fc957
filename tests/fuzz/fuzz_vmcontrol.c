/* Requests to a machine's control socket. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "kvm/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	enum vm_control_do what = VM_CONTROL_DOS;
	int rc;

	if (size > VM_CONTROL_LINE)
		return 0;
	rc = vm_control_parse((const char *)data, size, &what, &err);
	if (rc == 0 ? what >= VM_CONTROL_DOS : err.code != -rc)
		abort();
	return 0;
}
