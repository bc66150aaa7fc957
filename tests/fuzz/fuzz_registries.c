/* registries.conf: what is accepted leads every name to places that are hosts, and the same text
 * read again says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/ref.h"
#include "images/registries.h"
#include "images/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void look(const struct img_registries *r, const char *host, const char *path)
{
	struct img_place out[IMG_PLACES];
	struct img_ref ref = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int n;

	memcpy(ref.host, host, strlen(host) + 1);
	memcpy(ref.path, path, strlen(path) + 1);
	n = img_registries_places(r, &ref, false, out, &err);
	if (n < 0) {
		need(err.code && err.msg[0]);
		return;
	}
	need(n >= 1 && n <= IMG_PLACES);
	for (int i = 0; i < n; i++) {
		need(img_url_authority_ok(out[i].host));
		need(out[i].repo[0] && out[i].repo[0] != '.' && !strstr(out[i].repo, "/."));
		need(out[i].mirror == (i + 1 < n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	img_auto_registries struct img_registries r = IMG_REGISTRIES_INIT;
	struct cs_err err = CS_ERR_INIT;

	if (img_registries_parse((const char *)data, size, "f", &r, &err) < 0) {
		need(err.code > 0 && err.msg[0] && !strchr(err.msg, '\n'));
		return 0;
	}
	for (const struct img_registry *g = r.v; g; g = g->next)
		need(g->prefix && *g->prefix);
	look(&r, "r.example", "team/app");
	look(&r, "sub.r.example:5000", "app");
	img_registries_alias(&r, "web");
	return 0;
}
