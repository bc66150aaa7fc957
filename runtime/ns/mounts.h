#ifndef CS_RUNTIME_NS_MOUNTS_H
#define CS_RUNTIME_NS_MOUNTS_H

struct cs_err;
struct ctr_ns_setup;
struct ctr_spec;

/* Host side, before the clone: opens as detached mounts what needs the host's rights (idmapped
 * mounts; bind sources when there is a user namespace). @fds has spec->n_mounts entries, each
 * set to an fd the caller closes or -EBADF. */
int ctr_mounts_prepare(const struct ctr_spec *spec, int bundle_fd, int host_proc, int *fds,
		       struct cs_err *err);

/* Inside, before the pivot: makes every mount of the spec beneath s->root, in order. A detached
 * mount is made first, then moved onto a target fd that was resolved beneath the root, so a path
 * swapped meanwhile cannot lead it elsewhere (CVE-2021-30465). */
int ctr_mounts_apply(struct ctr_ns_setup *s, struct cs_err *err);

#endif
