#ifndef CS_IMAGES_BAG_H
#define CS_IMAGES_BAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_err;

/*
 * A folder or a tar archive of which files are read by name: what holds OCI layouts, docker's
 * archives and dir: alike. The content is a stranger's: names in a folder are resolved beneath it,
 * those of an archive are only compared.
 */
struct img_bag {
	int fd; /* owned: the folder, or the archive, a regular file */
	bool folder;
	struct img_bag_entry *v; /* owned: the archive's files, sorted by name */
	size_t n, cap;
};
#define IMG_BAG_INIT ((struct img_bag){ .fd = -EBADF })

/* One file of it: so many bytes of @fd from an offset. */
struct img_piece {
	int fd; /* owned */
	uint64_t off, size;
};
#define IMG_PIECE_INIT ((struct img_piece){ .fd = -EBADF })

/* Opens what is at @path; or the archive @fd (borrowed) if that is not negative: a pipe and a
 * compressed archive are first written to a file without a name in the folder @tmp. */
int img_bag_open(const char *path, int fd, int tmp, struct img_bag *out, struct cs_err *err);
void img_bag_fini(struct img_bag *b);
#define img_auto_bag CS_CLEANUP(img_bag_fini) /* needs base/cleanup.h */

/* Is there a file of that name? */
bool img_bag_has(const struct img_bag *b, const char *name);
/* ENOENT: it is not there. Links in an archive are followed within it. */
int img_bag_get(const struct img_bag *b, const char *name, struct img_piece *out,
		struct cs_err *err);
void img_piece_fini(struct img_piece *p);
#define img_auto_piece CS_CLEANUP(img_piece_fini)

/* Reads up to @len bytes from @at; returns how many, 0 at the end. */
int64_t img_piece_read(const struct img_piece *p, uint64_t at, void *buf, size_t len,
		       struct cs_err *err);
/* The whole of a file of at most @max bytes, NUL-terminated; the caller frees *@out. */
int img_bag_read(const struct img_bag *b, const char *name, size_t max, char **out, size_t *len,
		 struct cs_err *err);

#endif
