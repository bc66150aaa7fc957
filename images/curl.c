#include "images/curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

#define FN(field, sym)                                 \
	{                                              \
		offsetof(struct img_curl, field), sym, \
	}

static const struct {
	size_t off;
	const char *sym;
} functions[] = {
	FN(global_init, "curl_global_init"),
	FN(easy_init, "curl_easy_init"),
	FN(easy_cleanup, "curl_easy_cleanup"),
	FN(easy_setopt, "curl_easy_setopt"),
	FN(easy_getinfo, "curl_easy_getinfo"),
	FN(easy_pause, "curl_easy_pause"),
	FN(easy_strerror, "curl_easy_strerror"),
	FN(slist_append, "curl_slist_append"),
	FN(slist_free_all, "curl_slist_free_all"),
	FN(multi_init, "curl_multi_init"),
	FN(multi_cleanup, "curl_multi_cleanup"),
	FN(multi_setopt, "curl_multi_setopt"),
	FN(multi_add_handle, "curl_multi_add_handle"),
	FN(multi_remove_handle, "curl_multi_remove_handle"),
	FN(multi_perform, "curl_multi_perform"),
	FN(multi_info_read, "curl_multi_info_read"),
	FN(multi_poll, "curl_multi_poll"),
	FN(multi_wakeup, "curl_multi_wakeup"),
};

const bool img_curl_here = true;

int img_curl_load(const struct img_curl **out, struct cs_err *err)
{
	static struct img_curl table;
	static bool loaded;
	struct img_curl fresh;
	void *lib;

	if (loaded) {
		*out = &table;
		return 0;
	}
	lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return cs_err_set(err, ENOENT,
				  "load libcurl, which reaches registries: %s (install libcurl4)",
				  dlerror());
	for (size_t i = 0; i < CS_LEN(functions); i++) {
		void *fn = dlsym(lib, functions[i].sym);

		if (!fn) {
			dlclose(lib);
			return cs_err_set(err, ENOSYS, "libcurl has no %s: it is too old",
					  functions[i].sym);
		}
		memcpy((char *)&fresh + functions[i].off, &fn, sizeof(fn));
	}
	if (fresh.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		dlclose(lib);
		return cs_err_set(err, EIO, "libcurl cannot be set up");
	}
	table = fresh;
	loaded = true;
	*out = &table;
	return 0;
}
