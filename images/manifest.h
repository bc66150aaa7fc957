#ifndef CS_IMAGES_MANIFEST_H
#define CS_IMAGES_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct cs_err;

/*
 * Manifests and indexes of OCI image-spec 1.1 and of docker's schema 2: pure parsers on (buf, len).
 * All strings are borrowed from the parsed document and live until its fini. What is here was
 * checked: digests are "sha256:" + 64 hex digits, sizes fit and are not negative, counts are within
 * the limits. Schema 1, foreign layers (URLs of their own) and encrypted layers are refused by
 * name.
 */

enum {
	IMG_MANIFEST_MAX = 4 << 20, /* bytes of a manifest, an index or a config */
	IMG_LAYERS_MAX = 500,
	IMG_INDEX_MAX = 4096, /* entries of an index of others; our own index.json has no limit */
};

#define IMG_MT_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define IMG_MT_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define IMG_MT_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define IMG_MT_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define IMG_MT_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define IMG_MT_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define IMG_MT_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define IMG_MT_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define IMG_MT_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define IMG_MT_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define IMG_MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define IMG_MT_DOCKER_LAYER_ZSTD "application/vnd.docker.image.rootfs.diff.tar.zstd"

/* What to ask a registry for, as an Accept header's value. */
#define IMG_MANIFEST_ACCEPT                                               \
	IMG_MT_OCI_INDEX ", " IMG_MT_OCI_MANIFEST ", " IMG_MT_DOCKER_LIST \
			 ", " IMG_MT_DOCKER_MANIFEST

enum img_media {
	IMG_MEDIA_OTHER,
	IMG_MEDIA_INDEX,    /* OCI index, docker manifest list */
	IMG_MEDIA_MANIFEST, /* OCI manifest, docker schema 2 */
	IMG_MEDIA_SCHEMA1,
	IMG_MEDIA_CONFIG,
	IMG_MEDIA_LAYER, /* plain tar */
	IMG_MEDIA_LAYER_GZIP,
	IMG_MEDIA_LAYER_ZSTD,
	IMG_MEDIA_LAYER_FOREIGN, /* refused */
};

/* What a media type says (its parameters, after ";", are ignored). */
enum img_media img_media_of(const char *media_type);

struct img_platform {
	const char *os;	     /* "linux" */
	const char *arch;    /* GOARCH: "amd64", "arm64", "arm", ... */
	const char *variant; /* "v7", "v8", ...; "" = none */
	const char *os_version;
};

/* "OS/ARCH[/VARIANT]", "ARCH" or "OS"; aliases (x86_64, aarch64, armhf, ...) are understood. @buf
 * holds the strings of *@out. NULL or "" is this host's own. */
struct img_platform_text {
	char s[96];
};
int img_platform_parse(const char *text, struct img_platform_text *buf, struct img_platform *out,
		       struct cs_err *err);
/* "linux/arm/v7" */
void img_platform_format(const struct img_platform *p, char *out, size_t size);

/* How well an image for @have runs on @want: 0 not at all, else higher is better. An arm variant
 * runs on itself and on those above it (v8 takes v7, v6, v5); arm64 without a variant is v8, arm
 * without one v7; amd64 without one is v1, and v3 takes v2 and v1. */
int img_platform_match(const struct img_platform *have, const struct img_platform *want);

/* A content descriptor. */
struct img_desc {
	const char *media_type; /* "" = not given */
	const char *digest;	/* checked */
	uint64_t size;
	const char *artifact_type;    /* "" = none */
	struct img_platform platform; /* of an index's entry; "" where not given */
	const struct cs_json *node;   /* all of it, for annotations; NULL when made here */
};

struct img_manifest {
	struct cs_json_doc doc; /* owned */
	enum img_media kind;	/* IMG_MEDIA_INDEX or IMG_MEDIA_MANIFEST */
	const char *media_type;
	/* of an index */
	struct img_desc *entries;
	size_t n_entries;
	/* of a manifest */
	struct img_desc config;
	struct img_desc *layers;
	size_t n_layers;
	/* Its config or layers are no image's (signatures, charts, ...): store it, don't unpack it.
	 */
	bool artifact;
};
#define IMG_MANIFEST_INIT ((struct img_manifest){ 0 })

/* Parses a manifest or an index. @media_type: what it was said to be (a Content-Type, a
 * descriptor), or NULL: its own mediaType or its members decide; one that contradicts itself is
 * EINVAL. @what names it in errors. EFBIG past a limit, EOPNOTSUPP for what is known and refused.
 */
int img_manifest_parse(const char *buf, size_t len, const char *media_type, const char *what,
		       struct img_manifest *out, struct cs_err *err);
void img_manifest_fini(struct img_manifest *m);
#define img_auto_manifest CS_CLEANUP(img_manifest_fini) /* needs base/cleanup.h */

/* The entry of an index that runs best on @want; the first of equals. ENOENT with a message that
 * lists the platforms there are. Attestations ("unknown/unknown") are never taken. */
int img_manifest_select(const struct img_manifest *index, const struct img_platform *want,
			const struct img_desc **out, struct cs_err *err);

/* Parses one descriptor object. */
int img_desc_parse(const struct cs_json *obj, struct img_desc *out, struct cs_err *err);
/* Writes {"mediaType", "digest", "size"} as an object. */
void img_desc_put(struct cs_jw *w, const char *key, const char *media_type, const char *digest,
		  uint64_t size);

#endif
