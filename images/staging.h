#ifndef CS_IMAGES_STAGING_H
#define CS_IMAGES_STAGING_H

struct cs_err;

/*
 * Folders for what is half made: staging/<name>/ in the store, 0700, each locked (flock on the
 * folder itself) by the process that works in it. A lock dies with its owner, so what a killed
 * process left is told from what is in use without any bookkeeping, in any pid namespace.
 */
struct img_staging {
	int root;      /* the store's folder; borrowed */
	int fd;	       /* the folder, locked; owned */
	char name[64]; /* beneath staging/ */
};
#define IMG_STAGING_INIT ((struct img_staging){ .root = -EBADF, .fd = -EBADF })

/* Makes one in the store's folder @root (staging/ itself is made when it is missing). */
int img_staging_make(int root, struct img_staging *out, struct cs_err *err);

/* Removes it with all that is in it, unless img_staging_publish() moved it away. Idempotent. */
void img_staging_fini(struct img_staging *s);
#define img_auto_staging CS_CLEANUP(img_staging_fini) /* needs base/cleanup.h */

/* Syncs the folder, renames it to @path (beneath @root, "layers/<hex>") and syncs the folder it
 * is then in. Everything in it must be synced already. EEXIST when @path is there: the other one
 * stays and this one is as before. The lock is let go by img_staging_fini(). */
int img_staging_publish(struct img_staging *s, const char *path, struct cs_err *err);

/* Removes what dead processes left in staging/. Cheap when there is nothing. What cannot be removed
 * is reported after the rest was tried. */
int img_staging_sweep(int root, struct cs_err *err);

#endif
