#include <seccomp.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/oci.h"
#include "cli/out.h"
#include "runtime/isolation.h"
#include "runtime/mountopt.h"
#include "runtime/spec.h"

/* The Features Document (runtime-spec, features.md and features-linux.md). Only what config.json's
 * parser takes and the runtime does: a unit test feeds each name below to the parser. */

static const char *const actions[] = {
	"SCMP_ACT_ALLOW",	 "SCMP_ACT_ERRNO",	 "SCMP_ACT_KILL",
	"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",	 "SCMP_ACT_TRACE",	 "SCMP_ACT_TRAP",
};
static const char *const operators[] = {
	"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",	    "SCMP_CMP_LE",
	"SCMP_CMP_LT", "SCMP_CMP_NE", "SCMP_CMP_MASKED_EQ",
};
static const char *const archs[] = {
	"SCMP_ARCH_AARCH64",   "SCMP_ARCH_ARM",	   "SCMP_ARCH_MIPS",	 "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PPC",       "SCMP_ARCH_PPC64",  "SCMP_ARCH_PPC64LE",	 "SCMP_ARCH_RISCV64",
	"SCMP_ARCH_S390",      "SCMP_ARCH_S390X",  "SCMP_ARCH_X32",	 "SCMP_ARCH_X86",
	"SCMP_ARCH_X86_64",
};
static const char *const seccomp_flags[] = {
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
};
static const char *const mempolicy_modes[] = {
	"MPOL_BIND",	  "MPOL_DEFAULT",	 "MPOL_INTERLEAVE",	     "MPOL_LOCAL",
	"MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE",
};
static const char *const mempolicy_flags[] = {
	"MPOL_F_NUMA_BALANCING",
	"MPOL_F_RELATIVE_NODES",
	"MPOL_F_STATIC_NODES",
};

static void put_enabled(struct cs_jw *w, const char *key)
{
	cs_jw_obj(w, key);
	cs_jw_bool(w, "enabled", true);
	cs_jw_obj_end(w);
}

static void put_seccomp(struct cs_jw *w)
{
	cs_jw_obj(w, "seccomp");
	cs_jw_bool(w, "enabled", true);
	cli_json_strings(w, "actions", actions, CS_LEN(actions));
	cli_json_strings(w, "operators", operators, CS_LEN(operators));
	cli_json_strings(w, "archs", archs, CS_LEN(archs));
	cli_json_strings(w, "knownFlags", seccomp_flags, CS_LEN(seccomp_flags));
	cli_json_strings(w, "supportedFlags", seccomp_flags, CS_LEN(seccomp_flags));
	cs_jw_obj_end(w);
}

static void put_cgroup(struct cs_jw *w)
{
	cs_jw_obj(w, "cgroup");
	cs_jw_bool(w, "v1", true);
	cs_jw_bool(w, "v2", true);
	cs_jw_bool(w, "systemd", false);
	cs_jw_bool(w, "systemdUser", false);
	cs_jw_bool(w, "rdma", true);
	cs_jw_obj_end(w);
}

static void put_linux(struct cs_jw *w)
{
	const char *cap;

	cs_jw_obj(w, "linux");
	cs_jw_arr(w, "namespaces");
	for (size_t i = 0; i < CTR_NS_COUNT; i++)
		cs_jw_str(w, NULL, ctr_ns_table[i].name);
	cs_jw_arr_end(w);
	cs_jw_arr(w, "capabilities");
	for (int i = 0; (cap = ctr_spec_cap_name(i)); i++)
		cs_jw_str(w, NULL, cap);
	cs_jw_arr_end(w);
	put_cgroup(w);
	put_seccomp(w);
	put_enabled(w, "apparmor");
	put_enabled(w, "selinux");
	cs_jw_obj(w, "intelRdt");
	cs_jw_bool(w, "enabled", true);
	cs_jw_bool(w, "schemata", true);
	cs_jw_bool(w, "monitoring", true);
	cs_jw_obj_end(w);
	cs_jw_obj(w, "memoryPolicy");
	cli_json_strings(w, "modes", mempolicy_modes, CS_LEN(mempolicy_modes));
	cli_json_strings(w, "flags", mempolicy_flags, CS_LEN(mempolicy_flags));
	cs_jw_obj_end(w);
	cs_jw_obj(w, "mountExtensions");
	put_enabled(w, "idmap");
	cs_jw_obj_end(w);
	put_enabled(w, "netDevices");
	cs_jw_obj_end(w);
}

static void put_annotations(struct cs_jw *w)
{
	const struct scmp_version *v = seccomp_version();
	char text[40];

	cs_jw_obj(w, "annotations");
	cs_jw_str(w, "io.caisson.version", CS_VERSION);
	if (v) {
		snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
		cs_jw_str(w, "io.github.seccomp.libseccomp.version", text);
	}
	cs_jw_str(w, "org.opencontainers.runc.checkpoint.enabled", "false");
	cs_jw_obj_end(w);
}

void cli_oci_features_put(struct cs_jw *w)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ociVersionMin", "1.0.0");
	cs_jw_str(w, "ociVersionMax", CLI_OCI_SPEC_VERSION);
	cli_json_strings(w, "hooks", ctr_hook_names, CTR_HOOK_COUNT);
	cli_json_strings(w, "mountOptions", ctr_mountopt_names, ctr_mountopt_n_names);
	put_linux(w);
	put_annotations(w);
	cli_json_strings(w, "potentiallyUnsafeConfigAnnotations", NULL, 0);
	cs_jw_obj_end(w);
}

static int features_run(struct cli_call *call, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };

	(void)call;
	cli_oci_features_put(&w);
	return cli_out_json(&w, true, err);
}

const struct cli_cmd cli_oci_features = {
	.name = "features",
	.synopsis = "",
	.help = "show what this runtime can do as JSON",
	.run = features_run,
};
