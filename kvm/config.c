#include "kvm/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "kvm/config_int.h"

enum {
	FD_MAX = 1 << 20,
	HANG_SECONDS = 30,
	NOBODY = 65534,
	CMDLINE_MAX = 2047,
};

#define ID_MAX (UINT32_MAX - 1)

/* --- helpers -----------------------------------------------------------------------------------
 */

int vm_config_keys(const struct cs_json *obj, const char *const *keys, size_t n, struct cs_err *err)
{
	const struct cs_json *c;

	cs_json_for_each (c, obj)
		if (!cs_str_in(c->key, keys, n))
			return cs_json_err(c, err, EINVAL, "unknown key");
	return 0;
}

int vm_config_fd(const struct cs_json *obj, const char *key, bool must, int *out,
		 struct cs_err *err)
{
	uint64_t v = 0;
	int rc = cs_json_u64(obj, key, &v, err);

	if (rc < 0)
		return rc;
	if (rc == 0 && must)
		return cs_json_err(obj, err, EINVAL, "\"%s\" is missing: the number of an fd", key);
	if (rc == 0) {
		*out = -EBADF;
		return 0;
	}
	if (v > FD_MAX)
		return cs_json_err(cs_json_get(obj, key), err, EINVAL, "is no fd");
	*out = (int)v;
	return 1;
}

int vm_config_u32(const struct cs_json *obj, const char *key, uint32_t min, uint32_t max,
		  uint32_t *out, struct cs_err *err)
{
	uint32_t v = *out;
	int rc = cs_json_u32(obj, key, &v, err);

	if (rc < 0)
		return rc;
	if (rc && (v < min || v > max))
		return cs_json_err(cs_json_get(obj, key), err, EINVAL, "must be %u to %u", min,
				   max);
	*out = v;
	return rc;
}

/* --- the machine -------------------------------------------------------------------------------
 */

static int parse_memory(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	int rc = cs_json_u64(root, "memory", &c->memory, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_json_err(root, err, EINVAL, "\"memory\" is missing: bytes");
	if (c->memory < VM_HUGE_PAGE || c->memory % VM_HUGE_PAGE || c->memory > VM_MEM_MAX)
		return cs_json_err(cs_json_get(root, "memory"), err, EINVAL,
				   "must be a multiple of 2 MiB, up to 1 TiB");
	return cs_json_bool(root, "shared", &c->shared, err);
}

static int parse_kernel(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	static const char *const keys[] = { "fd", "cmdline", "entry" };
	static const char *const entries[] = {
		[VM_ENTRY_AUTO] = "auto",
		[VM_ENTRY_PVH] = "pvh",
		[VM_ENTRY_LINUX64] = "linux64",
	};
	const struct cs_json *k = NULL;
	const char *entry = NULL;
	int rc = cs_json_obj(root, "kernel", &k, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return cs_json_err(root, err, EINVAL, "\"kernel\" is missing");
	rc = vm_config_keys(k, keys, CS_LEN(keys), err);
	if (rc == 0)
		rc = vm_config_fd(k, "fd", true, &c->kernel_fd, err);
	if (rc >= 0)
		rc = cs_json_str(k, "cmdline", &c->cmdline, err);
	if (rc > 0 && strlen(c->cmdline) > CMDLINE_MAX)
		return cs_json_err(cs_json_get(k, "cmdline"), err, EINVAL,
				   "is longer than a kernel takes, %u bytes",
				   (unsigned int)CMDLINE_MAX);
	if (rc >= 0)
		rc = cs_json_str(k, "entry", &entry, err);
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < CS_LEN(entries); i++) {
		if (strcmp(entry, entries[i]) == 0) {
			c->entry = (enum vm_entry)i;
			return 0;
		}
	}
	return cs_json_err(cs_json_get(k, "entry"), err, EINVAL, "must be auto, pvh or linux64");
}

static int parse_initramfs(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	const struct cs_json *a = NULL, *v;
	int rc = cs_json_arr(root, "initramfs", &a, err);

	if (rc <= 0)
		return rc;
	if (a->n > VM_INITRAMFS_MAX)
		return cs_json_err(a, err, EINVAL, "has more than %u files",
				   (unsigned int)VM_INITRAMFS_MAX);
	cs_json_for_each (v, a) {
		uint64_t fd = 0;

		rc = cs_json_as_u64(v, &fd, err);
		if (rc < 0)
			return rc;
		if (fd > FD_MAX)
			return cs_json_err(v, err, EINVAL, "is no fd");
		c->initramfs_fd[c->n_initramfs++] = (int)fd;
	}
	return 0;
}

static int parse_fds(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	static const char *const serial_keys[] = { "in", "out" };
	const struct cs_json *serial = NULL;
	int rc = cs_json_obj(root, "serial", &serial, err);

	c->serial_in_fd = c->serial_out_fd = -EBADF;
	if (rc > 0)
		rc = vm_config_keys(serial, serial_keys, CS_LEN(serial_keys), err);
	if (rc >= 0 && serial)
		rc = vm_config_fd(serial, "in", false, &c->serial_in_fd, err);
	if (rc >= 0 && serial)
		rc = vm_config_fd(serial, "out", false, &c->serial_out_fd, err);
	if (rc >= 0)
		rc = vm_config_fd(root, "control", false, &c->control_fd, err);
	if (rc >= 0)
		rc = vm_config_fd(root, "result", false, &c->result_fd, err);
	if (rc >= 0)
		rc = vm_config_fd(root, "kvm", false, &c->kvm_fd, err);
	if (rc >= 0)
		rc = vm_config_fd(root, "trace", false, &c->trace_fd, err);
	return rc < 0 ? rc : 0;
}

static int parse_devices(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	const struct cs_json *a = NULL, *v;
	int rc = cs_json_arr(root, "devices", &a, err);

	if (rc <= 0)
		return rc;
	if (a->n > VM_DEVS_MAX)
		return cs_json_err(a, err, EINVAL, "has more than %u devices",
				   (unsigned int)VM_DEVS_MAX);
	cs_json_for_each (v, a) {
		rc = vm_config_dev(v, c, err);
		if (rc < 0)
			return rc;
		c->n_devs++;
	}
	return 0;
}

static int parse_root(const struct cs_json *root, struct vm_config *c, struct cs_err *err)
{
	static const char *const keys[] = {
		"version", "cpus",	"memory", "shared",  "acpi",	     "pit",
		"kernel",  "initramfs", "serial", "control", "result",	     "kvm",
		"trace",   "jail",	"uid",	  "gid",     "hang_seconds", "devices",
	};
	uint32_t version = 0;
	int rc;

	if (root->type != CS_JSON_OBJECT)
		return cs_json_err(root, err, EINVAL, "must be an object");
	rc = vm_config_keys(root, keys, CS_LEN(keys), err);
	if (rc == 0)
		rc = cs_json_u32(root, "version", &version, err);
	if (rc >= 0 && version != 1)
		return cs_json_err(root, err, EINVAL, "\"version\" must be 1");
	if (rc >= 0)
		rc = vm_config_u32(root, "cpus", 1, VM_CPUS_MAX, &c->cpus, err);
	if (rc >= 0)
		rc = parse_memory(root, c, err);
	if (rc >= 0)
		rc = cs_json_bool(root, "acpi", &c->acpi, err);
	c->pit = !c->acpi;
	if (rc >= 0)
		rc = cs_json_bool(root, "pit", &c->pit, err);
	if (rc >= 0)
		rc = cs_json_bool(root, "jail", &c->jail, err);
	if (rc >= 0)
		rc = vm_config_u32(root, "uid", 1, ID_MAX, &c->uid, err);
	if (rc >= 0)
		rc = vm_config_u32(root, "gid", 1, ID_MAX, &c->gid, err);
	if (rc >= 0)
		rc = vm_config_u32(root, "hang_seconds", 0, 86400, &c->hang_seconds, err);
	return rc < 0 ? rc : 0;
}

int vm_config_parse(const char *buf, size_t len, struct cs_json_doc *doc, struct vm_config *out,
		    struct cs_err *err)
{
	struct vm_config c = {
		.cpus = 1,
		.acpi = true,
		.jail = true,
		.uid = NOBODY,
		.gid = NOBODY,
		.hang_seconds = HANG_SECONDS,
	};
	struct cs_json_doc d = CS_JSON_DOC_INIT;
	int rc = cs_json_parse(buf, len, "config", &d, err);

	if (rc < 0)
		return rc;
	rc = parse_root(d.root, &c, err);
	if (rc == 0)
		rc = parse_kernel(d.root, &c, err);
	if (rc >= 0)
		rc = parse_initramfs(d.root, &c, err);
	if (rc >= 0)
		rc = parse_fds(d.root, &c, err);
	if (rc >= 0)
		rc = parse_devices(d.root, &c, err);
	if (rc >= 0)
		rc = vm_config_ids(&d, &c, err);
	if (rc < 0) {
		cs_json_fini(&d);
		return rc;
	}
	*doc = d;
	*out = c;
	return 0;
}
