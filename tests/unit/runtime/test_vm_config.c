#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/vm/host.h"
#include "tests/unit/unit.h"

#define HEAD                                                                     \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\",\"readonly\":true}," \
	"\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"user\":{\"uid\":0,\"gid\":0}},"
#define OWN                                                         \
	"{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}," \
	"{\"type\":\"network\"}"
#define LINUX(x) HEAD "\"linux\":{" x "}}"

static void parse(const char *text, struct ctr_spec *spec)
{
	struct cs_err err = CS_ERR_INIT;
	int ret = ctr_spec_parse(text, strlen(text), spec, &err);

	ck_assert_msg(ret == 0, "%s", err.msg);
}

/* What the machine is told: the host's part is gone, sources are as the machine sees them. */
START_TEST(test_config)
{
	static const char text[] = HEAD
		"\"hostname\":\"h\",\"annotations\":{\"k\":\"v\"},"
		"\"hooks\":{\"poststop\":[{\"path\":\"/bin/true\"}]},"
		"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		"{\"destination\":\"/data\",\"source\":\"/srv\",\"options\":[\"rbind\",\"ro\"]}],"
		"\"linux\":{\"cgroupsPath\":\"/x/y\",\"maskedPaths\":[\"/proc/kcore\"],"
		"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{"
		"\"type\":\"network\","
		"\"path\":\"/n\"},"
		"{\"type\":\"mount\"}]}}";
	static const char wanted[] =
		"{\"do\":\"create\",\"config\":{\"ociVersion\":\"1.3.0\","
		"\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"user\":{\"uid\":0,\"gid\":0}},"
		"\"hostname\":\"h\",\"annotations\":{\"k\":\"v\"},"
		"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		"{\"destination\":\"/data\",\"options\":[\"rbind\",\"ro\"],"
		"\"source\":\"/run/host/m1\"}],"
		"\"linux\":{\"maskedPaths\":[\"/proc/kcore\"],"
		"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{"
		"\"type\":\"mount\"},"
		"{\"type\":\"network\",\"path\":\"/proc/1/ns/net\"}]},"
		"\"root\":{\"path\":\"/run/host/rootfs\",\"readonly\":true}},"
		"\"net\":[{\"mac\":\"02:00:00:00:00:01\",\"name\":\"eth0\",\"mtu\":1500,"
		"\"addresses\":[\"10.0.0.2/24\",\"fd00::2/64\"]}]}";
	static const char *const addresses[] = { "10.0.0.2/24", "fd00::2/64", NULL };
	const struct ctr_nic nic = {
		.mac = "02:00:00:00:00:01", .name = "eth0", .mtu = 1500, .addresses = addresses
	};
	struct cs_err err = CS_ERR_INIT;
	struct ctr_spec spec = { 0 };
	char *out = NULL;
	size_t len;

	parse(text, &spec);
	ck_assert_int_eq(ctr_vm_check(&spec, &err), 0);
	ck_assert_int_eq(ctr_vm_config(&spec, &nic, 1, &out, &len, &err), 0);
	ck_assert_str_eq(out, wanted);
	ck_assert_uint_eq(len, strlen(wanted));
	free(out);
	ctr_spec_fini(&spec);
}
END_TEST

/* What a machine cannot have is refused by its name. */
START_TEST(test_refused)
{
	static const char *const rows[][2] = {
		{ LINUX("\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]"),
		  "linux.namespaces without \"ipc\"" },
		{ LINUX("\"namespaces\":[{\"type\":\"mount\"}," OWN
			",{\"type\":\"time\",\"path\":\"/p\"}]"),
		  "linux.namespaces \"time\"" },
		{ LINUX("\"namespaces\":[{\"type\":\"mount\"}," OWN ",{\"type\":\"user\"}],"
			"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}],"
			"\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]"),
		  "linux.namespaces \"user\"" },
		{ LINUX("\"namespaces\":[{\"type\":\"mount\"}," OWN "],"
			"\"devices\":[{\"path\":\"/dev/"
			"x\",\"type\":\"c\",\"major\":1,\"minor\":1}]"),
		  "linux.devices" },
		{ LINUX("\"namespaces\":[{\"type\":\"mount\"}," OWN "],\"mountLabel\":\"m\""),
		  "process.selinuxLabel" },
		{ HEAD "\"hooks\":{\"startContainer\":[{\"path\":\"/x\"}]},"
		       "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}," OWN "]}}",
		  "hooks" },
		{ HEAD "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}," OWN "]},"
		       "\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hypervisor\":{\"path\":\"/h\"}}}",
		  "vm" },
	};

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct ctr_spec spec = { 0 };

		parse(rows[i][0], &spec);
		ck_assert_int_eq(ctr_vm_check(&spec, &err), -ENOTSUP);
		ck_assert_msg(strncmp(err.msg, rows[i][1], strlen(rows[i][1])) == 0, "%s", err.msg);
		ctr_spec_fini(&spec);
	}
}
END_TEST

UNIT_MAIN("runtime/vm_config", test_config, test_refused)
