#ifndef CS_ENGINE_CHECK_H
#define CS_ENGINE_CHECK_H

struct cs_err;

/*
 * Does this host have what caisson needs? What can be tried is tried: namespaces are made, file
 * systems mounted, limits set, in processes and folders of their own that are gone afterwards. At
 * the end containers are run, with a network and without.
 */

enum eng_verdict {
	ENG_PASS,
	ENG_WARN, /* something works less well, or is not there */
	ENG_FAIL, /* containers cannot be run, or not as they should */
};

struct eng_check_line {
	const char *area; /* "host", "cgroups", "storage", "network", "vm", "run" */
	const char *name; /* "namespaces" */
	enum eng_verdict verdict;
	char what[320]; /* what was found; one line */
	char help[320]; /* what to do; "" with ENG_PASS */
};

/* Told of each as soon as it is known. Returns 0, or what it set @err to, which ends all. */
typedef int (*eng_check_fn)(const struct eng_check_line *l, void *arg, struct cs_err *err);

/* Removes what checks that were killed left. */
void eng_check_tidy(const char *root, const char *state);

/* @root and @state: absolute; made if they are not there. What is wrong with the host is no error.
 */
int eng_check(const char *root, const char *state, eng_check_fn fn, void *arg, struct cs_err *err);

#endif
