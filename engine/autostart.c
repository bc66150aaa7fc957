#include "engine/autostart.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/restart.h"
#include "engine/status.h"
#include "engine/store.h"

struct found {
	int64_t created_ns;
	char id[ENG_ID_LEN + 1];
};

static int by_age(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->created_ns > y->created_ns) - (x->created_ns < y->created_ns);
}

/* One that cannot be read is told, and does not keep the others down. */
static bool wanted(const struct eng *e, const char *id, const char *boot, struct found *f)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	struct eng_status st = ENG_STATUS_INIT;
	struct cs_err why = CS_ERR_INIT;

	if (eng_record_load(e, id, &r, &why) < 0 || eng_status_load(e, id, &st, &why) < 0) {
		if (why.code != ENOENT)
			cs_log(CS_LOG_WARN, "container %.12s: %s", id, why.msg);
		return false;
	}
	f->created_ns = r.created_ns;
	memcpy(f->id, id, sizeof(f->id));
	return eng_restart_boot(&r, &st, boot);
}

int eng_autostart_list(const struct eng *e, struct eng_ids *out, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	cs_auto_free struct found *v = NULL;
	char boot[CS_BOOT_ID];
	size_t n = 0;

	if (cs_file_boot_id(boot, err) < 0 || eng_list(e, &ids, err) < 0)
		return -err->code;
	v = calloc(ids.n + 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ids.n; i++)
		n += wanted(e, ids.v[i], boot, &v[n]);
	if (n)
		qsort(v, n, sizeof(*v), by_age);
	for (size_t i = 0; i < n; i++)
		memcpy(ids.v[i], v[i].id, sizeof(v[i].id));
	ids.n = n;
	*out = ids;
	ids = (struct eng_ids){ 0 };
	return 0;
}
