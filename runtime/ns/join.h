#ifndef CS_RUNTIME_NS_JOIN_H
#define CS_RUNTIME_NS_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/spec.h"

struct cs_err;

/* Namespaces of a container that are joined by path, as open fds; -EBADF where not. */
struct ctr_join {
	int fd[CTR_NS_COUNT]; /* owned */
};

/* Opens linux.namespaces[].path, each checked to be a namespace of its type (NS_GET_NSTYPE). Host
 * side. */
int ctr_join_open(const struct ctr_spec *spec, struct ctr_join *out, struct cs_err *err);
void ctr_join_fini(struct ctr_join *j);

/* Must the joining be done by a process between the runtime and init? A joined pid namespace takes
 * effect on children only, and a new user namespace could not join what the host owns any more. */
bool ctr_join_needs_stage(const struct ctr_spec *spec);

/* Joins them all, in the calling process; the user namespace among them where its rights are
 * needed. */
int ctr_join_enter(const struct ctr_join *j, struct cs_err *err);

/* CLONE_NEW* of the new namespaces, for clone3(2) and for init's unshare(2) once it is root of a
 * new user namespace: what a namespace holds from its birth (mqueue's root, lo's files in sysfs)
 * belongs to who makes it, and before the ids are mapped that is nobody. Without cgroup and time:
 * those are made when the cgroup is joined and the offsets are written. */
uint64_t ctr_join_clone_flags(const struct ctr_spec *spec);
uint64_t ctr_join_unshare_flags(const struct ctr_spec *spec);

#endif
