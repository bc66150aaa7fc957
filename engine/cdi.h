#ifndef CS_ENGINE_CDI_H
#define CS_ENGINE_CDI_H

#include <stddef.h>

#include "base/json.h"

struct cfg;
struct cs_err;

/* Devices by the Container Device Interface (its spec up to 1.0): JSON files in /etc/cdi and
 * /var/run/cdi say what a device's name stands for. Those in YAML are named when a device is not
 * found, but not read. */

enum { ENG_CDI_MAX = 4 << 20 };

struct eng_cdi {
	struct cs_json_doc doc; /* owned */
	const char *kind;	/* "vendor.com/class" */
	const struct cs_json *devices;
	const struct cs_json *edits; /* for each of them; NULL: none */
};

/* A file's text; pure. EINVAL names the member. */
int eng_cdi_parse(const char *buf, size_t len, struct eng_cdi *out, struct cs_err *err);
void eng_cdi_fini(struct eng_cdi *s);	      /* idempotent */
#define eng_auto_cdi CS_CLEANUP(eng_cdi_fini) /* needs base/cleanup.h */

/* Parses it and tries the edits of every device, on nothing; pure, for the fuzzer. */
int eng_cdi_check(const char *buf, size_t len, struct cs_err *err);

/* "VENDOR/CLASS=NAME": adds its device nodes, mounts, environment, hooks and groups, and once those
 * of its file. ENOENT: no file has it; EINVAL: two in one folder do. A file of a later folder has
 * it its way. One that is damaged is passed over with a warning, or said with ENOENT. */
int eng_cdi_device(struct cfg *c, const char *name, struct cs_err *err);

/* The same with other folders, NULL-terminated: for tests. */
int eng_cdi_device_in(struct cfg *c, const char *const *dirs, const char *name, struct cs_err *err);

#endif
