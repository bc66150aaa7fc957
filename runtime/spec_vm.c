#include <errno.h>

#include "base/err.h"
#include "runtime/spec_int.h"

/* config-vm.md */

static const struct ctr_name format_rows[] = {
	{ "qcow2", 0 }, { "raw", 0 }, { "vdi", 0 }, { "vhd", 0 }, { "vmdk", 0 },
};
static const struct ctr_names formats = { format_rows,
					  sizeof(format_rows) / sizeof(format_rows[0]) };

static int need_path(const struct cs_json *obj, const char **out, struct cs_err *err)
{
	int rc = ctr_spec_need_str(obj, "path", out, err);

	return rc < 0 ? rc : ctr_spec_path(obj, "path", out, err);
}

static int hypervisor(const struct cs_json_doc *doc, const struct cs_json *vm, struct ctr_vm *out,
		      struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int rc = cs_json_obj(vm, "hypervisor", &obj, err);

	if (rc <= 0)
		return rc;
	rc = need_path(obj, &out->hypervisor_path, err);
	if (rc < 0)
		return rc;
	return cs_json_strv(doc, obj, "parameters", &out->hypervisor_parameters, NULL, err);
}

static int kernel(const struct cs_json_doc *doc, const struct cs_json *vm, struct ctr_vm *out,
		  struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	int rc = cs_json_obj(vm, "kernel", &obj, err);

	if (rc == 0)
		return ctr_spec_missing(vm, "kernel", err);
	if (rc > 0)
		rc = need_path(obj, &out->kernel_path, err);
	if (rc >= 0)
		rc = cs_json_strv(doc, obj, "parameters", &out->kernel_parameters, NULL, err);
	if (rc >= 0)
		rc = ctr_spec_path(obj, "initrd", &out->kernel_initrd, err);
	return rc;
}

static int image(const struct cs_json *vm, struct ctr_vm *out, struct cs_err *err)
{
	const struct cs_json *obj = NULL;
	uint64_t unused = 0;
	int rc = cs_json_obj(vm, "image", &obj, err);

	if (rc <= 0)
		return rc;
	rc = need_path(obj, &out->image_path, err);
	if (rc < 0)
		return rc;
	rc = ctr_spec_word(obj, "format", &formats, &unused, err);
	if (rc == 0)
		return ctr_spec_missing(obj, "format", err);
	return rc < 0 ? rc : cs_json_str(obj, "format", &out->image_format, err);
}

static int iomem_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		      struct cs_err *err)
{
	struct ctr_vm_iomem *m = out;
	int rc;

	(void)doc;
	rc = cs_json_u64(item, "firstGFN", &m->first_gfn, err);
	m->has_first_gfn = rc > 0;
	if (rc >= 0) {
		rc = cs_json_u64(item, "firstMFN", &m->first_mfn, err);
		if (rc == 0)
			return ctr_spec_missing(item, "firstMFN", err);
	}
	if (rc > 0) {
		rc = cs_json_u64(item, "nrMFNs", &m->n_mfns, err);
		if (rc == 0)
			return ctr_spec_missing(item, "nrMFNs", err);
	}
	return rc;
}

/* A number that is given must not be 0: that stands for "not given". */
static int not_zero(const struct cs_json *obj, const char *key, bool ok, struct cs_err *err)
{
	const struct cs_json *node = cs_json_get(obj, key);

	return node && !ok ? cs_json_err(node, err, EINVAL, "must not be 0") : 0;
}

static int hw_config(const struct cs_json_doc *doc, const struct cs_json *vm, struct ctr_vm *out,
		     struct cs_err *err)
{
	const struct ctr_spec_list list = { "iomems", sizeof(struct ctr_vm_iomem), iomem_item };
	const struct cs_json *obj = NULL, *irqs = NULL;
	void *v = NULL;
	int rc;

	rc = cs_json_obj(vm, "hwConfig", &obj, err);
	if (rc <= 0)
		return rc;
	rc = cs_json_u32(obj, "vcpus", &out->vcpus, err);
	if (rc >= 0)
		rc = not_zero(obj, "vcpus", out->vcpus != 0, err);
	if (rc >= 0)
		rc = cs_json_u64(obj, "memory", &out->memory, err);
	if (rc >= 0)
		rc = not_zero(obj, "memory", out->memory != 0, err);
	if (rc >= 0)
		rc = ctr_spec_path(obj, "deviceTree", &out->device_tree, err);
	if (rc >= 0)
		rc = cs_json_strv(doc, obj, "dtdevs", &out->dtdevs, NULL, err);
	if (rc >= 0)
		rc = ctr_spec_items(doc, obj, &list, &v, &out->n_iomems, err);
	out->iomems = v;
	if (rc >= 0)
		rc = cs_json_arr(obj, "irqs", &irqs, err);
	if (rc > 0)
		rc = ctr_spec_u32v(doc, irqs, UINT32_MAX, &out->irqs, err);
	out->n_irqs = irqs ? irqs->n : 0;
	return rc;
}

int ctr_spec_vm(const struct cs_json_doc *doc, const struct cs_json *obj, struct ctr_vm *out,
		struct cs_err *err)
{
	int rc;

	if (!obj)
		return 0;
	rc = hypervisor(doc, obj, out, err);
	if (rc >= 0)
		rc = kernel(doc, obj, out, err);
	if (rc >= 0)
		rc = image(obj, out, err);
	if (rc >= 0)
		rc = hw_config(doc, obj, out, err);
	out->present = true;
	return rc < 0 ? rc : 0;
}
