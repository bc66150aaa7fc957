#ifndef CS_RUNTIME_DEFAULTS_H
#define CS_RUNTIME_DEFAULTS_H

/* What of /proc and /sys is not namespaced and tells of, or reaches, the host: maskedPaths and
 * readonlyPaths of configs that we write ourselves. NULL-terminated. */
extern const char *const ctr_default_masked[];
extern const char *const ctr_default_readonly[];

#endif
