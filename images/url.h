#ifndef CS_IMAGES_URL_H
#define CS_IMAGES_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;
struct cs_buf;

/*
 * The part of RFC 3986 that registries need: http and https with a host, a port and what follows.
 * Strict, so that no other parser can read another host into the same text: no user part, no
 * blanks, backslashes or control characters.
 */

enum {
	IMG_URL_MAX = 8192,
	IMG_HOST_MAX = 256,
};

struct img_url {
	bool https;
	char host[IMG_HOST_MAX]; /* lower-case; an IPv6 address stands in its brackets */
	uint16_t port;		 /* 80 or 443 if not given */
	const char *rest;	 /* path and query in the parsed text: "" or from '/' or '?' */
};

int img_url_parse(const char *text, struct img_url *out, struct cs_err *err);

/* Same scheme, host and port: what credentials may be sent to. */
bool img_url_same_origin(const struct img_url *a, const struct img_url *b);

/* "host" or "host:port" of a registry's name as an authority; false when it is none. */
bool img_url_authority_ok(const char *s);

/* Resolves a Location header (absolute, "//host/path", "/path", "path", "?query") against @base, an
 * absolute URL. *@out is new; the caller frees it. */
int img_url_resolve(const char *base, const char *location, char **out, struct cs_err *err);

/* Adds @s with everything but unreserved characters as %XX. */
void img_url_escape(struct cs_buf *b, const char *s);

#endif
