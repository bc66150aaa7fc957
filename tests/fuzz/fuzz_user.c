#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/user.h"

/* A container's passwd and group: the first line is the user that is looked for, up to an empty
 * line it is passwd, then group. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const more[] = { "wheel", "7" };
	const struct eng_strv add = { more, 2 };
	struct eng_user_files f = { 0 };
	struct eng_user u = ENG_USER_INIT;
	struct cs_err err = CS_ERR_INIT;
	const uint8_t *end = data + size, *nl = memchr(data, '\n', size);
	const uint8_t *group;
	char *user;
	int ret;

	if (!nl)
		return 0;
	user = strndup((const char *)data, (size_t)(nl - data));
	f.passwd = (const char *)nl + 1;
	group = memmem(nl + 1, (size_t)(end - nl - 1), "\n\n", 2);
	f.passwd_len = (size_t)((group ? group : end) - nl - 1);
	if (group) {
		f.group = (const char *)group + 2;
		f.group_len = (size_t)(end - group - 2);
	}
	for (int i = 0; user && i < 2; i++) {
		err = CS_ERR_INIT;
		ret = eng_user_resolve(&f, user, i ? &add : NULL, &u, &err);
		if (ret < 0 ? err.code != -ret : !u.home || u.home[0] != '/' || u.uid == UINT32_MAX)
			abort();
		for (size_t k = 1; ret == 0 && k < u.n_groups; k++) {
			if (u.groups[k - 1] >= u.groups[k])
				abort();
		}
		eng_user_fini(&u);
	}
	free(user);
	return 0;
}
