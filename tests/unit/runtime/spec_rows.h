#ifndef CS_TESTS_UNIT_RUNTIME_SPEC_ROWS_H
#define CS_TESTS_UNIT_RUNTIME_SPEC_ROWS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/spec.h"
#include "tests/unit/unit.h"

/* Configs of the tests are written with ' for ", which no test needs for itself. */

#define CFG(more) "{'ociVersion':'1.3.0','root':{'path':'rootfs'}" more "}"
#define PROC(more) CFG(",'process':{'args':['sh'],'cwd':'/'" more "}")
#define LINUX(members) CFG(",'linux':{" members "}")
#define NS(type) "{'type':'" type "'}"
#define MAPS "[{'containerID':0,'hostID':100000,'size':65536}]"

static inline int spec_parse(const char *text, struct ctr_spec *out, struct cs_err *err)
{
	char *json = strdup(text);
	int rc;

	ck_assert_ptr_nonnull(json);
	for (char *p = json; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	rc = ctr_spec_parse(json, strlen(json), out, err);
	free(json);
	return rc;
}

/* A config and the message it is refused with; NULL: it is accepted. */
struct spec_row {
	const char *text;
	const char *msg;
};

static inline void spec_rows(const struct spec_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ctr_spec spec = { 0 };
		struct cs_err err = CS_ERR_INIT;
		int rc = spec_parse(rows[i].text, &spec, &err);

		if (!rows[i].msg) {
			ck_assert_msg(rc == 0, "%s\nis refused: %s", rows[i].text, err.msg);
			ck_assert_int_eq(err.code, 0);
		} else {
			ck_assert_msg(rc == -EINVAL, "%s\ngives %d, not EINVAL", rows[i].text, rc);
			ck_assert_msg(strcmp(err.msg, rows[i].msg) == 0,
				      "%s\nsays \"%s\",\n not \"%s\"", rows[i].text, err.msg,
				      rows[i].msg);
			ck_assert_ptr_null(spec.doc.arena);
			ck_assert_ptr_null(spec.doc.root);
		}
		ctr_spec_fini(&spec);
		ctr_spec_fini(&spec);
	}
}

#endif
