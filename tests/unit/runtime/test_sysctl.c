#include "runtime/ns/sysctl.h"
#include "tests/unit/runtime/mntfix.h"

/* One sysctl in a container with all namespaces, or all but one. */
static int check(const char *key, int without, struct cs_err *err)
{
	const struct ctr_kv kv = { key, "1" };
	struct ctr_spec spec = { .sysctl = &kv, .n_sysctl = 1 };

	for (int i = 0; i < CTR_NS_COUNT; i++)
		spec.ns[i].present = i != without;
	return ctr_sysctl_check(&spec, err);
}

START_TEST(namespaced_ones_need_their_namespace)
{
	static const struct {
		const char *key;
		enum ctr_ns ns;
		const char *ns_name;
	} cases[] = {
		{ "net.ipv4.ip_forward", CTR_NS_NETWORK, "network" },
		{ "net.ipv4.conf.eth0/100.rp_filter", CTR_NS_NETWORK, "network" },
		{ "net/ipv4/conf/eth0.100/rp_filter", CTR_NS_NETWORK, "network" },
		{ "kernel.msgmax", CTR_NS_IPC, "ipc" },
		{ "kernel.msgmnb", CTR_NS_IPC, "ipc" },
		{ "kernel.msgmni", CTR_NS_IPC, "ipc" },
		{ "kernel.sem", CTR_NS_IPC, "ipc" },
		{ "kernel.shmall", CTR_NS_IPC, "ipc" },
		{ "kernel.shmmax", CTR_NS_IPC, "ipc" },
		{ "kernel.shmmni", CTR_NS_IPC, "ipc" },
		{ "kernel.shm_rmid_forced", CTR_NS_IPC, "ipc" },
		{ "kernel/shm_rmid_forced", CTR_NS_IPC, "ipc" },
		{ "fs.mqueue.msg_max", CTR_NS_IPC, "ipc" },
		{ "kernel.domainname", CTR_NS_UTS, "uts" },
		{ "kernel.hostname", CTR_NS_UTS, "uts" },
		{ "user.max_user_namespaces", CTR_NS_USER, "user" },
	};
	struct cs_err err = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(cases); i++) {
		int r = check(cases[i].key, -1, &err);

		ck_assert_msg(r == 0, "%s: %s", cases[i].key, err.msg);
		r = check(cases[i].key, (int)cases[i].ns, &err);
		ck_assert_msg(r == -EINVAL, "%s without its namespace: %d", cases[i].key, r);
		ck_assert_ptr_nonnull(strstr(err.msg, cases[i].key));
		ck_assert_ptr_nonnull(strstr(err.msg, cases[i].ns_name));
		cs_err_clear(&err);
	}
}
END_TEST

START_TEST(the_hosts_are_refused)
{
	static const char *const keys[] = {
		"kernel.core_pattern",
		"kernel.panic",
		"vm.swappiness",
		"fs.file-max",
		"fs.mqueue", /* a folder */
		"net",
		"kernel.semaphore",
		"kernel/sem/x",
		"netx.ipv4",
		/* ways to another name */
		"net.//.kernel.core_pattern",
		"net/../kernel/core_pattern",
		"net..kernel",
		"net/./ipv4",
		"net.ipv4.",
		"net/",
		"/net/ipv4/ip_forward",
		".net.ipv4",
		"",
		"..",
	};
	struct cs_err err = CS_ERR_INIT;

	for (size_t i = 0; i < CS_LEN(keys); i++) {
		int r = check(keys[i], -1, &err);

		ck_assert_msg(r == -EINVAL, "\"%s\" is allowed", keys[i]);
		ck_assert_ptr_nonnull(strstr(err.msg, "linux.sysctl."));
		cs_err_clear(&err);
	}
}
END_TEST

START_TEST(hostname_has_a_field_of_its_own)
{
	static const struct ctr_kv kv = { "kernel.hostname", "x" };
	struct ctr_spec spec = { .sysctl = &kv, .n_sysctl = 1, .hostname = "y" };
	struct cs_err err = CS_ERR_INIT;

	spec.ns[CTR_NS_UTS].present = true;
	ck_assert_int_eq(ctr_sysctl_check(&spec, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "field hostname"));
}
END_TEST

START_TEST(values_are_written)
{
	static const struct ctr_kv kv[] = {
		{ "net.ipv4.ip_forward", "1" },
		{ "net/ipv4/conf/lo/rp_filter", "2" },
		{ "kernel.domainname", "example" },
		{ "kernel.shmmni", "123" },
	};
	struct fix f;
	int r;

	fix_init(&f, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
	f.spec.sysctl = kv;
	f.spec.n_sysctl = CS_LEN(kv);
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	r = ctr_sysctl_apply(&f.spec, f.s.proc, &f.err);
	fix_ok(&f, r);
	ck_assert_str_eq(fix_text("/proc/sys/net/ipv4/ip_forward"), "1\n");
	ck_assert_str_eq(fix_text("/proc/sys/net/ipv4/conf/lo/rp_filter"), "2\n");
	ck_assert_str_eq(fix_text("/proc/sys/kernel/domainname"), "example\n");
	ck_assert_str_eq(fix_text("/proc/sys/kernel/shmmni"), "123\n");
	fix_fini(&f);
}
END_TEST

START_TEST(refusals_are_named)
{
	struct ctr_kv kv = { "net.ipv4.ip_forward", "many" };
	struct fix f;
	int r;

	fix_init(&f, CLONE_NEWNET);
	f.spec.sysctl = &kv;
	f.spec.n_sysctl = 1;
	fix_step_ok(&f, STEP_ATTACH | STEP_PROC);
	r = ctr_sysctl_apply(&f.spec, f.s.proc, &f.err);
	fix_failed(&f, r, EINVAL, "linux.sysctl.net.ipv4.ip_forward", "many");
	kv = (struct ctr_kv){ "net.ipv4.nothing", "1" };
	r = ctr_sysctl_apply(&f.spec, f.s.proc, &f.err);
	fix_failed(&f, r, ENOENT, "linux.sysctl.net.ipv4.nothing", "");
	fix_fini(&f);
}
END_TEST

CHILD_MAIN("runtime/ns/sysctl", namespaced_ones_need_their_namespace, the_hosts_are_refused,
	   hostname_has_a_field_of_its_own, values_are_written, refusals_are_named)
