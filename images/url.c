#include "images/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of a host at @s: a name or IPv4 address, or "[IPv6]"; 0 when there is none. */
static size_t host_len(const char *s)
{
	size_t n = 0;

	if (*s == '[') {
		for (n = 1; is_digit(s[n]) || (s[n] >= 'a' && s[n] <= 'f') ||
			    (s[n] >= 'A' && s[n] <= 'F') || s[n] == ':' || s[n] == '.';
		     n++)
			;
		return s[n] == ']' && n > 2 ? n + 1 : 0;
	}
	while (is_alnum(s[n]) || s[n] == '.' || s[n] == '-' || s[n] == '_')
		n++;
	return s[0] == '.' || s[0] == '-' ? 0 : n;
}

/* Parses ":port" at @s, if there is one. Returns its length, -1 when it is no port. */
static int parse_port(const char *s, uint16_t *port)
{
	unsigned long v = 0;
	int n = 1;

	if (*s != ':')
		return 0;
	for (; n <= 5 && is_digit(s[n]); n++)
		v = v * 10 + (unsigned long)(s[n] - '0');
	if (n == 1 || n > 6 || v == 0 || v > UINT16_MAX)
		return -1;
	*port = (uint16_t)v;
	return n;
}

bool img_url_authority_ok(const char *s)
{
	size_t n = host_len(s);
	uint16_t port;
	int p;

	if (!n || n >= IMG_HOST_MAX)
		return false;
	p = parse_port(s + n, &port);
	return p >= 0 && s[n + (size_t)p] == '\0';
}

/* Only what RFC 3986 knows; what else a server may write is its own mistake. */
static bool rest_ok(const char *s)
{
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr("-._~:/?[]@!$&'()*+,;=%|", *s))
			return false;
	return true;
}

/* A text from elsewhere, short and harmless enough for a message. */
static void shown(const char *text, char out[80])
{
	size_t n = strnlen(text, 76);

	memcpy(out, text, n);
	out[n] = '\0';
	if (text[n])
		memcpy(out + n, "...", 4);
	cs_str_plain(out);
}

int img_url_parse(const char *text, struct img_url *out, struct cs_err *err)
{
	struct img_url u = { 0 };
	const char *p = text;
	char show[80];
	size_t n;
	int port;

	shown(text, show);
	if (strlen(text) > IMG_URL_MAX)
		return cs_err_set(err, EINVAL, "URL %s is longer than %d bytes", show, IMG_URL_MAX);
	if (strncasecmp(p, "https://", 8) == 0) {
		u.https = true;
		p += 8;
	} else if (strncasecmp(p, "http://", 7) == 0) {
		p += 7;
	} else {
		return cs_err_set(err, EINVAL, "URL %s is neither http nor https", show);
	}
	n = host_len(p);
	if (!n || n >= IMG_HOST_MAX)
		return cs_err_set(err, EINVAL, "URL %s has no host", show);
	memcpy(u.host, p, n);
	for (char *c = u.host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	u.port = u.https ? 443 : 80;
	port = parse_port(p + n, &u.port);
	p += n;
	if (port < 0)
		return cs_err_set(err, EINVAL, "URL %s has a bad port", show);
	p += port;
	if ((*p && *p != '/' && *p != '?') || !rest_ok(p))
		return cs_err_set(err, EINVAL, "URL %s is not one we take", show);
	u.rest = p;
	*out = u;
	return 0;
}

bool img_url_same_origin(const struct img_url *a, const struct img_url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* Adds @base's scheme and authority. */
static void add_origin(struct cs_buf *b, const char *base, const struct img_url *u)
{
	cs_buf_add_mem(b, base, (size_t)(u->rest - base));
}

int img_url_resolve(const char *base, const char *location, char **out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	size_t len = strcspn(location, "#"); /* a fragment is never sent */
	struct img_url u, check;
	int ret = img_url_parse(base, &u, err);

	if (ret < 0)
		return ret;
	if (strncasecmp(location, "http:", 5) == 0 || strncasecmp(location, "https:", 6) == 0) {
		cs_buf_add_mem(&b, location, len);
	} else if (location[0] == '/' && location[1] == '/') {
		cs_buf_add(&b, u.https ? "https:" : "http:");
		cs_buf_add_mem(&b, location, len);
	} else if (location[0] == '/') {
		add_origin(&b, base, &u);
		cs_buf_add_mem(&b, location, len);
	} else {
		size_t path = strcspn(u.rest, "?");

		while (location[0] != '?' && path > 0 && u.rest[path - 1] != '/')
			path--;
		add_origin(&b, base, &u);
		cs_buf_add_mem(&b, u.rest, path);
		if (!path && location[0] != '?')
			cs_buf_add(&b, "/");
		cs_buf_add_mem(&b, location, len);
	}
	ret = cs_buf_ok(&b, err);
	if (!ret)
		ret = img_url_parse(b.s, &check, err);
	if (!ret)
		*out = cs_buf_take(&b);
	return ret;
}

void img_url_escape(struct cs_buf *b, const char *s)
{
	for (; *s; s++) {
		if (is_alnum(*s) || strchr("-._~", *s))
			cs_buf_add_mem(b, s, 1);
		else
			cs_buf_addf(b, "%%%02X", (unsigned int)(unsigned char)*s);
	}
}
