#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/index.h"
#include "images/store.h"

enum { SHORTEST_ID = 2 };

/* The record of exactly that name. */
static const struct img_record *by_name(const struct img_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (*l->v[i].name && strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	}
	return NULL;
}

/* Does the repository of @r end in "/<repo>", or is it that? Its tag must be the same. */
static bool ends_in(const struct img_record *r, const struct img_ref *want)
{
	struct cs_err ignored = CS_ERR_INIT;
	char repo[IMG_REF_TEXT], tail[IMG_REF_TEXT];
	size_t n, m;
	struct img_ref have;

	if (!*r->name || img_ref_parse(r->name, &have, &ignored) < 0)
		return false;
	if (strcmp(have.tag, want->tag) != 0)
		return false;
	img_ref_repo(&have, repo);
	img_ref_repo(want, tail);
	n = strlen(repo);
	m = strlen(tail);
	return n > m && repo[n - m - 1] == '/' && strcmp(repo + n - m, tail) == 0;
}

/* "repo@digest": an image with that digest (its manifest's or its index's) and repository. */
static const struct img_record *by_digest(const struct img_list *l, const struct img_ref *ref)
{
	const struct img_record *found = NULL;
	char want[IMG_REF_TEXT], repo[IMG_REF_TEXT];
	size_t n, m;

	img_ref_repo(ref, want);
	for (size_t i = 0; i < l->n && !found; i++) {
		struct cs_err ignored = CS_ERR_INIT;
		const struct img_record *r = &l->v[i];
		struct img_ref have;

		if (strcmp(r->digest, ref->digest) != 0 && strcmp(r->source, ref->digest) != 0)
			continue;
		if (!*r->name || img_ref_parse(r->name, &have, &ignored) < 0)
			continue;
		img_ref_repo(&have, repo);
		n = strlen(repo);
		m = strlen(want);
		/* without a host: any that ends in it */
		if (strcmp(repo, want) == 0 || (!*ref->host && n > m && repo[n - m - 1] == '/' &&
						strcmp(repo + n - m, want) == 0))
			found = r;
	}
	return found;
}

static int ambiguous(const char *text, struct cs_err *err)
{
	return cs_err_set(err, EINVAL, "\"%.80s\" means more than one image: say more of it", text);
}

/* 1 and *@out, 0: none, or ambiguous. */
static int find_name(const struct img_list *l, const char *text, const struct img_record **out,
		     struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	char full[IMG_REF_TEXT];
	struct img_ref ref;

	*out = NULL;
	if (img_ref_parse(text, &ref, &ignored) < 0)
		return 0;
	img_ref_default_tag(&ref);
	img_ref_format(&ref, full);
	*out = by_name(l, full);
	if (!*out && *ref.digest)
		*out = by_digest(l, &ref);
	if (!*out && !*ref.host) {
		struct img_ref local = ref;

		snprintf(local.host, sizeof(local.host), "localhost");
		img_ref_format(&local, full);
		*out = by_name(l, full);
	}
	if (*out || *ref.host || *ref.digest)
		return *out != NULL;
	for (size_t i = 0; i < l->n; i++) {
		if (!ends_in(&l->v[i], &ref))
			continue;
		if (*out)
			return ambiguous(text, err);
		*out = &l->v[i];
	}
	return *out != NULL;
}

static int find_id(const struct img_list *l, const char *text, const struct img_record **out,
		   struct cs_err *err)
{
	const char *hex = cs_str_starts(text, "sha256:") ? text + 7 : text;
	size_t len = strlen(hex);

	*out = NULL;
	if (len < SHORTEST_ID || len > 64 || strspn(hex, "0123456789abcdef") != len)
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct img_record *r = &l->v[i];

		if (strncmp(r->id + 7, hex, len) != 0 &&
		    (len < 64 || (strcmp(r->digest + 7, hex) != 0 && strcmp(r->source, text) != 0)))
			continue;
		if (*out && strcmp((*out)->id, r->id) != 0)
			return ambiguous(text, err);
		if (!*out)
			*out = r;
	}
	return *out != NULL;
}

int img_list_resolve(const struct img_list *l, const char *text, const struct img_record **out,
		     bool *by_id, struct cs_err *err)
{
	const struct img_record *r = NULL;
	char shown[96];
	int ret = find_name(l, text, &r, err);

	*by_id = ret == 0;
	if (ret == 0)
		ret = find_id(l, text, &r, err);
	if (ret < 0)
		return ret;
	if (ret == 0) {
		snprintf(shown, sizeof(shown), "%.90s", text);
		cs_str_plain(shown);
		return cs_err_set(err, ENOENT,
				  "image \"%s\" is not here: `caisson images` lists what is, "
				  "`caisson pull` fetches one",
				  shown);
	}
	*out = r;
	return 0;
}

int img_list_find(const struct img_list *l, const char *text, const struct img_record **out,
		  struct cs_err *err)
{
	bool by_id;

	return img_list_resolve(l, text, out, &by_id, err);
}
