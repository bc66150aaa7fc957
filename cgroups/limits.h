#ifndef CS_CGROUPS_LIMITS_H
#define CS_CGROUPS_LIMITS_H

#include <stddef.h>

#include "cgroups/cgroup_int.h"

/*
 * How a field of linux.resources becomes a kernel file's text. One table a cgroup version; a
 * controller's row is taken from v1's table if its hierarchy is mounted and else from v2's, so a
 * hybrid host needs nothing of its own.
 */

enum { CG_TEXT_MAX = 128 };

/* What a formatter may look at. */
struct cg_limit_in {
	const struct cg *cg;
	const struct cg_resources *res;
	enum cg_field field;
};

/* Writes the text of the field. Returns 1, 0 when there is nothing to write, -errno with err set.
 */
typedef int (*cg_format_fn)(const struct cg_limit_in *in, char out[CG_TEXT_MAX],
			    struct cs_err *err);

struct cg_knob {
	enum cg_field field;
	enum cg_ctl ctl;
	const char *file; /* NULL: this version has no such thing */
	cg_format_fn format;
	const char *moot; /* text that asks for nothing where the file is missing, or NULL */
};

extern const struct cg_knob cg_knobs_v1[];
extern const size_t cg_n_knobs_v1;
extern const struct cg_knob cg_knobs_v2[];
extern const size_t cg_n_knobs_v2;

/* Was the field given? */
bool cg_given(const struct cg_resources *res, enum cg_field field);

/* Writes @text to @file of controller @ctl. On v2 enables the controller down the path if it is
 * not. -ENOENT: no such controller, or no such file. No message. */
int cg_limit_write(const struct cg *cg, enum cg_ctl ctl, const char *file, const char *text);

/* Why cg_limit_write() failed, naming the field ("memory.limit"). Returns -@code. */
int cg_limit_err(struct cs_err *err, int code, const struct cg *cg, enum cg_ctl ctl,
		 const char *field, const char *file);

/* Is the text "no limit"? Where nothing limits, it is so already. */
bool cg_is_unlimited(const char *text);

/* cg_limit_write() and cg_limit_err(). */
int cg_limit_set(const struct cg *cg, enum cg_ctl ctl, const char *field, const char *file,
		 const char *text, struct cs_err *err);

/* Lists (limits_list.c): those of cpuset, blockIO, hugepageLimits, rdma, network.priorities and
 * unified. */
int cg_limit_lists(const struct cg *cg, const struct cg_resources *res, struct cs_err *err);
/* limits_io.c */
int cg_limit_blkio(const struct cg *cg, const struct cg_resources *res, struct cs_err *err);

/* Devices: sets the rules, if there are any, by the v1 hierarchy or an eBPF program. */
int cg_devices_apply(const struct cg *cg, const struct cg_resources *res, struct cs_err *err);

#endif
