#ifndef CS_RUNTIME_NS_DEVNODES_H
#define CS_RUNTIME_NS_DEVNODES_H

struct cs_err;
struct ctr_ns_setup;

/* Inside, before the pivot: the spec's devices and the default ones (config-linux.md, Default
 * Devices; Default dev symbolic links), by mknod, in a user namespace by bind mounts of the
 * host's verified nodes. Does nothing to /dev when the spec bind-mounts it. */
int ctr_devnodes_make(struct ctr_ns_setup *s, struct cs_err *err);

/* Binds the pty slave @slave (an fd, never a path: CVE-2025-52565) on /dev/console beneath s->root.
 */
int ctr_devnodes_console(struct ctr_ns_setup *s, int slave, struct cs_err *err);

#endif
