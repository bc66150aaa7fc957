#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/mountspec.h"
#include "engine/record.h"

/* The text of -v, --mount and --tmpfs. What is taken has an absolute target without "..". */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ret, const struct eng_mount *m, const struct cs_err *err)
{
	if (ret < 0) {
		if (err->code != -ret)
			abort();
		return;
	}
	if (m->target[0] != '/' || !m->target[1] || strstr(m->target, "/../"))
		abort();
	if (m->type == ENG_MOUNT_BIND && (!m->source || m->source[0] != '/'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_arena *a = cs_arena_new(0);
	char *text = cs_arena_str(a, data, size);
	struct eng_mount m;
	struct cs_err err = CS_ERR_INIT;

	check(eng_mount_parse_volume(a, text, "/cwd", &m, &err), &m, &err);
	err = CS_ERR_INIT;
	check(eng_mount_parse_mount(a, text, "/cwd", &m, &err), &m, &err);
	err = CS_ERR_INIT;
	check(eng_mount_parse_tmpfs(a, text, &m, &err), &m, &err);
	cs_arena_free(a);
	return 0;
}
