#ifndef CS_RUNTIME_NS_SETUP_H
#define CS_RUNTIME_NS_SETUP_H

#include <stdbool.h>
#include <stddef.h>

struct cg;
struct ctr_spec;

/*
 * What the steps of container set-up share. Made by the runtime before the clone, so the init
 * process has it in its copied memory; fds are inherited by the copy. Everything borrowed.
 */
struct ctr_ns_setup {
	const struct ctr_spec *spec;
	const char *id;
	const char *bundle;   /* absolute path, for relative sources and messages */
	int bundle_fd;	      /* O_PATH */
	int host_proc;	      /* verified procfs root of the runtime's own namespaces */
	const struct cg *cg;  /* for cgroup mounts */
	const int *mount_fds; /* per spec->mounts: a detached mount that the runtime prepared with
			       * the host's rights (idmapped, or a bind source that the user
			       * namespace may not reach), else -EBADF */
	bool userns;	      /* a user namespace, new or joined: no mknod, locked mounts */
	bool cgroupns;	      /* a new cgroup namespace */
	bool no_pivot;	      /* --no-pivot: MS_MOVE and chroot */

	/* filled by the steps, inside; init's own, closed when it executes */
	int root;      /* O_PATH: the container's root mount; after the pivot still valid */
	int host_null; /* the host's /dev/null, verified, as a detached mount of init's mount
			* namespace, which covers masked files; -EBADF if the spec masks nothing */
	int proc;      /* verified procfs root that shows the container's pid namespace and is
			* no mount an attacker can reach; for /proc writes of init */
};

#endif
