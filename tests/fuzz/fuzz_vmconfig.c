/* A machine's config: what is read and printed is read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "kvm/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct vm_config *c)
{
	struct cs_err err = CS_ERR_INIT;
	char *text = NULL;

	if (vm_config_dump(c, &text, &err) < 0)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT, again = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;
	struct vm_config c, c2;
	char *one, *two;

	if (vm_config_parse((const char *)data, size, &doc, &c, &err) < 0)
		return 0;
	one = print(&c);
	if (vm_config_parse(one, strlen(one), &again, &c2, &err) < 0)
		abort();
	two = print(&c2);
	if (strcmp(one, two) != 0)
		abort();
	free(one);
	free(two);
	cs_json_fini(&doc);
	cs_json_fini(&again);
	return 0;
}
