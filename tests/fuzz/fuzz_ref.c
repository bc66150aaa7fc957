/*
 * Names of images, locations and platforms as a user or a registries.conf writes them: what is
 * taken says the same when it is written out again, and nothing in it leads out of a folder.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/manifest.h"
#include "images/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* One line, whatever was in the text. */
static void refused(int ret, const struct cs_err *err)
{
	need(ret < 0 && err->code == -ret && err->msg[0] && !strchr(err->msg, '\n'));
}

static void same(const struct img_ref *a, const struct img_ref *b)
{
	need(strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0);
	need(strcmp(a->tag, b->tag) == 0 && strcmp(a->digest, b->digest) == 0);
}

static void whole(const struct img_ref *r)
{
	char text[IMG_REF_TEXT], repo[IMG_REF_TEXT];
	struct cs_err err = CS_ERR_INIT;
	struct img_ref again;

	img_ref_format(r, text);
	img_ref_repo(r, repo);
	need(strncmp(text, repo, strlen(repo)) == 0);
	need(!strstr(repo, "..") && text[0] != '/' && !strchr(r->tag, '/'));
	need(!strstr(text, "//") && r->tag[0] != '.');
	for (const char *s = text; *s; s++)
		need(*s > ' ' && *s < 0x7f);
	need(!*r->digest || img_ref_digest_ok(r->digest));
	need(img_ref_parse(text, &again, &err) == 0);
	same(r, &again);
}

static void names(const char *text)
{
	char out[IMG_REF_TEXT];
	struct cs_err err = CS_ERR_INIT;
	struct img_ref r, local;
	int ret = img_ref_parse(text, &r, &err);

	if (ret < 0) {
		refused(ret, &err);
		return;
	}
	img_ref_format(&r, out);
	need(strcmp(out, text) == 0);
	whole(&r);
	if (img_ref_local(text, &local, &err) == 0) {
		need(*local.host && (*local.tag || *local.digest));
		whole(&local);
	}
}

static void completed(const char *text, const char *registry)
{
	struct cs_err err = CS_ERR_INIT;
	struct img_ref r;
	int ret = img_ref_remote(text, registry, &r, &err);

	if (ret < 0) {
		refused(ret, &err);
		return;
	}
	need(*r.host && (*r.tag || *r.digest));
	whole(&r);
}

static void location(const char *text)
{
	static struct img_location l;
	struct cs_err err = CS_ERR_INIT;
	int ret = img_location_parse(text, &l, &err);

	if (ret < 0)
		refused(ret, &err);
	else
		need((l.transport == IMG_T_NONE || l.transport == IMG_T_REGISTRY) == !*l.path);
}

static void platform(const char *text)
{
	struct img_platform_text buf, buf2;
	struct cs_err err = CS_ERR_INIT;
	struct img_platform p, again;
	char out[128];
	int ret = img_platform_parse(text, &buf, &p, &err);

	if (ret < 0) {
		refused(ret, &err);
		return;
	}
	need(img_platform_match(&p, &p) == 100);
	img_platform_format(&p, out, sizeof(out));
	if (strlen(out) < sizeof(buf2.s)) {
		need(img_platform_parse(out, &buf2, &again, &err) == 0);
		need(img_platform_match(&p, &again) == 100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cs_auto_free char *text = malloc(size + 1);

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	names(text);
	completed(text, NULL);
	completed(text, "registry.example:5000/team");
	completed("team/web", text); /* a registry out of registries.conf */
	location(text);
	platform(text);
	return 0;
}
