#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "images/manifest.h"

/* What machines are called elsewhere. */
static const struct {
	const char *alias, *arch, *variant;
} aliases[] = {
	{ "x86_64", "amd64", "" },  { "x86-64", "amd64", "" },
	{ "aarch64", "arm64", "" }, { "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },   { "armv8l", "arm", "v8" },
	{ "armv7l", "arm", "v7" },  { "armv6l", "arm", "v6" },
	{ "armv5l", "arm", "v5" },  { "i386", "386", "" },
	{ "i486", "386", "" },	    { "i586", "386", "" },
	{ "i686", "386", "" },	    { "mips64el", "mips64le", "" },
	{ "mipsel", "mipsle", "" }, { "loongarch64", "loong64", "" },
};

static const char *const archs[] = {
	"386",	    "amd64",  "arm",   "arm64",	  "loong64", "mips",  "mips64",
	"mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm",
};

static const char *const systems[] = {
	"linux",   "windows", "darwin",	 "freebsd", "netbsd",
	"openbsd", "illumos", "solaris", "wasip1",
};

/* The normal name of an architecture; NULL: not known. */
static const char *known_arch(const char *s, const char **variant)
{
	*variant = "";
	for (size_t i = 0; i < CS_LEN(aliases); i++) {
		if (strcmp(s, aliases[i].alias) == 0) {
			*variant = aliases[i].variant;
			return aliases[i].arch;
		}
	}
	for (size_t i = 0; i < CS_LEN(archs); i++) {
		if (strcmp(s, archs[i]) == 0)
			return archs[i];
	}
	return NULL;
}

/* What @arch means without a variant. */
static const char *normal_variant(const char *arch, const char *variant)
{
	if (*variant && *variant != 'v' && strspn(variant, "0123456789") == strlen(variant)) {
		static const char *const v[] = { "v0", "v1", "v2", "v3", "v4",
						 "v5", "v6", "v7", "v8", "v9" };

		if (strlen(variant) == 1)
			return v[variant[0] - '0'];
	}
	if (*variant)
		return variant;
	if (strcmp(arch, "arm64") == 0)
		return "v8";
	if (strcmp(arch, "arm") == 0)
		return "v7";
	return "";
}

/* Splits a copy of the text at its slashes; returns how many parts, 4 for more than 3. */
static size_t split(char *s, char *part[3])
{
	size_t n = 0;

	for (;;) {
		if (n == 3)
			return 4;
		part[n++] = s;
		s = strchr(s, '/');
		if (!s)
			return n;
		*s++ = '\0';
	}
}

static int set_host(struct img_platform *p, struct cs_err *err)
{
	struct utsname u;

	if (uname(&u) < 0)
		return cs_err_sys(err, "ask for this machine's architecture");
	p->arch = known_arch(u.machine, &p->variant);
	if (!p->arch)
		return cs_err_set(err, EINVAL, "this machine's architecture \"%s\" is not known",
				  u.machine);
	p->variant = normal_variant(p->arch, p->variant);
	return 0;
}

static bool plain(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

int img_platform_parse(const char *text, struct img_platform_text *buf, struct img_platform *out,
		       struct cs_err *err)
{
	struct img_platform p = { .os = "linux", .arch = "", .variant = "", .os_version = "" };
	const char *variant = "", *arch;
	char *part[3];
	size_t n, at = 0;

	if (!text || !*text) {
		int ret = set_host(&p, err);

		if (ret == 0)
			*out = p;
		return ret;
	}
	if (strlen(text) >= sizeof(buf->s))
		return cs_err_set(err, EINVAL, "platform: the text is too long");
	memcpy(buf->s, text, strlen(text) + 1);
	n = split(buf->s, part);
	for (size_t i = 0; i < n && n <= 3; i++) {
		if (!plain(part[i]))
			n = 4;
	}
	if (n > 3)
		return cs_err_set(err, EINVAL, "platform \"%.60s\" is not OS/ARCH[/VARIANT]", text);
	if (n > 1 || cs_str_in(part[0], systems, CS_LEN(systems)))
		p.os = part[at++];
	if (at < n) {
		arch = known_arch(part[at], &variant);
		p.arch = arch ? arch : part[at];
		if (!arch && n == 1)
			return cs_err_set(err, EINVAL, "platform \"%.60s\": not known", text);
		at++;
	} else {
		int ret = set_host(&p, err);

		if (ret < 0)
			return ret;
		variant = p.variant;
	}
	p.variant = normal_variant(p.arch, at < n ? part[at] : variant);
	*out = p;
	return 0;
}

void img_platform_format(const struct img_platform *p, char *out, size_t size)
{
	snprintf(out, size, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "", p->variant);
}

/* "v7" -> 7; 0: no such form. */
static int level(const char *variant)
{
	if (variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9' && !variant[2])
		return variant[1] - '0';
	return 0;
}

int img_platform_match(const struct img_platform *have, const struct img_platform *want)
{
	const char *hv, *wv, *alias_variant;
	const char *arch = known_arch(have->arch, &alias_variant);
	int h, w;

	if (!arch)
		arch = have->arch;
	if (strcmp(have->os, want->os) != 0 || strcmp(arch, want->arch) != 0)
		return 0;
	hv = normal_variant(arch, *have->variant ? have->variant : alias_variant);
	wv = normal_variant(want->arch, want->variant);
	if (strcmp(hv, wv) == 0)
		return 100;
	if (strcmp(arch, "amd64") == 0) { /* without one: the lowest */
		h = *hv ? level(hv) : 1;
		w = *wv ? level(wv) : 1;
	} else {
		h = level(hv);
		w = level(wv);
	}
	if (!*hv && !*want->variant)
		return 50;
	/* the nearest below */
	return h && w && h <= w ? 99 - (w - h) : 0;
}

/* The platforms there are, for a message. */
static void list_platforms(const struct img_manifest *index, struct cs_buf *b)
{
	char one[64];
	size_t n = 0;

	for (size_t i = 0; i < index->n_entries && n < 12; i++) {
		if (!*index->entries[i].platform.os ||
		    strcmp(index->entries[i].platform.os, "unknown") == 0)
			continue;
		img_platform_format(&index->entries[i].platform, one, sizeof(one));
		cs_str_plain(one);
		cs_buf_addf(b, "%s%s", n++ ? ", " : "", one);
	}
	if (n == 0)
		cs_buf_add(b, "none");
}

int img_manifest_select(const struct img_manifest *index, const struct img_platform *want,
			const struct img_desc **out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct img_desc *best = NULL;
	char wanted[64];
	int score = 0;

	for (size_t i = 0; i < index->n_entries; i++) {
		const struct img_desc *d = &index->entries[i];
		int s;

		if (*d->media_type && img_media_of(d->media_type) != IMG_MEDIA_MANIFEST)
			continue;
		if (!*d->platform.os && !*d->platform.arch)
			s = 1; /* says nothing: better than none */
		else
			s = img_platform_match(&d->platform, want);
		if (s > score) {
			score = s;
			best = d;
		}
	}
	if (best) {
		*out = best;
		return 0;
	}
	img_platform_format(want, wanted, sizeof(wanted));
	list_platforms(index, &b);
	return cs_err_set(err, ENOENT, "there is no image for %s, only for: %s (see --platform)",
			  wanted, b.s ? b.s : "");
}
