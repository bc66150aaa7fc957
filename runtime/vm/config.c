#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/vm/host.h"
#include "runtime/vm/request.h"

static int refused(struct cs_err *err, const char *field, const char *why)
{
	return cs_err_set(err, ENOTSUP, "%s: isolation \"vm\" cannot honour it: %s", field, why);
}

/* The machine has a kernel of its own: what is the host's kernel's cannot be joined or shown. */
static int check_namespaces(const struct ctr_spec *spec, struct cs_err *err)
{
	static const enum ctr_ns own[] = { CTR_NS_PID, CTR_NS_IPC, CTR_NS_UTS, CTR_NS_NETWORK };
	char field[64];

	for (size_t i = 0; i < CTR_NS_COUNT; i++) {
		if (!spec->ns[i].path || i == CTR_NS_NETWORK)
			continue;
		snprintf(field, sizeof(field), "linux.namespaces \"%s\"", ctr_ns_table[i].name);
		return refused(err, field,
			       "a namespace of the host cannot be joined from a machine");
	}
	for (size_t i = 0; i < CS_LEN(own); i++) {
		if (spec->ns[own[i]].present)
			continue;
		snprintf(field, sizeof(field), "linux.namespaces without \"%s\"",
			 ctr_ns_table[own[i]].name);
		return refused(err, field, "the host's is not to be had from a machine");
	}
	if (spec->ns[CTR_NS_USER].present)
		return refused(err, "linux.namespaces \"user\"",
			       "its mappings are not made in machines yet");
	return 0;
}

int ctr_vm_check(const struct ctr_spec *spec, struct cs_err *err)
{
	if (check_namespaces(spec, err) < 0)
		return -err->code;
	if (spec->hooks[CTR_HOOK_CREATE_CONTAINER].n || spec->hooks[CTR_HOOK_START_CONTAINER].n)
		return refused(err, "hooks",
			       "those of the container's side do not run in machines yet");
	if (spec->n_devices)
		return refused(err, "linux.devices", "a machine has no devices of the host");
	if (spec->n_net_devices)
		return refused(err, "linux.netDevices", "a machine has no devices of the host");
	if (spec->intel_rdt.present)
		return refused(err, "linux.intelRdt", "it is not set for machines yet");
	if (spec->process.apparmor_profile)
		return refused(err, "process.apparmorProfile",
			       "the guest's kernel has no AppArmor");
	if (spec->process.selinux_label || spec->mount_label)
		return refused(err, "process.selinuxLabel", "the guest's kernel has no SELinux");
	if (spec->vm.hypervisor_path || spec->vm.image_path || spec->vm.device_tree)
		return refused(err, "vm", "only kernel, vcpus and memory can be chosen");
	return 0;
}

bool ctr_vm_is_shared(const struct ctr_spec *spec, size_t mount)
{
	return spec->mounts[mount].opt.bind;
}

static void put_mounts(struct cs_jw *w, const struct ctr_spec *spec, const struct cs_json *mounts)
{
	const struct cs_json *m, *f;
	char source[64];
	size_t i = 0;

	cs_jw_arr(w, "mounts");
	cs_json_for_each (m, mounts) {
		cs_jw_obj(w, NULL);
		cs_json_for_each (f, m)
			if (!ctr_vm_is_shared(spec, i) || strcmp(f->key, "source") != 0)
				cs_jw_value(w, f->key, f);
		if (ctr_vm_is_shared(spec, i)) {
			snprintf(source, sizeof(source), CTR_VM_GUEST_HOST "/m%zu", i);
			cs_jw_str(w, "source", source);
		}
		cs_jw_obj_end(w);
		i++;
	}
	cs_jw_arr_end(w);
}

/* Which processors it may use is the host's matter: create.c. */
static void put_resources(struct cs_jw *w, const struct cs_json *res)
{
	static const char *const hosts[] = { "cpus", "mems" };
	const struct cs_json *f, *c;

	cs_jw_obj(w, "resources");
	cs_json_for_each (f, res) {
		if (strcmp(f->key, "cpu") != 0) {
			cs_jw_value(w, f->key, f);
			continue;
		}
		cs_jw_obj(w, "cpu");
		cs_json_for_each (c, f)
			if (!cs_str_in(c->key, hosts, CS_LEN(hosts)))
				cs_jw_value(w, c->key, c);
		cs_jw_obj_end(w);
	}
	cs_jw_obj_end(w);
}

/* The machine is the container's alone: its network is the guest's own. */
static void put_linux(struct cs_jw *w, const struct cs_json *lin)
{
	static const char *const hosts[] = { "namespaces", "cgroupsPath" };
	const struct cs_json *list = cs_json_get(lin, "namespaces"), *f, *n;
	struct cs_err ignored = CS_ERR_INIT;
	const char *type;

	cs_jw_obj(w, "linux");
	cs_json_for_each (f, lin) {
		if (strcmp(f->key, "resources") == 0)
			put_resources(w, f);
		else if (!cs_str_in(f->key, hosts, CS_LEN(hosts)))
			cs_jw_value(w, f->key, f);
	}
	cs_jw_arr(w, "namespaces");
	for (n = list ? list->child : NULL; n; n = n->next)
		if (cs_json_str(n, "type", &type, &ignored) == 1 && strcmp(type, "network") != 0)
			cs_jw_value(w, NULL, n);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "type", "network");
	cs_jw_str(w, "path", "/proc/1/ns/net");
	cs_jw_obj_end(w);
	cs_jw_arr_end(w);
	cs_jw_obj_end(w);
}

void ctr_vm_put_strings(struct cs_jw *w, const char *key, const char *const *v)
{
	if (!v)
		return;
	cs_jw_arr(w, key);
	for (size_t i = 0; v[i]; i++)
		cs_jw_str(w, NULL, v[i]);
	cs_jw_arr_end(w);
}

static void put_nic(struct cs_jw *w, const struct ctr_nic *n)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "mac", n->mac);
	cs_jw_str(w, "name", n->name);
	cs_jw_u64(w, "mtu", n->mtu);
	ctr_vm_put_strings(w, "addresses", n->addresses);
	ctr_vm_put_strings(w, "gateways", n->gateways);
	cs_jw_obj_end(w);
}

int ctr_vm_config(const struct ctr_spec *spec, const struct ctr_nic *nics, size_t n_nics,
		  char **out, size_t *len, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	const struct cs_json *f;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "do", "create");
	cs_jw_obj(&w, "config");
	cs_json_for_each (f, spec->doc.root) {
		if (strcmp(f->key, "mounts") == 0)
			put_mounts(&w, spec, f);
		else if (strcmp(f->key, "linux") == 0)
			put_linux(&w, f);
		else if (strcmp(f->key, "root") != 0 && strcmp(f->key, "hooks") != 0 &&
			 strcmp(f->key, "vm") != 0)
			cs_jw_value(&w, f->key, f);
	}
	cs_jw_obj(&w, "root");
	cs_jw_str(&w, "path", CTR_VM_GUEST_ROOT);
	cs_jw_bool(&w, "readonly", spec->root_readonly);
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	cs_jw_arr(&w, "net");
	for (size_t i = 0; i < n_nics; i++)
		put_nic(&w, &nics[i]);
	cs_jw_arr_end(&w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, len, err);
}
