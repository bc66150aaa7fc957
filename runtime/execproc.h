#ifndef CS_RUNTIME_EXECPROC_H
#define CS_RUNTIME_EXECPROC_H

#include "base/json.h"
#include "runtime/spec.h"

struct cs_err;
struct ctr_exec_opts;

/* The process that exec runs: the container's own one, changed by exec's options or replaced by its
 * --process file. */
struct ctr_execproc {
	struct ctr_process p;	/* borrows from the spec, the options and what follows */
	struct cs_json_doc doc; /* owned; of the --process file */
	const char **env;	/* owned; borrowed strings */
	gid_t *gids;		/* owned */
};

int ctr_execproc_make(const struct ctr_spec *spec, const struct ctr_exec_opts *opts,
		      struct ctr_execproc *out, struct cs_err *err);
void ctr_execproc_fini(struct ctr_execproc *x);

#endif
