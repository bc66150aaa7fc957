#include <errno.h>
#include <regex.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/oci.h"
#include "runtime/container.h"

static void ids_cleanup(char ***ids)
{
	ctr_ids_free(*ids);
}
#define auto_ids CS_CLEANUP(ids_cleanup)

int cli_oci_each_match(const struct cli_call *call, const char *pattern,
		       int (*fn)(const struct cli_call *call, const char *id, struct cs_err *err),
		       struct cs_err *err)
{
	auto_ids char **ids = NULL;
	size_t n = 0, failed = 0;
	regex_t re;
	int ret;

	ret = ctr_ids(call->rt, &ids, &n, err);
	if (ret < 0)
		return ret;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return cs_err_set(err, EINVAL, "\"%s\" is not a regular expression", pattern);
	for (size_t i = 0; i < n; i++) {
		struct cs_err one = CS_ERR_INIT;

		if (regexec(&re, ids[i], 0, NULL, 0) != 0 || fn(call, ids[i], &one) == 0)
			continue;
		cs_log(CS_LOG_WARN, "container %s: %s", ids[i], one.msg);
		failed++;
	}
	regfree(&re);
	if (failed > 0)
		return cs_err_set(err, EIO, "%zu of the containers that match \"%s\" failed",
				  failed, pattern);
	return 0;
}
