/* Messages of the attach socket, and the keys that a user gives to detach. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/attach_int.h"
#include "engine/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* The first half is the keys' text, the second what is typed: nothing is lost but the keys. */
static void detach(const uint8_t *data, size_t size)
{
	struct eng_detach d = { 0 };
	struct cs_err err = CS_ERR_INIT;
	size_t half = size / 2 < 100 ? size / 2 : 100, len = size - half, n, tail;
	char text[101], *out;
	bool yes;
	int keys;

	memcpy(text, data, half);
	text[half] = '\0';
	keys = eng_detach_keys(text, d.keys, sizeof(d.keys), &err);
	if (keys < 0)
		return;
	need(keys <= ENG_DETACH_MAX);
	d.n = (size_t)keys;
	out = malloc(len + ENG_DETACH_MAX);
	if (!out)
		return;
	n = eng_detach_filter(&d, (const char *)data + half, len, out, &yes);
	tail = yes ? d.n : d.seen;
	need(n + tail <= len && memcmp(out, data + half, n) == 0);
	need(memcmp(d.keys, data + half + n, tail) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_err err = CS_ERR_INIT;
	struct eng_msg m;

	if (eng_msg_parse((const char *)data, size, &m, &err) < 0)
		need(err.code == EBADMSG);
	else if (m.data)
		need(m.data == (const char *)data + 1 && m.len == size - 1);
	detach(data, size);
	return 0;
}
