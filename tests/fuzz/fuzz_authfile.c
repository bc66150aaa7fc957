/* auth.json: no entry leads to half of the credentials, no helper's name out of its folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "images/creds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_authfile f = IMG_AUTHFILE_INIT;
	struct cs_err err = CS_ERR_INIT;

	if (img_authfile_look((const char *)data, size, "r.example", "team/app", &f, &err) < 0) {
		need(err.code > 0 && err.msg[0]);
		need(!f.creds.user && !f.creds.secret && !f.creds.identity);
		return 0;
	}
	switch (f.found) {
	case IMG_AUTHFILE_NONE:
		need(!f.creds.user && !f.creds.identity);
		break;
	case IMG_AUTHFILE_CREDS:
		need(!f.creds.user == !f.creds.secret && (f.creds.user || f.creds.identity));
		break;
	case IMG_AUTHFILE_HELPER:
		need(img_helper_name_ok(f.helper) && !strchr(f.helper, '/'));
		break;
	}
	img_creds_fini(&f.creds);
	return 0;
}
