#ifndef CS_ENGINE_LOG_H
#define CS_ENGINE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * What a container wrote, in <root>/containers/ID/log: a line of it is a record, stamped with the
 * time its end came. A line longer than ENG_LOG_LINE is several records.
 *
 *   json-file   {"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}
 *               docker's. A byte that is no UTF-8 is written as the lone surrogate \udcXX: JSON,
 * and no byte is lost. k8s-file    2026-01-02T03:04:05.000000006Z stdout F text the kubelet's; P
 * instead of F: the line goes on in the next record of that stream.
 *
 * Past max-size bytes the file becomes log.1, log.1 log.2 and so on; max-file counts them all.
 */
enum { ENG_LOG_LINE = 16 * 1024, ENG_LOG_FILES_MAX = 500 };

enum eng_log_driver { ENG_LOG_JSON, ENG_LOG_K8S, ENG_LOG_NONE };

enum eng_log_stream { ENG_LOG_STDOUT, ENG_LOG_STDERR };

struct eng_log_opts {
	enum eng_log_driver driver;
	uint64_t max_size; /* bytes; 0: no bound */
	unsigned int max_file;
};

/* Reads --log-driver (NULL: json-file) and the @n --log-opt. EINVAL names what is wrong. Pure. */
int eng_log_opts(const char *driver, const char *const *opts, size_t n, struct eng_log_opts *out,
		 struct cs_err *err);

/* A log being written. Nothing here is big: a line whose end is not there yet is kept in a buffer a
 * stream, and a batch of records is written at once. */
struct eng_log {
	struct eng_log_opts o;
	int dir;	/* borrowed; the container's folder */
	int fd;		/* owned; -EBADF: driver none */
	uint64_t size;	/* of the file */
	uint64_t start; /* where the last record begins */
	uint64_t lost; /* records that could not be written, and of which the log does not say so */
	uint64_t told; /* private: lost ones of which the batch says so */
	uint64_t batch; /* private: records of the batch */
	bool skip;	/* private: the record's beginning could not be written */
	struct {
		char *s; /* owned; ENG_LOG_LINE bytes once needed */
		size_t len;
	} line[2];
	char *out;   /* owned; the batch */
	size_t used; /* of @out */
};
#define ENG_LOG_INIT ((struct eng_log){ .dir = -EBADF, .fd = -EBADF }) /* needs errno.h */

int eng_log_open(int dir, const struct eng_log_opts *o, struct eng_log *out, struct cs_err *err);
/* Adds what came. Never fails: a full disk costs records, and the log says how many once there is
 * room again. */
void eng_log_add(struct eng_log *l, enum eng_log_stream s, const char *buf, size_t len);
/* The streams ended: what is left of a line becomes a record. */
void eng_log_end(struct eng_log *l);
void eng_log_close(struct eng_log *l); /* idempotent */

#endif
