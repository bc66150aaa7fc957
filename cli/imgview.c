#include "cli/imgview.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/out.h"
#include "cli/timetext.h"
#include "engine/stamp.h"
#include "images/layer.h"

int cli_img_store(const struct cli_call *call, struct img_store **out, struct cs_err *err)
{
	char path[PATH_MAX];
	int ret = cs_str_fmt(path, sizeof(path), err, "%s/images", call->dirs->root);

	return ret < 0 ? ret : img_store_open(path, out, err);
}

void cli_size_text(uint64_t bytes, char out[32])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 999.5 && i + 1 < CS_LEN(units)) {
		v /= 1000;
		i++;
	}
	snprintf(out, 32,
		 i == 0 || v >= 99.95 ? "%.0f%s"
		 : v >= 9.995	      ? "%.1f%s"
				      : "%.2f%s",
		 v, units[i]);
}

void cli_ago_text(int64_t then, char out[48])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{ INT64_C(365) * 24 * 3600, "year" },
		{ INT64_C(30) * 24 * 3600, "month" },
		{ INT64_C(7) * 24 * 3600, "week" },
		{ INT64_C(24) * 3600, "day" },
		{ 3600, "hour" },
		{ 60, "minute" },
		{ 1, "second" },
	};
	int64_t age = (int64_t)time(NULL) - then;

	if (then == 0) {
		snprintf(out, 48, "N/A");
		return;
	}
	for (size_t i = 0; i < CS_LEN(units); i++) {
		int64_t n = age / units[i].seconds;

		/* "2 weeks", but "13 days" */
		if (n >= 2 || (n == 1 && i >= 3)) {
			snprintf(out, 48, "%lld %s%s ago", (long long)n, units[i].name,
				 n == 1 ? "" : "s");
			return;
		}
	}
	snprintf(out, 48, "now");
}

/* "repository" and "tag", "<none>" where there is none. */
static void split_name(const struct img_record *r, char repo[IMG_REF_TEXT], const char **tag,
		       struct img_ref *ref)
{
	struct cs_err ignored = CS_ERR_INIT;

	snprintf(repo, IMG_REF_TEXT, "<none>");
	*tag = "<none>";
	if (!*r->name || img_ref_parse(r->name, ref, &ignored) < 0)
		return;
	img_ref_repo(ref, repo);
	if (*ref->tag)
		*tag = ref->tag;
}

void cli_img_row(struct cs_jw *w, const struct img_record *r, bool no_trunc, bool digests)
{
	char repo[IMG_REF_TEXT], text[64], id[IMG_DIGEST_TEXT];
	const char *tag;
	struct img_ref ref;

	split_name(r, repo, &tag, &ref);
	snprintf(id, sizeof(id), no_trunc ? "%s" : "%.12s", no_trunc ? r->id : r->id + 7);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ID", id);
	cs_jw_str(w, "Repository", repo);
	cs_jw_str(w, "Tag", tag);
	cs_jw_str(w, "Digest", digests ? (*r->source ? r->source : r->digest) : "<none>");
	cli_time_text(r->created * 1000000000LL, text);
	cs_jw_str(w, "CreatedAt", text);
	cli_ago_text(r->created, text);
	cs_jw_str(w, "CreatedSince", text);
	cs_jw_str(w, "Created", text);
	cli_size_text(r->size, text);
	cs_jw_str(w, "Size", text);
	cs_jw_str(w, "VirtualSize", text);
	cs_jw_u64(w, "Bytes", r->size);
	cs_jw_str(w, "Names", r->name);
	if (*r->platform.arch) {
		img_platform_format(&r->platform, text, sizeof(text));
		cs_jw_str(w, "Platform", text);
	}
	cs_jw_obj_end(w);
}

/* --- filters ---------------------------------------------------------------------------------- */

static int bad_filter(const char *text, struct cs_err *err)
{
	return cs_err_set(
		err, EINVAL,
		"option --filter: \"%.60s\" is not dangling=, reference=, label=, label!=, "
		"before=, since= or until= with a value",
		text);
}

/* The value of "KEY=VALUE" if it is of that key, else NULL. */
static const char *value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	return strncmp(text, key, n) == 0 && text[n] == '=' && text[n + 1] ? text + n + 1 : NULL;
}

static bool match_reference(const struct img_record *r, const char *pattern)
{
	char repo[IMG_REF_TEXT];
	const char *tag, *base;
	struct img_ref ref = { "", "", "", "" };

	if (!*r->name)
		return false;
	split_name(r, repo, &tag, &ref);
	base = strcmp(ref.host, "localhost") == 0 ? repo + sizeof("localhost/") - 1 : repo;
	return fnmatch(pattern, r->name, 0) == 0 || fnmatch(pattern, repo, 0) == 0 ||
	       fnmatch(pattern, base, 0) == 0 ||
	       fnmatch(pattern, r->name + (base - repo), 0) == 0 ||
	       fnmatch(pattern, ref.path, 0) == 0 ||
	       (*ref.host && fnmatch(pattern, r->name + strlen(ref.host) + 1, 0) == 0);
}

static int match_label(const struct cli_img_filter *f, const struct img_record *r, const char *text,
		       struct cs_err *err)
{
	img_auto_config struct img_config config = IMG_CONFIG_INIT;
	const char *eq = strchr(text, '='), *v;
	cs_auto_free char *json = NULL;
	size_t len = 0;
	char key[256];
	int ret = img_store_blob_read(f->st, r->id, &json, &len, err);

	if (ret == 0)
		ret = img_config_parse(json, len, "config", &config, err);
	if (ret < 0) { /* damaged: it has no labels to go by */
		cs_err_clear(err);
		return 0;
	}
	if (cs_str_fmt(key, sizeof(key), err, "%.*s", (int)(eq ? eq - text : (int)strlen(text)),
		       text) < 0)
		return -err->code;
	v = img_config_label(&config, key);
	return v && (!eq || strcmp(v, eq + 1) == 0);
}

static int match_age(const struct cli_img_filter *f, const struct img_record *r, const char *text,
		     bool before, struct cs_err *err)
{
	const struct img_record *other = NULL;
	int ret = img_list_find(f->list, text, &other, err);

	if (ret < 0)
		return cs_err_wrap(err, "option --filter");
	return before ? r->created < other->created : r->created > other->created;
}

static int match_until(const struct img_record *r, const char *text, struct cs_err *err)
{
	int64_t t;

	if (eng_when_parse(text, eng_now(), &t, err) < 0)
		return cs_err_wrap(err, "option --filter: until");
	return r->created < t / 1000000000;
}

int cli_img_filter_check(const struct cli_strv *given, struct cs_err *err)
{
	static const char *const keys[] = { "dangling", "reference", "label", "label!",
					    "before",	"since",     "until" };

	for (size_t i = 0; i < given->n; i++) {
		bool known = false;

		for (size_t k = 0; k < CS_LEN(keys); k++)
			known |= value_of(given->v[i], keys[k]) != NULL;
		if (!known)
			return bad_filter(given->v[i], err);
	}
	return 0;
}

/* 1, 0, or an error; *@kind says what kind of filter it is. */
static int match_one(const struct cli_img_filter *f, const struct img_record *r, const char *text,
		     int *kind, struct cs_err *err)
{
	const char *v;

	*kind = 0;
	v = value_of(text, "dangling");
	if (v && (strcmp(v, "true") == 0 || strcmp(v, "1") == 0))
		return !*r->name;
	if (v && (strcmp(v, "false") == 0 || strcmp(v, "0") == 0))
		return *r->name != '\0';
	*kind = 1;
	v = value_of(text, "reference");
	if (v)
		return match_reference(r, v);
	*kind = -1; /* every one must pass */
	v = value_of(text, "label");
	if (v)
		return match_label(f, r, v, err);
	v = value_of(text, "label!");
	if (v) {
		int ret = match_label(f, r, v, err);

		return ret < 0 ? ret : !ret;
	}
	v = value_of(text, "before");
	if (v)
		return match_age(f, r, v, true, err);
	v = value_of(text, "since");
	if (v)
		return match_age(f, r, v, false, err);
	v = value_of(text, "until");
	if (v)
		return match_until(r, v, err);
	return bad_filter(text, err);
}

int cli_img_filter(const struct cli_img_filter *f, const struct img_record *r, struct cs_err *err)
{
	bool given[2] = { false, false }, passed[2] = { false, false };

	for (size_t i = 0; i < f->given->n; i++) {
		int kind = 0, ret = match_one(f, r, f->given->v[i], &kind, err);

		if (ret < 0)
			return ret;
		if (kind < 0 && !ret)
			return 0;
		if (kind >= 0) {
			given[kind] = true;
			passed[kind] |= ret > 0;
		}
	}
	return (!given[0] || passed[0]) && (!given[1] || passed[1]);
}

/* --- inspect ---------------------------------------------------------------------------------- */

static void put_names(struct cs_jw *w, const struct img_image *im)
{
	cs_jw_arr(w, "RepoTags");
	for (size_t i = 0; i < im->list.n; i++) {
		const struct img_record *r = &im->list.v[i];

		if (strcmp(r->id, im->rec->id) == 0 && *r->name && !strchr(r->name, '@'))
			cs_jw_str(w, NULL, r->name);
	}
	cs_jw_arr_end(w);
	cs_jw_arr(w, "RepoDigests");
	for (size_t i = 0; i < im->list.n; i++) {
		const struct img_record *r = &im->list.v[i];
		char repo[IMG_REF_TEXT], text[IMG_REF_TEXT + IMG_DIGEST_TEXT];
		struct cs_err ignored = CS_ERR_INIT;
		struct img_ref ref;

		if (strcmp(r->id, im->rec->id) != 0 || !*r->name ||
		    img_ref_parse(r->name, &ref, &ignored) < 0)
			continue;
		img_ref_repo(&ref, repo);
		snprintf(text, sizeof(text), "%s@%s", repo, *r->source ? r->source : r->digest);
		cs_jw_str(w, NULL, text);
	}
	cs_jw_arr_end(w);
}

static void put_layers(struct cs_jw *w, const struct img_store *st, const struct img_config *c)
{
	cs_jw_obj(w, "RootFS");
	cs_jw_str(w, "Type", "layers");
	cli_json_strings(w, "Layers", c->diff_ids, c->n_diff_ids);
	cs_jw_obj_end(w);
	cs_jw_arr(w, "LayersData");
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		struct cs_err ignored = CS_ERR_INIT;
		struct img_layer_info info = { .size = 0 };
		struct img_digest d;

		if (img_digest_parse(c->diff_ids[i], "layer", &d, &ignored) < 0 ||
		    img_layer_info_read(img_store_fd(st), &d, &info, &ignored) < 0)
			continue;
		cs_jw_obj(w, NULL);
		cs_jw_str(w, "DiffID", c->diff_ids[i]);
		cs_jw_u64(w, "Size", info.size);
		cs_jw_u64(w, "Entries", info.entries);
		cs_jw_str(w, "Kind", info.folder ? "folder" : "erofs");
		cs_jw_u64(w, "BlobSize", info.blob_size);
		cs_jw_str(w, "Compression", img_comp_name(info.comp));
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

int cli_img_inspect(struct cs_jw *w, const struct img_store *st, const struct img_image *im,
		    struct cs_err *err)
{
	const struct img_config *c = &im->config;
	const struct cs_json *config;

	(void)err;
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Id", im->rec->id);
	cs_jw_str(w, "Digest", im->rec->digest);
	put_names(w, im);
	if (im->manifest.artifact) {
		cs_jw_value(w, "Manifest", im->manifest.doc.root);
		cs_jw_obj_end(w);
		return 0;
	}
	cs_jw_str(w, "Created", c->created);
	cs_jw_str(w, "Author", c->author);
	cs_jw_str(w, "Architecture", c->platform.arch);
	if (*c->platform.variant)
		cs_jw_str(w, "Variant", c->platform.variant);
	cs_jw_str(w, "Os", c->platform.os);
	cs_jw_u64(w, "Size", im->rec->size);
	config = cs_json_get(c->doc.root, "config");
	if (config) {
		cs_jw_value(w, "Config", config);
	} else {
		cs_jw_obj(w, "Config");
		cs_jw_obj_end(w);
	}
	if (c->labels)
		cs_jw_value(w, "Labels", c->labels);
	cs_jw_str(w, "ManifestType", im->manifest.media_type);
	put_layers(w, st, c);
	if (cs_json_get(c->doc.root, "history"))
		cs_jw_value(w, "History", cs_json_get(c->doc.root, "history"));
	cs_jw_obj_end(w);
	return 0;
}
