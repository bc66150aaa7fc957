#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/err.h"
#include "runtime/spec_int.h"

/* config-linux.md, Devices */

/* What the kernel's dev_t has room for (linux/kdev_t.h: 12 and 20 bits). */
enum { MAX_MAJOR = 4095, MAX_MINOR = 1048575 };

static int type(const struct cs_json *item, char *out, struct cs_err *err)
{
	static const struct ctr_name rows[] = {
		{ "b", 'b' }, { "c", 'c' }, { "p", 'p' }, { "u", 'c' }
	};
	static const struct ctr_names types = { rows, sizeof(rows) / sizeof(rows[0]) };
	uint64_t v = 0;
	int rc = ctr_spec_word(item, "type", &types, &v, err);

	if (rc == 0)
		return ctr_spec_missing(item, "type", err);
	*out = (char)v;
	return rc < 0 ? rc : 0;
}

static int number(const struct cs_json *item, const char *key, int64_t max, uint32_t *out,
		  struct cs_err *err)
{
	int64_t v = 0;
	int rc = ctr_spec_int(item, key, 0, max, &v, err);

	if (rc == 0)
		return ctr_spec_missing(item, key, err);
	*out = (uint32_t)v;
	return rc < 0 ? rc : 0;
}

/* Permissions; the file type's bits, which some callers leave in st_mode, are let through. */
static int mode(const struct cs_json *item, struct ctr_device *d, struct cs_err *err)
{
	uint32_t v = 0;
	int rc = cs_json_u32(item, "fileMode", &v, err);

	if (rc <= 0)
		return rc;
	if (v & ~(uint32_t)(S_IFMT | 07777))
		return cs_json_err(cs_json_get(item, "fileMode"), err, EINVAL,
				   "%" PRIu32 " (0%" PRIo32 ") is no file mode", v, v);
	d->has_mode = true;
	d->mode = v & 07777;
	return 0;
}

static int device_item(const struct cs_json_doc *doc, const struct cs_json *item, void *out,
		       struct cs_err *err)
{
	struct ctr_device *d = out;
	int rc;

	(void)doc;
	rc = type(item, &d->type, err);
	if (rc == 0)
		rc = ctr_spec_need_str(item, "path", &d->path, err);
	if (rc == 0)
		rc = ctr_spec_path(item, "path", &d->path, err);
	if (rc >= 0 && d->type != 'p') {
		rc = number(item, "major", MAX_MAJOR, &d->major, err);
		if (rc == 0)
			rc = number(item, "minor", MAX_MINOR, &d->minor, err);
	}
	if (rc >= 0)
		rc = mode(item, d, err);
	if (rc >= 0)
		rc = ctr_spec_id(item, "uid", &d->uid, err);
	d->has_uid = rc > 0;
	if (rc >= 0)
		rc = ctr_spec_id(item, "gid", &d->gid, err);
	d->has_gid = rc > 0;
	return rc < 0 ? rc : 0;
}

int ctr_spec_devices(struct ctr_spec *s, const struct cs_json *linux_obj, struct cs_err *err)
{
	const struct ctr_spec_list list = { "devices", sizeof(struct ctr_device), device_item };
	void *v = NULL;
	int rc;

	rc = ctr_spec_items(&s->doc, linux_obj, &list, &v, &s->n_devices, err);
	s->devices = v;
	return rc;
}
