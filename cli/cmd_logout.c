#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "images/creds.h"

struct logout_opts {
	const char *authfile;
	bool all;
};

static const struct cli_opt logout_optv[] = {
	CLI_BOOL(struct logout_opts, all, "all", 'a', "forget those for every registry"),
	CLI_STR(struct logout_opts, authfile, "authfile", 0, "FILE",
		"where they are (default: $REGISTRY_AUTH_FILE or containers' auth.json)"),
};

/* Pulls read more files than login writes: says which still has something for the place. */
static bool still_there(const struct logout_opts *o, const char *key, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	char host[300], file[PATH_MAX];
	size_t n = strcspn(key, "/");

	if (cs_str_fmt(host, sizeof(host), &ignored, "%.*s", (int)n, key) < 0 ||
	    img_creds_where(o->authfile, host, key[n] ? key + n + 1 : "", file, sizeof(file),
			    &ignored) <= 0)
		return false;
	cs_err_set(err, ENOENT,
		   "%s still has credentials that pulls from %s use: see logout --authfile", file,
		   key);
	return true;
}

static int logout_run(struct cli_call *call, struct cs_err *err)
{
	const struct logout_opts *o = call->opts;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct cs_err left = CS_ERR_INIT;
	int n;

	if (o->all == (call->argc == 1))
		return cs_err_set(err, EINVAL, "logout: give either a registry or --all");
	n = img_creds_erase(o->authfile, o->all ? NULL : call->argv[0], err);
	if (n < 0)
		return cs_err_wrap(err, "logout");
	if (!o->all && still_there(o, call->argv[0], &left)) {
		if (!n)
			return cs_err_set(err, ENOENT, "logout: not logged in to %s, but %s",
					  call->argv[0], left.msg);
		cs_log(CS_LOG_WARN, "%s", left.msg);
	}
	if (!n && !o->all)
		return cs_err_set(err, ENOENT, "logout: not logged in to %s", call->argv[0]);
	cs_buf_addf(&b, "Removed login credentials for %s\n",
		    o->all ? "all registries" : call->argv[0]);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_logout = {
	.name = "logout",
	.synopsis = "[OPTIONS] [HOST[:PORT][/REPOSITORY]]",
	.help = "forget credentials",
	.opts = CLI_OPTS(logout_optv),
	.opts_size = sizeof(struct logout_opts),
	.max_args = 1,
	.run = logout_run,
};
