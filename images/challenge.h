#ifndef CS_IMAGES_CHALLENGE_H
#define CS_IMAGES_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;

/*
 * What a registry asks for in WWW-Authenticate (RFC 9110, 11.6.1): Bearer with the address of a
 * token server (distribution's token authentication), or Basic. Other schemes are passed over.
 */

enum { IMG_CHALLENGE_MAX = 16384 };

struct img_challenge {
	bool bearer, basic;
	/* of Bearer; "" when not given */
	char realm[2048];
	char service[512];
	char scope[2048];
	char error[64]; /* "invalid_token", "insufficient_scope" */
};

/* Pure. Adds what the value @buf says to @out, which starts zeroed: there may be several such
 * headers, and several challenges in one. The first Bearer counts. EINVAL: not what the RFC says,
 * a parameter twice, or one too long; EFBIG: more than IMG_CHALLENGE_MAX bytes. */
int img_challenge_parse(const char *buf, size_t len, struct img_challenge *out, struct cs_err *err);

#endif
