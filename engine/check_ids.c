#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/check_int.h"
#include "engine/userns.h"

/* Ids, keys and limits of the processes of containers. */

enum { SUB_MAX = 1 << 20 };

static const char *const sub_files[] = { "/etc/subuid", "/etc/subgid" };

/* "NAME:FIRST:SIZE", which is cut in pieces. */
static bool parse_line(char *line, char **name, uint64_t *first, uint64_t *size)
{
	char *a = strchr(line, ':'), *b = a ? strchr(a + 1, ':') : NULL;

	if (!a || !b)
		return false;
	*a++ = *b++ = '\0';
	*name = line;
	return cs_str_u64(a, first) == 0 && cs_str_u64(b, size) == 0;
}

/* Tells of each range that somebody else has of @pool. Returns the number of ranges; @bad counts
 * those told of. */
static size_t see_file(struct eng_check *c, const char *path, const struct eng_idpool *pool,
		       size_t *bad)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct cs_err why = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	char *rest, *line, *name;
	uint64_t first, size;
	size_t n = 0;

	if (fd < 0 || cs_fd_read_all(fd, SUB_MAX, &text, NULL, &why) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (!parse_line(line, &name, &first, &size))
			continue;
		n++;
		if (strcmp(name, ENG_IDPOOL_USER) == 0 || first >= pool->first + pool->size ||
		    (first < pool->first && size <= pool->first - first))
			continue;
		(*bad)++;
		eng_check_warn(c, "subordinate ids",
			       "give user \"" ENG_IDPOOL_USER "\" a range of its own in "
			       "/etc/subuid and /etc/subgid, or move that one",
			       "%s: %.64s has ids of those that --userns auto takes, %llu to %llu",
			       path, name, (unsigned long long)pool->first,
			       (unsigned long long)(pool->first + pool->size - 1));
	}
	return n;
}

static void check_sub_ids(struct eng_check *c)
{
	const struct eng_idpool pool = eng_userns_pool();
	size_t n = 0, bad = 0;

	for (size_t i = 0; i < CS_LEN(sub_files); i++)
		n += see_file(c, sub_files[i], &pool, &bad);
	if (bad == 0)
		eng_check_pass(c, "subordinate ids",
			       "%zu ranges given; --userns auto takes from %llu up, %s", n,
			       (unsigned long long)pool.first,
			       pool.given ? "as they say" : "and needs none");
}

static int try_keyring(const struct eng_check *c, void *arg, struct cs_err *err)
{
	(void)c;
	(void)arg;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "caisson-check") < 0)
		return cs_err_sys(err, "join a new session keyring");
	return 0;
}

static void check_keys(struct eng_check *c)
{
	struct cs_err why = CS_ERR_INIT;

	if (eng_check_try(c, try_keyring, NULL, &why) == 0)
		eng_check_pass(c, "keys", "containers have session keyrings of their own");
	else
		eng_check_warn(c, "keys",
			       "use a kernel with CONFIG_KEYS; inside another container, allow "
			       "keyctl in its seccomp profile: without, containers see the "
			       "host's session keyring",
			       "%s", why.msg);
}

static int try_raise(const struct eng_check *c, void *arg, struct cs_err *err)
{
	const struct rlimit *more = arg;

	(void)c;
	if (setrlimit(RLIMIT_NOFILE, more) < 0)
		return cs_err_sys(err, "raise it");
	return 0;
}

/* Outer containers take the right to raise limits away. */
static void check_files(struct eng_check *c)
{
	static const char help[] =
		"raise LimitNOFILE of the unit, or nofile in limits.conf(5): containers get no "
		"more than that";
	const long long top = eng_check_number("/proc/sys/fs/nr_open");
	struct cs_err why = CS_ERR_INIT;
	struct rlimit files, more;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	more = (struct rlimit){ files.rlim_max + 1, files.rlim_max + 1 };
	if (top > 0 && files.rlim_max < (rlim_t)top && eng_check_try(c, try_raise, &more, &why) < 0)
		eng_check_warn(c, "open files",
			       "raise LimitNOFILE of the unit, or give the outer container "
			       "CAP_SYS_RESOURCE: --ulimit cannot ask for more than that",
			       "the hard limit is %llu, and: %s",
			       (unsigned long long)files.rlim_max, why.msg);
	else if (files.rlim_max < 65536)
		eng_check_warn(c, "open files", help, "the hard limit is %llu",
			       (unsigned long long)files.rlim_max);
	else
		eng_check_pass(c, "open files", "the hard limit is enough");
}

void eng_check_ids(struct eng_check *c)
{
	check_sub_ids(c);
	check_keys(c);
	check_files(c);
}
