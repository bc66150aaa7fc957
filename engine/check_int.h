#ifndef CS_ENGINE_CHECK_INT_H
#define CS_ENGINE_CHECK_INT_H

#include <limits.h>
#include <stddef.h>

#include "engine/check.h"

/* What the files of the check share. */

#define ENG_CHECK_DIR ".check." /* and six letters: folders below root and state; locked in use */

struct eng_check {
	const char *root, *state;
	const char *area;
	eng_check_fn fn;
	void *arg;
	int ret; /* of @fn: < 0 once it ended all */
	struct cs_err *err;
	char tmp[PATH_MAX];	/* a folder of our own below the root; "" if it cannot be made */
	char tmp_run[PATH_MAX]; /* below the state; the same */
};

/* What was found. Control characters become "?". */
void eng_check_pass(struct eng_check *c, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* @help: what to do. */
void eng_check_warn(struct eng_check *c, const char *name, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void eng_check_fail(struct eng_check *c, const char *name, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Calls @fn in a process of its own, whatever it does to its namespaces; ETIMEDOUT when it takes
 * too long. Its result is that of @fn. */
typedef int (*eng_check_try_fn)(const struct eng_check *c, void *arg, struct cs_err *err);
int eng_check_try(const struct eng_check *c, eng_check_try_fn fn, void *arg, struct cs_err *err);

/* A number that a file of /proc or /sys begins with; -1: there is none. */
long long eng_check_number(const char *path);
/* The file's first line into @out; -ENOENT and the like without a message. */
int eng_check_line_of(const char *path, char *out, size_t size);

/* The areas. */
void eng_check_host(struct eng_check *c);
void eng_check_cgroups(struct eng_check *c);
void eng_check_storage(struct eng_check *c);
void eng_check_network(struct eng_check *c);
void eng_check_vm(struct eng_check *c);
void eng_check_run(struct eng_check *c);

/* Parts of them. */
void eng_check_cpu(struct eng_check *c);
void eng_check_erofs(struct eng_check *c);
void eng_check_ids(struct eng_check *c);

#endif
