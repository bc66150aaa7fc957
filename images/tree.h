#ifndef CS_IMAGES_TREE_H
#define CS_IMAGES_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/tar.h"

struct cs_err;

/*
 * The tree of a layer while it is made: names and folders, nothing of files but where they went.
 * One hash table over (folder, name), so no order of entries makes it slow; all of it in one arena.
 * A name that gets a new meaning lets go of the old one in constant time: what was below a
 * replaced folder is no longer reached.
 */
struct img_dir;

struct img_inode {
	enum img_type type;
	uint32_t nlink;	     /* the sink's: names found at the end */
	uint64_t nid;	     /* the sink's: where it is in the image */
	const char *target;  /* symlinks; in the arena */
	struct img_dir *dir; /* folders: themselves */
	bool whiteout;	     /* hides a name of the layers below */
};

struct img_node {
	struct img_dir *parent;
	struct img_node *hash_next;
	struct img_node *sibling;
	struct img_inode *inode;
	uint32_t hash;
	uint8_t len;
	char name[]; /* NUL-terminated */
};

struct img_dir {
	struct img_inode inode;
	struct img_dir *parent;	     /* the root: itself */
	const struct img_node *node; /* its name; NULL for the root */
	struct img_node *children;   /* newest first */
	uint32_t n_children;
	uint32_t depth;
	bool implied; /* not listed itself */
	bool opaque;  /* hides the same folder of the layers below */
	uint32_t mode, uid, gid, mtime_nsec;
	int64_t mtime;
	struct img_xattr *xattrs; /* in the arena, with names and values behind them */
	size_t n_xattrs;
	size_t xattrs_size; /* bytes there are for all that */

	/* the sink's, at the end */
	struct img_dir *next; /* in the order of writing */
	uint64_t size, block, record;
	void *ibody; /* attributes, packed; in the arena */
	size_t ibody_len;
	uint32_t n_subdirs;
	bool inlined;
};

struct img_tree {
	struct img_dir *root;
	struct cs_arena *arena;	 /* owned */
	struct img_node **table; /* owned */
	size_t table_size;	 /* a power of 2 */
	uint64_t n;		 /* names */
	uint64_t max;
	uint64_t mem, max_mem; /* bytes given out of the arena */
};
#define IMG_TREE_INIT ((struct img_tree){ 0 })

/* @max names at most, and @max_mem bytes of memory for all of it: past that what makes something
 * new fails with EFBIG. */
int img_tree_init(struct img_tree *t, uint64_t max, uint64_t max_mem, struct cs_err *err);
void img_tree_fini(struct img_tree *t);

/* NULL when there is none. */
struct img_node *img_tree_get(const struct img_tree *t, const struct img_dir *d, const char *name,
			      size_t len);
/* Gives @name of @d the meaning @inode; returns its node, NULL with @err set on failure. */
struct img_node *img_tree_put(struct img_tree *t, struct img_dir *d, const char *name, size_t len,
			      struct img_inode *inode, struct cs_err *err);
/* A new inode that is no folder. */
struct img_inode *img_tree_inode(struct img_tree *t, enum img_type type, struct cs_err *err);
/* A new folder, implied until told otherwise, as @name of @parent. */
struct img_dir *img_tree_mkdir(struct img_tree *t, struct img_dir *parent, const char *name,
			       size_t len, struct cs_err *err);
/* The folder's attributes are copies of these; the room of those it had is used again. */
int img_tree_set_xattrs(struct img_tree *t, struct img_dir *d, const struct img_xattr *x, size_t n,
			struct cs_err *err);
/* Memory of the arena's; NULL with @err set on failure. */
void *img_tree_alloc(struct img_tree *t, size_t size, struct cs_err *err);
/* A copy in the arena. */
char *img_tree_str(struct img_tree *t, const void *s, size_t len, struct cs_err *err);

/* The folder's path without a leading slash ("" is the root); ENAMETOOLONG past IMG_PATH_MAX. */
int img_tree_path(const struct img_dir *d, char *out, size_t size, struct cs_err *err);

#endif
