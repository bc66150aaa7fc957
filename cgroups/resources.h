#ifndef CS_CGROUPS_RESOURCES_H
#define CS_CGROUPS_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct cs_err;

/*
 * linux.resources (OCI runtime-spec, config-linux.md, Control groups) as a checked struct. Pure.
 * A field that was not given has its has_* bit unset; strings and arrays are borrowed from the
 * JSON document.
 */

enum cg_field {
	CG_MEMORY_LIMIT,
	CG_MEMORY_RESERVATION,
	CG_MEMORY_SWAP,
	CG_MEMORY_KERNEL,
	CG_MEMORY_KERNEL_TCP,
	CG_MEMORY_SWAPPINESS,
	CG_MEMORY_DISABLE_OOM,
	CG_MEMORY_USE_HIERARCHY,
	CG_MEMORY_CHECK_BEFORE_UPDATE,
	CG_CPU_SHARES,
	CG_CPU_QUOTA,
	CG_CPU_BURST,
	CG_CPU_PERIOD,
	CG_CPU_RT_RUNTIME,
	CG_CPU_RT_PERIOD,
	CG_CPU_IDLE,
	CG_PIDS_LIMIT,
	CG_BLKIO_WEIGHT,
	CG_BLKIO_LEAF_WEIGHT,
	CG_NET_CLASS_ID,
	CG_FIELD_COUNT,
};

struct cg_device_rule {
	bool allow;
	char type;	      /* 'a', 'c', 'b' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

struct cg_blkio_weight {
	int64_t major, minor;
	bool has_weight, has_leaf_weight;
	uint16_t weight, leaf_weight;
};

struct cg_blkio_rate {
	int64_t major, minor;
	uint64_t rate; /* bytes or operations a second */
};

struct cg_hugepage {
	const char *page_size; /* "2MB" */
	uint64_t limit;	       /* bytes */
};

struct cg_net_prio {
	const char *name;
	uint32_t priority;
};

struct cg_rdma {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct cg_unified {
	const char *key, *value;
};

enum { CG_RATE_RBPS, CG_RATE_WBPS, CG_RATE_RIOPS, CG_RATE_WIOPS, CG_RATE_COUNT };

struct cg_resources {
	uint64_t has;		     /* bit 1 << enum cg_field */
	int64_t num[CG_FIELD_COUNT]; /* values; booleans as 0 or 1; -1 is "unlimited" where the
				      * spec says so */
	const char *cpus, *mems;     /* cpuset lists, NULL: not given */
	const struct cg_device_rule *devices;
	size_t n_devices;
	const struct cg_blkio_weight *blkio_weights;
	size_t n_blkio_weights;
	const struct cg_blkio_rate *blkio_rates[CG_RATE_COUNT];
	size_t n_blkio_rates[CG_RATE_COUNT];
	const struct cg_hugepage *hugepages;
	size_t n_hugepages;
	const struct cg_net_prio *net_prios;
	size_t n_net_prios;
	const struct cg_rdma *rdma;
	size_t n_rdma;
	const struct cg_unified *unified;
	size_t n_unified;
};

/* Parses the object @obj (NULL: nothing given) into @out, which the caller has zeroed. */
int cg_resources_parse(const struct cs_json_doc *doc, const struct cs_json *obj,
		       struct cg_resources *out, struct cs_err *err);

#endif
