#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/seccomp_default.h"

/* A seccomp profile in docker's format. What comes out is JSON. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, uint64_t caps)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;
	int ret;

	cs_jw_obj(&w, NULL);
	ret = eng_seccomp_profile((const char *)data, size, caps, &w, &err);
	if (ret < 0) {
		if (err.code != -ret)
			abort();
		return;
	}
	cs_jw_obj_end(&w);
	if (cs_jw_take(&w, &text, &len, &err) < 0 ||
	    cs_json_parse(text, len, "out", &doc, &err) < 0)
		abort();
	cs_json_fini(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, 0);
	check(data, size, UINT64_MAX);
	return 0;
}
