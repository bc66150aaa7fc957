#include "images/crypto.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

#define FN(field, sym)                                   \
	{                                                \
		offsetof(struct img_crypto, field), sym, \
	}

static const struct {
	size_t off;
	const char *sym;
} functions[] = {
	FN(ctx_new, "EVP_MD_CTX_new"),	FN(ctx_free, "EVP_MD_CTX_free"),
	FN(sha256, "EVP_sha256"),	FN(init, "EVP_DigestInit_ex"),
	FN(update, "EVP_DigestUpdate"), FN(final, "EVP_DigestFinal_ex"),
};

static struct img_crypto table;
static char why[200]; /* "": it is loaded */

static void load(void)
{
	void *lib = dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_LOCAL);

	if (!lib) {
		snprintf(why, sizeof(why), "%s", dlerror());
		return;
	}
	for (size_t i = 0; i < CS_LEN(functions); i++) {
		void *fn = dlsym(lib, functions[i].sym);

		if (!fn) {
			snprintf(why, sizeof(why), "it has no %s", functions[i].sym);
			return;
		}
		memcpy((char *)&table + functions[i].off, &fn, sizeof(fn));
	}
}

int img_crypto_load(const struct img_crypto **out, struct cs_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (*why)
		return cs_err_set(err, ENOENT,
				  "load libcrypto, which makes digests: %s (install libssl3)", why);
	*out = &table;
	return 0;
}
