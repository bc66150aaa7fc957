#ifndef CS_IMAGES_CREDS_H
#define CS_IMAGES_CREDS_H

#include <stdbool.h>
#include <stddef.h>

struct cs_err;

/*
 * Who we are at a registry: from auth.json and docker's config.json, and the helper programs
 * (docker-credential-NAME) that these name. See containers-auth.json(5).
 */

struct img_creds {
	char *user;	/* owned; NULL: none */
	char *secret;	/* owned: password */
	char *identity; /* owned: a token to be exchanged at the token server, instead of both */
};
#define IMG_CREDS_INIT ((struct img_creds){ 0 })

/* Overwrites and frees. */
void img_creds_fini(struct img_creds *c);
#define img_auto_creds CS_CLEANUP(img_creds_fini) /* needs base/cleanup.h */

/* "USER:PASSWORD" or "USER", as --creds has it. */
int img_creds_from_text(const char *text, struct img_creds *out, struct cs_err *err);

/* What a file says of a place. */
enum img_authfile_found {
	IMG_AUTHFILE_NONE,
	IMG_AUTHFILE_CREDS,
	IMG_AUTHFILE_HELPER,
};
enum { IMG_HELPER_NAME = 64 };
struct img_authfile {
	enum img_authfile_found found;
	struct img_creds creds; /* owned */
	char helper[IMG_HELPER_NAME];
};
#define IMG_AUTHFILE_INIT ((struct img_authfile){ 0 })

/*
 * Pure: looks in an auth.json for "host/path", each of its parents down to "host", then for keys
 * that mean the host in docker's way (a URL, "host/v1/"). A helper named for the host (credHelpers)
 * comes first, the general one (credsStore) last. EINVAL: not such a file.
 */
int img_authfile_look(const char *buf, size_t len, const char *host, const char *path,
		      struct img_authfile *out, struct cs_err *err);

/* Is it a helper's name, safe as the end of a program's? */
bool img_helper_name_ok(const char *name);

/* Credentials for @host and the repository @path ("": none in particular), from @authfile or, when
 * that is NULL, $REGISTRY_AUTH_FILE or the usual files. Returns 1, or 0 when there are none. */
int img_creds_find(const char *authfile, const char *host, const char *path, struct img_creds *out,
		   struct cs_err *err);

/* The file that login writes: @authfile, $REGISTRY_AUTH_FILE, or the first of the usual ones. */
int img_authfile_path(const char *authfile, char *out, size_t size, struct cs_err *err);

/* Keeps credentials for @key ("host" or "host/path"): with the helper for it if the file names
 * one, else in the file, 0600, replaced as a whole. */
int img_creds_store(const char *authfile, const char *key, const struct img_creds *c,
		    struct cs_err *err);

/* Which of the files has something for @host and @path, or names a helper for it? Returns 1 with
 * its path in @file, or 0. */
int img_creds_where(const char *authfile, const char *host, const char *path, char *file,
		    size_t size, struct cs_err *err);

/* Forgets them in the file that login writes, and in the helpers it names. @key NULL: all there
 * are. Returns how many there were. */
int img_creds_erase(const char *authfile, const char *key, struct cs_err *err);

#endif
