#include "runtime/ns/devrules.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runtime/spec.h"

static const struct cg_device_rule defaults[] = {
	{ .allow = true, .type = 'c', .major = -1, .minor = -1, .mknod = true },
	{ .allow = true, .type = 'b', .major = -1, .minor = -1, .mknod = true },
	/* null, zero, full, random, urandom */
	{ .allow = true,
	  .type = 'c',
	  .major = 1,
	  .minor = 3,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 1,
	  .minor = 5,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 1,
	  .minor = 7,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 1,
	  .minor = 8,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 1,
	  .minor = 9,
	  .read = true,
	  .write = true,
	  .mknod = true },
	/* tty, ptmx, every pty */
	{ .allow = true,
	  .type = 'c',
	  .major = 5,
	  .minor = 0,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 5,
	  .minor = 2,
	  .read = true,
	  .write = true,
	  .mknod = true },
	{ .allow = true,
	  .type = 'c',
	  .major = 136,
	  .minor = -1,
	  .read = true,
	  .write = true,
	  .mknod = true },
};

int ctr_devrules_add(const struct ctr_spec *spec, struct cg_resources *out, void **rules,
		     struct cs_err *err)
{
	const struct cg_resources *r = &spec->resources;
	struct cg_device_rule *all;

	*out = *r;
	*rules = NULL;
	if (r->n_devices == 0)
		return 0;
	all = calloc(r->n_devices + CS_LEN(defaults), sizeof(*all));
	if (!all)
		return cs_err_set(err, ENOMEM, "linux.resources.devices: out of memory");
	memcpy(all, r->devices, r->n_devices * sizeof(*all));
	memcpy(all + r->n_devices, defaults, sizeof(defaults));
	out->devices = all;
	out->n_devices = r->n_devices + CS_LEN(defaults);
	*rules = all;
	return 0;
}
