#ifndef CS_RUNTIME_NS_LSM_H
#define CS_RUNTIME_NS_LSM_H

struct cs_err;
struct ctr_process;

/* Makes the next execve(2) of this process enter the AppArmor profile / SELinux label of @p, by
 * attr files below the verified procfs @proc (never a path an attacker can over-mount:
 * CVE-2019-16884). A profile on a kernel without that LSM is an error naming the field. */
int ctr_lsm_set_exec(const struct ctr_process *p, int proc, struct cs_err *err);

/* SELinux label for the keyring, if a label is set. */
int ctr_lsm_set_keyring(const struct ctr_process *p, int proc, struct cs_err *err);

#endif
