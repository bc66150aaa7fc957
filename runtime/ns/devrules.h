#ifndef CS_RUNTIME_NS_DEVRULES_H
#define CS_RUNTIME_NS_DEVRULES_H

struct cg_resources;
struct cs_err;
struct ctr_spec;

/* The spec's resources with the device rules that every container gets after its own: making nodes,
 * and the use of the default devices (config-linux.md, Default Devices) and the terminals. Nothing
 * is added when the spec gives no device rules: then all is allowed as it was. *@out borrows from
 * @spec, its array of rules is the caller's to free (*@rules). */
int ctr_devrules_add(const struct ctr_spec *spec, struct cg_resources *out, void **rules,
		     struct cs_err *err);

#endif
