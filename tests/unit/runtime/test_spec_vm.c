#include "base/cleanup.h"
#include "tests/unit/runtime/spec_rows.h"

#define VM(x) CFG(",'vm':{" x "}")
#define KERNEL(x) VM("'kernel':{'path':'/k'}" x)
#define HW(x) KERNEL(",'hwConfig':{" x "}")

START_TEST(vm_rows)
{
	static const struct spec_row rows[] = {
		{ KERNEL(""), NULL },
		{ VM(""), "vm.kernel: missing" },
		{ VM("'kernel':{}"), "vm.kernel.path: missing" },
		{ VM("'kernel':{'path':'k'}"), "vm.kernel.path: \"k\" is not an absolute path" },
		{ VM("'kernel':{'path':'/k','parameters':'a b'}"),
		  "vm.kernel.parameters: must be an array" },
		{ VM("'kernel':{'path':'/k','initrd':'i'}"),
		  "vm.kernel.initrd: \"i\" is not an absolute path" },
		{ KERNEL(",'hypervisor':{}"), "vm.hypervisor.path: missing" },
		{ KERNEL(",'hypervisor':{'path':'h'}"),
		  "vm.hypervisor.path: \"h\" is not an absolute path" },
		{ KERNEL(",'hypervisor':{'path':'/h','parameters':[1]}"),
		  "vm.hypervisor.parameters[0]: must be a string" },
		{ KERNEL(",'image':{'path':'/i','format':'raw'}"), NULL },
		{ KERNEL(",'image':{'format':'raw'}"), "vm.image.path: missing" },
		{ KERNEL(",'image':{'path':'/i'}"), "vm.image.format: missing" },
		{ KERNEL(",'image':{'path':'/i','format':'iso'}"),
		  "vm.image.format: \"iso\" is not known, only qcow2, raw, vdi, vhd, vmdk" },
		{ HW(""), NULL },
		{ HW("'vcpus':0"), "vm.hwConfig.vcpus: must not be 0" },
		{ HW("'vcpus':4294967296"), "vm.hwConfig.vcpus: must be from 0 to 4294967295" },
		{ HW("'memory':0"), "vm.hwConfig.memory: must not be 0" },
		{ HW("'memory':'1G'"), "vm.hwConfig.memory: must be a number" },
		{ HW("'deviceTree':'d'"), "vm.hwConfig.deviceTree: \"d\" is not an absolute path" },
		{ HW("'dtdevs':{}"), "vm.hwConfig.dtdevs: must be an array" },
		{ HW("'iomems':[{'nrMFNs':1}]"), "vm.hwConfig.iomems[0].firstMFN: missing" },
		{ HW("'iomems':[{'firstMFN':1}]"), "vm.hwConfig.iomems[0].nrMFNs: missing" },
		{ HW("'iomems':[{'firstGFN':'x','firstMFN':1,'nrMFNs':1}]"),
		  "vm.hwConfig.iomems[0].firstGFN: must be a number" },
		{ HW("'irqs':[1,4294967296]"),
		  "vm.hwConfig.irqs[1]: must be from 0 to 4294967295" },
		{ HW("'irqs':7"), "vm.hwConfig.irqs: must be an array" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

START_TEST(vm_parsed)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int rc;

	rc = spec_parse(
		VM("'hypervisor':{'path':'/h','parameters':['a','b']},'kernel':{'path':'/k',"
		   "'parameters':['quiet'],'initrd':'/i'},'image':{'path':'/img','format':'qcow2'},"
		   "'hwConfig':{'vcpus':2,'memory':1073741824,'deviceTree':'/dt','dtdevs':['d'],"
		   "'iomems':[{'firstGFN':1,'firstMFN':2,'nrMFNs':3},{'firstMFN':4,'nrMFNs':5}],"
		   "'irqs':[33,34]}"),
		&s, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert(s.vm.present);
	ck_assert_str_eq(s.vm.hypervisor_path, "/h");
	ck_assert_str_eq(s.vm.hypervisor_parameters[1], "b");
	ck_assert_str_eq(s.vm.kernel_path, "/k");
	ck_assert_str_eq(s.vm.kernel_parameters[0], "quiet");
	ck_assert_str_eq(s.vm.kernel_initrd, "/i");
	ck_assert_str_eq(s.vm.image_path, "/img");
	ck_assert_str_eq(s.vm.image_format, "qcow2");
	ck_assert_uint_eq(s.vm.vcpus, 2);
	ck_assert_uint_eq(s.vm.memory, 1073741824);
	ck_assert_str_eq(s.vm.device_tree, "/dt");
	ck_assert_str_eq(s.vm.dtdevs[0], "d");
	ck_assert_uint_eq(s.vm.n_iomems, 2);
	ck_assert(s.vm.iomems[0].has_first_gfn && !s.vm.iomems[1].has_first_gfn);
	ck_assert_uint_eq(s.vm.iomems[0].first_gfn, 1);
	ck_assert_uint_eq(s.vm.iomems[1].first_mfn, 4);
	ck_assert_uint_eq(s.vm.iomems[1].n_mfns, 5);
	ck_assert_uint_eq(s.vm.n_irqs, 2);
	ck_assert_uint_eq(s.vm.irqs[1], 34);
	ctr_spec_fini(&s);
}
END_TEST

UNIT_MAIN("runtime/spec_vm", vm_rows, vm_parsed)
