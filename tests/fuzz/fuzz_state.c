/* state.json: what is accepted can be written and read again to the same, and its fields are as
 * runtime/state.h says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void same(const char *a, const char *b)
{
	need(!a == !b);
	need(!a || strcmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct ctr_state st = { 0 }, again = { 0 };
	char *text = NULL;
	size_t len = 0;

	if (ctr_state_parse((const char *)data, size, &st, &err) < 0) {
		need(err.code > 0 && err.msg[0] && !st.id);
		return 0;
	}
	need(st.id && st.bundle && st.rootfs && st.oci_version && st.wall && st.pid >= 0);
	need(ctr_id_check(st.id, &err) == 0);
	need(ctr_state_text(&st, &text, &len, &err) == 0);
	need(ctr_state_parse(text, len, &again, &err) == 0);
	same(st.id, again.id);
	same(st.bundle, again.bundle);
	same(st.cgroup, again.cgroup);
	same(st.owner, again.owner);
	need(st.pid == again.pid && st.start_time == again.start_time &&
	     st.created_ns == again.created_ns && st.own_pidns == again.own_pidns);
	free(text);
	ctr_state_fini(&st);
	ctr_state_fini(&again);
	return 0;
}
