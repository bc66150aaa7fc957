#ifndef CS_KVM_JAIL_H
#define CS_KVM_JAIL_H

#include <stdint.h>
#include <sys/types.h>

#include "kvm/vcpu.h"

struct cs_err;

/*
 * The jail of a running monitor, in three steps, before the guest's first instruction:
 *
 * 1. vm_jail_fork(): a child in user, mount, pid, ipc, net, uts and cgroup namespaces of its own;
 * 2. vm_jail_close(): its root becomes an empty read-only folder, it becomes an unprivileged user
 *    without capabilities, now and by any exec (no_new_privs), with resource limits, and dies with
 *    its parent;
 * 3. vm_jail_thread(): on each thread, a filter of system calls made from the list in
 *    kvm/jail_calls.c.
 *
 * From step 2 on there is no path to open: everything else came as an fd.
 */

/* Forks. Returns 0 in the child, which goes on in its namespaces with all capabilities in them, and
 * the child's pid in the parent. As root the child's only user is @uid and its only group @gid;
 * else they are the caller's own. An error is one of the parent: the child has ended then. */
pid_t vm_jail_fork(uid_t uid, gid_t gid, struct cs_err *err);

/* For the parent: closes every other fd, hands SIGTERM, SIGINT and SIGHUP on, and waits for the
 * child. Returns the status a shell would show. */
int vm_jail_attend(pid_t child, struct cs_err *err);

/* For the child, before it has threads. */
int vm_jail_close(uid_t uid, gid_t gid, struct cs_err *err);

/* On each thread. The main one's comes last: no thread can be made afterwards. */
int vm_jail_thread(enum vm_role role, struct cs_err *err);

/* vm_jail_thread(VM_ROLE_WORKER) for threads that devices start; failure ends the process. */
void vm_jail_worker(void);

#endif
