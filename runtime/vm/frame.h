#ifndef CS_RUNTIME_VM_FRAME_H
#define CS_RUNTIME_VM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cs_err;

/*
 * What the host's side of a machine and the agent in it say to one another, over vsock. The agent
 * dials: one connection to CTR_VM_PORT_CONTROL when it is up, and one to CTR_VM_PORT_STREAM plus
 * its number for each process that it was asked for. A frame is two little-endian 32-bit words, the
 * length of what follows them and its type, and that. Commands on the host reach the keeper of the
 * machine, over a Unix socket, in the same form.
 *
 * Both sides run on one processor, so words go as they lie in memory. Neither trusts the other: a
 * frame that is too long, or of a type that does not belong there, ends the connection.
 */
enum ctr_vm_frame {
	/* control */
	CTR_VM_HELLO = 1, /* from the agent: the word CTR_VM_VERSION */
	CTR_VM_REQUEST, /* to the agent: a word that names it, then a JSON object, "do" says what */
	CTR_VM_REPLY,	/* from the agent: the same word, then a JSON object; see request.h */
	/* one process */
	CTR_VM_STDIN, /* data, at most CTR_VM_DATA_MAX */
	CTR_VM_STDOUT,
	CTR_VM_STDERR,
	CTR_VM_EOF, /* a word, CTR_VM_STDIN to _STDERR: it has ended, or is not taken any more */
	CTR_VM_WINSIZE, /* to the agent: two 16-bit words, rows and columns */
	CTR_VM_SIGNAL,	/* to the agent: a word, Linux's number */
	CTR_VM_EXIT,	/* from the agent, the last one: the status as a shell shows it, and of the
			 * container's own how many of its processes were killed for memory */
	CTR_VM_TAKEN,	/* two words, CTR_VM_STDIN to _STDERR and how many bytes of it were taken */
	CTR_VM_FRAMES,
};

enum {
	CTR_VM_VERSION = 3,
	CTR_VM_PORT_CONTROL = 1024,
	CTR_VM_PORT_STREAM = 65536,
	CTR_VM_DATA_MAX = 32 * 1024,
	CTR_VM_WINDOW = 256 * 1024, /* bytes of one kind on their way, at most: not taken yet */
	CTR_VM_TEXT_MAX = (16 << 20) + 4096, /* a config.json and a little around it */
};

/* A frame that has come. Borrowed from the reader, until it reads the next one. */
struct ctr_vm_msg {
	enum ctr_vm_frame type;
	const unsigned char *data;
	uint32_t len;
};

/* What comes in. */
struct ctr_vm_reader {
	uint32_t max; /* of a frame's data */
	unsigned char head[8];
	unsigned char *data; /* owned */
	size_t cap;
	size_t have; /* bytes of head and data */
};
void ctr_vm_reader_fini(struct ctr_vm_reader *r);

/* Reads what is there of the next frame, and nothing behind it. 1: *@out is one; 0: it is not whole
 * yet (only where @fd does not block); -EPIPE: the end; -EPROTO, -ENOMEM. */
int ctr_vm_read(struct ctr_vm_reader *r, int fd, struct ctr_vm_msg *out, struct cs_err *err);

/* The word at @pos (a multiple of 4) of a frame's data; false: it is not that long. */
bool ctr_vm_word(const struct ctr_vm_msg *m, size_t pos, uint32_t *out);

/* What goes out. */
struct ctr_vm_writer {
	struct cs_buf buf; /* owned */
	size_t off;	   /* sent so far */
};
void ctr_vm_writer_fini(struct ctr_vm_writer *w);

/* Adds a frame. @head (NULL: none) is a word in front of the data. */
void ctr_vm_put(struct ctr_vm_writer *w, enum ctr_vm_frame type, const uint32_t *head,
		const void *data, size_t len);
static inline void ctr_vm_put_word(struct ctr_vm_writer *w, enum ctr_vm_frame type, uint32_t word)
{
	ctr_vm_put(w, type, &word, NULL, 0);
}

/* Is there something to send? */
static inline bool ctr_vm_waiting(const struct ctr_vm_writer *w)
{
	return w->buf.len > w->off;
}

/* Sends what @fd, a socket, takes. 1: all is sent; 0: not yet (only where @fd does not block). */
int ctr_vm_flush(struct ctr_vm_writer *w, int fd, struct cs_err *err);

/* What is in a guest package, by which it is known to be of this program: a line without its end.
 */
enum { CTR_VM_PACKAGE_VERSION = 64 };
void ctr_vm_package_version(char out[CTR_VM_PACKAGE_VERSION]);

#endif
