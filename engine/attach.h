#ifndef CS_ENGINE_ATTACH_H
#define CS_ENGINE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct eng;

/*
 * The line between a command and a monitor: the SOCK_SEQPACKET socket <state>/containers/ID/attach,
 * or a socketpair that run and start -a hand to the monitor, so that no byte is lost. A message is
 * a byte that says what it is, and what follows it; at most ENG_FRAME_MAX bytes.
 */
enum { ENG_FRAME_MAX = 32 * 1024 + 1 };

enum eng_frame {
	/* to the monitor */
	ENG_F_HELLO = 'H',  /* a byte: bits of enum eng_want. First message of a connection */
	ENG_F_STDIN = 'I',  /* bytes for stdin */
	ENG_F_EOF = 'C',    /* no more stdin from this client */
	ENG_F_RESIZE = 'R', /* rows, columns: two 16-bit numbers, native */
	ENG_F_STOP = 'S',   /* look at "stop": a wait before a restart ends */
	/* from the monitor */
	ENG_F_STDOUT = 'O',
	ENG_F_STDERR = 'E',
	ENG_F_WARN =
		'W', /* a line to show: why it lets go of this client; no exit status follows */
	ENG_F_EXIT = 'X', /* exit status, 32-bit native: the last message */
};

enum eng_want {
	ENG_WANT_STDIN = 1,
	ENG_WANT_STDOUT = 2,
	ENG_WANT_STDERR = 4,
	/* nothing of these: waits for the end of this run */
};

struct eng_attach_opts {
	unsigned int want;	 /* bits of enum eng_want */
	bool tty;		 /* the container has a terminal: ours goes raw, sizes are sent */
	bool sig_proxy;		 /* signals we get are sent to the container */
	const char *detach_keys; /* "ctrl-p,ctrl-q"; "": none */
	bool greeted;		 /* eng_attach_hello() was called */
	int in, out, err;	 /* borrowed fds: the user's */
};

/* Connects to the monitor of @id. ENOENT, ECONNREFUSED: none lives. Returns the socket. */
int eng_attach_connect(const struct eng *e, const char *id, struct cs_err *err);

/* Says hello, and with a terminal its size: who starts a container does so before it starts the
 * monitor, so that the program finds its terminal in that size. */
int eng_attach_hello(int sock, const struct eng_attach_opts *o, struct cs_err *err);

/* Talks over @sock (says hello first) until the container ends (returns 0, *@exit_code is its
 * status), or the user detaches (returns 1), or the monitor goes without a word (EPIPE). The
 * terminal is put back in every case. @id: for signals. */
int eng_attach(const struct eng *e, const char *id, int sock, const struct eng_attach_opts *o,
	       int *exit_code, struct cs_err *err);

/* Checks and translates detach keys: "ctrl-p,ctrl-q", "ctrl-a,q"; at most @size bytes into @out;
 * returns how many. Pure. */
int eng_detach_keys(const char *text, unsigned char *out, size_t size, struct cs_err *err);

enum { ENG_DETACH_MAX = 16 };

/* What is looked for in the input. */
struct eng_detach {
	unsigned char keys[ENG_DETACH_MAX];
	size_t n;    /* 0: nothing */
	size_t seen; /* so many of them were the last of the input, and are held back */
};
/* Copies the @len bytes of @in to @out (@len + ENG_DETACH_MAX bytes) but for what may be the keys'
 * beginning. @len 0 is the end of the input: what was held back comes. Returns how many; *@detach:
 * the keys came. Pure. */
size_t eng_detach_filter(struct eng_detach *d, const char *in, size_t len, char *out, bool *detach);

#endif
