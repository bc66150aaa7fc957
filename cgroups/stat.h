#ifndef CS_CGROUPS_STAT_H
#define CS_CGROUPS_STAT_H

#include "cgroups/cgroup_int.h"

struct cs_jw;

/*
 * The members of runc's statistics, a function each. What the host or the kernel does not count is
 * 0 or, as in runc's, left out.
 */

void cg_stat_blkio(const struct cg *cg, struct cs_jw *w);   /* stat_io.c */
void cg_stat_cpu(const struct cg *cg, struct cs_jw *w);	    /* stat_cpu.c */
void cg_stat_cpuset(const struct cg *cg, struct cs_jw *w);  /* stat_cpu.c */
void cg_stat_hugetlb(const struct cg *cg, struct cs_jw *w); /* stat.c */
void cg_stat_memory(const struct cg *cg, struct cs_jw *w);  /* stat_memory.c */

/* The hierarchy that counts for @ctl: v1's, else the v2 tree, else -1. */
int cg_stat_hier(const struct cg *cg, enum cg_ctl ctl);
/* A number from a file; 0 when it is not there. */
uint64_t cg_stat_u64(const struct cg *cg, int h, const char *name);
/* Member @key, unless it is 0. */
void cg_stat_nonzero(struct cs_jw *w, const char *key, uint64_t v);
/* "psi", from a v2 pressure file; nothing where the kernel does not measure it. */
void cg_stat_psi(const struct cg *cg, const char *file, struct cs_jw *w);
/* The pressure of the line that starts with @kind ("some"). Pure. */
void cg_stat_psi_line(const char *text, const char *kind, struct cs_jw *w);

#endif
