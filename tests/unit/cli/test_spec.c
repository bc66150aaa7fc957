/* The config.json of `spec` is one that `run` takes. */
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/oci.h"
#include "runtime/spec.h"
#include "tests/unit/unit.h"

START_TEST(test_is_valid)
{
	cs_auto_free char *text = NULL;
	struct ctr_spec spec = { 0 };
	struct cs_err err = CS_ERR_INIT;
	size_t len = 0;

	ck_assert_int_eq(cli_oci_spec_text(&text, &len, &err), 0);
	ck_assert_msg(ctr_spec_parse(text, len, &spec, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(spec.oci_version, "1.3.0");
	ck_assert_str_eq(spec.root_path, "rootfs");
	ck_assert(spec.root_readonly);
	ck_assert(spec.process.present);
	ck_assert(spec.process.terminal);
	ck_assert_str_eq(spec.process.args[0], "sh");
	ck_assert_uint_eq(spec.process.n_args, 1);
	ck_assert(spec.process.no_new_privileges);
	ck_assert_uint_eq(spec.process.caps.ambient, 0);
	ck_assert_uint_eq(spec.process.caps.inheritable, 0);
	ck_assert_uint_eq(spec.process.caps.bounding, spec.process.caps.permitted);
	ck_assert_uint_eq(spec.process.n_rlimits, 1);
	ck_assert_int_eq(spec.process.rlimits[0].resource, RLIMIT_NOFILE);
	ck_assert_uint_eq(spec.n_mounts, 7);
	for (int ns = 0; ns < CTR_NS_COUNT; ns++)
		ck_assert_msg(spec.ns[ns].present == (ns != CTR_NS_USER && ns != CTR_NS_TIME), "%s",
			      ctr_ns_table[ns].name);
	ck_assert_uint_eq(spec.resources.n_devices, 1);
	ck_assert(!spec.resources.devices[0].allow);
	ctr_spec_fini(&spec);
}
END_TEST

UNIT_MAIN("cli/spec", test_is_valid)
