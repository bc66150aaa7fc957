#ifndef CS_BASE_CLEANUP_H
#define CS_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Scope macros. Always initialise at the declaration; hand over only by cs_take_*. Clean-ups keep
 * errno, accept the empty value (-EBADF, NULL) and are idempotent.
 *
 * cppcheck does not know the cleanup attribute and would report a leak at each early return: for
 * it the variable is static, which hides the leak and still finds a use after free.
 */
#ifdef __cppcheck__
#define CS_CLEANUP(fn) static
#else
#define CS_CLEANUP(fn) __attribute__((cleanup(fn)))
#endif

static inline void cs_cleanup_fd(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cs_cleanup_free(const void *p)
{
	free(*(void *const *)p);
}

static inline void cs_cleanup_dir(DIR *const *d)
{
	if (*d) {
		int saved = errno;

		closedir(*d);
		errno = saved;
	}
}

#define cs_auto_fd CS_CLEANUP(cs_cleanup_fd)
#define cs_auto_free CS_CLEANUP(cs_cleanup_free)
#define cs_auto_dir CS_CLEANUP(cs_cleanup_dir)

/* Moves the fd out; the variable becomes -EBADF. */
static inline int cs_take_fd(int *fd)
{
	int v = *fd;

	*fd = -EBADF;
	return v;
}

/* Closes the fd now (if any); the variable becomes -EBADF. */
static inline void cs_close_fd(int *fd)
{
	int v = cs_take_fd(fd);

	cs_cleanup_fd(&v);
}

/* Moves the pointer out; the variable becomes NULL. */
#define cs_take_ptr(pp)                         \
	({                                      \
		__typeof__(*(pp)) cs_v = *(pp); \
		*(pp) = NULL;                   \
		cs_v;                           \
	})

/* Number of elements of an array. */
#define CS_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
