#ifndef CS_IMAGES_CRYPTO_H
#define CS_IMAGES_CRYPTO_H

#include <openssl/evp.h>

struct cs_err;

/*
 * libcrypto, loaded when the first digest is made: relocating it is most of the time that a command
 * needs to begin, and few commands need it.
 */
struct img_crypto {
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_sha256) *sha256;
	__typeof__(EVP_DigestInit_ex) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
};

/* Loads libcrypto.so.3 once a process and points *@out at its functions; any thread. ENOENT when it
 * is not there. */
int img_crypto_load(const struct img_crypto **out, struct cs_err *err);

#endif
