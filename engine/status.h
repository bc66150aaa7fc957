#ifndef CS_ENGINE_STATUS_H
#define CS_ENGINE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;
struct eng;

/*
 * How a container is. status.json is written by the monitor (and by the command that cleans up
 * after one that died); whether a monitor lives is the lock on "live", which the kernel keeps true.
 */
enum eng_state {
	ENG_CREATED,  /* never started */
	ENG_STARTING, /* a monitor is at work, the program does not run yet */
	ENG_RUNNING,
	ENG_PAUSED,	/* only eng_status_get() says so */
	ENG_RESTARTING, /* it ended, and its monitor waits before it starts it again */
	ENG_EXITED,
	ENG_DEAD, /* its monitor is gone, and nobody has cleaned up yet; never on disk */
};
/* "created", "running", … as ps and inspect show them. */
const char *eng_state_name(enum eng_state s);

struct eng_status {
	enum eng_state state;
	pid_t pid;     /* of its init as the host sees it; 0: none */
	int exit_code; /* of the last run; 128 + signal */
	bool oom_killed;
	bool user_stopped;   /* the last run was ended by stop or kill */
	int64_t started_ns;  /* Unix time; 0: never */
	int64_t finished_ns; /* 0: never */
	int64_t restarts;    /* by its policy, since the user started it */
	pid_t monitor;
	char error[256]; /* why it could not be started; "" */
	char boot[40];	 /* the host's boot_id at the last start; "": none */
	/* Running, though somebody removed what is below the state; never on disk. Nothing reaches
	 * it but rm --force. */
	bool lost;
};
#define ENG_STATUS_INIT ((struct eng_status){ 0 })

/* Pure, for the fuzzer. */
int eng_status_parse(const char *buf, size_t len, struct eng_status *out, struct cs_err *err);

/* Writes status.json of container @id, atomically; on a full disk over the old one, so that an end
 * is never lost. */
int eng_status_save(const struct eng *e, const char *id, const struct eng_status *st,
		    struct cs_err *err);
/* Reads it and asks whether the monitor lives: STARTING, RUNNING and RESTARTING become DEAD when it
 * does not, unless its folder below the state was removed and the program is in its cgroup yet. A
 * missing file is CREATED. Does not ask whether it is paused. */
int eng_status_load(const struct eng *e, const char *id, struct eng_status *out,
		    struct cs_err *err);
/* The same, and asks the runtime whether it is paused. */
int eng_status_get(const struct eng *e, const char *id, struct eng_status *out, struct cs_err *err);

/* The same for a list of many: asks the runtime only about those that it ever paused. */
int eng_status_glance(const struct eng *e, const char *id, struct eng_status *out,
		      struct cs_err *err);

/* EBUSY, and what to do, for one that runs and cannot be reached: it is lost, or somebody removed
 * what the runtime knows of it; else 0. */
int eng_status_reach(const struct eng *e, const char *id, const char *name,
		     const struct eng_status *st, struct cs_err *err);

/* Makes <state>/containers/ID and takes the lock that says the monitor lives. EBUSY: one lives.
 * Returns the fd: the lock goes with its last copy, so it is handed on to the monitor. */
int eng_live_take(const struct eng *e, const char *id, struct cs_err *err);
/* Removes that folder of one that is taken down, by who has its lock: the lock's file goes last,
 * and what another start makes from then on stays. */
int eng_live_end(const struct eng *e, const char *id, struct cs_err *err);
/* 1: a monitor lives, 0: none. */
int eng_live(const struct eng *e, const char *id, struct cs_err *err);
/* Waits until it does not; @timeout_ms -1: for ever. 1 gone, 0 timeout. */
int eng_live_wait(const struct eng *e, const char *id, int timeout_ms, struct cs_err *err);

#endif
