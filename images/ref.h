#ifndef CS_IMAGES_REF_H
#define CS_IMAGES_REF_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;

/*
 * Names of images: parsing and the normal form, pure. The grammar is that of the distribution
 * project, which every registry and engine follows:
 *
 *	[HOST[:PORT]/]PATH[/PATH...][:TAG][@DIGEST]
 *
 * HOST is the first component if it has a "." or a ":", is "localhost", or has an upper-case
 *letter. PATH is lower-case letters and digits with single "." or "_", "__" or dashes between; TAG
 *is at most 128 of [A-Za-z0-9_.-], not beginning with "." or "-"; DIGEST is "sha256:" and 64
 *lower-case hex digits. Host and paths are at most 255 characters together.
 */

enum {
	IMG_REF_NAME_MAX = 255,
	IMG_REF_TAG_MAX = 128,
	IMG_DIGEST_TEXT = 72, /* "sha256:" + 64 + NUL */
	IMG_REF_TEXT = IMG_REF_NAME_MAX + 1 + IMG_REF_TAG_MAX + 1 + IMG_DIGEST_TEXT,
};

/* A parsed name; what was not given is "". */
struct img_ref {
	char host[IMG_REF_NAME_MAX +
		  1]; /* "registry.example:5000", "localhost"; "" = no host given */
	char path[IMG_REF_NAME_MAX + 1]; /* "library/web" */
	char tag[IMG_REF_TAG_MAX + 1];
	char digest[IMG_DIGEST_TEXT];
};

/* Is @s "sha256:" and 64 lower-case hex digits? Nothing else is ever used as a name in the store.
 */
bool img_ref_digest_ok(const char *s);

/* Is @s a tag by the grammar? It may come from a registry and go into a request's path. */
bool img_ref_tag_ok(const char *s);

/* Parses @text strictly; no default is filled in. EINVAL says what is wrong with which part. */
int img_ref_parse(const char *text, struct img_ref *out, struct cs_err *err);

/* "host/path:tag@digest" with what there is. @out has IMG_REF_TEXT bytes. */
void img_ref_format(const struct img_ref *ref, char *out);

/* "host/path" alone, IMG_REF_TEXT bytes: docker's REPOSITORY column, and where repo digests hang.
 */
void img_ref_repo(const struct img_ref *ref, char *out);

/* The tag "latest" if there is neither tag nor digest. */
void img_ref_default_tag(struct img_ref *ref);

/* The normal form of a name for an image made here (tag, import, load): without a host it is
 * "localhost/...", without tag and digest ":latest". */
int img_ref_local(const char *text, struct img_ref *out, struct cs_err *err);

/* As img_ref_parse() with the default tag; a name without a host gets @registry (a host, or a host
 * and the beginning of a path: "registry.example/team"), of which there may be none (NULL): EINVAL,
 * and the message says how to configure one (unqualified-search-registries of registries.conf). */
int img_ref_remote(const char *text, const char *registry, struct img_ref *out, struct cs_err *err);

/* Where an image comes from or goes to: "docker://NAME", "oci:PATH[:NAME]",
 * "oci-archive:PATH[:NAME]", "docker-archive:PATH[:NAME]", "dir:PATH", "tar:PATH" (a root
 * filesystem). A text without one of these prefixes is IMG_T_NONE with all of it in @name. */
enum img_transport {
	IMG_T_NONE,
	IMG_T_REGISTRY,
	IMG_T_OCI,
	IMG_T_OCI_ARCHIVE,
	IMG_T_DOCKER_ARCHIVE,
	IMG_T_DIR,
	IMG_T_TAR,
};

struct img_location {
	enum img_transport transport;
	char path[4096];	 /* "" for IMG_T_NONE and IMG_T_REGISTRY */
	char name[IMG_REF_TEXT]; /* not parsed yet; "" when not given */
};

/* EINVAL: an empty path, or a text too long. A prefix "word://" we do not know is refused, too. */
int img_location_parse(const char *text, struct img_location *out, struct cs_err *err);

#endif
