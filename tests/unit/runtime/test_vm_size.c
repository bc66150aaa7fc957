#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/vm/host.h"
#include "tests/unit/unit.h"

static void set(struct cg_resources *r, enum cg_field f, int64_t v)
{
	r->has |= UINT64_C(1) << f;
	r->num[f] = v;
}

/* A machine is as large as the limits, with something for its kernel, or as a default. */
START_TEST(test_size)
{
	struct ctr_spec spec = { 0 };

	ck_assert_uint_eq(ctr_vm_cpus(&spec), 1);
	ck_assert_uint_eq(ctr_vm_memory(&spec), UINT64_C(512) << 20);
	set(&spec.resources, CG_CPU_QUOTA, 150000);
	set(&spec.resources, CG_MEMORY_LIMIT, (INT64_C(100) << 20) + 1);
	ck_assert_uint_eq(ctr_vm_cpus(&spec), 2);
	ck_assert_uint_eq(ctr_vm_memory(&spec), UINT64_C(230) << 20);
	spec.vm.vcpus = 3;
	spec.vm.memory = UINT64_C(64) << 20;
	ck_assert_uint_eq(ctr_vm_cpus(&spec), 3);
	ck_assert_uint_eq(ctr_vm_memory(&spec), UINT64_C(64) << 20);
}
END_TEST

/* A change fits where the machine has what it asks for; no limit at all does. */
START_TEST(test_fits)
{
	static const struct {
		enum cg_field f;
		int64_t v;
		bool fits;
	} t[] = {
		{ CG_MEMORY_LIMIT, INT64_C(512) << 20, true },
		{ CG_MEMORY_LIMIT, INT64_C(513) << 20, false },
		{ CG_MEMORY_LIMIT, INT64_MAX, false },
		{ CG_MEMORY_LIMIT, -1, true },
		{ CG_CPU_QUOTA, 100000, true },
		{ CG_CPU_QUOTA, 100001, false },
		{ CG_CPU_QUOTA, -1, true },
		{ CG_PIDS_LIMIT, INT64_MAX, true },
	};

	for (size_t i = 0; i < CS_LEN(t); i++) {
		const struct ctr_spec spec = { 0 };
		struct cg_resources res = { 0 };
		struct cs_err err = CS_ERR_INIT;

		set(&res, t[i].f, t[i].v);
		ck_assert_msg(ctr_vm_fits(&spec, &res, &err) == (t[i].fits ? 0 : -ENOTSUP),
			      "row %zu: %s", i, err.msg);
	}
}
END_TEST

/* What the agent is told is as a config.json has it; what it does not change is refused. */
START_TEST(test_resources)
{
	const struct cg_unified u = { "memory.high", "max" };
	cs_auto_jw struct cs_jw w = CS_JW_INIT, none = CS_JW_INIT;
	struct cg_resources res = { 0 };
	cs_auto_free char *text = NULL;
	struct cs_err err = CS_ERR_INIT;

	set(&res, CG_MEMORY_LIMIT, 5);
	set(&res, CG_CPU_PERIOD, 6);
	set(&res, CG_PIDS_LIMIT, -1);
	cs_jw_obj(&w, NULL);
	ck_assert_int_eq(ctr_vm_put_resources(&w, &res, &err), 0);
	cs_jw_obj_end(&w);
	ck_assert_int_eq(cs_jw_take(&w, &text, NULL, &err), 0);
	ck_assert_str_eq(text, "{\"resources\":{\"memory\":{\"limit\":5},"
			       "\"cpu\":{\"period\":6},\"pids\":{\"limit\":-1}}}");
	set(&res, CG_BLKIO_WEIGHT, 100);
	cs_jw_obj(&none, NULL);
	ck_assert_int_eq(ctr_vm_put_resources(&none, &res, &err), -ENOTSUP);
	cs_err_clear(&err);
	res = (struct cg_resources){ .unified = &u, .n_unified = 1 };
	ck_assert_int_eq(ctr_vm_put_resources(&none, &res, &err), -ENOTSUP);
}
END_TEST

static int parse(const char *text, struct ctr_procs *out)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_parse(text, strlen(text), "t", &doc, &err), 0);
	return ctr_vm_procs_parse(&doc, out, &err);
}

/* The guest's list is made plain, and refused where its form is wrong. */
START_TEST(test_procs)
{
	static const char *const bad[] = { "{\"processes\":1}", "{\"processes\":[{\"pid\":\"x\"}]}",
					   "{\"processes\":[{\"pid\":99999999999}]}",
					   "{\"processes\":[{\"age\":-1}]}",
					   "{\"processes\":[{\"cmd\":[]}]}" };
	struct ctr_procs p = { 0 };

	ck_assert_int_eq(parse("{\"processes\":[{\"pid\":7,\"ppid\":1,\"uid\":5,\"start\":-3,"
			       "\"age\":2,\"time\":1,\"tty\":\"pts/0\",\"cmd\":\"a\\u001b[2Jb\"}]}",
			       &p),
			 0);
	ck_assert_uint_eq(p.n, 1);
	ck_assert_int_eq(p.v[0].pid, 7);
	ck_assert_str_eq(p.v[0].cmd, "a?[2Jb");
	ck_assert_str_eq(p.v[0].tty, "pts/0");
	cs_json_fini(&p.doc);
	ck_assert_int_eq(parse("{}", &p), 0);
	ck_assert_uint_eq(p.n, 0);
	cs_json_fini(&p.doc);
	for (size_t i = 0; i < CS_LEN(bad); i++)
		ck_assert_int_eq(parse(bad[i], &p), -EINVAL);
}
END_TEST

UNIT_MAIN("runtime/vm_size", test_size, test_fits, test_resources, test_procs)
