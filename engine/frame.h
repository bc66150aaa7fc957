#ifndef CS_ENGINE_FRAME_H
#define CS_ENGINE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "engine/attach.h"

struct cs_err;

/* The messages of attach.h, checked. */
struct eng_msg {
	enum eng_frame type;
	const char *data; /* STDIN, STDOUT, STDERR, WARN: points into the message */
	size_t len;
	unsigned int want;   /* HELLO */
	uint16_t rows, cols; /* RESIZE */
	int exit_code;	     /* EXIT */
};

/* EBADMSG for what is none. Pure. */
int eng_msg_parse(const char *buf, size_t len, struct eng_msg *out, struct cs_err *err);

/* Sends one message, or does not: never waits. 1 sent, 0 there is no room, -errno without a
 * message. */
int eng_msg_send(int sock, enum eng_frame type, const void *data, size_t len);

#endif
