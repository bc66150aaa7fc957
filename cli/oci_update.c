#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "cgroups/resources.h"
#include "cli/oci.h"
#include "runtime/container.h"

enum { RESOURCES_MAX = 1 << 20 };

struct update_opts {
	struct cli_num num[CG_FIELD_COUNT];
	const char *cpuset_cpus;
	const char *cpuset_mems;
	const char *resources;
	const char *l3_cache_schema;
	const char *mem_bw_schema;
};

#define UPDATE_NUM(field, nm, lowest, argname, hlp) \
	CLI_NUM(struct update_opts, num[field], nm, 0, lowest, argname, hlp)
#define UPDATE_SIZE(field, nm, hlp) CLI_SIZE(struct update_opts, num[field], nm, 0, "BYTES", hlp)

/* Callers of old still give these two. */
#define UPDATE_HIDDEN_SIZE(field, nm, hlp)                                                      \
	{                                                                                       \
		.name = (nm), .hidden = true, .type = CLI_OPT_SIZE,                             \
		.off = CLI_OFF(struct update_opts, num[field], struct cli_num), .arg = "BYTES", \
		.help = (hlp),                                                                  \
	}

static const struct cli_opt update_optv[] = {
	UPDATE_NUM(CG_BLKIO_WEIGHT, "blkio-weight", 0, "N",
		   "share of block I/O, 10 to 1000 (0: leave it as it is)"),
	UPDATE_NUM(CG_CPU_BURST, "cpu-burst", 0, "USECS",
		   "CPU time that may be saved up and used on top of the quota"),
	UPDATE_NUM(CG_CPU_IDLE, "cpu-idle", 0, "0|1", "1: run only when a CPU has nothing else"),
	UPDATE_NUM(CG_CPU_PERIOD, "cpu-period", 0, "USECS", "period of the CPU quota"),
	UPDATE_NUM(CG_CPU_QUOTA, "cpu-quota", -1, "USECS",
		   "CPU time in each period (-1: no limit)"),
	UPDATE_NUM(CG_CPU_RT_PERIOD, "cpu-rt-period", 0, "USECS",
		   "period of the real-time CPU limit"),
	UPDATE_NUM(CG_CPU_RT_RUNTIME, "cpu-rt-runtime", -1, "USECS",
		   "real-time CPU time in each such period"),
	UPDATE_NUM(CG_CPU_SHARES, "cpu-share", 0, "N", "share of CPU time (relative weight)"),
	CLI_STR(struct update_opts, cpuset_cpus, "cpuset-cpus", 0, "LIST", "CPUs to use"),
	CLI_STR(struct update_opts, cpuset_mems, "cpuset-mems", 0, "LIST", "memory nodes to use"),
	UPDATE_HIDDEN_SIZE(CG_MEMORY_KERNEL, "kernel-memory", "limit of kernel memory"),
	UPDATE_HIDDEN_SIZE(CG_MEMORY_KERNEL_TCP, "kernel-memory-tcp",
			   "limit of memory of TCP buffers"),
	CLI_STR(struct update_opts, l3_cache_schema, "l3-cache-schema", 0, "SCHEMA",
		"Intel RDT cache allocation; not supported yet"),
	CLI_STR(struct update_opts, mem_bw_schema, "mem-bw-schema", 0, "SCHEMA",
		"Intel RDT memory bandwidth; not supported yet"),
	UPDATE_SIZE(CG_MEMORY_LIMIT, "memory", "memory limit, as 512m or 2g (-1: no limit)"),
	UPDATE_SIZE(CG_MEMORY_RESERVATION, "memory-reservation", "memory soft limit"),
	UPDATE_SIZE(CG_MEMORY_SWAP, "memory-swap", "limit of memory and swap together"),
	UPDATE_NUM(CG_PIDS_LIMIT, "pids-limit", -1, "N",
		   "most processes (-1: no limit, 0: leave it as it is)"),
	CLI_STR(struct update_opts, resources, "resources", 'r', "FILE",
		"linux.resources as JSON (-: standard input); other options go before it"),
};

/* Reads --resources into @doc. */
static int read_resources(const char *path, struct cs_json_doc *doc, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int file = -EBADF;
	int fd = STDIN_FILENO;
	size_t len = 0;
	int ret;

	if (strcmp(path, "-") == 0) {
		path = "standard input";
	} else {
		fd = file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return cs_err_sys(err, "open %s", path);
	}
	ret = cs_fd_read_all(fd, RESOURCES_MAX, &text, &len, err);
	if (ret < 0)
		return cs_err_wrap(err, "read %s", path);
	return cs_json_parse(text, len, path, doc, err);
}

/* 0 means "not given" for these two, as callers of runc expect. */
static bool zero_is_unset(enum cg_field f)
{
	return f == CG_PIDS_LIMIT || f == CG_BLKIO_WEIGHT;
}

static void apply_options(const struct update_opts *o, struct cg_resources *res)
{
	for (unsigned int f = 0; f < CG_FIELD_COUNT; f++) {
		if (!o->num[f].set || (o->num[f].v == 0 && zero_is_unset(f)))
			continue;
		res->has |= UINT64_C(1) << f;
		res->num[f] = o->num[f].v;
	}
	if (o->cpuset_cpus && *o->cpuset_cpus)
		res->cpus = o->cpuset_cpus;
	if (o->cpuset_mems && *o->cpuset_mems)
		res->mems = o->cpuset_mems;
}

static int update_run(struct cli_call *call, struct cs_err *err)
{
	const struct update_opts *o = call->opts;
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cg_resources res = { 0 };
	int ret;

	if (o->l3_cache_schema || o->mem_bw_schema)
		return cs_err_set(err, ENOTSUP,
				  "option --%s: changing Intel RDT is not supported yet",
				  o->l3_cache_schema ? "l3-cache-schema" : "mem-bw-schema");
	if (o->resources && *o->resources) {
		ret = read_resources(o->resources, &doc, err);
		if (ret == 0)
			ret = cg_resources_parse(&doc, doc.root, &res, err);
		if (ret < 0)
			return cs_err_wrap(err, "--resources %s", o->resources);
	}
	apply_options(o, &res);
	return ctr_update(call->rt, call->argv[0], &res, err);
}

const struct cli_cmd cli_oci_update = {
	.name = "update",
	.synopsis = "[OPTION...] ID",
	.help = "change a container's resource limits",
	.opts = CLI_OPTS(update_optv),
	.opts_size = sizeof(struct update_opts),
	.min_args = 1,
	.max_args = 1,
	.run = update_run,
};
