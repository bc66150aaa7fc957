#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/mountspec.h"
#include "engine/mountspec_int.h"
#include "engine/record.h"

/* tmpfs(5): digits and k, m, g or % behind. */
static bool is_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits > 0 && digits <= 18 &&
	       (s[digits] == '\0' || (strchr("kKmMgG%bB", s[digits]) && s[digits + 1] == '\0') ||
		(strchr("kKmMgG", s[digits]) && strcmp(s + digits + 1, "b") == 0));
}

static bool is_octal(const char *s)
{
	size_t digits = strspn(s, "01234567");

	return digits > 0 && digits <= 5 && s[digits] == '\0';
}

static bool is_number(const char *s)
{
	uint64_t v;

	return cs_str_u64(s, &v) == 0 && v < UINT32_MAX;
}

static int value_option(const struct mspec *s, const char *word, const char *value,
			struct cs_err *err)
{
	static const struct {
		const char *name;
		bool (*check)(const char *);
	} rows[] = {
		{ "size", is_size },  { "mode", is_octal },	{ "uid", is_number },
		{ "gid", is_number }, { "nr_inodes", is_size }, { "nr_blocks", is_size },
	};
	size_t len = (size_t)(value - word - 1);

	for (size_t i = 0; i < CS_LEN(rows); i++) {
		if (strlen(rows[i].name) != len || strncmp(rows[i].name, word, len) != 0)
			continue;
		if (!rows[i].check(value))
			return eng_mspec_err(s, err, EINVAL, "bad value in \"%.64s\"", word);
		return eng_mspec_option(s, word, err);
	}
	return eng_mspec_err(s, err, EINVAL,
			     "unknown option \"%.64s\" (size=, mode=, uid=, gid=, nr_inodes=)",
			     word);
}

int eng_mspec_tmpfs(const struct mspec *s, const char *word, struct cs_err *err)
{
	static const char *const words[] = {
		"async",      "dirsync",  "sync",	"atime",       "noatime",   "diratime",
		"nodiratime", "relatime", "norelatime", "strictatime", "tmpcopyup",
	};
	const char *equal = strchr(word, '=');

	if (equal)
		return value_option(s, word, equal + 1, err);
	if (strcmp(word, "ro") == 0) {
		s->m->read_only = true;
		return 0;
	}
	if (strcmp(word, "rw") == 0 || strcmp(word, "notmpcopyup") == 0)
		return 0;
	if (cs_str_in(word, words, CS_LEN(words)) || eng_mspec_is_attr(word))
		return eng_mspec_option(s, word, err);
	return eng_mspec_err(s, err, EINVAL, "unknown option \"%.64s\"", word);
}

int eng_mount_parse_tmpfs(struct cs_arena *a, const char *text, struct eng_mount *out,
			  struct cs_err *err)
{
	struct eng_mount m = { .type = ENG_MOUNT_TMPFS };
	const struct mspec s = { .a = a, .what = "--tmpfs", .text = text, .m = &m };
	const char *rest = strchr(text, ':');
	const char *target = text;
	int ret;

	if (rest) {
		target = cs_arena_str(a, text, (size_t)(rest - text));
		if (!target)
			return eng_mspec_err(&s, err, ENOMEM, "out of memory");
		rest++;
	}
	ret = eng_mspec_target(&s, target, err);
	while (ret == 0 && rest) {
		const char *word = eng_mspec_piece(&s, &rest, err);

		ret = word ? 0 : -ENOMEM;
		if (ret == 0 && *word)
			ret = eng_mspec_tmpfs(&s, word, err);
	}
	if (ret == 0)
		*out = m;
	return ret;
}
