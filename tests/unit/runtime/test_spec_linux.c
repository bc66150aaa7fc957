#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "tests/unit/runtime/spec_rows.h"

#define NSPACES(x) LINUX("'namespaces':[" x "]")
#define USERNS(x) LINUX("'namespaces':[{'type':'user'}]," x)
#define ID(c, h, s) "{'containerID':" c ",'hostID':" h ",'size':" s "}"
#define UIDS(x) USERNS("'gidMappings':" MAPS ",'uidMappings':" x)
#define TIMENS(x) LINUX("'namespaces':[{'type':'time'}],'timeOffsets':" x)

START_TEST(namespace_rows)
{
	static const struct spec_row rows[] = {
		{ NSPACES(NS("pid") "," NS("network") "," NS("mount") "," NS("ipc") "," NS(
			  "uts") "," NS("cgroup") "," NS("time")),
		  NULL },
		{ NSPACES("{'type':'pid','path':''}"), NULL },
		{ NSPACES(NS("net")), "linux.namespaces[0].type: \"net\" is no namespace" },
		{ NSPACES(NS("pid") "," NS("ipc") ",{'type':'pid','path':'/p'}"),
		  "linux.namespaces[2]: a second pid namespace" },
		{ NSPACES("{'path':'/p'}"), "linux.namespaces[0].type: missing" },
		{ NSPACES("{'type':'pid','path':'p'}"),
		  "linux.namespaces[0].path: \"p\" is not an absolute path" },
		{ NSPACES("'pid'"), "linux.namespaces[0]: must be an object" },
		{ LINUX("'namespaces':{}"), "linux.namespaces: must be an array" },
		/* user namespace mappings */
		{ UIDS(MAPS), NULL },
		{ UIDS("[" ID("0", "1000", "1") "," ID("1", "1001", "4294966294") "]"), NULL },
		{ NSPACES("{'type':'user','path':'/proc/7/ns/user'}"), NULL },
		{ LINUX("'namespaces':[{'type':'user','path':'/p'}],'uidMappings':" MAPS
			",'gidMappings':" MAPS),
		  NULL },
		{ NSPACES(NS("user")), "linux.namespaces: a new user namespace needs uidMappings "
				       "and gidMappings" },
		{ USERNS("'uidMappings':" MAPS),
		  "linux.uidMappings: uidMappings and gidMappings must be given together" },
		{ USERNS("'gidMappings':" MAPS),
		  "linux.gidMappings: uidMappings and gidMappings must be given together" },
		{ LINUX("'uidMappings':" MAPS ",'gidMappings':" MAPS),
		  "linux.uidMappings: need a user namespace" },
		{ LINUX("'uidMappings':[],'gidMappings':[]"), NULL },
		{ UIDS("{}"), "linux.uidMappings: must be an array" },
		{ UIDS("[7]"), "linux.uidMappings[0]: must be an object" },
		{ UIDS("[{'hostID':1,'size':1}]"), "linux.uidMappings[0].containerID: missing" },
		{ UIDS("[{'containerID':1,'size':1}]"), "linux.uidMappings[0].hostID: missing" },
		{ UIDS("[{'containerID':1,'hostID':1}]"), "linux.uidMappings[0].size: missing" },
		{ UIDS("[" ID("0", "0", "0") "]"), "linux.uidMappings[0].size: must not be 0" },
		{ UIDS("[" ID("-1", "0", "1") "]"),
		  "linux.uidMappings[0].containerID: must be from 0 to 4294967295" },
		{ UIDS("[" ID("0", "1", "4294967295") "]"),
		  "linux.uidMappings[0]: ends above the last id, 4294967294" },
		{ UIDS("[" ID("4294967295", "1", "1") "]"),
		  "linux.uidMappings[0]: ends above the last id, 4294967294" },
		{ UIDS("[" ID("0", "0", "4294967295") "]"), NULL },
		{ UIDS("[" ID("0", "0", "10") "," ID("10", "10", "1") "," ID("9", "99", "1") "]"),
		  "linux.uidMappings[2]: its ids in the container overlap with those of "
		  "mapping 0" },
		{ UIDS("[" ID("0", "5", "5") "," ID("5", "0", "6") "]"),
		  "linux.uidMappings[1]: its ids on the host overlap with those of mapping 0" },
		/* time */
		{ TIMENS("{'monotonic':{'secs':-9,'nanosecs':999999999},'boottime':{}}"), NULL },
		{ TIMENS("{'realtime':{}}"),
		  "linux.timeOffsets.realtime: is no clock, only monotonic and boottime are" },
		{ TIMENS("{'boottime':{'nanosecs':1000000000}}"),
		  "linux.timeOffsets.boottime.nanosecs: must be from 0 to 999999999" },
		{ TIMENS("{'boottime':{'secs':9223372036854775808}}"),
		  "linux.timeOffsets.boottime.secs: must be from -9223372036854775808 to "
		  "9223372036854775807" },
		{ TIMENS("{'monotonic':1}"), "linux.timeOffsets.monotonic: must be an object" },
		{ LINUX("'timeOffsets':{'boottime':{'secs':1}}"),
		  "linux.timeOffsets: unable to set offsets without a new time namespace" },
		{ LINUX("'namespaces':[{'type':'time','path':'/t'}],'timeOffsets':{'boottime':{}}"),
		  "linux.timeOffsets: unable to set offsets without a new time namespace" },
		{ LINUX("'timeOffsets':{}"), NULL },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define PROC_IN_NS(user)                                                                     \
	CFG(",'process':{'args':['a'],'cwd':'/','user':{" user "}},'linux':{'namespaces':[{" \
	    "'type':'user'}],'uidMappings':" MAPS ",'gidMappings':" MAPS "}")

START_TEST(mapped_ids_rows)
{
	static const struct spec_row rows[] = {
		{ PROC_IN_NS("'uid':65535,'gid':0,'additionalGids':[65535]"), NULL },
		{ PROC_IN_NS("'uid':65536"),
		  "process.user.uid: 65536 is not mapped in the user namespace" },
		{ PROC_IN_NS("'gid':65536"),
		  "process.user.gid: 65536 is not mapped in the user namespace" },
		{ PROC_IN_NS("'additionalGids':[1,70000]"),
		  "process.user.additionalGids[1]: 70000 is not mapped in the user namespace" },
		/* a joined one has its own mappings */
		{ CFG(",'process':{'args':['a'],'cwd':'/','user':{'uid':70000}},'linux':{"
		      "'namespaces':[{'type':'user','path':'/p'}],'uidMappings':" MAPS
		      ",'gidMappings':" MAPS "}"),
		  NULL },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define DEV(x) LINUX("'devices':[{" x "}]")

START_TEST(device_rows)
{
	static const struct spec_row rows[] = {
		{ DEV("'type':'p','path':'/dev/p'"), NULL },
		{ DEV("'type':'b','path':'/d','major':4095,'minor':1048575,'fileMode':511"), NULL },
		{ DEV("'type':'c','path':'/d','major':1,'minor':3,'fileMode':8630"), NULL },
		{ DEV("'path':'/d','major':1,'minor':3"), "linux.devices[0].type: missing" },
		{ DEV("'type':'x','path':'/d','major':1,'minor':3"),
		  "linux.devices[0].type: \"x\" is not known, only b, c, p, u" },
		{ DEV("'type':'c','major':1,'minor':3"), "linux.devices[0].path: missing" },
		{ DEV("'type':'c','path':'d','major':1,'minor':3"),
		  "linux.devices[0].path: \"d\" is not an absolute path" },
		{ DEV("'type':'c','path':'/d','minor':3"), "linux.devices[0].major: missing" },
		{ DEV("'type':'c','path':'/d','major':1"), "linux.devices[0].minor: missing" },
		{ DEV("'type':'c','path':'/d','major':4096,'minor':0"),
		  "linux.devices[0].major: must be from 0 to 4095" },
		{ DEV("'type':'c','path':'/d','major':-1,'minor':0"),
		  "linux.devices[0].major: must be from 0 to 4095" },
		{ DEV("'type':'c','path':'/d','major':1,'minor':1048576"),
		  "linux.devices[0].minor: must be from 0 to 1048575" },
		{ DEV("'type':'p','path':'/d','fileMode':65536"),
		  "linux.devices[0].fileMode: 65536 (0200000) is no file mode" },
		{ DEV("'type':'p','path':'/d','fileMode':'0666'"),
		  "linux.devices[0].fileMode: must be a number" },
		{ DEV("'type':'p','path':'/d','uid':4294967295"),
		  "linux.devices[0].uid: must be from 0 to 4294967294" },
		{ DEV("'type':'p','path':'/d','gid':-7"),
		  "linux.devices[0].gid: must be from 0 to 4294967294" },
		{ LINUX("'devices':{}"), "linux.devices: must be an array" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define SYSCTL(x) LINUX("'sysctl':{" x "}")
#define NETDEV(x) LINUX("'namespaces':[{'type':'network'}],'netDevices':{" x "}")
#define PATHS(key, x) LINUX("'namespaces':[{'type':'mount'}],'" key "':" x)

START_TEST(other_rows)
{
	static const struct spec_row rows[] = {
		{ LINUX("'cgroupsPath':'system.slice:x:y'"), NULL },
		{ LINUX("'cgroupsPath':'/a\\nb'"),
		  "linux.cgroupsPath: has a control character in it" },
		{ LINUX("'cgroupsPath':'/a\\u007f'"),
		  "linux.cgroupsPath: has a control character in it" },
		{ LINUX("'cgroupsPath':7"), "linux.cgroupsPath: must be a string" },
		{ LINUX("'resources':[]"), "linux.resources: must be an object" },
		{ LINUX("'rootfsPropagation':'rslave'"), NULL },
		{ LINUX("'rootfsPropagation':'all'"),
		  "linux.rootfsPropagation: \"all\" is not known, only private, rprivate, rshared, "
		  "rslave, runbindable, shared, slave, unbindable" },
		{ PATHS("maskedPaths", "['/proc/kcore']"), NULL },
		{ PATHS("maskedPaths", "['/a','proc']"),
		  "linux.maskedPaths[1]: \"proc\" is not an absolute path" },
		{ PATHS("readonlyPaths", "['']"),
		  "linux.readonlyPaths[0]: \"\" is not an absolute path" },
		{ PATHS("readonlyPaths", "'/a'"), "linux.readonlyPaths: must be an array" },
		{ LINUX("'maskedPaths':['/a']"),
		  "linux.maskedPaths: unable to restrict sys entries without a private MNT "
		  "namespace" },
		{ LINUX("'readonlyPaths':['/a']"),
		  "linux.readonlyPaths: unable to restrict sys entries without a private MNT "
		  "namespace" },
		{ LINUX("'maskedPaths':[],'readonlyPaths':[]"), NULL },
		{ SYSCTL("'net.ipv4.ip_forward':'1','net/ipv4/conf/eth0.1/forwarding':'1'"), NULL },
		{ SYSCTL("'net.ipv4.conf.eth0/1.forwarding':'1','net/ipv4/conf/eth0.1/forwarding':"
			 "'0'"),
		  "linux.sysctl: \"net/ipv4/conf/eth0.1/forwarding\" is there twice" },
		{ SYSCTL("'a.b':1"), "linux.sysctl[\"a.b\"]: must be a string" },
		{ SYSCTL("'':'1'"), "linux.sysctl: a name in it is empty" },
		{ SYSCTL("'net..x':'1'"), "linux.sysctl: \"net..x\" is no sysctl" },
		{ SYSCTL("'.net':'1'"), "linux.sysctl: \".net\" is no sysctl" },
		{ SYSCTL("'net.':'1'"), "linux.sysctl: \"net.\" is no sysctl" },
		{ SYSCTL("'net/../kernel':'1'"), "linux.sysctl: \"net/../kernel\" is no sysctl" },
		{ SYSCTL("'net.//.kernel':'1'"), "linux.sysctl: \"net.//.kernel\" is no sysctl" },
		{ SYSCTL("'net x':'1'"), "linux.sysctl: \"net x\" is no sysctl" },
		{ LINUX("'sysctl':[]"), "linux.sysctl: must be an object" },
		{ NETDEV("'eth0':{},'eth1':{'name':'e1'}"), NULL },
		{ NETDEV("'eth0':7"), "linux.netDevices.eth0: must be an object" },
		{ NETDEV("'eth0':{'name':'a/b'}"),
		  "linux.netDevices.eth0.name: \"a/b\" is no name of a network interface" },
		{ NETDEV("'eth0':{'name':'a%d'}"),
		  "linux.netDevices.eth0.name: \"a%d\" is no name of a network interface" },
		{ NETDEV("'eth0':{'name':'0123456789abcdef'}"),
		  "linux.netDevices.eth0.name: \"0123456789abcdef\" is no name of a network "
		  "interface" },
		{ NETDEV("'eth0':{'name':'0123456789abcde'}"), NULL },
		{ NETDEV("'..':{}"),
		  "linux.netDevices[\"..\"]: is no name of a network interface" },
		{ NETDEV("'a b':{}"),
		  "linux.netDevices[\"a b\"]: is no name of a network interface" },
		{ NETDEV("'':{}"), "linux.netDevices[\"\"]: is no name of a network interface" },
		{ NETDEV("'a':{},'b':{'name':'a'}"),
		  "linux.netDevices: two interfaces would be \"a\" inside" },
		{ LINUX("'netDevices':{'a':{}}"),
		  "linux.netDevices: unable to move network devices without a private NET "
		  "namespace" },
		{ LINUX("'mountLabel':[]"), "linux.mountLabel: must be a string" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define RDT(x) LINUX("'intelRdt':{" x "}")
#define MPOL(x) LINUX("'memoryPolicy':{" x "}")

START_TEST(tuning_rows)
{
	static const struct spec_row rows[] = {
		{ RDT(""), NULL },
		{ RDT("'closID':'/'"), NULL },
		{ RDT("'closID':'.'"), "linux.intelRdt.closID: \".\" is no name of a folder" },
		{ RDT("'closID':'..'"), "linux.intelRdt.closID: \"..\" is no name of a folder" },
		{ RDT("'closID':'a/b'"), "linux.intelRdt.closID: \"a/b\" is no name of a folder" },
		{ RDT("'closID':'//'"), "linux.intelRdt.closID: \"//\" is no name of a folder" },
		{ RDT("'memBwSchema':'L3:0=1'"),
		  "linux.intelRdt.memBwSchema: must start with \"MB:\"" },
		{ RDT("'memBwSchema':'MB:0=1\\nL3:0=1'"),
		  "linux.intelRdt.memBwSchema: must be one line" },
		{ RDT("'schemata':['L3:0=f','a\\nb']"),
		  "linux.intelRdt.schemata[1]: must be one line" },
		{ RDT("'schemata':'L3:0=f'"), "linux.intelRdt.schemata: must be an array" },
		{ RDT("'l3CacheSchema':7"), "linux.intelRdt.l3CacheSchema: must be a string" },
		{ RDT("'enableMonitoring':1"),
		  "linux.intelRdt.enableMonitoring: must be true or false" },
		{ RDT("'enableCMT':1"), "linux.intelRdt.enableCMT: must be true or false" },
		{ RDT("'enableMBM':1"), "linux.intelRdt.enableMBM: must be true or false" },
		{ MPOL("'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_NUMA_BALANCING']"), NULL },
		{ MPOL("'nodes':'0'"), "linux.memoryPolicy.mode: missing" },
		{ MPOL("'mode':'MPOL_X'"),
		  "linux.memoryPolicy.mode: \"MPOL_X\" is not known, only MPOL_BIND, MPOL_DEFAULT, "
		  "MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_PREFERRED, MPOL_PREFERRED_MANY, "
		  "MPOL_WEIGHTED_INTERLEAVE" },
		{ MPOL("'mode':'MPOL_BIND'"),
		  "linux.memoryPolicy: nodes: missing, MPOL_BIND needs them" },
		{ MPOL("'mode':'MPOL_BIND','nodes':''"),
		  "linux.memoryPolicy: nodes: missing, MPOL_BIND needs them" },
		{ MPOL("'mode':'MPOL_PREFERRED'"), NULL },
		{ MPOL("'mode':'MPOL_LOCAL'"), NULL },
		{ MPOL("'mode':'MPOL_DEFAULT','nodes':'0-7'"),
		  "linux.memoryPolicy.nodes: set_mempolicy(2): invalid argument: MPOL_DEFAULT "
		  "takes "
		  "no nodes" },
		{ MPOL("'mode':'MPOL_BIND','nodes':'4096'"),
		  "linux.memoryPolicy.nodes: \"4096\" has a number above 4095" },
		{ MPOL("'mode':'MPOL_BIND','nodes':'a'"),
		  "linux.memoryPolicy.nodes: \"a\" is no list such as \"0-3,7\"" },
		{ MPOL("'mode':'MPOL_BIND','nodes':'0','flags':['X']"),
		  "linux.memoryPolicy.flags[0]: \"X\" is not known, only MPOL_F_NUMA_BALANCING, "
		  "MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES" },
		{ MPOL("'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_STATIC_NODES',"
		       "'MPOL_F_RELATIVE_NODES']"),
		  "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
		  "each other" },
		{ MPOL("'mode':'MPOL_INTERLEAVE','nodes':'0','flags':['MPOL_F_NUMA_BALANCING']"),
		  "linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING is not for MPOL_INTERLEAVE" },
		{ LINUX("'personality':{}"), "linux.personality.domain: missing" },
		{ LINUX("'personality':{'domain':'BSD'}"),
		  "linux.personality.domain: \"BSD\" is not known, only LINUX, LINUX32" },
		{ LINUX("'personality':{'domain':'LINUX','flags':['X']}"),
		  "linux.personality.flags: must be empty, there are no flags" },
		{ LINUX("'personality':{'domain':'LINUX','flags':[]}"), NULL },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

START_TEST(linux_parsed)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int rc;

	rc = spec_parse(
		LINUX("'namespaces':[{'type':'user'},{'type':'mount'},{'type':'time'},{'type':"
		      "'network','path':'/run/netns/a'},{'type':'ipc'}],'uidMappings':[" ID(
			      "0", "1000",
			      "10") "," ID("10", "1",
					   "5") "],'gidMappings':" MAPS
						",'timeOffsets':{'monotonic':{'secs':-1,'nanosecs':"
						"2},'boottime':{'secs':3}},"
						"'devices':[{'type':'u','path':'/dev/"
						"x','major':10,'minor':229,'fileMode':"
						"8630,'uid':1,'gid':0},{'type':'p','path':'/"
						"p'}],'netDevices':{'eth0':{'name'"
						":'in'},'eth1':{}},'cgroupsPath':'/"
						"c','rootfsPropagation':'shared',"
						"'maskedPaths':['/m'],'readonlyPaths':['/a','/"
						"b'],'sysctl':{'net.x':'1'},"
						"'mountLabel':'label','personality':{'domain':'"
						"LINUX32'},'intelRdt':{'closID':"
						"'c','l3CacheSchema':'L3:0=f','memBwSchema':'MB:0="
						"1','schemata':['L2:0=f'],"
						"'enableMBM':true},'memoryPolicy':{'mode':'MPOL_"
						"WEIGHTED_INTERLEAVE','nodes':"
						"'0, 2-3,64','flags':['MPOL_F_STATIC_NODES']}"),
		&s, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert(ctr_spec_new_userns(&s));
	ck_assert(s.ns[CTR_NS_IPC].present && !s.ns[CTR_NS_IPC].path);
	ck_assert(!s.ns[CTR_NS_PID].present);
	ck_assert_str_eq(s.ns[CTR_NS_NETWORK].path, "/run/netns/a");
	ck_assert_uint_eq(s.uid_maps.n, 2);
	ck_assert_uint_eq(s.uid_maps.v[1].container_id, 10);
	ck_assert_uint_eq(s.uid_maps.v[1].host_id, 1);
	ck_assert_uint_eq(s.uid_maps.v[1].size, 5);
	ck_assert_uint_eq(s.gid_maps.v[0].size, 65536);
	ck_assert(s.has_timens_offsets);
	ck_assert_int_eq(s.timens_monotonic_s, -1);
	ck_assert_uint_eq(s.timens_monotonic_ns, 2);
	ck_assert_int_eq(s.timens_boottime_s, 3);
	ck_assert_uint_eq(s.n_devices, 2);
	ck_assert_int_eq(s.devices[0].type, 'c');
	ck_assert_uint_eq(s.devices[0].major, 10);
	ck_assert_uint_eq(s.devices[0].minor, 229);
	ck_assert(s.devices[0].has_mode && s.devices[0].has_uid && s.devices[0].has_gid);
	ck_assert_uint_eq(s.devices[0].mode, 0666);
	ck_assert_uint_eq(s.devices[0].uid, 1);
	ck_assert_int_eq(s.devices[1].type, 'p');
	ck_assert(!s.devices[1].has_mode && !s.devices[1].has_uid && !s.devices[1].has_gid);
	ck_assert_uint_eq(s.n_net_devices, 2);
	ck_assert_str_eq(s.net_devices[0].host_name, "eth0");
	ck_assert_str_eq(s.net_devices[0].name, "in");
	ck_assert_str_eq(s.net_devices[1].name, "eth1");
	ck_assert_str_eq(s.cgroups_path, "/c");
	ck_assert_uint_eq(s.rootfs_propagation, MS_SHARED);
	ck_assert_str_eq(s.masked_paths[0], "/m");
	ck_assert_str_eq(s.readonly_paths[1], "/b");
	ck_assert_ptr_null(s.readonly_paths[2]);
	ck_assert_str_eq(s.sysctl[0].key, "net.x");
	ck_assert_str_eq(s.sysctl[0].value, "1");
	ck_assert_str_eq(s.mount_label, "label");
	ck_assert_int_eq(s.personality, CTR_PER_LINUX32);
	ck_assert(s.intel_rdt.present && s.intel_rdt.enable_monitoring);
	ck_assert_str_eq(s.intel_rdt.clos_id, "c");
	ck_assert_str_eq(s.intel_rdt.l3_cache_schema, "L3:0=f");
	ck_assert_str_eq(s.intel_rdt.mem_bw_schema, "MB:0=1");
	ck_assert_str_eq(s.intel_rdt.schemata[0], "L2:0=f");
	ck_assert(s.memory_policy.present);
	ck_assert_int_eq(s.memory_policy.mode, 6);
	ck_assert_uint_eq(s.memory_policy.flags, MPOL_F_STATIC_NODES);
	ck_assert_uint_eq(s.memory_policy.nodes[0], 0xd);
	ck_assert_uint_eq(s.memory_policy.nodes[1], 1);
	ck_assert_uint_eq(s.memory_policy.max_node, 65);
	ctr_spec_fini(&s);
}
END_TEST

/* A config with @n times @item, '#' in it standing for its number, between @head and @tail. */
static int parse_many(const char *head, const char *item, unsigned int n, const char *tail,
		      struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	struct ctr_spec s = { 0 };
	int rc;

	cs_buf_add(&b, head);
	for (unsigned int i = 0; i < n; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", i);
		for (const char *p = item; *p; p++) {
			if (*p == '#')
				cs_buf_add(&b, id);
			else
				cs_buf_add_mem(&b, p, 1);
		}
		cs_buf_add(&b, i + 1 < n ? "," : "");
	}
	cs_buf_add(&b, tail);
	ck_assert_int_eq(cs_buf_ok(&b, err), 0);
	rc = spec_parse(b.s, &s, err);
	ctr_spec_fini(&s);
	return rc;
}

START_TEST(many)
{
	static const char head[] = "{'ociVersion':'1.3.0','root':{'path':'r'},'linux':{";
	static const char maps[] =
		"'namespaces':[{'type':'user'}],'gidMappings':" MAPS ",'uidMappings':[";
	static const char item[] = "{'containerID':#,'hostID':#,'size':1}";
	char text[256];
	struct cs_err err = CS_ERR_INIT;

	snprintf(text, sizeof(text), "%s%s", head, maps);
	ck_assert_int_eq(parse_many(text, item, 340, "]}}", &err), 0);
	ck_assert_int_eq(parse_many(text, item, 341, "]}}", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "linux.uidMappings: has more than 340 mappings");

	cs_err_clear(&err);
	snprintf(text, sizeof(text), "%s'memoryPolicy':{'mode':'MPOL_BIND','nodes':'", head);
	ck_assert_int_eq(parse_many(text, "0-4095", 9000, "'}}}", &err), 0);
	ck_assert_int_eq(parse_many(text, "0-4095", 10000, "'}}}", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "linux.memoryPolicy.nodes: is longer than 65536 bytes");

	/* many of what is looked for twice: sorted, not compared with each other */
	cs_err_clear(&err);
	snprintf(text, sizeof(text), "%s'sysctl':{", head);
	ck_assert_int_eq(parse_many(text, "'net.a#':'1'", 50000, "}}}", &err), 0);
}
END_TEST

START_TEST(ns_table)
{
	for (size_t i = 0; i < CTR_NS_COUNT; i++) {
		ck_assert_ptr_nonnull(ctr_ns_table[i].name);
		ck_assert_ptr_nonnull(ctr_ns_table[i].proc_name);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(ctr_ns_table[i].flag, ctr_ns_table[j].flag);
	}
	ck_assert_uint_eq(ctr_ns_table[CTR_NS_MOUNT].flag, CLONE_NEWNS);
	ck_assert_str_eq(ctr_ns_table[CTR_NS_MOUNT].proc_name, "mnt");
}
END_TEST

UNIT_MAIN("runtime/spec_linux", namespace_rows, mapped_ids_rows, device_rows, other_rows,
	  tuning_rows, linux_parsed, many, ns_table)
