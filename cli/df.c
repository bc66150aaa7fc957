#include "cli/df.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/imgview.h"
#include "engine/status.h"
#include "engine/store.h"
#include "engine/usage.h"

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "out of memory");
}

static int load_images(const struct cli_call *call, struct cli_df *df, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;

	if (cli_img_store(call, &st, err) < 0 || img_store_list(st, &df->images, err) < 0 ||
	    cli_imguse_load(call, &df->image_uses, err) < 0)
		return -err->code;
	df->image = calloc(df->images.n + 1, sizeof(*df->image));
	if (!df->image)
		return oom(err);
	for (size_t i = 0; i < df->images.n; i++)
		df->image[i].active = cli_imguse_who(&df->image_uses, df->images.v[i].id);
	return img_usage(st, &df->images, df->image, &df->all_images, err);
}

static int load_ctrs(struct cli_df *df, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };

	if (eng_list(&df->e, &ids, err) < 0)
		return -err->code;
	df->ctr = calloc(ids.n + 1, sizeof(*df->ctr));
	if (!df->ctr)
		return oom(err);
	for (size_t i = 0; i < ids.n; i++) {
		struct cli_df_ctr *d = &df->ctr[df->n_ctr];
		struct cs_err gone = CS_ERR_INIT;

		d->c = CLI_CTR_INIT;
		if (cli_ctr_load(&df->e, ids.v[i], &d->c, &gone) < 0)
			continue;
		d->size = eng_usage(df->e.containers, ids.v[i]);
		df->n_ctr++;
	}
	return 0;
}

static int load_volumes(struct cli_df *df, struct cs_err *err)
{
	char path[4200];

	if (eng_volume_list(&df->e, &df->volumes, err) < 0 ||
	    eng_volume_uses(&df->e, &df->volume_uses, err) < 0)
		return -err->code;
	df->volume = calloc(df->volumes.n + 1, sizeof(*df->volume));
	if (!df->volume)
		return oom(err);
	for (size_t i = 0; i < df->volumes.n; i++) {
		struct cs_err gone = CS_ERR_INIT;

		if (eng_volume_path(&df->e, df->volumes.v[i], path, sizeof(path), &gone) == 0)
			df->volume[i] = eng_usage(AT_FDCWD, path);
	}
	return 0;
}

int cli_df_load(const struct cli_call *call, struct cli_df *df, struct cs_err *err)
{
	int ret;

	*df = (struct cli_df){ .e = ENG_INIT };
	ret = cli_ctr_engine(call, &df->e, err);
	if (ret == 0)
		ret = load_images(call, df, err);
	if (ret == 0)
		ret = load_ctrs(df, err);
	return ret == 0 ? load_volumes(df, err) : ret;
}

void cli_df_fini(struct cli_df *df)
{
	for (size_t i = 0; i < df->n_ctr; i++)
		cli_ctr_fini(&df->ctr[i].c);
	free(df->ctr);
	free(df->image);
	free(df->volume);
	img_list_fini(&df->images);
	cli_imguse_fini(&df->image_uses);
	eng_volume_list_fini(&df->volumes);
	eng_volume_uses_fini(&df->volume_uses);
	eng_close(&df->e);
}

/* --- the summary ------------------------------------------------------------------------------ */

static size_t links(const struct cli_df *df, const char *volume)
{
	size_t n = 0;

	for (size_t i = 0; i < df->volume_uses.n; i++)
		n += strcmp(df->volume_uses.v[i].volume, volume) == 0;
	return n;
}

static bool runs(const struct cli_ctr *c)
{
	return c->st.state != ENG_CREATED && c->st.state != ENG_EXITED;
}

struct sum {
	size_t total, active;
	uint64_t size, free;
};

static struct sum sum_images(const struct cli_df *df)
{
	struct sum s = { .size = df->all_images.total, .free = df->all_images.unused };

	for (size_t i = 0; i < df->images.n; i++) {
		size_t k = 0;

		while (strcmp(df->images.v[k].id, df->images.v[i].id) != 0)
			k++;
		s.total += k == i;
		s.active += k == i && df->image[i].active;
	}
	return s;
}

static struct sum sum_ctrs(const struct cli_df *df)
{
	struct sum s = { .total = df->n_ctr };

	for (size_t i = 0; i < df->n_ctr; i++) {
		bool active = runs(&df->ctr[i].c);

		s.size += df->ctr[i].size;
		s.active += active;
		s.free += active ? 0 : df->ctr[i].size;
	}
	return s;
}

static struct sum sum_volumes(const struct cli_df *df)
{
	struct sum s = { .total = df->volumes.n };

	for (size_t i = 0; i < df->volumes.n; i++) {
		bool active = links(df, df->volumes.v[i]) > 0;

		s.size += df->volume[i];
		s.active += active;
		s.free += active ? 0 : df->volume[i];
	}
	return s;
}

void cli_df_row(const struct cli_df *df, size_t kind, struct cs_jw *w)
{
	static const struct {
		const char *name;
		struct sum (*sum)(const struct cli_df *df);
	} kinds[CLI_DF_KINDS] = {
		{ "Images", sum_images },
		{ "Containers", sum_ctrs },
		{ "Local Volumes", sum_volumes },
	};
	struct sum s = kinds[kind].sum(df);
	char size[32], part[32], free[48];

	cli_size_text(s.size, size);
	cli_size_text(s.free, part);
	snprintf(free, sizeof(free), "%s (%u%%)", part,
		 s.size ? (unsigned int)((double)s.free * 100 / (double)s.size) : 0);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Type", kinds[kind].name);
	cs_jw_u64(w, "TotalCount", s.total);
	cs_jw_u64(w, "Active", s.active);
	cs_jw_str(w, "Size", size);
	cs_jw_str(w, "Reclaimable", free);
	cs_jw_u64(w, "Bytes", s.size);
	cs_jw_u64(w, "ReclaimableBytes", s.free);
	cs_jw_obj_end(w);
}

/* --- one by one ------------------------------------------------------------------------------- */

static void put_size(struct cs_jw *w, const char *key, uint64_t bytes)
{
	char text[32];

	cli_size_text(bytes, text);
	cs_jw_str(w, key, text);
}

void cli_df_image(const struct cli_df *df, size_t i, struct cs_jw *w)
{
	const struct img_record *r = &df->images.v[i];
	const struct img_usage_one *u = &df->image[i];
	const char *colon = strrchr(r->name, ':'), *slash = strrchr(r->name, '/');
	bool tagged = colon && (!slash || colon > slash);
	int len = (int)(tagged ? colon - r->name : (ptrdiff_t)strlen(r->name));
	char repo[IMG_REF_TEXT], id[13], ago[48];
	size_t n = 0;

	snprintf(repo, sizeof(repo), "%.*s", len, r->name);
	if (!*repo)
		snprintf(repo, sizeof(repo), "<none>");
	snprintf(id, sizeof(id), "%.12s", r->id + strlen("sha256:"));
	cli_ago_text(r->created, ago);
	for (size_t k = 0; k < df->image_uses.n; k++)
		n += strcmp(df->image_uses.v[k].image, r->id) == 0;
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Repository", repo);
	cs_jw_str(w, "Tag", tagged ? colon + 1 : "<none>");
	cs_jw_str(w, "ID", id);
	cs_jw_str(w, "CreatedSince", ago);
	put_size(w, "Size", u->size);
	put_size(w, "SharedSize", u->size - u->unique);
	put_size(w, "UniqueSize", u->unique);
	cs_jw_u64(w, "Containers", n);
	cs_jw_obj_end(w);
}

void cli_df_ctr(const struct cli_df *df, size_t i, struct cs_jw *w)
{
	const struct cli_ctr *c = &df->ctr[i].c;
	char id[ENG_ID_SHORT + 1], ago[48], status[96];
	size_t volumes = 0;

	for (size_t k = 0; k < c->r.n_mounts; k++)
		volumes += c->r.mounts[k].type == ENG_MOUNT_VOLUME;
	snprintf(id, sizeof(id), "%.*s", ENG_ID_SHORT, c->r.id);
	cli_ago_text(c->r.created_ns / 1000000000, ago);
	cli_ctr_status_text(c, status);
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ID", id);
	cs_jw_str(w, "Image", c->r.image ? c->r.image : c->r.image_id);
	cs_jw_u64(w, "LocalVolumes", volumes);
	put_size(w, "Size", df->ctr[i].size);
	cs_jw_str(w, "RunningFor", ago);
	cs_jw_str(w, "Status", status);
	cs_jw_str(w, "Names", c->r.name);
	cs_jw_obj_end(w);
}

void cli_df_volume(const struct cli_df *df, size_t i, struct cs_jw *w)
{
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "Name", df->volumes.v[i]);
	cs_jw_u64(w, "Links", links(df, df->volumes.v[i]));
	put_size(w, "Size", df->volume[i]);
	cs_jw_obj_end(w);
}
