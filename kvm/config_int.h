#ifndef CS_KVM_CONFIG_INT_H
#define CS_KVM_CONFIG_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct cs_json;
struct cs_json_doc;
struct vm_config;

/* Shared by config.c (the machine) and config_dev.c (its devices). */

/* Refuses a member of @obj whose key is not among the @n of @keys. */
int vm_config_keys(const struct cs_json *obj, const char *const *keys, size_t n,
		   struct cs_err *err);

/* A member that is the number of an fd. 1: it is there; 0: it is not, *@out is -EBADF then, and an
 * error if it @must be. */
int vm_config_fd(const struct cs_json *obj, const char *key, bool must, int *out,
		 struct cs_err *err);

/* An optional number from @min to @max. 1: it is there; 0: it is not, *@out stays. */
int vm_config_u32(const struct cs_json *obj, const char *key, uint32_t min, uint32_t max,
		  uint32_t *out, struct cs_err *err);

/* Fills in c->dev[c->n_devs]. */
int vm_config_dev(const struct cs_json *obj, struct vm_config *c, struct cs_err *err);

/* Names the devices that have no id; refuses one that is there twice. */
int vm_config_ids(const struct cs_json_doc *doc, struct vm_config *c, struct cs_err *err);

#endif
