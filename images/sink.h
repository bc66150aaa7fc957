#ifndef CS_IMAGES_SINK_H
#define CS_IMAGES_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/tarw.h"

struct cs_err;

/* Where `save` writes files to: a tar archive, or a folder. Each file once: a name that was written
 * is passed over. */
struct img_sink {
	bool folder;
	int fd;		     /* borrowed: the archive, or the folder */
	struct img_tarw tar; /* of an archive */
	int file;	     /* owned: the file being written in a folder */
	uint64_t left;	     /* bytes of it still to come */
	char **names;	     /* owned: what was written */
	size_t n;
};

/* Writes to the archive @fd (img_sink_end() ends it). */
void img_sink_tar(struct img_sink *s, int fd);
/* Writes into the folder @fd. */
void img_sink_folder(struct img_sink *s, int fd);
void img_sink_fini(struct img_sink *s);
#define img_auto_sink CS_CLEANUP(img_sink_fini) /* needs base/cleanup.h */

/* Was a file of that name written? */
bool img_sink_has(const struct img_sink *s, const char *name);
/* Begins a file of @size bytes (folders in its name are made), whose data follow. */
int img_sink_begin(struct img_sink *s, const char *name, uint64_t size, struct cs_err *err);
int img_sink_data(struct img_sink *s, const void *buf, size_t len, struct cs_err *err);
/* A small file. */
int img_sink_put(struct img_sink *s, const char *name, const void *buf, size_t len,
		 struct cs_err *err);
/* All of the file @fd, @size bytes. */
int img_sink_copy(struct img_sink *s, const char *name, int fd, uint64_t size, struct cs_err *err);
int img_sink_end(struct img_sink *s, struct cs_err *err);

#endif
