#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/volume.h"
#include "engine/envfile.h"
#include "engine/strv.h"

struct create_opts {
	const char *driver, *name;
	struct cli_strv labels, opts;
};

static const struct cli_opt create_optv[] = {
	CLI_STR(struct create_opts, driver, "driver", 'd', "NAME", "local, the only one there is"),
	CLI_STRV(struct create_opts, labels, "label", 'l', "KEY=VALUE", "a note on the volume"),
	CLI_STR(struct create_opts, name, "name", 0, "NAME", "the same as the argument"),
	CLI_STRV(struct create_opts, opts, "opt", 'o', "KEY=VALUE",
		 "type, device and o: what is mounted in the place of a folder of our own"),
};

static void cleanup_arena(struct cs_arena *const *a)
{
	cs_arena_free(*a);
}

static int read_opts(const struct create_opts *o, struct cs_arena *a, struct eng_volume *v,
		     struct cs_err *err)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < o->labels.n; i++)
		ret = eng_label_add(a, o->labels.v[i], &v->labels, err);
	for (size_t i = 0; ret == 0 && i < o->opts.n; i++)
		ret = eng_strv_set(a, &v->options, o->opts.v[i], err);
	return ret;
}

static int create_run(struct cli_call *call, struct cs_err *err)
{
	const struct create_opts *o = call->opts;
	CS_CLEANUP(cleanup_arena) struct cs_arena *a = NULL;
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct eng_volume v = ENG_VOLUME_INIT;
	eng_auto struct eng e = ENG_INIT;
	char random[65];
	int ret;

	a = cs_arena_new(0);
	if (!a)
		return cs_err_set(err, ENOMEM, "out of memory");
	if (o->driver && strcmp(o->driver, "local") != 0)
		return cs_err_set(err, EINVAL, "option --driver: \"%.60s\" is not local",
				  o->driver);
	if (o->name && call->argc)
		return cs_err_set(err, EINVAL, "the name is given twice");
	v.name = call->argc ? call->argv[0] : o->name;
	v.anonymous = !v.name;
	ret = read_opts(o, a, &v, err);
	if (ret == 0 && !v.name) {
		ret = eng_volume_new_name(random, err);
		v.name = random;
	}
	if (ret == 0)
		ret = cli_vol_open(call, &e, err);
	if (ret == 0)
		ret = eng_volume_create(&e, &v, err);
	if (ret < 0)
		return ret;
	cs_buf_addf(&b, "%s\n", v.name);
	return cli_out(&b, err);
}

const struct cli_cmd cli_cmd_volume_create = {
	.name = "volume create",
	.synopsis = "[OPTION...] [VOLUME]",
	.help = "make a volume",
	.opts = CLI_OPTS(create_optv),
	.opts_size = sizeof(struct create_opts),
	.max_args = 1,
	.fail_status = CAISSON_FAILED,
	.run = create_run,
};
