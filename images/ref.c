#include "images/ref.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool img_ref_digest_ok(const char *s)
{
	static const char prefix[] = "sha256:";

	if (!cs_str_starts(s, prefix))
		return false;
	s += sizeof(prefix) - 1;
	return strspn(s, "0123456789abcdef") == 64 && s[64] == '\0';
}

/* "v1.2-rc_3": at most 128 of [A-Za-z0-9_.-], the first neither "." nor "-". */
bool img_ref_tag_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > IMG_REF_TAG_MAX || s[0] == '.' || s[0] == '-')
		return false;
	for (; *s; s++) {
		if (!is_alnum(*s) && *s != '_' && *s != '.' && *s != '-')
			return false;
	}
	return true;
}

/* One component of a path: [a-z0-9]+ with ".", "_", "__" or dashes between. */
static bool component_ok(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t from = i, sep;

		while (i < len && is_lower_alnum(s[i]))
			i++;
		if (i == from)
			return false;
		if (i == len)
			return true;
		sep = i;
		while (i < len && !is_lower_alnum(s[i]))
			i++;
		if (i - sep == 1 && (s[sep] == '.' || s[sep] == '_' || s[sep] == '-'))
			continue;
		if (i - sep == 2 && s[sep] == '_' && s[sep + 1] == '_')
			continue;
		if (strspn(s + sep, "-") < i - sep)
			return false;
	}
	return false; /* empty, or a separator at its end */
}

static bool path_ok(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (!component_ok(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

/* A label of a host name: letters, digits and dashes inside. */
static bool label_ok(const char *s, size_t len)
{
	if (len == 0 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

/* "name.example:5000", "127.0.0.1", "[::1]:5000" */
static bool host_ok(const char *s)
{
	const char *port = strrchr(s, ':');
	const char *end = s + strlen(s);

	if (*s == '[') {
		const char *close = strchr(s, ']');

		if (!close || strspn(s + 1, "0123456789abcdefABCDEF:") != (size_t)(close - s - 1))
			return false;
		if (!close[1])
			return true;
		if (close[1] != ':')
			return false;
		port = close + 1;
		s = NULL;
	}
	if (port) {
		if (!port[1] || strlen(port + 1) > 5 || port[1 + strspn(port + 1, "0123456789")])
			return false;
		end = port;
	}
	while (s) {
		size_t len = strcspn(s, ".:");

		if (!label_ok(s, len))
			return false;
		s = s + len < end ? s + len + 1 : NULL;
	}
	return true;
}

/* Is the first component, @len bytes, a host? */
static bool looks_like_host(const char *s, size_t len)
{
	if (len == 9 && memcmp(s, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	}
	return false;
}

static int bad(struct cs_err *err, const char *text, const char *why)
{
	char shown[96];

	snprintf(shown, sizeof(shown), "%.90s", text);
	cs_str_plain(shown);
	return cs_err_set(err, EINVAL, "image name \"%s\": %s", shown, why);
}

/* Cuts "@digest" and ":tag" off @rest into @r. */
static int cut_end(char *rest, struct img_ref *r, const char *text, struct cs_err *err)
{
	char *at = strchr(rest, '@'), *colon, *slash;

	if (at) {
		*at++ = '\0';
		if (!img_ref_digest_ok(at))
			return bad(
				err, text,
				"what follows the @ is not sha256: and 64 lower-case hex digits");
		snprintf(r->digest, sizeof(r->digest), "%s", at);
	}
	colon = strrchr(rest, ':');
	slash = strrchr(rest, '/');
	if (colon && (!slash || colon > slash)) {
		*colon++ = '\0';
		if (!img_ref_tag_ok(colon))
			return bad(err, text,
				   "a tag is up to 128 letters, digits, \"_\", \".\" and \"-\"");
		snprintf(r->tag, sizeof(r->tag), "%s", colon);
	}
	return 0;
}

int img_ref_parse(const char *text, struct img_ref *out, struct cs_err *err)
{
	struct img_ref r = { 0 };
	char buf[IMG_REF_TEXT];
	char *path = buf;
	size_t first;
	int ret;

	if (!*text)
		return cs_err_set(err, EINVAL, "the name of an image is empty");
	if (strlen(text) >= sizeof(buf))
		return bad(err, text, "is too long");
	snprintf(buf, sizeof(buf), "%s", text);
	ret = cut_end(buf, &r, text, err);
	if (ret < 0)
		return ret;
	first = strcspn(buf, "/");
	if (buf[first] == '/' && looks_like_host(buf, first)) {
		buf[first] = '\0';
		path = buf + first + 1;
		if (first > IMG_REF_NAME_MAX || !host_ok(buf))
			return bad(err, text, "what stands before the first \"/\" is no host");
		memcpy(r.host, buf, first + 1);
	}
	if (strlen(r.host) + 1 + strlen(path) > IMG_REF_NAME_MAX)
		return bad(err, text, "host and path are more than 255 characters");
	if (!path_ok(path))
		return bad(err, text,
			   "a path is lower-case letters and digits, with single \".\", \"_\" or "
			   "\"-\" between them");
	memcpy(r.path, path, strlen(path) + 1);
	*out = r;
	return 0;
}

/* The texts one behind the other, which fit by what a struct img_ref can hold. */
static void join(char *out, const char *const *v, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(v[i]);

		if (at + len >= IMG_REF_TEXT)
			break;
		memcpy(out + at, v[i], len);
		at += len;
	}
	out[at] = '\0';
}

void img_ref_repo(const struct img_ref *ref, char *out)
{
	const char *const v[] = { ref->host, *ref->host ? "/" : "", ref->path };

	join(out, v, CS_LEN(v));
}

void img_ref_format(const struct img_ref *ref, char *out)
{
	const char *const v[] = {
		ref->host, *ref->host ? "/" : "",   ref->path,	 *ref->tag ? ":" : "",
		ref->tag,  *ref->digest ? "@" : "", ref->digest,
	};

	join(out, v, CS_LEN(v));
}

void img_ref_default_tag(struct img_ref *ref)
{
	if (!*ref->tag && !*ref->digest)
		snprintf(ref->tag, sizeof(ref->tag), "latest");
}

int img_ref_local(const char *text, struct img_ref *out, struct cs_err *err)
{
	struct img_ref r;
	int ret = img_ref_parse(text, &r, err);

	if (ret < 0)
		return ret;
	if (!*r.host) {
		if (strlen(r.path) + sizeof("localhost") > IMG_REF_NAME_MAX)
			return bad(err, text, "host and path are more than 255 characters");
		snprintf(r.host, sizeof(r.host), "localhost");
	}
	img_ref_default_tag(&r);
	*out = r;
	return 0;
}

int img_ref_remote(const char *text, const char *registry, struct img_ref *out, struct cs_err *err)
{
	char buf[2 * IMG_REF_TEXT];
	struct img_ref r;
	int ret = img_ref_parse(text, &r, err);

	if (ret < 0)
		return ret;
	if (!*r.host) {
		if (!registry || !*registry)
			return bad(err, text,
				   "has no registry: write registry.example/NAME, or list one in "
				   "unqualified-search-registries of registries.conf");
		ret = cs_str_fmt(buf, sizeof(buf), err, "%s/%s", registry, text);
		if (ret == 0)
			ret = img_ref_parse(buf, &r, err);
		if (ret < 0)
			return ret;
		if (!*r.host)
			return bad(err, buf, "the configured registry is no host");
	}
	img_ref_default_tag(&r);
	*out = r;
	return 0;
}

static const struct {
	const char *prefix;
	enum img_transport transport;
} transports[] = {
	{ "docker://", IMG_T_REGISTRY },
	{ "oci:", IMG_T_OCI },
	{ "oci-archive:", IMG_T_OCI_ARCHIVE },
	{ "docker-archive:", IMG_T_DOCKER_ARCHIVE },
	{ "dir:", IMG_T_DIR },
	{ "tar:", IMG_T_TAR },
};

/* "PATH[:NAME]": the path ends at the first colon. */
static int cut_path(const char *rest, bool named, struct img_location *out, struct cs_err *err)
{
	size_t len = named ? strcspn(rest, ":") : strlen(rest);
	int ret;

	if (len == 0)
		return cs_err_set(err, EINVAL, "image location: the path is empty");
	ret = cs_str_fmt(out->path, sizeof(out->path), err, "%.*s", (int)len, rest);
	if (ret == 0 && rest[len])
		ret = cs_str_fmt(out->name, sizeof(out->name), err, "%s", rest + len + 1);
	return ret < 0 ? cs_err_wrap(err, "image location") : 0;
}

int img_location_parse(const char *text, struct img_location *out, struct cs_err *err)
{
	struct img_location l = { .transport = IMG_T_NONE };
	const char *rest = text, *scheme;
	int ret;

	if (strlen(text) >= sizeof(l.path))
		return cs_err_set(err, EINVAL, "image location: the text is too long");
	for (size_t i = 0; i < CS_LEN(transports); i++) {
		if (cs_str_starts(text, transports[i].prefix)) {
			l.transport = transports[i].transport;
			rest = text + strlen(transports[i].prefix);
			break;
		}
	}
	scheme = strstr(text, "://");
	if (l.transport == IMG_T_NONE && scheme && !memchr(text, '/', (size_t)(scheme - text)))
		return cs_err_set(err, EINVAL,
				  "image location \"%.*s://\" is not known: docker://, oci:, "
				  "oci-archive:, docker-archive:, dir: and tar: are",
				  (int)(scheme - text > 32 ? 32 : scheme - text), text);
	if (l.transport == IMG_T_NONE || l.transport == IMG_T_REGISTRY) {
		ret = cs_str_fmt(l.name, sizeof(l.name), err, "%s", rest);
		if (ret < 0)
			return cs_err_wrap(err, "image location");
	} else {
		ret = cut_path(rest, l.transport != IMG_T_DIR && l.transport != IMG_T_TAR, &l, err);
		if (ret < 0)
			return ret;
	}
	*out = l;
	return 0;
}
