#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/cleanup.h"
#include "tests/unit/runtime/spec_rows.h"

#define SECCOMP(x) LINUX("'seccomp':{" x "}")
#define ALLOW(x) SECCOMP("'defaultAction':'SCMP_ACT_ALLOW'" x)
#define RULE(x) ALLOW(",'syscalls':[{" x "}]")
#define ARG(x) RULE("'names':['a'],'action':'SCMP_ACT_ERRNO','args':[{" x "}]")

START_TEST(seccomp_rows)
{
	static const struct spec_row rows[] = {
		{ SECCOMP(""), NULL },
		{ SECCOMP("'defaultAction':'','syscalls':[]"), NULL },
		{ SECCOMP("'syscalls':[{'names':['a'],'action':'SCMP_ACT_ALLOW'}]"),
		  "linux.seccomp.defaultAction: missing" },
		{ SECCOMP("'syscalls':7"), "linux.seccomp.syscalls: must be an array" },
		{ LINUX("'seccomp':'x'"), "linux.seccomp: must be an object" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_X'"),
		  "linux.seccomp.defaultAction: \"SCMP_ACT_X\" is not known, only SCMP_ACT_ALLOW, "
		  "SCMP_ACT_ERRNO, SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, "
		  "SCMP_ACT_LOG, SCMP_ACT_NOTIFY, SCMP_ACT_TRACE, SCMP_ACT_TRAP" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/s'"),
		  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default" },
		{ ALLOW(",'defaultErrnoRet':1"),
		  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW has no errno to return" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4095"), NULL },
		{ SECCOMP("'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4096"),
		  "linux.seccomp.defaultErrnoRet: must be from 0 to 4095" },
		{ SECCOMP("'defaultAction':'SCMP_ACT_TRACE','defaultErrnoRet':65535"), NULL },
		{ SECCOMP("'defaultAction':'SCMP_ACT_TRACE','defaultErrnoRet':65536"),
		  "linux.seccomp.defaultErrnoRet: must be from 0 to 65535" },
		{ ALLOW(",'architectures':['SCMP_ARCH_LOONGARCH64','SCMP_ARCH_M68K','SCMP_ARCH_SH',"
			"'SCMP_ARCH_SHEB','SCMP_ARCH_X86_64']"),
		  NULL },
		{ ALLOW(",'architectures':['SCMP_ARCH_Z80']"),
		  "linux.seccomp.architectures[0]: \"SCMP_ARCH_Z80\" is not known" },
		{ ALLOW(",'architectures':'x'"), "linux.seccomp.architectures: must be an array" },
		{ ALLOW(",'architectures':[7]"),
		  "linux.seccomp.architectures[0]: must be a string" },
		{ ALLOW(",'flags':['SECCOMP_FILTER_FLAG_NEW_LISTENER']"),
		  "linux.seccomp.flags[0]: \"SECCOMP_FILTER_FLAG_NEW_LISTENER\" is not known, only "
		  "SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW, "
		  "SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" },
		{ ALLOW(",'listenerMetadata':'m'"),
		  "linux.seccomp.listenerMetadata: must not be set without listenerPath" },
		{ ALLOW(",'listenerPath':'s'"),
		  "linux.seccomp.listenerPath: \"s\" is not an absolute path" },
		{ RULE("'names':['a'],'action':'SCMP_ACT_NOTIFY'"),
		  "linux.seccomp: listenerPath: missing, SCMP_ACT_NOTIFY needs it" },
		{ RULE("'action':'SCMP_ACT_ALLOW'"), "linux.seccomp.syscalls[0].names: missing" },
		{ RULE("'names':[],'action':'SCMP_ACT_ALLOW'"),
		  "linux.seccomp.syscalls[0].names: must not be empty" },
		{ RULE("'names':[7],'action':'SCMP_ACT_ALLOW'"),
		  "linux.seccomp.syscalls[0].names[0]: must be a string" },
		{ RULE("'names':['a']"), "linux.seccomp.syscalls[0].action: missing" },
		{ RULE("'names':['a'],'action':'SCMP_ACT_LOG','errnoRet':1"),
		  "linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_LOG has no errno to return" },
		{ RULE("'names':['a'],'action':'SCMP_ACT_ERRNO','errnoRet':-1"),
		  "linux.seccomp.syscalls[0].errnoRet: must be from 0 to 4095" },
		{ ALLOW(",'syscalls':['a']"), "linux.seccomp.syscalls[0]: must be an object" },
		{ ARG("'index':5,'value':18446744073709551615,'op':'SCMP_CMP_EQ'"), NULL },
		{ ARG("'index':6,'value':1,'op':'SCMP_CMP_EQ'"),
		  "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5" },
		{ ARG("'value':1,'op':'SCMP_CMP_EQ'"),
		  "linux.seccomp.syscalls[0].args[0].index: missing" },
		{ ARG("'index':1,'op':'SCMP_CMP_EQ'"),
		  "linux.seccomp.syscalls[0].args[0].value: missing" },
		{ ARG("'index':1,'value':1"), "linux.seccomp.syscalls[0].args[0].op: missing" },
		{ ARG("'index':1,'value':18446744073709551616,'op':'SCMP_CMP_EQ'"),
		  "linux.seccomp.syscalls[0].args[0].value: must be from 0 to "
		  "18446744073709551615" },
		{ ARG("'index':1,'value':1,'valueTwo':-1,'op':'SCMP_CMP_EQ'"),
		  "linux.seccomp.syscalls[0].args[0].valueTwo: must be from 0 to "
		  "18446744073709551615" },
		{ ARG("'index':1,'value':1,'op':'SCMP_CMP_X'"),
		  "linux.seccomp.syscalls[0].args[0].op: \"SCMP_CMP_X\" is not known, only "
		  "SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_LE, SCMP_CMP_LT, "
		  "SCMP_CMP_MASKED_EQ, SCMP_CMP_NE" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

static struct ctr_spec parsed(const char *text)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(spec_parse(text, &s, &err) == 0, "%s", err.msg);
	return s;
}

START_TEST(seccomp_parsed)
{
	struct ctr_spec s = parsed(SECCOMP(
		"'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'architectures':["
		"'SCMP_ARCH_X86','SCMP_ARCH_SHEB','SCMP_ARCH_AARCH64'],'flags':["
		"'SECCOMP_FILTER_FLAG_LOG','SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],"
		"'listenerPath':'/s','listenerMetadata':'m','syscalls':[{'names':['a','b'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':1,'value':2,'valueTwo':3,'op':"
		"'SCMP_CMP_MASKED_EQ'},{'index':0,'value':1,'op':'SCMP_CMP_NE'}]},{'names':["
		"'c'],'action':'SCMP_ACT_NOTIFY'},{'names':['d'],'action':'SCMP_ACT_TRACE',"
		"'errnoRet':7},{'names':['e'],'action':'SCMP_ACT_ERRNO'}]"));
	const struct ctr_seccomp *sc = &s.seccomp;

	ck_assert(sc->present && sc->uses_notify);
	ck_assert_uint_eq(sc->default_action, SCMP_ACT_ERRNO(38));
	ck_assert_uint_eq(sc->archs[0], SCMP_ARCH_X86);
#ifndef SCMP_ARCH_SHEB
	ck_assert_uint_eq(sc->n_archs, 2);
	ck_assert_uint_eq(sc->archs[1], SCMP_ARCH_AARCH64);
#endif
	ck_assert_uint_eq(sc->filter_flags,
			  SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	ck_assert_str_eq(sc->listener_path, "/s");
	ck_assert_str_eq(sc->listener_metadata, "m");
	ck_assert_uint_eq(sc->n_rules, 4);
	ck_assert_uint_eq(sc->rules[0].n_names, 2);
	ck_assert_str_eq(sc->rules[0].names[1], "b");
	ck_assert_ptr_null(sc->rules[0].names[2]);
	ck_assert_uint_eq(sc->rules[0].action, SCMP_ACT_ALLOW);
	ck_assert_uint_eq(sc->rules[0].n_args, 2);
	ck_assert_uint_eq(sc->rules[0].args[0].index, 1);
	ck_assert_uint_eq(sc->rules[0].args[0].value, 2);
	ck_assert_uint_eq(sc->rules[0].args[0].value_two, 3);
	ck_assert_int_eq(sc->rules[0].args[0].op, SCMP_CMP_MASKED_EQ);
	ck_assert_int_eq(sc->rules[0].args[1].op, SCMP_CMP_NE);
	ck_assert_uint_eq(sc->rules[1].action, SCMP_ACT_NOTIFY);
	ck_assert_uint_eq(sc->rules[2].action, SCMP_ACT_TRACE(7));
	ck_assert_uint_eq(sc->rules[3].action, SCMP_ACT_ERRNO(EPERM));
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(seccomp_defaults)
{
	struct ctr_spec s = parsed(ALLOW(""));

	ck_assert(s.seccomp.present && !s.seccomp.uses_notify);
	ck_assert_uint_eq(s.seccomp.default_action, SCMP_ACT_ALLOW);
	ck_assert_uint_eq(s.seccomp.filter_flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	ck_assert_uint_eq(s.seccomp.n_archs, 0);
	ctr_spec_fini(&s);

	s = parsed(ALLOW(",'flags':[]"));
	ck_assert_uint_eq(s.seccomp.filter_flags, 0);
	ctr_spec_fini(&s);

	/* of no use without a listener, and refused by the kernel */
	s = parsed(ALLOW(",'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']"));
	ck_assert_uint_eq(s.seccomp.filter_flags, 0);
	ctr_spec_fini(&s);

	s = parsed(SECCOMP(""));
	ck_assert(!s.seccomp.present);
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(tables_sorted)
{
	static const struct ctr_names *const tables[] = {
		&ctr_spec_seccomp_actions, &ctr_spec_seccomp_archs, &ctr_spec_seccomp_flags,
		&ctr_spec_seccomp_ops,	   &ctr_spec_mpol_modes,    &ctr_spec_mpol_flags,
	};

	for (size_t i = 0; i < CS_LEN(tables); i++) {
		ck_assert_uint_gt(tables[i]->n, 0);
		for (size_t j = 1; j < tables[i]->n; j++)
			ck_assert_int_lt(strcmp(tables[i]->v[j - 1].name, tables[i]->v[j].name), 0);
	}
}
END_TEST

UNIT_MAIN("runtime/spec_seccomp", seccomp_rows, seccomp_parsed, seccomp_defaults, tables_sorted)
