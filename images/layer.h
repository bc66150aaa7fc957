#ifndef CS_IMAGES_LAYER_H
#define CS_IMAGES_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "images/digest.h"
#include "images/inflate.h"

struct cs_err;
struct img_limits;

/*
 * From a layer's compressed bytes, as they come from a socket or a file, to the layer in the
 * store, in one pass:
 *
 *	bytes -> [blob kept] -> sha256 (blob) -> inflate -> sha256 (diffID) -> tar -> EROFS
 *
 * The store's folder (images/ of house.md) then has
 *
 *	layers/<hex of the diffID>/layer.erofs	the layer; or fs/, a folder, with @folder
 *	layers/<hex>/info			JSON: struct img_layer_info, see
 *img_layer_info_read() layers/<hex>/implied			folders it implies but does not
 *list, NUL after each
 *
 * Two threads a layer do the work (sha and inflate; sha and write): write() only hands bytes
 * over, so one thread can feed many layers from one socket loop. Nothing is visible in layers/
 * before size, digest and diffID were found right and all of it was synced; a process killed at any
 * moment leaves at most a folder in staging/, which img_staging_sweep() removes.
 *
 * Two processes (or two layers of one) may make the same layer at once: the first to finish wins,
 * the other finds it there and is content with it. Callers that want to spare the work look by
 * img_layer_have() first and take a lock of their own on the blob's digest.
 */
enum {
	IMG_LAYER_QUEUE = 1024 * 1024, /* bytes that write() may be ahead of the threads */
};
#define IMG_SIZE_ANY UINT64_MAX

struct img_layer_opts {
	int root;		   /* the store's folder; borrowed, stays open */
	struct img_digest blob;	   /* what the compressed bytes must be; none: anything */
	uint64_t blob_size;	   /* how many they must be; IMG_SIZE_ANY: any number */
	struct img_digest diff_id; /* what the tar must be; none: anything */
	int keep_fd;		   /* a file every compressed byte is written to, where it stands,
				    * and which is synced by img_layer_commit(); borrowed;
				    * negative: none */
	bool folder;		   /* unpack to fs/ instead of layer.erofs (no EROFS, rootless) */
	bool userxattr;		   /* folder only: overlayfs marks as user.overlay.* */
	const struct img_limits *limits; /* NULL: the defaults */
};
#define IMG_LAYER_OPTS_INIT \
	((struct img_layer_opts){ .root = -EBADF, .blob_size = IMG_SIZE_ANY, .keep_fd = -EBADF })

/* What is known of a layer in the store. */
struct img_layer_info {
	struct img_digest diff_id;
	struct img_digest blob; /* compressed form it was first made from */
	uint64_t blob_size;	/* bytes of it */
	enum img_comp comp;	/* how that was compressed */
	uint64_t tar_size;	/* bytes of the tar */
	uint64_t size;		/* bytes of layer.erofs, or of the files in fs/ */
	uint64_t entries;	/* names in it, implied folders too */
	uint64_t implied;	/* folders it implies but does not list */
	bool opaque_root;	/* hides all layers below it: do not mount those */
	bool folder;		/* fs/, not layer.erofs */
};

struct img_layer;

/* Begins: makes the staging folder and the threads. */
int img_layer_open(const struct img_layer_opts *o, struct img_layer **out, struct cs_err *err);

/* Hands over @len bytes; waits while the queue is full. Fails with what went wrong in the threads
 * so far (then only img_layer_free() is of use). */
int img_layer_write(struct img_layer *l, const void *buf, size_t len, struct cs_err *err);

/* The same without waiting: returns how many of the bytes were taken, perhaps 0 (queue full: watch
 * img_layer_event_fd()), or -errno. */
ssize_t img_layer_try_write(struct img_layer *l, const void *buf, size_t len, struct cs_err *err);

/* An eventfd that is readable when the queue has room again after try_write() took less than
 * offered, or when the threads have failed. Read it to make it quiet. Borrowed. */
int img_layer_event_fd(const struct img_layer *l);

/* How many bytes came so far (any thread). */
uint64_t img_layer_taken(const struct img_layer *l);

/* The bytes are over: waits for the threads, checks, syncs, publishes. EBADMSG: damaged, or not the
 * bytes that were promised, and the message says which. *@info (NULL allowed) is what was made or
 * was there already. @l may only be freed afterwards. */
int img_layer_commit(struct img_layer *l, struct img_layer_info *info, struct cs_err *err);

/* Ends the threads and removes what was not committed. NULL is allowed. */
void img_layer_free(struct img_layer *l);

/* open, write all of @fd from where it stands, commit. */
int img_layer_import(const struct img_layer_opts *o, int fd, struct img_layer_info *info,
		     struct cs_err *err);

/* Is the layer in the store @root? 1, 0 or -errno. */
int img_layer_have(int root, const struct img_digest *diff_id, struct cs_err *err);

/* Reads layers/<hex>/info. ENOENT when the layer is not there. */
int img_layer_info_read(int root, const struct img_digest *diff_id, struct img_layer_info *out,
			struct cs_err *err);

/* Opens layer.erofs read-only (or the folder fs/, O_PATH; *@folder says which, NULL allowed).
 * Returns the fd. */
int img_layer_open_data(int root, const struct img_digest *diff_id, bool *folder,
			struct cs_err *err);

/* Removes the layer: it is moved to staging/ first, so that it is there as a whole or not at all.
 * Not being there is success. */
int img_layer_remove(int root, const struct img_digest *diff_id, struct cs_err *err);

/* For `image verify`: reads layer.erofs wholly, every inode, name, attribute and data block
 * reachable, and checks that it is well formed, its superblock's checksum right and its size as
 * noted. EBADMSG: damaged. (The content's digest is that of the blob, which is kept: verify that
 * with img_layer_check_blob().) */
int img_layer_check(int root, const struct img_digest *diff_id, struct cs_err *err);

/* Makes the layer again from its compressed blob @fd, in staging, and compares it byte by byte with
 * what is in the store: EBADMSG if it differs. */
int img_layer_check_blob(int root, const struct img_digest *diff_id, int fd, struct cs_err *err);

#endif
