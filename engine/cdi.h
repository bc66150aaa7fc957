#ifndef CS_ENGINE_CDI_H
#define CS_ENGINE_CDI_H

#include <stddef.h>

struct cfg;
struct cs_err;

/* Devices by the Container Device Interface (spec 0.6 and its elders): JSON files in /etc/cdi and
 * /var/run/cdi say what a device's name stands for. */

/* "VENDOR/CLASS=NAME": adds its device nodes, mounts, environment, hooks and groups. ENOENT: no
 * file has it; EINVAL: two have it. */
int eng_cdi_device(struct cfg *c, const char *name, struct cs_err *err);

#endif
