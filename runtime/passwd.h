#ifndef CS_RUNTIME_PASSWD_H
#define CS_RUNTIME_PASSWD_H

#include <stddef.h>
#include <sys/types.h>

struct cs_err;

/* One entry of a passwd(5) text. Strings are borrowed from the text, not NUL-terminated. */
struct ctr_passwd {
	const char *name, *home;
	size_t name_len, home_len;
};

/* Finds @uid in the passwd text of @len bytes; pure. 1 found, 0 not. Bad lines are passed over. */
int ctr_passwd_find(const char *text, size_t len, uid_t uid, struct ctr_passwd *out);

/* Copies the home folder of @uid as the /etc/passwd beneath @root says, "/" if it says nothing. The
 * file is the container's: it is read beneath the root, never waited for, and at most 4 MiB of it.
 */
int ctr_passwd_home(int root, uid_t uid, char *out, size_t size, struct cs_err *err);

/* The user name of @uid on the host, or the number; the caller frees *@out. */
int ctr_passwd_owner(uid_t uid, char **out, struct cs_err *err);

#endif
