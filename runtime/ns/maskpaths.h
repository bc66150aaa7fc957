#ifndef CS_RUNTIME_NS_MASKPATHS_H
#define CS_RUNTIME_NS_MASKPATHS_H

struct cs_err;
struct ctr_ns_setup;

/* Inside: maskedPaths (files get the verified s->host_null, folders one shared read-only empty
 * tmpfs; CVE-2025-31133) and readonlyPaths, resolved beneath s->root. What is not there is skipped.
 */
int ctr_maskpaths_apply(struct ctr_ns_setup *s, struct cs_err *err);

#endif
