#include "base/cleanup.h"
#include "tests/unit/runtime/spec_rows.h"

/* The top of the config, hooks and mounts; process, linux and vm have tests of their own. */

#define OCI(v) "{'ociVersion':'" v "','root':{'path':'r'}}"

START_TEST(top_rows)
{
	static const struct spec_row rows[] = {
		{ "[]", "config.json: must be an object" },
		{ "{'root':{'path':'r'}}", "ociVersion: missing" },
		{ "{'ociVersion':'','root':{'path':'r'}}", "ociVersion: must not be empty" },
		{ "{'ociVersion':1.3,'root':{'path':'r'}}", "ociVersion: must be a string" },
		{ OCI("1.0.0"), NULL },
		{ OCI("1.0.0-rc5"), NULL },
		{ OCI("1.0.2-dev"), NULL },
		{ OCI("1.1.0+dev"), NULL },
		{ OCI("1.99.0-a.b.0-x+001.b"), NULL },
		{ OCI("1.0"), "ociVersion: \"1.0\" is no version such as \"1.3.0\"" },
		{ OCI("1.0.0.0"), "ociVersion: \"1.0.0.0\" is no version such as \"1.3.0\"" },
		{ OCI("1.0.x"), "ociVersion: \"1.0.x\" is no version such as \"1.3.0\"" },
		{ OCI("01.0.0"), "ociVersion: \"01.0.0\" is no version such as \"1.3.0\"" },
		{ OCI("1.0.0-"), "ociVersion: \"1.0.0-\" is no version such as \"1.3.0\"" },
		{ OCI("1.0.0-01"), "ociVersion: \"1.0.0-01\" is no version such as \"1.3.0\"" },
		{ OCI("v1.0.0"), "ociVersion: \"v1.0.0\" is no version such as \"1.3.0\"" },
		{ OCI("2.0.0"), "ociVersion: 2.0.0 is not supported, only 1.x" },
		{ OCI("0.5.0-dev"), "ociVersion: 0.5.0-dev is not supported, only 1.x" },
		{ OCI("10.0.0"), "ociVersion: 10.0.0 is not supported, only 1.x" },
		{ "{'ociVersion':'1.0.0'}", "root: missing" },
		{ "{'ociVersion':'1.0.0','root':null}", "root: missing" },
		{ "{'ociVersion':'1.0.0','root':[]}", "root: must be an object" },
		{ "{'ociVersion':'1.0.0','root':{}}", "root.path: missing" },
		{ "{'ociVersion':'1.0.0','root':{'path':''}}", "root.path: must not be empty" },
		{ "{'ociVersion':'1.0.0','root':{'path':7}}", "root.path: must be a string" },
		{ "{'ociVersion':'1.0.0','root':{'path':'r','readonly':1}}",
		  "root.readonly: must be true or false" },
		{ CFG(",'hostname':'h'"),
		  "hostname: unable to set hostname without a private UTS namespace" },
		{ CFG(",'hostname':''"), NULL },
		{ CFG(",'hostname':false"), "hostname: must be a string" },
		{ CFG(",'domainname':'d'"),
		  "domainname: unable to set domainname without a private UTS namespace" },
		{ CFG(",'hostname':'0123456789012345678901234567890123456789012345678901234567890"
		      "1234'"),
		  "hostname: is longer than 64 bytes" },
		{ CFG(",'annotations':{'a':'b','c':''}"), NULL },
		{ CFG(",'annotations':{'':'b'}"), "annotations: a name in it is empty" },
		{ CFG(",'annotations':{'a':1}"), "annotations.a: must be a string" },
		{ CFG(",'annotations':{'x.y/z':null}"),
		  "annotations[\"x.y/z\"]: must be a string" },
		{ CFG(",'annotations':[]"), "annotations: must be an object" },
		{ CFG(",'windows':{'x':1},'solaris':{},'zos':{},'freebsd':{}"), NULL },
		{ CFG(",'windows':[]"), "windows: must be an object" },
		{ CFG(",'freebsd':'x'"), "freebsd: must be an object" },
		{ CFG(",'solaris':1"), "solaris: must be an object" },
		{ CFG(",'zos':true"), "zos: must be an object" },
		{ CFG(",'org.example.extension':{'anything':[1,2]}"), NULL },
		{ CFG(",'process':'sh'"), "process: must be an object" },
		{ CFG(",'linux':7"), "linux: must be an object" },
		{ CFG(",'hooks':[]"), "hooks: must be an object" },
		{ CFG(",'vm':[]"), "vm: must be an object" },
		{ CFG(",'mounts':{}"), "mounts: must be an array" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

START_TEST(too_large)
{
	struct ctr_spec spec = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(ctr_spec_parse("", CTR_SPEC_MAX_BYTES + 1UL, &spec, &err), -EFBIG);
	ck_assert_str_eq(err.msg, "config.json: larger than 16777216 bytes");
}
END_TEST

#define HOOK(x) CFG(",'hooks':{'poststop':[" x "]}")

START_TEST(hook_rows)
{
	static const struct spec_row rows[] = {
		{ HOOK("{'path':'/h'}"), NULL },
		{ HOOK("{}"), "hooks.poststop[0].path: missing" },
		{ HOOK("{'path':'h'}"), "hooks.poststop[0].path: \"h\" is not an absolute path" },
		{ HOOK("{'path':''}"), "hooks.poststop[0].path: must not be empty" },
		{ HOOK("{'path':'/h'},'x'"), "hooks.poststop[1]: must be an object" },
		{ HOOK("{'path':'/h','args':{}}"), "hooks.poststop[0].args: must be an array" },
		{ HOOK("{'path':'/h','env':[1]}"), "hooks.poststop[0].env[0]: must be a string" },
		{ HOOK("{'path':'/h','timeout':2147483}"), NULL },
		{ HOOK("{'path':'/h','timeout':0}"),
		  "hooks.poststop[0].timeout: must be from 1 to 2147483" },
		{ HOOK("{'path':'/h','timeout':2147484}"),
		  "hooks.poststop[0].timeout: must be from 1 to 2147483" },
		{ CFG(",'hooks':{'startContainer':{}}"), "hooks.startContainer: must be an array" },
		{ CFG(",'hooks':{'preStart':7}"), NULL }, /* an unknown member */
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

#define MOUNT(x) CFG(",'mounts':[{'destination':'/d'" x "}]")
#define ID(c, h, s) "{'containerID':" c ",'hostID':" h ",'size':" s "}"

START_TEST(mount_rows)
{
	static const struct spec_row rows[] = {
		{ MOUNT(",'type':'tmpfs','source':'tmpfs'"), NULL },
		{ MOUNT(",'type':'tmpfs'"), NULL },
		{ MOUNT(""), "mounts[0].type: missing" },
		{ MOUNT(",'options':['remount','ro']"), NULL },
		{ MOUNT(",'type':'none'"),
		  "mounts[0].type: \"none\" is only for the options bind, rbind and remount" },
		{ MOUNT(",'type':'none','source':'/s','options':['rbind']"), NULL },
		{ MOUNT(",'source':'/s','options':['bind']"), NULL },
		{ MOUNT(",'type':'bind','source':'s'"), NULL },
		{ MOUNT(",'options':['rbind']"), "mounts[0].source: missing" },
		{ MOUNT(",'type':'bind','source':''"), "mounts[0].source: missing" },
		{ MOUNT(",'source':'/s','options':['bind','ro','uid=7']"),
		  "mounts[0].options: \"uid=7\" is no option of a bind mount" },
		{ MOUNT(",'type':'tmpfs','options':'ro'"), "mounts[0].options: must be an array" },
		{ MOUNT(",'type':'tmpfs','options':[7]"),
		  "mounts[0].options[0]: must be a string" },
		{ MOUNT(",'type':1"), "mounts[0].type: must be a string" },
		{ MOUNT(",'type':'x','source':1"), "mounts[0].source: must be a string" },
		{ CFG(",'mounts':[{'type':'tmpfs'}]"), "mounts[0].destination: missing" },
		{ CFG(",'mounts':[{'destination':'','type':'tmpfs'}]"),
		  "mounts[0].destination: must not be empty" },
		{ CFG(",'mounts':[7]"), "mounts[0]: must be an object" },
		/* id-mapped */
		{ MOUNT(",'type':'bind','source':'/s','uidMappings':" MAPS ",'gidMappings':" MAPS),
		  NULL },
		{ MOUNT(",'type':'bind','source':'/s','uidMappings':" MAPS),
		  "mounts[0]: uidMappings and gidMappings must be given together" },
		{ MOUNT(",'type':'bind','source':'/s','gidMappings':" MAPS),
		  "mounts[0]: uidMappings and gidMappings must be given together" },
		{ MOUNT(",'type':'tmpfs','uidMappings':" MAPS ",'gidMappings':" MAPS),
		  "mounts[0]: only a bind mount can be id-mapped" },
		{ MOUNT(",'type':'tmpfs','options':['ridmap']"),
		  "mounts[0]: only a bind mount can be id-mapped" },
		{ MOUNT(",'source':'/s','options':['bind','idmap']"),
		  "mounts[0]: idmap needs uidMappings and gidMappings or a user namespace" },
		{ CFG(",'linux':{'namespaces':[{'type':'user','path':'/proc/7/ns/"
		      "user'}]},'mounts':[{"
		      "'destination':'/d','source':'/s','options':['bind','idmap']}]"),
		  NULL },
		{ MOUNT(",'type':'bind','source':'/s','uidMappings':[" ID("0", "1", "0") "]"),
		  "mounts[0].uidMappings[0].size: must not be 0" },
	};

	spec_rows(rows, CS_LEN(rows));
}
END_TEST

START_TEST(mounts_parsed)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(spec_parse(CFG(",'mounts':[{'destination':'proc','type':'proc','source':"
					"''},{'destination':'/d','type':'bind','source':'/s',"
					"'options':['nosuid'],'uidMappings':" MAPS
					",'gidMappings':" MAPS "}]"),
				    &s, &err),
			 0);
	ck_assert_uint_eq(s.n_mounts, 2);
	ck_assert_str_eq(s.mounts[0].destination, "/proc");
	ck_assert_str_eq(s.mounts[0].type, "proc");
	ck_assert_ptr_null(s.mounts[0].source);
	ck_assert(!s.mounts[0].opt.bind);
	ck_assert_str_eq(s.mounts[1].destination, "/d");
	ck_assert_str_eq(s.mounts[1].source, "/s");
	ck_assert(s.mounts[1].opt.bind);
	ck_assert(s.mounts[1].opt.idmap);
	ck_assert_uint_eq(s.mounts[1].uid_maps.n, 1);
	ck_assert_uint_eq(s.mounts[1].gid_maps.v[0].host_id, 100000);
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(hooks_parsed)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(spec_parse(CFG(",'hooks':{'poststart':[{'path':'/a','args':['a','b'],"
					"'env':['X=1'],'timeout':5},{'path':'/b','args':[],"
					"'env':[]}],'prestart':[]}"),
				    &s, &err),
			 0);
	ck_assert_uint_eq(s.hooks[CTR_HOOK_PRESTART].n, 0);
	ck_assert_uint_eq(s.hooks[CTR_HOOK_POSTSTART].n, 2);
	ck_assert_str_eq(s.hooks[CTR_HOOK_POSTSTART].v[0].path, "/a");
	ck_assert_str_eq(s.hooks[CTR_HOOK_POSTSTART].v[0].args[1], "b");
	ck_assert_str_eq(s.hooks[CTR_HOOK_POSTSTART].v[0].env[0], "X=1");
	ck_assert_int_eq(s.hooks[CTR_HOOK_POSTSTART].v[0].timeout_s, 5);
	ck_assert_str_eq(s.hooks[CTR_HOOK_POSTSTART].v[1].path, "/b");
	ck_assert_ptr_null(s.hooks[CTR_HOOK_POSTSTART].v[1].args);
	ck_assert_ptr_null(s.hooks[CTR_HOOK_POSTSTART].v[1].env);
	ck_assert_int_eq(s.hooks[CTR_HOOK_POSTSTART].v[1].timeout_s, 0);
	ctr_spec_fini(&s);
}
END_TEST

START_TEST(top_parsed)
{
	struct ctr_spec s = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(
		spec_parse("{'ociVersion':'1.2.1','root':{'path':'/r','readonly':true},"
			   "'hostname':'h','domainname':'d','annotations':{'a':'1','b':''},"
			   "'linux':{'namespaces':[{'type':'uts','path':'/ns'}]}}",
			   &s, &err),
		0);
	ck_assert_str_eq(s.oci_version, "1.2.1");
	ck_assert_str_eq(s.root_path, "/r");
	ck_assert(s.root_readonly);
	ck_assert_str_eq(s.hostname, "h");
	ck_assert_str_eq(s.domainname, "d");
	ck_assert_str_eq(s.ns[CTR_NS_UTS].path, "/ns");
	ck_assert(!s.process.present && !s.vm.present && !s.seccomp.present);
	ck_assert_str_eq(ctr_spec_annotation(&s, "a"), "1");
	ck_assert_str_eq(ctr_spec_annotation(&s, "b"), "");
	ck_assert_ptr_null(ctr_spec_annotation(&s, "c"));
	ck_assert(!ctr_spec_new_userns(&s));
	ctr_spec_fini(&s);
	ck_assert_ptr_null(s.doc.arena);
}
END_TEST

START_TEST(bad_json)
{
	static const char *const texts[] = {
		"", "{", "nonsense", "{'ociVersion':'1.0.0',}", "{'a':1,'a':1}", "{} {}",
	};

	for (size_t i = 0; i < CS_LEN(texts); i++) {
		struct ctr_spec s = { 0 };
		struct cs_err err = CS_ERR_INIT;

		ck_assert_int_lt(spec_parse(texts[i], &s, &err), 0);
		ck_assert_msg(strncmp(err.msg, "config.json", 11) == 0, "%s", err.msg);
	}
}
END_TEST

UNIT_MAIN("runtime/spec", top_rows, top_parsed, too_large, bad_json, hook_rows, hooks_parsed,
	  mount_rows, mounts_parsed)
