#include "images/pull.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/config.h"
#include "images/manifest.h"
#include "images/pull_int.h"
#include "images/staging.h"

/* What is pulled: the manifest for a platform, and the index it is of. */
struct found {
	struct img_reg_manifest m; /* owned */
	struct img_manifest parsed;
	char index[IMG_DIGEST_TEXT]; /* "" when there is none */
};

static void found_fini(struct found *f)
{
	img_manifest_fini(&f->parsed);
	img_reg_manifest_fini(&f->m);
}

/* Fetches the entry of an index that is for the platform. */
static int from_index(struct img_pull *p, const struct img_pull_opts *o, struct found *f,
		      struct cs_err *err)
{
	struct img_platform_text text;
	struct img_reg_manifest m = IMG_REG_MANIFEST_INIT;
	struct img_platform want;
	const struct img_desc *d = NULL;
	int ret = img_platform_parse(o->platform, &text, &want, err);

	if (!ret)
		ret = img_manifest_select(&f->parsed, &want, &d, err);
	if (!ret)
		ret = img_repo_manifest(p->repo, d->digest, &m, err);
	if (ret < 0 || !d)
		return ret;
	if (m.len != d->size)
		ret = cs_err_set(err, EBADMSG, "manifest %s has %zu bytes, its index says %" PRIu64,
				 d->digest, m.len, d->size);
	if (!ret)
		ret = img_txn_put_blob(p->txn, f->m.text, f->m.len, f->m.digest, NULL, err);
	if (ret < 0) {
		img_reg_manifest_fini(&m);
		return ret;
	}
	memcpy(f->index, f->m.digest, sizeof(f->index));
	found_fini(f);
	f->parsed = IMG_MANIFEST_INIT;
	f->m = m;
	ret = img_manifest_parse(m.text, m.len, *m.media_type ? m.media_type : NULL, "manifest",
				 &f->parsed, err);
	if (!ret && f->parsed.kind == IMG_MEDIA_INDEX)
		ret = cs_err_set(err, EOPNOTSUPP, "an index within an index");
	return ret;
}

static int find(struct img_pull *p, const struct img_ref *ref, const struct img_pull_opts *o,
		struct found *f, struct cs_err *err)
{
	int ret = img_repo_manifest(p->repo, ref->digest[0] ? ref->digest : ref->tag, &f->m, err);

	if (!ret)
		ret = img_manifest_parse(f->m.text, f->m.len,
					 *f->m.media_type ? f->m.media_type : NULL, "manifest",
					 &f->parsed, err);
	if (!ret && f->parsed.kind == IMG_MEDIA_INDEX)
		ret = from_index(p, o, f, err);
	return ret < 0 ? ret
		       : img_txn_put_blob(p->txn, f->m.text, f->m.len, f->m.digest, NULL, err);
}

/* The config, from the store or the registry. */
static int get_config(struct img_pull *p, const struct img_desc *d, struct img_config *out,
		      bool parse, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = (size_t)d->size;
	int ret = img_txn_blob(p->txn, d->digest, d->size, err);

	if (ret > 0) {
		ret = img_store_blob_read(img_txn_store(p->txn), d->digest, &text, &len, err);
		if (ret == -EBADMSG) { /* damaged: as if it were not there */
			cs_err_clear(err);
			len = (size_t)d->size;
			ret = 0;
		}
	}
	if (!ret && !text) {
		ret = img_repo_blob_small(p->repo, d->digest, d->size, &text, err);
		if (!ret)
			ret = img_txn_put_blob(p->txn, text, len, d->digest, NULL, err);
	}
	if (!ret && parse)
		ret = img_config_parse(text, len, "config", out, err);
	return ret;
}

/* Is the same blob among those noted? Its size and what it unpacks to must be the same then. */
static int seen(const struct img_pull *p, const struct img_pull_layer *l, uint64_t size,
		struct cs_err *err)
{
	for (size_t i = 0; i < p->parts.n; i++) {
		if (!img_digest_equal(&p->layers[i].blob, &l->blob))
			continue;
		if (p->parts.v[i].size != size)
			return cs_err_set(err, EINVAL, "manifest: two sizes of sha256:%s",
					  l->blob.hex);
		if (strcmp(p->layers[i].diff_id.hex, l->diff_id.hex) != 0)
			return cs_err_set(err, EINVAL, "config: two diffIDs of sha256:%s",
					  l->blob.hex);
		return 1;
	}
	return 0;
}

/* Notes a layer of the manifest, unless its blob was there before. */
static int add_layer(struct img_pull *p, const struct img_desc *d, const char *diff_id,
		     struct cs_err *err)
{
	struct img_pull_layer l = { .part = &p->parts.v[p->parts.n] };
	int ret = img_digest_parse(d->digest, "layer", &l.blob, err);

	if (!ret && diff_id)
		ret = img_digest_parse(diff_id, "diff_id", &l.diff_id, err);
	if (!ret)
		ret = seen(p, &l, d->size, err);
	if (ret)
		return ret < 0 ? ret : 0;
	memcpy(l.part->digest, d->digest, strlen(d->digest) + 1);
	l.part->size = d->size;
	p->layers[p->parts.n++] = l;
	return 0;
}

static int plan(struct img_pull *p, const struct img_manifest *m, const struct img_config *c,
		struct cs_err *err)
{
	struct img_digest *pins;
	size_t n = 0;
	int ret = 0;

	if (!m->artifact && c->n_diff_ids != m->n_layers)
		return cs_err_set(err, EINVAL, "the manifest has %zu layers, the config %zu",
				  m->n_layers, c->n_diff_ids);
	p->parts.v = calloc(m->n_layers + 1, sizeof(*p->parts.v));
	p->layers = calloc(m->n_layers + 1, sizeof(*p->layers));
	pins = calloc(2 * m->n_layers + 1, sizeof(*pins));
	if (!p->parts.v || !p->layers || !pins) {
		free(pins);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; !ret && i < m->n_layers; i++)
		ret = add_layer(p, &m->layers[i], m->artifact ? NULL : c->diff_ids[i], err);
	for (size_t i = 0; i < p->parts.n; i++) {
		pins[n++] = p->layers[i].blob;
		if (p->layers[i].diff_id.hex[0])
			pins[n++] = p->layers[i].diff_id;
	}
	if (!ret && n)
		ret = img_txn_pin_all(p->txn, pins, n, err);
	free(pins);
	return ret;
}

static int get_layers(struct img_pull *p, struct cs_err *err)
{
	const struct img_watch *w = p->watch;
	int ret;

	if (w && w->begin)
		w->begin(w->ctx, &p->parts);
	ret = img_pull_layers(p, err);
	if (w && w->end)
		w->end(w->ctx);
	return ret;
}

/* The name it gets: a pull by digest is one of no tag. */
static int enter(struct img_pull *p, const struct img_ref *ref, const struct found *f, char *id,
		 struct cs_err *err)
{
	struct img_ref name = *ref;
	char text[IMG_REF_TEXT];
	struct img_new_image im = {
		.name = text,
		.digest = f->m.digest,
		.source = f->index[0] ? f->index : NULL,
	};

	if (name.digest[0])
		name.tag[0] = '\0';
	img_ref_format(&name, text);
	return img_txn_image(p->txn, &im, id, err);
}

static int pull(struct img_pull *p, const struct img_ref *ref, const struct img_pull_opts *o,
		char *id, struct cs_err *err)
{
	img_auto_config struct img_config config = IMG_CONFIG_INIT;
	struct found f = { 0 };
	int ret = find(p, ref, o, &f, err);

	if (!ret)
		ret = get_config(p, &f.parsed.config, &config, !f.parsed.artifact, err);
	if (!ret)
		ret = plan(p, &f.parsed, &config, err);
	if (!ret)
		ret = get_layers(p, err);
	if (!ret)
		ret = enter(p, ref, &f, id, err);
	found_fini(&f);
	return ret;
}

int img_pull(struct img_store *st, struct img_reg *reg, const struct img_ref *ref,
	     const struct img_pull_opts *o, char id[IMG_DIGEST_TEXT], struct cs_err *err)
{
	struct img_pull p = { .reg = reg, .watch = o->watch };
	struct cs_err ignored = CS_ERR_INIT;
	int ret = img_repo_open(reg, ref, false, &p.repo, err);

	if (ret < 0)
		return ret;
	/* What a killed pull left may be large. */
	img_staging_sweep(img_store_fd(st), &ignored);
	ret = img_txn_begin(st, &p.txn, err);
	if (!ret)
		ret = pull(&p, ref, o, id, err);
	img_txn_end(p.txn);
	img_repo_close(p.repo);
	free(p.parts.v);
	free(p.layers);
	return ret;
}
