#include "engine/envfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "engine/strv.h"

static int from_own(struct cs_arena *a, const char *name, struct eng_strv *to, struct cs_err *err)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	const char *value = getenv(name), *pair;

	if (!value)
		return 0;
	pair = eng_strf(a, err, "%s=%s", name, value);
	return pair ? eng_strv_set(a, to, pair, err) : -ENOMEM;
}

int eng_env_add(struct cs_arena *a, const char *text, struct eng_strv *to, struct cs_err *err)
{
	size_t len = strcspn(text, "=");

	if (len == 0)
		return cs_err_set(err, EINVAL, "-e %.64s: write NAME=VALUE, or NAME alone", text);
	if (text[len])
		return eng_strv_set(a, to, text, err);
	if (text[len - 1] == '*')
		return cs_err_set(err, EINVAL,
				  "-e %.64s: a pattern is no name; give each variable, or use "
				  "--env-file",
				  text);
	return from_own(a, text, to, err);
}

int eng_label_add(struct cs_arena *a, const char *text, struct eng_strv *to, struct cs_err *err)
{
	size_t len = strcspn(text, "=");

	if (len == 0)
		return cs_err_set(err, EINVAL, "-l %.64s: write KEY=VALUE, or KEY alone", text);
	if (!text[len])
		text = eng_strf(a, err, "%s=", text);
	return text ? eng_strv_set(a, to, text, err) : -ENOMEM;
}

static int line(struct cs_arena *a, char *text, bool own, struct eng_strv *to, struct cs_err *err)
{
	size_t n = strcspn(text, "=");

	if (n == 0)
		return cs_err_set(err, EINVAL, "nothing before \"=\"");
	if (strcspn(text, " \t") < n)
		return cs_err_set(err, EINVAL, "a blank in the name \"%.64s\"", text);
	if (text[n])
		return eng_strv_set(a, to, text, err);
	return own ? from_own(a, text, to, err) : eng_label_add(a, text, to, err);
}

int eng_envfile_parse(struct cs_arena *a, const char *text, size_t len, const char *what, bool own,
		      struct eng_strv *to, struct cs_err *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
	const char *end = text + len;
	unsigned int nr = 0;

	if (len >= 3 && memcmp(text, mark, 3) == 0)
		text += 3;
	if (memchr(text, '\0', (size_t)(end - text)))
		return cs_err_set(err, EINVAL, "%.200s: it is no text", what);
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		char *copy;
		int ret;

		nr++;
		while (n && (*text == ' ' || *text == '\t')) {
			text++;
			n--;
		}
		copy = cs_arena_str(a, text, n && text[n - 1] == '\r' ? n - 1 : n);
		if (!copy)
			return cs_err_set(err, ENOMEM, "%.200s: out of memory", what);
		ret = *copy && *copy != '#' ? line(a, copy, own, to, err) : 0;
		if (ret < 0)
			return cs_err_wrap(err, "%.200s: line %u", what, nr);
		text = nl ? nl + 1 : end;
	}
	return 0;
}

int eng_envfile_read(struct cs_arena *a, const char *path, bool own, struct eng_strv *to,
		     struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret;

	if (fd < 0)
		return cs_err_sys(err, "open %.200s", path);
	ret = cs_fd_read_all(fd, ENG_ENVFILE_MAX, &text, &len, err);
	if (ret < 0)
		return cs_err_wrap(err, "read %.200s", path);
	return eng_envfile_parse(a, text, len, path, own, to, err);
}
