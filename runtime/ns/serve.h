#ifndef CS_RUNTIME_NS_SERVE_H
#define CS_RUNTIME_NS_SERVE_H

struct cg;
struct cs_err;
struct ctr;
struct ctr_child;

/* The runtime's side of the talk with a process that is being made. Borrowed. */
struct ctr_serve {
	struct ctr *c;
	const struct cg *cg;
	int sync;
	const char *console_socket; /* where the pty's master goes; NULL: to child->master */
	int joiner;		    /* pidfd of who says CTR_MSG_FORKED; the process it made holds
				     * the socket, too, so that its death is no end of file */
	struct ctr_child *child;
};

/* Create: records init, maps its ids, sets its cgroup and what else is done from outside, runs the
 * hooks, until init is ready. */
int ctr_serve_create(struct ctr_serve *s, struct cs_err *err);

/* Takes messages up to CTR_MSG_READY, up to CTR_MSG_FORKED (child->pid and pidfd are then set), or
 * until the program runs. Each fails with what CTR_MSG_FAILED says. */
int ctr_serve_until_ready(struct ctr_serve *s, struct cs_err *err);
int ctr_serve_until_forked(struct ctr_serve *s, struct cs_err *err);
int ctr_serve_until_exec(struct ctr_serve *s, struct cs_err *err);

#endif
