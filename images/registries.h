#ifndef CS_IMAGES_REGISTRIES_H
#define CS_IMAGES_REGISTRIES_H

#include <stdbool.h>
#include <stddef.h>

struct cs_arena;
struct cs_err;
struct img_ref;

/*
 * registries.conf, version 2 (containers-registries.conf(5)), as container engines share it: where
 * an image's name leads. Read are: unqualified-search-registries, short-name-mode (only checked),
 * [[registry]] with prefix, location, insecure, blocked and mirror-by-digest-only,
 * [[registry.mirror]] with location, insecure and pull-from-mirror, and [aliases]. What is not
 * known is refused with its line, never passed over.
 */

enum img_mirror_for {
	IMG_MIRROR_ALL,
	IMG_MIRROR_DIGEST,
	IMG_MIRROR_TAG,
};

struct img_mirror {
	const char *location;
	bool insecure;
	enum img_mirror_for use;
	struct img_mirror *next;
};

struct img_registry {
	const char *prefix;   /* "host", "host/path", "*.domain" */
	const char *location; /* what the prefix is replaced with; NULL: itself */
	bool insecure;
	bool blocked;
	bool by_digest; /* mirrors only for pulls by digest */
	struct img_mirror *mirrors;
	struct img_registry *next;
};

struct img_alias {
	const char *name;  /* "web" */
	const char *value; /* "registry.example/web"; "" takes one from a file before away */
	struct img_alias *next;
};

struct img_registries {
	struct cs_arena *arena; /* owned: all of it */
	const char *const *search;
	size_t n_search;
	struct img_registry *v; /* of later files first */
	struct img_alias *aliases;
};
#define IMG_REGISTRIES_INIT ((struct img_registries){ 0 })

void img_registries_fini(struct img_registries *r);
#define img_auto_registries CS_CLEANUP(img_registries_fini) /* needs base/cleanup.h */

/* Pure. Adds what a file's text says to @r; what it says again replaces what was there. */
int img_registries_parse(const char *buf, size_t len, const char *what, struct img_registries *r,
			 struct cs_err *err);

/* Reads @path, or when that is NULL $CONTAINERS_REGISTRIES_CONF, or the first of the user's
 * (~/.config/containers), /etc/caisson/registries.conf and /etc/containers/registries.conf with the
 * *.conf of the folder registries.conf.d beside it, and the files of short names. None of them need
 * be there, but a @path must. */
int img_registries_load(const char *path, struct img_registries *r, struct cs_err *err);

/* The entry that @host/@path belongs to (the longest prefix), NULL if none. */
const struct img_registry *img_registries_find(const struct img_registries *r, const char *host,
					       const char *path);

/* What a name without a host stands for: the value of its alias, NULL if it has none. */
const char *img_registries_alias(const struct img_registries *r, const char *name);

/* The registry that completes names without a host: EINVAL if there is none, or more than one: a
 * name must not depend on who answers first. */
int img_registries_default(const struct img_registries *r, const char *name, const char **out,
			   struct cs_err *err);

/* A place where a repository is found. */
struct img_place {
	char host[256]; /* "registry.example:5000" */
	char repo[512]; /* "library/web" */
	bool insecure;
	bool mirror;
};

enum { IMG_PLACES = 16 };

/* Where to look for @ref (with a host), mirrors first; to push, mirrors are left out. Returns how
 * many. EACCES: blocked. */
int img_registries_places(const struct img_registries *r, const struct img_ref *ref, bool push,
			  struct img_place out[IMG_PLACES], struct cs_err *err);

#endif
