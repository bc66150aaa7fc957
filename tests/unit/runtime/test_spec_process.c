#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "tests/unit/runtime/spec_rows.h"

#define USER(x) PROC(",'user':{" x "}")

START_TEST(process_rows)
{
	static const struct spec_row rows[] = {
		{ CFG(",'process':{'cwd':'/'}"), "process.args: missing" },
		{ CFG(",'process':{'cwd':'/','args':[]}"), "process.args: must not be empty" },
		{ CFG(",'process':{'cwd':'/','args':'sh'}"), "process.args: must be an array" },
		{ CFG(",'process':{'cwd':'/','args':['a',1]}"),
		  "process.args[1]: must be a string" },
		{ CFG(",'process':{'args':['a']}"), "process.cwd: missing" },
		{ CFG(",'process':{'args':['a'],'cwd':''}"), "process.cwd: must not be empty" },
		{ CFG(",'process':{'args':['a'],'cwd':'home'}"),
		  "process.cwd: \"home\" is not an absolute path" },
		{ PROC(",'env':['A=1','B=','C==']"), NULL },
		{ PROC(",'env':['A=1','secret']"), "process.env[1]: must be NAME=value" },
		{ PROC(",'env':['=secret']"), "process.env[0]: must be NAME=value" },
		{ PROC(",'env':{'A':'1'}"), "process.env: must be an array" },
		{ USER("'uid':4294967294,'gid':0,'umask':511,'additionalGids':[]"), NULL },
		{ USER("'uid':4294967295"), "process.user.uid: must be from 0 to 4294967294" },
		{ USER("'uid':-1"), "process.user.uid: must be from 0 to 4294967294" },
		{ USER("'uid':'0'"), "process.user.uid: must be a number" },
		{ USER("'uid':1.5"), "process.user.uid: must be a whole number" },
		{ USER("'gid':4294967296"), "process.user.gid: must be from 0 to 4294967294" },
		{ USER("'umask':512"), "process.user.umask: must be from 0 to 511" },
		{ USER("'umask':-1"), "process.user.umask: must be from 0 to 511" },
		{ USER("'additionalGids':[1,4294967295]"),
		  "process.user.additionalGids[1]: must be from 0 to 4294967294" },
		{ USER("'additionalGids':['1']"),
		  "process.user.additionalGids[0]: must be a number" },
		{ USER("'additionalGids':1"), "process.user.additionalGids: must be an array" },
		{ USER("'username':7"), NULL }, /* Windows */
		{ PROC(",'commandLine':[]"), NULL },
		{ PROC(",'user':0"), "process.user: must be an object" },
		{ PROC(",'terminal':1"), "process.terminal: must be true or false" },
		{ PROC(",'consoleSize':{'height':-1}"), NULL }, /* no terminal: ignored */
		{ PROC(",'terminal':true,'consoleSize':{'height':24,'width':80}"), NULL },
		{ PROC(",'terminal':true,'consoleSize':{'height':24}"),
		  "process.consoleSize.width: missing" },
		{ PROC(",'terminal':true,'consoleSize':{'width':24}"),
		  "process.consoleSize.height: missing" },
		{ PROC(",'terminal':true,'consoleSize':{'height':65536,'width':80}"),
		  "process.consoleSize.height: must be from 0 to 65535" },
		{ PROC(",'noNewPrivileges':'yes'"),
		  "process.noNewPrivileges: must be true or false" },
		{ PROC(",'apparmorProfile':1"), "process.apparmorProfile: must be a string" },
		{ PROC(",'selinuxLabel':1"), "process.selinuxLabel: must be a string" },
		{ PROC(",'oomScoreAdj':-1000"), NULL },
		{ PROC(",'oomScoreAdj':1001"), "process.oomScoreAdj: must be from -1000 to 1000" },
		{ PROC(",'capabilities':[]"), "process.capabilities: must be an object" },
		{ PROC(",'capabilities':{'bounding':'CAP_KILL'}"),
		  "process.capabilities.bounding: must be an array" },
		{ PROC(",'capabilities':{'ambient':[7]}"),
		  "process.capabilities.ambient[0]: must be a string" },
		{ PROC(",'capabilities':{'bounding':['CAP_FROM_THE_FUTURE']}"), NULL },
		{ PROC(",'capabilities':{'effective':['CAP_KILL','CAP_BPF'],'permitted':['CAP_KILL'"
		       "]"
		       "}"),
		  "process.capabilities.effective: CAP_BPF is not permitted" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define RLIMIT(x) PROC(",'rlimits':[" x "]")
#define SCHED(x) PROC(",'scheduler':{" x "}")
#define AFFINITY(x) PROC(",'execCPUAffinity':{" x "}")

START_TEST(limits_rows)
{
	static const struct spec_row rows[] = {
		{ RLIMIT("{'type':'RLIMIT_CORE','soft':0,'hard':18446744073709551615}"), NULL },
		{ RLIMIT("{'type':'RLIMIT_NOSUCH','soft':0,'hard':0}"),
		  "process.rlimits[0].type: \"RLIMIT_NOSUCH\" is not known" },
		{ RLIMIT("{'soft':0,'hard':0}"), "process.rlimits[0].type: missing" },
		{ RLIMIT("{'type':'RLIMIT_CORE','hard':0}"), "process.rlimits[0].soft: missing" },
		{ RLIMIT("{'type':'RLIMIT_CORE','soft':0}"), "process.rlimits[0].hard: missing" },
		{ RLIMIT("{'type':'RLIMIT_CORE','soft':-1,'hard':0}"),
		  "process.rlimits[0].soft: must be from 0 to 18446744073709551615" },
		{ RLIMIT("{'type':'RLIMIT_CORE','soft':2,'hard':1}"),
		  "process.rlimits[0].soft: must not be above hard" },
		{ RLIMIT("{'type':'RLIMIT_CORE','soft':0,'hard':1},{'type':'RLIMIT_CORE','soft':0,"
			 "'hard':0}"),
		  "process.rlimits: RLIMIT_CORE is there twice" },
		{ RLIMIT("[]"), "process.rlimits[0]: must be an object" },
		{ SCHED("'policy':'SCHED_OTHER','nice':19"), NULL },
		{ SCHED("'nice':19"), "process.scheduler.policy: missing" },
		{ SCHED("'policy':'SCHED_X'"),
		  "process.scheduler.policy: \"SCHED_X\" is not known, only SCHED_BATCH, "
		  "SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_ISO, SCHED_OTHER, SCHED_RR" },
		{ SCHED("'policy':'SCHED_ISO'"),
		  "process.scheduler.policy: SCHED_ISO is reserved, Linux does not have it" },
		{ SCHED("'policy':'SCHED_BATCH','nice':20"),
		  "process.scheduler.nice: must be from -20 to 19" },
		{ SCHED("'policy':'SCHED_BATCH','priority':1"),
		  "process.scheduler.priority: is only for SCHED_FIFO and SCHED_RR" },
		{ SCHED("'policy':'SCHED_FIFO'"),
		  "process.scheduler: priority must be from 1 to 99 for this policy" },
		{ SCHED("'policy':'SCHED_RR','priority':100"),
		  "process.scheduler: priority must be from 1 to 99 for this policy" },
		{ SCHED("'policy':'SCHED_RR','priority':99"), NULL },
		{ SCHED("'policy':'SCHED_RR','priority':2147483648"),
		  "process.scheduler.priority: must be from -2147483648 to 2147483647" },
		{ SCHED("'policy':'SCHED_IDLE','runtime':1"),
		  "process.scheduler: runtime, deadline and period are only for SCHED_DEADLINE" },
		{ SCHED("'policy':'SCHED_DEADLINE','runtime':1,'deadline':2,'period':3"), NULL },
		{ SCHED("'policy':'SCHED_DEADLINE','runtime':1,'deadline':2"), NULL },
		{ SCHED("'policy':'SCHED_DEADLINE'"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
		{ SCHED("'policy':'SCHED_DEADLINE','runtime':3,'deadline':2"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
		{ SCHED("'policy':'SCHED_DEADLINE','runtime':1,'deadline':4,'period':3"),
		  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period" },
		{ SCHED("'policy':'SCHED_IDLE','flags':['SCHED_FLAG_RESET_ON_FORK','X']"),
		  "process.scheduler.flags[1]: \"X\" is not known, only SCHED_FLAG_DL_OVERRUN, "
		  "SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_RECLAIM, "
		  "SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_UTIL_CLAMP_MAX, "
		  "SCHED_FLAG_UTIL_CLAMP_MIN" },
		{ PROC(",'ioPriority':{'class':'IOPRIO_CLASS_IDLE'}"), NULL },
		{ PROC(",'ioPriority':{'priority':1}"), "process.ioPriority.class: missing" },
		{ PROC(",'ioPriority':{'class':'IOPRIO_CLASS_NONE'}"),
		  "process.ioPriority.class: \"IOPRIO_CLASS_NONE\" is not known, only "
		  "IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE, IOPRIO_CLASS_RT" },
		{ PROC(",'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
		  "process.ioPriority.priority: must be from 0 to 7" },
		{ AFFINITY("'initial':'','final':'0'"), NULL },
		{ AFFINITY("'initial':'0-'"),
		  "process.execCPUAffinity.initial: \"0-\" is no list such as \"0-3,7\"" },
		{ AFFINITY("'final':'3-1'"),
		  "process.execCPUAffinity.final: \"3-1\" is no list such as \"0-3,7\"" },
		{ AFFINITY("'final':'1 2'"),
		  "process.execCPUAffinity.final: \"1 2\" is no list such as \"0-3,7\"" },
		{ AFFINITY("'final':'1-2-3'"),
		  "process.execCPUAffinity.final: \"1-2-3\" is no list such as \"0-3,7\"" },
		{ AFFINITY("'final':'+1'"),
		  "process.execCPUAffinity.final: \"+1\" is no list such as \"0-3,7\"" },
		{ AFFINITY("'final':'8191'"), NULL },
		{ AFFINITY("'final':'0,8192'"),
		  "process.execCPUAffinity.final: \"0,8192\" has a number above 8191" },
		{ AFFINITY("'final':'99999999999999999999999'"),
		  "process.execCPUAffinity.final: \"99999999999999999999999\" has a number above "
		  "8191" },
		{ AFFINITY("'final':' , '"),
		  "process.execCPUAffinity.final: \" , \" has no number in it" },
		{ AFFINITY("'final':1"), "process.execCPUAffinity.final: must be a string" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

static struct ctr_spec process_of(const char *members)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;

	cs_buf_addf(&b, PROC("%s"), members);
	ck_assert_msg(spec_parse(b.s, &s, &err) == 0, "%s", err.msg);
	return s;
}

START_TEST(env_last_counts)
{
	struct ctr_spec s = process_of(",'env':['A=1','B=2','AB=3','A=4','B=5','A=6=7']");

	ck_assert_uint_eq(s.process.n_env, 3);
	ck_assert_str_eq(s.process.env[0], "AB=3");
	ck_assert_str_eq(s.process.env[1], "B=5");
	ck_assert_str_eq(s.process.env[2], "A=6=7");
	ck_assert_ptr_null(s.process.env[3]);
	ctr_spec_fini(&s);

	s = process_of("");
	ck_assert_uint_eq(s.process.n_env, 0);
	ck_assert_ptr_nonnull(s.process.env);
	ck_assert_ptr_null(s.process.env[0]);
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(process_parsed)
{
	struct ctr_spec s = process_of(
		",'terminal':true,'consoleSize':{'height':24,'width':80},"
		"'user':{'uid':1000,'gid':1001,'umask':18,'additionalGids':[5,6]},"
		"'capabilities':{'bounding':['CAP_CHOWN','CAP_NEW_ONE'],'effective':['cap_kill'],"
		"'permitted':['KILL','CAP_CHECKPOINT_RESTORE'],'inheritable':[],"
		"'ambient':['CAP_BPF']},'rlimits':[{'type':'RLIMIT_NOFILE','soft':1024,'hard':4096}"
		","
		"{'type':'RLIMIT_CORE','soft':18446744073709551615,'hard':18446744073709551615}],"
		"'noNewPrivileges':true,'oomScoreAdj':-5,'apparmorProfile':'prof','selinuxLabel':''"
		","
		"'scheduler':{'policy':'SCHED_DEADLINE','flags':['SCHED_FLAG_RESET_ON_FORK',"
		"'SCHED_FLAG_RECLAIM'],'runtime':1,'deadline':2,'period':3},"
		"'ioPriority':{'class':'IOPRIO_CLASS_RT','priority':3},"
		"'execCPUAffinity':{'initial':' 0-1','final':',07,1-3 ,5-5, '}");
	const struct ctr_process *p = &s.process;

	ck_assert(p->present && p->terminal && p->has_console_size && p->no_new_privileges);
	ck_assert_uint_eq(p->console_height, 24);
	ck_assert_uint_eq(p->console_width, 80);
	ck_assert_uint_eq(p->n_args, 1);
	ck_assert_str_eq(p->args[0], "sh");
	ck_assert_ptr_null(p->args[1]);
	ck_assert_str_eq(p->cwd, "/");
	ck_assert_uint_eq(p->user.uid, 1000);
	ck_assert_uint_eq(p->user.gid, 1001);
	ck_assert(p->user.has_umask);
	ck_assert_uint_eq(p->user.umask, 022);
	ck_assert_uint_eq(p->user.n_additional_gids, 2);
	ck_assert_uint_eq(p->user.additional_gids[1], 6);
	ck_assert(p->caps.present);
	ck_assert_uint_eq(p->caps.bounding, 1ULL << CAP_CHOWN);
	ck_assert_uint_eq(p->caps.effective, 1ULL << CAP_KILL);
	ck_assert_uint_eq(p->caps.permitted, 1ULL << CAP_KILL | 1ULL << CAP_CHECKPOINT_RESTORE);
	ck_assert_uint_eq(p->caps.inheritable, 0);
	ck_assert_uint_eq(p->caps.ambient, 1ULL << CAP_BPF);
	ck_assert_uint_eq(p->n_rlimits, 2);
	ck_assert_int_eq(p->rlimits[0].resource, RLIMIT_NOFILE);
	ck_assert_str_eq(p->rlimits[0].name, "RLIMIT_NOFILE");
	ck_assert_uint_eq(p->rlimits[0].soft, 1024);
	ck_assert_uint_eq(p->rlimits[0].hard, 4096);
	ck_assert_uint_eq(p->rlimits[1].soft, UINT64_MAX);
	ck_assert(p->has_oom_score_adj);
	ck_assert_int_eq(p->oom_score_adj, -5);
	ck_assert_str_eq(p->apparmor_profile, "prof");
	ck_assert_ptr_null(p->selinux_label);
	ck_assert(p->scheduler.present);
	ck_assert_uint_eq(p->scheduler.policy, SCHED_DEADLINE);
	ck_assert_uint_eq(p->scheduler.flags, 3);
	ck_assert_uint_eq(p->scheduler.period, 3);
	ck_assert(p->has_io_priority);
	ck_assert_int_eq(p->io_priority, 1 << 13 | 3);
	ck_assert_str_eq(p->affinity_initial, "0-1");
	ck_assert_str_eq(p->affinity_final, "7,1-3,5");
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(process_alone)
{
	static const char text[] = "{\"args\":[\"a\",\"b\"],\"cwd\":\"/x\",\"env\":[\"A=b\"]}";
	static const char bad[] = "{\"args\":[\"a\"],\"cwd\":\"x\"}";
	struct ctr_process p = { 0 };
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_parse(text, strlen(text), "process.json", &doc, &err), 0);
	ck_assert_int_eq(ctr_spec_parse_process(&doc, doc.root, &p, &err), 0);
	ck_assert(p.present);
	ck_assert_uint_eq(p.n_args, 2);
	ck_assert_str_eq(p.args[1], "b");
	ck_assert_str_eq(p.cwd, "/x");
	ck_assert_str_eq(p.env[0], "A=b");
	cs_json_fini(&doc);

	memset(&p, 0, sizeof(p));
	ck_assert_int_eq(cs_json_parse(bad, strlen(bad), "process.json", &doc, &err), 0);
	ck_assert_int_eq(ctr_spec_parse_process(&doc, doc.root, &p, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "cwd: \"x\" is not an absolute path");
	ck_assert(!p.present);
	cs_json_fini(&doc);

	cs_err_clear(&err);
	ck_assert_int_eq(cs_json_parse("7", 1, "process.json", &doc, &err), 0);
	ck_assert_int_eq(ctr_spec_parse_process(&doc, doc.root, &p, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "must be an object");
	cs_json_fini(&doc);
}
END_TEST

START_TEST(cap_names)
{
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		const char *name = ctr_spec_cap_name(i);

		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(strncmp(name, "CAP_", 4), 0);
		ck_assert_int_eq(ctr_spec_cap_by_name(name), i);
		ck_assert_int_eq(ctr_spec_cap_by_name(name + 4), i);
	}
	ck_assert_ptr_null(ctr_spec_cap_name(CAP_LAST_CAP + 1));
	ck_assert_ptr_null(ctr_spec_cap_name(-1));
	ck_assert_int_eq(ctr_spec_cap_by_name("cap_sys_admin"), CAP_SYS_ADMIN);
	ck_assert_int_eq(ctr_spec_cap_by_name("Sys_Admin"), CAP_SYS_ADMIN);
	ck_assert_int_eq(ctr_spec_cap_by_name(""), -1);
	ck_assert_int_eq(ctr_spec_cap_by_name("CAP_"), -1);
	ck_assert_int_eq(ctr_spec_cap_by_name("CAP_CHOWNER"), -1);
}
END_TEST

UNIT_MAIN("runtime/spec_process", process_rows, limits_rows, env_last_counts, process_parsed,
	  process_alone, cap_names)
