/* WWW-Authenticate: whatever a registry writes, what is taken from it fits its fields, and a realm
 * that is a URL leads where both readings of it say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/challenge.h"
#include "images/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void plain(const char *s, size_t room)
{
	size_t n = strnlen(s, room);

	need(n < room);
	for (size_t i = 0; i < n; i++)
		need((unsigned char)s[i] >= 0x20 && s[i] != 0x7f);
}

static void follow(const char *realm)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_url u, v;
	cs_auto_free char *next = NULL;

	if (img_url_parse(realm, &u, &err) < 0) {
		need(err.code == EINVAL && !strchr(err.msg, '\n'));
		return;
	}
	need(u.host[0] && u.port && !strchr(realm, '@') == !strchr(u.rest, '@'));
	need(img_url_resolve(realm, "/token?a=b", &next, &err) == 0);
	need(img_url_parse(next, &v, &err) == 0 && img_url_same_origin(&u, &v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_challenge c = { 0 };
	struct cs_err err = CS_ERR_INIT;

	if (img_challenge_parse((const char *)data, size, &c, &err) < 0) {
		need(err.code > 0 && err.msg[0]);
		return 0;
	}
	plain(c.realm, sizeof(c.realm));
	plain(c.service, sizeof(c.service));
	plain(c.scope, sizeof(c.scope));
	plain(c.error, sizeof(c.error));
	need(c.bearer || (!c.realm[0] && !c.service[0] && !c.scope[0]));
	follow(c.realm);
	return 0;
}
