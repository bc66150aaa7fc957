#ifndef CS_RUNTIME_NS_PROCFS_H
#define CS_RUNTIME_NS_PROCFS_H

struct cs_err;

/* Inside, after ctr_rootfs_attach() and before the pivot: the procfs root for s->proc, for what
 * init itself reads and writes in /proc. It is a procfs of its own that is mounted nowhere, so
 * nothing in the container can put a mount over a part of it or see it (CVE-2019-16884,
 * CVE-2025-52881), and it shows the caller's pid namespace. Where the kernel refuses that (a user
 * namespace which does not own the pid namespace, or a /proc that is partly covered already) it is
 * the /proc of this mount namespace, verified: "self" and "sys" below it are the caller's all the
 * same. Returns the fd, which the caller closes. */
int ctr_procfs_open(struct cs_err *err);

#endif
