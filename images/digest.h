#ifndef CS_IMAGES_DIGEST_H
#define CS_IMAGES_DIGEST_H

#define OPENSSL_SUPPRESS_DEPRECATED /* see digest.c */
#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * Digests, "sha256:<64 lower-case hex digits>" (OCI image-spec, descriptor.md). Nothing that calls
 * itself a digest is used in a path before it went through img_digest_parse().
 */
enum {
	IMG_SHA_SIZE = 32,	      /* bytes */
	IMG_SHA_HEX = 64,	      /* digits */
	IMG_DIGEST_LEN = 7 + 64,      /* "sha256:" and the digits */
	IMG_DIGEST_SIZE = 7 + 64 + 1, /* the same with the NUL */
};

/* A checked digest. A value: copied and compared as one. All zero: none. */
struct img_digest {
	char hex[IMG_SHA_HEX + 1]; /* the digits, safe as a file's name; "" is no digest */
};
#define IMG_DIGEST_NONE ((struct img_digest){ { 0 } })

/* Checks @text. EINVAL: no digest at all; ENOTSUP: one of another algorithm (sha512). @what names
 * it in the message ("layer 3"). */
int img_digest_parse(const char *text, const char *what, struct img_digest *out,
		     struct cs_err *err);

/* The whole text, "sha256:...". */
void img_digest_text(const struct img_digest *d, char out[IMG_DIGEST_SIZE]);

/* Are both there and the same? */
bool img_digest_equal(const struct img_digest *a, const struct img_digest *b);

/* A sha256 under way, by libcrypto (which uses the CPU's own instructions). */
struct img_sha {
	SHA256_CTX ctx;
	uint64_t size; /* bytes so far */
	bool failed;   /* sticks until img_sha_done() reports it */
};
#define IMG_SHA_INIT ((struct img_sha){ .size = 0 })

int img_sha_init(struct img_sha *s, struct cs_err *err);
void img_sha_update(struct img_sha *s, const void *buf, size_t len);
/* The digest of all bytes; @s may only be freed afterwards. */
int img_sha_done(struct img_sha *s, struct img_digest *out, struct cs_err *err);

/* The digest of one buffer. */
int img_sha_buf(const void *buf, size_t len, struct img_digest *out, struct cs_err *err);

#endif
