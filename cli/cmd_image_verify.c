#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/imgview.h"
#include "cli/out.h"
#include "images/gc.h"

static void problem(void *ctx, enum img_problem_kind kind, const char *what)
{
	cs_buf_addf(ctx, "%s: %s\n", kind == IMG_PROBLEM_MISSING ? "missing" : "damaged", what);
}

static int verify_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	img_auto_store struct img_store *st = NULL;
	int n = 0, ret = cli_img_store(call, &st, err);

	if (ret == 0 && call->argc == 0)
		n = ret = img_verify(st, NULL, problem, &b, err);
	for (size_t i = 0; i < call->argc && ret >= 0; i++) {
		ret = img_verify(st, call->argv[i], problem, &b, err);
		n += ret;
	}
	if (ret < 0)
		return ret;
	if (b.len > 0) {
		ret = cli_out(&b, err);
		if (ret < 0)
			return ret;
	}
	if (n > 0)
		return cs_err_set(err, EBADMSG,
				  "%d problem%s found: remove the images, then pull or "
				  "load them again",
				  n, n == 1 ? "" : "s");
	return 0;
}

const struct cli_cmd cli_cmd_image_verify = {
	.name = "image verify",
	.synopsis = "[IMAGE...]",
	.help = "read images whole and compare them with their digests",
	.max_args = CLI_ANY_ARGS,
	.run = verify_run,
};
