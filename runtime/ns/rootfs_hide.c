#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/ns/mounts_int.h"
#include "runtime/ns/setup.h"

#include <sys/mount.h>

/*
 * Without pivot_root(2) the host's tree stays mounted under the container's root. Nobody inside can
 * reach it, but the kernel lets a user namespace mount a new proc or sysfs wherever a whole one is
 * mounted in the mount namespace: the host's would undo the masked paths of the container's. So
 * every whole one outside of the container's root is unmounted, or covered.
 */

enum { MOUNTINFO_MAX = 32 << 20 };

/* Of a line of /proc/self/mountinfo (proc(5)). Fields point into the line, cut into strings. */
struct mnt {
	char *id, *root, *point, *type;
};

/* The next field, cut off; NULL at the end. */
static char *field(char **p)
{
	char *f = *p;

	if (!f || !*f)
		return NULL;
	f[strcspn(f, " ")] = '\0';
	*p = f + strlen(f) + 1;
	return f;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Octal escapes ("\\040"), in place. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0');
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* @line has one more NUL after its end. */
static bool parse_line(char *line, struct mnt *m)
{
	char *f;

	m->id = field(&line);
	field(&line); /* parent */
	field(&line); /* device */
	m->root = field(&line);
	m->point = field(&line);
	do {
		f = field(&line);
	} while (f && strcmp(f, "-") != 0);
	m->type = field(&line);
	if (!m->type)
		return false;
	unescape(m->point);
	return true;
}

static int hide(const char *path, struct cs_err *err)
{
	const struct mount_attr slave = { .propagation = MS_SLAVE };
	const struct ctr_fs_desc nothing = {
		.type = "tmpfs",
		.mode = "0",
		.attrs = MOUNT_ATTR_RDONLY,
	};
	cs_auto_fd int target = -EBADF;
	cs_auto_fd int tree = -EBADF;

	if (cs_sys_mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &slave) == 0 &&
	    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == ENOENT) /* it was below another one that is gone */
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return cs_err_sys(err, "unmount the host's %s", path);
	target = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return cs_err_sys(err, "open the host's %s", path);
	tree = ctr_fs_mount(&nothing, err);
	if (tree < 0 || ctr_mount_attach(tree, target, err) < 0)
		return cs_err_wrap(err, "cover the host's %s", path);
	return 0;
}

/* Cuts the text into lines, each with a second NUL: the newline and the byte before it are of the
 * superblock's options, which are not read. */
static char *next_line(char **text)
{
	char *line = *text;
	size_t n = strcspn(line, "\n");

	if (n < 2)
		return NULL;
	*text = line + n + (line[n] == '\n');
	line[n] = '\0';
	line[n - 1] = '\0';
	return line;
}

static int read_mountinfo(const struct ctr_ns_setup *s, char **out, struct cs_err *err)
{
	cs_auto_fd int fd = cs_path_proc_file(s->host_proc, "self/mountinfo", O_RDONLY, err);
	size_t len;

	return fd < 0 ? fd : cs_fd_read_all(fd, MOUNTINFO_MAX, out, &len, err);
}

/* Where the mount of the fd is: the container's root has other mounts below it, which stay. */
static int root_point(const struct ctr_ns_setup *s, char out[PATH_MAX], struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct statx sx;
	char id[24];
	char *line, *p;
	int r;

	if (statx(s->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return cs_err_sys(err, "stat the container's root");
	snprintf(id, sizeof(id), "%llu", (unsigned long long)sx.stx_mnt_id);
	r = read_mountinfo(s, &text, err);
	for (p = text; r == 0 && (line = next_line(&p));) {
		struct mnt m;

		if (parse_line(line, &m) && strcmp(m.id, id) == 0)
			return cs_str_fmt(out, PATH_MAX, err, "%s", m.point);
	}
	return r < 0 ? r : cs_err_set(err, ENOENT, "the container's root is not mounted");
}

int ctr_rootfs_hide(const struct ctr_ns_setup *s, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	char root[PATH_MAX];
	char *line, *p;
	int r;

	r = root_point(s, root, err);
	if (r == 0)
		r = read_mountinfo(s, &text, err);
	for (p = text; r == 0 && (line = next_line(&p));) {
		struct mnt m;

		if (!parse_line(line, &m) || strcmp(m.root, "/") != 0 ||
		    (strcmp(m.type, "proc") != 0 && strcmp(m.type, "sysfs") != 0) ||
		    ctr_dest_below(m.point, root))
			continue;
		r = hide(m.point, err);
	}
	return r < 0 ? cs_err_wrap(err, "--no-pivot") : 0;
}
