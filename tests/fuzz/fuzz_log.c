/* Log records: what is read lies within the line, and any bytes that are escaped come back the
 * same. Times are those that can be written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/logjson.h"
#include "engine/logread.h"
#include "engine/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void put(void *arg, const char *s, size_t len)
{
	cs_buf_add_mem(arg, s, len);
}

static void round_trip(const char *s, size_t len)
{
	struct cs_buf b = CS_BUF_INIT;
	size_t at = 0, n = 0;
	char *back;

	eng_log_escape(s, len, put, &b);
	cs_buf_add(&b, "\"");
	need(!b.failed && !memchr(b.s, '\n', b.len));
	back = eng_log_unescape(b.s, b.len, &at, &n);
	need(back && n == len && at == b.len && memcmp(back, s, len) == 0);
	cs_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), stamp[ENG_STAMP_LEN + 1];
	struct eng_log_entry e;
	int64_t ns = 0;

	if (!line)
		return 0;
	round_trip((const char *)data, size);
	memcpy(line, data, size);
	line[size] = '\0';
	if (eng_log_parse(line, size, &e) == 0) {
		need(e.text >= line && e.len <= size && e.text + e.len <= line + size);
		eng_stamp_put(e.time_ns, stamp);
		need(eng_stamp_parse(stamp, strlen(stamp), &ns) == 0 && ns == e.time_ns);
	}
	free(line);
	return 0;
}
