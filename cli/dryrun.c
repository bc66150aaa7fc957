#include "cli/dryrun.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/out.h"
#include "engine/create.h"
#include "engine/engine.h"
#include "engine/prepare.h"
#include "engine/record.h"
#include "engine/store.h"

static int check_name(const struct eng *e, const char *name, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct cs_err why = CS_ERR_INIT;
	char id[ENG_ID_LEN + 1];

	if (!name || eng_find(e, name, id, &why) < 0 || eng_record_load(e, id, &r, &why) < 0 ||
	    strcmp(r.name, name) != 0)
		return 0;
	return cs_err_set(err, EEXIST, "name %s is taken by container %.12s", name, id);
}

static void put_mounts(struct cs_jw *w, const struct eng_record *r)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };

	cs_jw_arr(w, "Mounts");
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];

		cs_jw_obj(w, NULL);
		cs_jw_str(w, "Type", types[m->type]);
		cs_jw_str(w, "Source", m->source && !m->anonymous ? m->source : "");
		cs_jw_str(w, "Destination", m->target);
		cs_jw_str(w, "Mode", m->options ? m->options : "");
		cs_jw_bool(w, "RW", !m->read_only);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

static void put_networks(struct cs_jw *w, const struct eng_record *r)
{
	cs_jw_str(w, "NetworkMode", r->network_mode ? r->network_mode : "");
	cs_jw_arr(w, "Networks");
	for (size_t i = 0; i < r->n_nets; i++) {
		const struct eng_net *n = &r->nets[i];

		cs_jw_obj(w, NULL);
		cs_jw_str(w, "Name", n->network);
		cs_jw_str(w, "IPAddress", n->ip ? n->ip : "");
		cs_jw_str(w, "GlobalIPv6Address", n->ip6 ? n->ip6 : "");
		cs_jw_str(w, "MacAddress", n->mac ? n->mac : "");
		cli_json_strings(w, "Aliases", n->aliases.v, n->aliases.n);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
	cli_json_strings(w, "Ports", r->ports.v, r->ports.n);
}

static int print(const struct eng_record *r, const struct cs_json *config, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "Name", r->name);
	cs_jw_str(&w, "Id", r->id);
	cs_jw_str(&w, "Image", r->image);
	cs_jw_str(&w, "ImageId", r->image_id);
	cs_jw_str(&w, "Kind", eng_is_vm(r) ? "vm" : "container");
	put_mounts(&w, r);
	put_networks(&w, r);
	cs_jw_value(&w, "Config", config);
	cs_jw_obj_end(&w);
	return cli_out_json(&w, true, err);
}

int cli_dry_run(const struct eng *e, const struct img_store *st, const struct img_image *im,
		struct cs_arena *a, struct eng_record *r, bool replace, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *config = NULL;
	int ret = replace ? 0 : check_name(e, r->name, err);

	if (ret == 0)
		ret = eng_create_plan(e, im, a, r, err);
	if (ret == 0)
		ret = eng_prepare_dry(e, st, im, r, &config, err);
	if (ret == 0)
		ret = cs_json_parse(config, strlen(config), "config.json", &doc, err);
	return ret < 0 ? ret : print(r, doc.root, err);
}
