#ifndef CS_CGROUPS_DEVICES_H
#define CS_CGROUPS_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroups/cgroup_int.h"

struct bpf_insn;

/*
 * Device rules (config-linux.md, Allowed Device list): applied in order, the last one that matches
 * an access decides. Bits are those of linux/bpf.h, BPF_DEVCG_ACC_*.
 */

enum { CG_DEV_MKNOD = 1, CG_DEV_READ = 2, CG_DEV_WRITE = 4, CG_DEV_ALL = 7 };

struct cg_devrule {
	bool allow;
	bool block;	      /* else a character device */
	uint8_t access;	      /* CG_DEV_* */
	int64_t major, minor; /* -1: any */
};

struct cg_devset {
	bool allow;	      /* what no rule matches */
	struct cg_devrule *v; /* owned */
	size_t n;
};
void cg_devset_fini(struct cg_devset *set);
#define cg_auto_devset CS_CLEANUP(cg_devset_fini) /* needs base/cleanup.h */

/* The spec's rules, followed by those of the default devices, in their simplest form: a rule for
 * all devices and all access becomes the default and makes those before it void; one for all types
 * becomes two; what changes nothing is left out. Without a rule for all, the default is to deny.
 * Pure. */
int cg_devset_build(const struct cg_device_rule *rules, size_t n, struct cg_devset *out,
		    struct cs_err *err);

/* v1 knows no order, only a default and exceptions from it: the same set as exceptions, all of
 * which have allow = !set->allow. ENOTSUP where a rule is to take a part out of a wider one. Pure.
 */
int cg_devset_flatten(const struct cg_devset *set, struct cg_devset *out, struct cs_err *err);

/* The text of devices.list as exceptions, or the default to allow (then the exceptions are not
 * known). Pure. */
int cg_devset_parse_list(const char *text, struct cg_devset *out, struct cs_err *err);

/* A program of type BPF_PROG_TYPE_CGROUP_DEVICE that answers as the rules do; the caller frees
 * *@out. Pure. */
int cg_devbpf_build(const struct cg_devset *set, struct bpf_insn **out, size_t *n,
		    struct cs_err *err);

/* Puts the program in the place of whatever device programs the v2 cgroup has; there is no moment
 * without one. */
int cg_devbpf_apply(const struct cg *cg, const struct cg_devset *set, struct cs_err *err);

#endif
