#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/logjson.h"
#include "engine/logread.h"
#include "engine/stamp.h"

enum { MEMBERS_MAX = 16 };

static int stream_of(const char *s, size_t len, enum eng_log_stream *out)
{
	if (len != 6 || memcmp(s, "std", 3) != 0)
		return -EINVAL;
	*out = memcmp(s + 3, "err", 3) == 0 ? ENG_LOG_STDERR : ENG_LOG_STDOUT;
	return *out == ENG_LOG_STDERR || memcmp(s + 3, "out", 3) == 0 ? 0 : -EINVAL;
}

/* "TIME stdout F text" */
static int parse_k8s(const char *line, size_t len, struct eng_log_entry *out)
{
	const char *end = line + len, *stream, *tag, *text;

	stream = memchr(line, ' ', len);
	if (!stream || eng_stamp_parse(line, (size_t)(stream - line), &out->time_ns) < 0)
		return -EINVAL;
	stream++;
	tag = memchr(stream, ' ', (size_t)(end - stream));
	if (!tag || stream_of(stream, (size_t)(tag - stream), &out->stream) < 0)
		return -EINVAL;
	tag++;
	text = memchr(tag, ' ', (size_t)(end - tag));
	if (!text || text != tag + 1 || (*tag != 'F' && *tag != 'P'))
		return -EINVAL;
	out->ended = *tag == 'F';
	out->text = text + 1;
	out->len = (size_t)(end - out->text);
	return 0;
}

/* What of an entry was there. */
struct seen {
	bool log, stream, time;
};

static int member(const char *key, size_t key_len, char *value, size_t len,
		  struct eng_log_entry *out, struct seen *seen)
{
	if (key_len == 3 && memcmp(key, "log", 3) == 0) {
		out->ended = len > 0 && value[len - 1] == '\n';
		out->text = value;
		out->len = len - out->ended;
		seen->log = true;
	} else if (key_len == 6 && memcmp(key, "stream", 6) == 0) {
		seen->stream = true;
		return stream_of(value, len, &out->stream);
	} else if (key_len == 4 && memcmp(key, "time", 4) == 0) {
		seen->time = true;
		return eng_stamp_parse(value, len, &out->time_ns);
	}
	return 0;
}

static bool skip(const char *s, size_t len, size_t *at, char c)
{
	if (*at >= len || s[*at] != c)
		return false;
	(*at)++;
	return true;
}

/* An object of strings, without blanks, as it is written. */
static int parse_json(char *s, size_t len, struct eng_log_entry *out)
{
	struct seen seen = { 0 };
	size_t at = 1;

	for (int i = 0; i < MEMBERS_MAX; i++) {
		size_t key_len, n;
		char *key, *value;

		if (!skip(s, len, &at, '"'))
			return -EINVAL;
		key = eng_log_unescape(s, len, &at, &key_len);
		if (!key || !skip(s, len, &at, ':') || !skip(s, len, &at, '"'))
			return -EINVAL;
		value = eng_log_unescape(s, len, &at, &n);
		if (!value || member(key, key_len, value, n, out, &seen) < 0)
			return -EINVAL;
		if (skip(s, len, &at, '}'))
			return at == len && seen.log && seen.stream && seen.time ? 0 : -EINVAL;
		if (!skip(s, len, &at, ','))
			return -EINVAL;
	}
	return -EINVAL;
}

int eng_log_parse(char *line, size_t len, struct eng_log_entry *out)
{
	struct eng_log_entry e = { 0 };
	int ret;

	if (len == 0)
		return -EINVAL;
	ret = *line == '{' ? parse_json(line, len, &e) : parse_k8s(line, len, &e);
	if (ret == 0)
		*out = e;
	return ret;
}
