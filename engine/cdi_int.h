#ifndef CS_ENGINE_CDI_INT_H
#define CS_ENGINE_CDI_INT_H

struct cfg;
struct cs_err;
struct cs_json;
struct cs_json_doc;

/* What the files of cdi.h share. */

/* Makes the edits of a "containerEdits" (NULL: none). Strings are copied. */
int eng_cdi_edit(struct cfg *c, const struct cs_json_doc *doc, const struct cs_json *edits,
		 struct cs_err *err);

#endif
