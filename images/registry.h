#ifndef CS_IMAGES_REGISTRY_H
#define CS_IMAGES_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/ref.h"
#include "images/registries.h"

struct cs_err;
struct img_creds;
struct img_http_resp;

/*
 * Registries by the distribution API (OCI distribution-spec 1.1). A session holds what is common to
 * all requests: connections, credentials, tokens, registries.conf. Functions on a repository may be
 * called from several threads at once.
 *
 * Whatever a registry says is checked: digests and sizes before anything is used, ranges before a
 * byte of them is taken. What may pass (connections that break, 5xx, 429) is tried again after
 * growing, random delays; Retry-After is heeded up to a minute.
 */

enum img_verify_tls {
	IMG_TLS_AS_CONFIGURED, /* plain http and bad certificates where registries.conf says so */
	IMG_TLS_VERIFY,
	IMG_TLS_ANY, /* --tls-verify=false */
};

struct img_reg_opts {
	/* --creds, and IMG_TLS_ANY, are for the place the user named and for none of its mirrors:
	 * those have their lines in auth.json and registries.conf. NULL: from the files. */
	const struct img_creds *creds;
	const char *authfile;
	const char *cert_dir;
	const char *registries_conf;
	enum img_verify_tls tls;
	unsigned int retries;  /* tries again after the first */
	unsigned int stall_ms; /* 0: 30 s */
	uint64_t chunk;	       /* bytes of a request when pushing; 0: all of a blob up to 256 MiB */
};
enum { IMG_REG_RETRIES = 3 };

struct img_reg;

/* Reads registries.conf; nothing is connected yet. Strings and creds are borrowed. */
int img_reg_new(const struct img_reg_opts *opts, struct img_reg **out, struct cs_err *err);
void img_reg_free(struct img_reg *r); /* NULL is allowed */

/* Makes all that is under way, and what comes later, fail with ECANCELED. Any thread. */
void img_reg_cancel(struct img_reg *r);

/* A user's name of an image as a full reference with tag or digest: aliases, the one registry of
 * unqualified-search-registries. "docker://" in front is allowed. */
int img_reg_name(const struct img_reg *r, const char *text, struct img_ref *out,
		 struct cs_err *err);

/* Does the registry @host take these credentials? EACCES: no. */
int img_reg_login(struct img_reg *r, const char *host, struct cs_err *err);

/* A repository, where registries.conf says it is. Borrows the session. */
struct img_repo;

int img_repo_open(struct img_reg *r, const struct img_ref *ref, bool push, struct img_repo **out,
		  struct cs_err *err);
void img_repo_close(struct img_repo *p); /* NULL is allowed */

/* Blobs may be mounted from the repository @path at the same registry: our tokens must be good for
 * that as well. Before any request. */
int img_repo_also(struct img_repo *p, const char *path, struct cs_err *err);

/* --- to pull -----------------------------------------------------------------------------------
 */

struct img_reg_manifest {
	char *text; /* owned */
	size_t len;
	char media_type[256]; /* Content-Type; "" if not said */
	char digest[IMG_DIGEST_TEXT];
};
#define IMG_REG_MANIFEST_INIT ((struct img_reg_manifest){ 0 })
void img_reg_manifest_fini(struct img_reg_manifest *m);
#define img_auto_reg_manifest CS_CLEANUP(img_reg_manifest_fini) /* needs base/cleanup.h */

/* Fetches a manifest or an index by tag or digest. Its digest was checked if it was asked for by
 * one, and against Docker-Content-Digest otherwise. ENOENT: there is none. */
int img_repo_manifest(struct img_repo *p, const char *tag_or_digest, struct img_reg_manifest *out,
		      struct cs_err *err);

/* A blob to be fetched. */
struct img_reg_blob {
	const char *digest;
	uint64_t size;
	uint64_t offset; /* so many bytes are there already */
	/* Takes the bytes from @offset on, in order, never more than there should be. An error ends
	 * it all. */
	int (*data)(void *ctx, const void *buf, size_t len, struct cs_err *err);
	/* Told before a further try, with the reason. May be NULL. */
	void (*again)(void *ctx, const struct cs_err *why);
	void *ctx;
};

/* Fetches it, resuming where a connection broke. All @size bytes were given to @data on success;
 * whether they have that digest is for who hashes them. */
int img_repo_blob(struct img_repo *p, const struct img_reg_blob *b, struct cs_err *err);

/* A small blob (a config) whole, its digest checked. The caller frees *@out. */
int img_repo_blob_small(struct img_repo *p, const char *digest, uint64_t size, char **out,
			struct cs_err *err);

/* The repository's tags, NUL-terminated one after the other in *@out (the caller frees), *@n of
 * them. EPROTO: one of them is none by the grammar of names. */
int img_repo_tags(struct img_repo *p, char **out, size_t *n, struct cs_err *err);

/* --- to push -----------------------------------------------------------------------------------
 */

enum img_push_how {
	IMG_PUSH_THERE,
	IMG_PUSH_MOUNTED,
	IMG_PUSH_SENT,
};

struct img_push_blob {
	const char *digest;
	uint64_t size;
	const void *buf;  /* the bytes, or NULL: */
	int fd;		  /* a file of them, from its beginning */
	const char *from; /* a repository at the same registry that may have it; NULL: none */
	void (*sent)(void *ctx, uint64_t total);
	void *ctx;
};

/* Is the blob there? 1 or 0. */
int img_repo_has_blob(struct img_repo *p, const char *digest, struct cs_err *err);

/* Brings a blob there, unless it is. */
int img_repo_push_blob(struct img_repo *p, const struct img_push_blob *b, enum img_push_how *how,
		       struct cs_err *err);

/* Puts a manifest under a tag or its digest. */
int img_repo_push_manifest(struct img_repo *p, const char *tag_or_digest, const char *media_type,
			   const void *buf, size_t len, struct cs_err *err);

#endif
