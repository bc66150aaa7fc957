#ifndef CS_RUNTIME_NS_KEYRING_H
#define CS_RUNTIME_NS_KEYRING_H

struct cs_err;

/* Joins a session keyring of the container's own, "_ses.<id>", so that it has no part in the
 * runtime's (session-keyring(7)). Searchable by its user, as container tools expect. Inside,
 * after the SELinux keyring label. A kernel without keyrings, a seccomp filter around the runtime
 * that refuses keyctl(2), and a full key quota give a warning only, and the old keyring stays. */
int ctr_keyring_new(const char *id, struct cs_err *err);

#endif
