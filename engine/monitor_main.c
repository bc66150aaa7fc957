#include <stdlib.h>

#include "base/err.h"
#include "engine/bring.h"
#include "engine/life.h"
#include "engine/monitor.h"
#include "runtime/ns/self.h"

/* libexec/caisson/monitor: see engine/monitor.h. */

int main(int argc, char **argv)
{
	static const struct eng_mon_ops ops = {
		.bring = eng_bring,
		.take_down = eng_take_down,
		.remove = eng_remove_own,
	};
	struct cs_err err = CS_ERR_INIT;

	if (argc != 4)
		return EXIT_FAILURE;
	/* what it runs must not reach this binary (CVE-2019-5736) */
	if (ctr_self_seal(argv, &err) < 0)
		return EXIT_FAILURE;
	return eng_monitor(argv, &ops);
}
