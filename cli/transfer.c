#include "cli/transfer.h"

#include <limits.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/libexec.h"
#include "images/curl.h"

int cli_transfer(char *const argv[], struct cs_err *err)
{
	char path[PATH_MAX];

	if (img_curl_here)
		return 0;
	if (eng_libexec("transfer", path, sizeof(path), err) < 0)
		return -err->code;
	execv(path, argv);
	return cs_err_sys(err, "execute %s", path);
}
