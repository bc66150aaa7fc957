#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/config.h"
#include "engine/config_int.h"

/* New limits into the config.json of a container that is started again by its policy. */

enum { CONFIG_MAX = 16 << 20 };

/* Those that a record gives; the rest of the object is kept. */
static bool is_limit(const char *key)
{
	static const char *const keys[] = { "memory", "cpu", "blockIO", "pids" };

	for (size_t i = 0; i < CS_LEN(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static int put_resources(struct cfg *c, const struct cs_json *old, struct cs_err *err)
{
	const struct cs_json *f;
	int ret;

	cs_jw_obj(&c->w, "resources");
	cs_json_for_each (f, old)
		if (!is_limit(f->key))
			cs_jw_value(&c->w, f->key, f);
	ret = eng_cfg_put_limits(c, err);
	cs_jw_obj_end(&c->w);
	return ret;
}

static int put_linux(struct cfg *c, const struct cs_json *old, struct cs_err *err)
{
	const struct cs_json *f;
	int ret = 0;

	cs_jw_obj(&c->w, "linux");
	cs_json_for_each (f, old) {
		if (strcmp(f->key, "resources") != 0)
			cs_jw_value(&c->w, f->key, f);
		else if (ret == 0)
			ret = put_resources(c, f, err);
	}
	cs_jw_obj_end(&c->w);
	return ret;
}

static int put_all(struct cfg *c, const struct cs_json *old, struct cs_err *err)
{
	const struct cs_json *f;
	int ret = 0;

	cs_jw_obj(&c->w, NULL);
	cs_json_for_each (f, old) {
		if (strcmp(f->key, "linux") != 0)
			cs_jw_value(&c->w, f->key, f);
		else if (ret == 0)
			ret = put_linux(c, f, err);
	}
	cs_jw_obj_end(&c->w);
	return ret;
}

int eng_config_limits(const struct eng_record *r, int dir, struct cs_err *err)
{
	const struct eng_place here = { .rootfs = -EBADF };
	struct cfg c = { .r = r, .p = &here };
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *old = NULL, *text = NULL;
	size_t len;
	int ret;

	if (cs_file_read_own(dir, "config.json", CONFIG_MAX, &old, &len, err) < 0 ||
	    cs_json_parse(old, len, "config.json", &doc, err) < 0)
		return -err->code;
	ret = put_all(&c, doc.root, err);
	if (ret == 0)
		ret = cs_jw_take(&c.w, &text, &len, err);
	cs_jw_fini(&c.w);
	if (ret < 0)
		return ret;
	if (strcmp(old, text) == 0)
		return 0;
	return cs_file_replace(dir, "config.json", text, len, 0600, false, err);
}
