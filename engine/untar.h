#ifndef CS_ENGINE_UNTAR_H
#define CS_ENGINE_UNTAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;

/*
 * A tar, as it comes, to files in a folder, for cp. The entries are hostile, and so is who else
 * writes to the folder meanwhile: everything is opened beneath @root or beneath the folder, never
 * through a link that leads elsewhere. What is there is replaced, but a folder not by a file and
 * a file not by a folder; what is a mount (a container's /etc/hosts) is written in place.
 */
struct eng_untar_opts {
	int root;	  /* borrowed */
	const char *base; /* the folder, beneath it */
	/* Links to folders on the way are followed, beneath @root: /bin of a container. Else they
	 * are an error. */
	bool follow;
	int file;    /* the only file of the tar is written here; -EBADF: none. Borrowed */
	bool owners; /* as the tar has them; else @uid and @gid */
	uid_t uid;
	gid_t gid;
	bool special; /* device nodes, and setuid and setgid bits: else left out */
	bool xattrs;  /* user.*, ACLs and capabilities */
};

struct eng_untar;

int eng_untar_new(const struct eng_untar_opts *o, struct eng_untar **out, struct cs_err *err);
int eng_untar_write(struct eng_untar *u, const void *buf, size_t len, struct cs_err *err);
/* Gives folders their attributes. EBADMSG when the tar stops in the middle. */
int eng_untar_end(struct eng_untar *u, struct cs_err *err);
void eng_untar_free(struct eng_untar *u); /* NULL is allowed */
static inline void eng_untar_cleanup(struct eng_untar **u)
{
	eng_untar_free(*u);
}
#define eng_auto_untar CS_CLEANUP(eng_untar_cleanup) /* needs base/cleanup.h */

/* Bytes of files so far, and device nodes that were left out. */
uint64_t eng_untar_bytes(const struct eng_untar *u);
unsigned int eng_untar_skipped(const struct eng_untar *u);

#endif
