#include "images/push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "images/manifest.h"
#include "images/parallel.h"
#include "images/registry.h"
#include "images/store.h"
#include "images/transfer.h"

enum {
	NEIGHBOURS = 64, /* images looked at for where a blob might be mounted from */
};

struct push {
	struct img_store *st;
	struct img_reg *reg;
	struct img_repo *repo;
	const struct img_watch *watch;
	struct img_transfer parts;
	char (*from)[IMG_REF_NAME_MAX + 1]; /* a part's repository to mount from; "": none */
};

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

static void set_state(struct push *p, struct img_part *part, enum img_part_state state)
{
	if (atomic_exchange(&part->state, (int)state) != (int)state && p->watch &&
	    p->watch->changed)
		p->watch->changed(p->watch->ctx, part);
}

static void on_sent(void *ctx, uint64_t total)
{
	struct img_part *part = ctx;

	atomic_store(&part->done, total);
}

static int blob(void *ctx, size_t i, struct cs_err *err)
{
	struct push *p = ctx;
	struct img_part *part = &p->parts.v[i];
	cs_auto_fd int fd = img_store_blob_open(p->st, part->digest, part->size, err);
	struct img_push_blob b = {
		.digest = part->digest,
		.size = part->size,
		.fd = fd,
		.from = p->from[i][0] ? p->from[i] : NULL,
		.sent = on_sent,
		.ctx = part,
	};
	enum img_push_how how = IMG_PUSH_SENT;
	int ret;

	if (fd < 0)
		return fd;
	set_state(p, part, IMG_PART_MOVING);
	ret = img_repo_push_blob(p->repo, &b, &how, err);
	if (ret < 0)
		return ret;
	atomic_store(&part->done, part->size);
	set_state(p, part,
		  how == IMG_PUSH_THERE	    ? IMG_PART_THERE
		  : how == IMG_PUSH_MOUNTED ? IMG_PART_MOUNTED
					    : IMG_PART_DONE);
	return 0;
}

static void stop(void *ctx)
{
	const struct push *p = ctx;

	img_reg_cancel(p->reg);
}

static int blobs(struct push *p, struct cs_err *err)
{
	const struct img_parallel w = { .one = blob, .stop = stop, .ctx = p };
	int ret;

	if (p->watch && p->watch->begin)
		p->watch->begin(p->watch->ctx, &p->parts);
	ret = img_parallel(&w, p->parts.n, IMG_PARALLEL_MAX, err);
	if (p->watch && p->watch->end)
		p->watch->end(p->watch->ctx);
	return ret;
}

static void add_part(struct push *p, const struct img_desc *d)
{
	struct img_part *part = &p->parts.v[p->parts.n];

	for (size_t i = 0; i < p->parts.n; i++)
		if (strcmp(p->parts.v[i].digest, d->digest) == 0)
			return;
	snprintf(part->digest, sizeof(part->digest), "%s", d->digest);
	part->size = d->size;
	p->parts.n++;
}

static int plan(struct push *p, const struct img_manifest *m, struct cs_err *err)
{
	p->parts.v = calloc(m->n_layers + 1, sizeof(*p->parts.v));
	p->from = calloc(m->n_layers + 1, sizeof(*p->from));
	if (!p->parts.v || !p->from)
		return oom(err);
	for (size_t i = 0; i < m->n_layers; i++)
		add_part(p, &m->layers[i]);
	add_part(p, &m->config);
	return 0;
}

/* Notes which of our parts another image has, that is in @path of the same registry. */
static int compare(struct push *p, const struct img_record *rec, const char *path,
		   struct cs_err *err)
{
	img_auto_manifest struct img_manifest m = IMG_MANIFEST_INIT;
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	bool any = false;
	size_t len;

	if (img_store_blob_read(p->st, rec->digest, &text, &len, &ignored) < 0 ||
	    img_manifest_parse(text, len, rec->media_type, "manifest", &m, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < p->parts.n; i++) {
		for (size_t k = 0; k < m.n_layers && !p->from[i][0]; k++) {
			if (strcmp(p->parts.v[i].digest, m.layers[k].digest) != 0)
				continue;
			snprintf(p->from[i], sizeof(p->from[i]), "%s", path);
			any = true;
		}
	}
	return any ? img_repo_also(p->repo, path, err) : 0;
}

static int find_mounts(struct push *p, const struct img_ref *to, struct cs_err *err)
{
	img_auto_list struct img_list list = IMG_LIST_INIT;
	int ret = img_store_list(p->st, &list, err);

	for (size_t i = 0; !ret && i < list.n && i < NEIGHBOURS; i++) {
		struct cs_err ignored = CS_ERR_INIT;
		struct img_ref ref;

		if (!*list.v[i].name || img_ref_parse(list.v[i].name, &ref, &ignored) < 0)
			continue;
		if (strcmp(ref.host, to->host) == 0 && strcmp(ref.path, to->path) != 0)
			ret = compare(p, &list.v[i], ref.path, err);
	}
	return ret;
}

static int push(struct push *p, const char *text, const struct img_ref *to, struct cs_err *err)
{
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	int ret = img_store_image(p->st, text, &im, err);

	if (!ret)
		ret = plan(p, &im.manifest, err);
	if (!ret)
		ret = find_mounts(p, to, err);
	if (!ret)
		ret = blobs(p, err);
	if (ret < 0)
		return ret;
	return img_repo_push_manifest(p->repo, to->digest[0] ? to->digest : to->tag,
				      im.manifest.media_type, im.manifest_text, im.manifest_len,
				      err);
}

int img_push(struct img_store *st, struct img_reg *reg, const char *text, const struct img_ref *ref,
	     const struct img_watch *watch, struct cs_err *err)
{
	struct push p = { .st = st, .reg = reg, .watch = watch };
	int ret = img_repo_open(reg, ref, true, &p.repo, err);

	if (ret < 0)
		return ret;
	ret = push(&p, text, ref, err);
	img_repo_close(p.repo);
	free(p.parts.v);
	free(p.from);
	return ret;
}
