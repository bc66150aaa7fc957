#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup_int.h"

enum { MOUNTINFO_MAX = 64 << 20 };

static const char *const ctl_names[CG_CTL_COUNT] = {
	[CG_CTL_CPU] = "cpu",
	[CG_CTL_CPUACCT] = "cpuacct",
	[CG_CTL_CPUSET] = "cpuset",
	[CG_CTL_MEMORY] = "memory",
	[CG_CTL_BLKIO] = "blkio",
	[CG_CTL_PIDS] = "pids",
	[CG_CTL_DEVICES] = "devices",
	[CG_CTL_FREEZER] = "freezer",
	[CG_CTL_HUGETLB] = "hugetlb",
	[CG_CTL_NET_CLS] = "net_cls",
	[CG_CTL_NET_PRIO] = "net_prio",
	[CG_CTL_PERF_EVENT] = "perf_event",
	[CG_CTL_RDMA] = "rdma",
	[CG_CTL_MISC] = "misc",
	[CG_CTL_SYSTEMD] = "name=systemd",
};

const char *cg_ctl_name(enum cg_ctl ctl, bool v2)
{
	return v2 && ctl == CG_CTL_BLKIO ? "io" : ctl_names[ctl];
}

int cg_v1_hier(const struct cg_host *host, enum cg_ctl ctl)
{
	for (size_t i = 0; i < host->n_hier; i++)
		if (host->hier[i].ctl & (UINT32_C(1) << ctl))
			return (int)i;
	return -1;
}

/* One line of mountinfo (proc(5)), cut up in place. */
struct mount_line {
	char *dev;   /* "0:29": one for every mount of the same hierarchy */
	char *root;  /* which part of it is mounted */
	char *point; /* where */
	char *fstype;
	char *opts; /* the super block's: a v1 hierarchy's controllers are among them */
};

/* "\040" and the like, by which mountinfo writes what would break its columns. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* "31 23 0:28 / /sys/fs/cgroup rw shared:1 - tmpfs tmpfs rw,mode=755". The optional fields before
 * the "-" vary in number. */
static bool split_line(char *line, struct mount_line *out)
{
	char *field[6];
	char *f;

	for (size_t i = 0; i < CS_LEN(field); i++)
		if (!(field[i] = strsep(&line, " ")))
			return false;
	do
		f = strsep(&line, " ");
	while (f && strcmp(f, "-") != 0);
	out->dev = field[2];
	out->root = field[3];
	out->point = field[4];
	out->fstype = strsep(&line, " ");
	f = strsep(&line, " "); /* the source says nothing */
	out->opts = strsep(&line, " ");
	if (!f || !out->opts)
		return false;
	unescape(out->root);
	unescape(out->point);
	return true;
}

/* The controllers among a v1 super block's options, as bits and as text. */
static uint32_t v1_controllers(char *opts, char *text, size_t size)
{
	uint32_t bits = 0;
	size_t len = 0;
	char *opt;

	while ((opt = strsep(&opts, ","))) {
		for (unsigned int i = 0; i < CG_CTL_COUNT; i++) {
			size_t n = strlen(opt);

			if (strcmp(opt, ctl_names[i]) != 0 || len + n + 2 > size)
				continue;
			bits |= UINT32_C(1) << i;
			if (len)
				text[len++] = ',';
			memcpy(text + len, opt, n + 1);
			len += n;
		}
	}
	return bits;
}

/* What is known of a hierarchy's mount while others of the same are looked at. */
struct candidate {
	char dev[24];
	int rank;
};

/* A mount of the whole hierarchy at the usual place is the one to use: others are parts of it,
 * or lie in somebody's root file system. */
static int mount_rank(const struct mount_line *m)
{
	return (strcmp(m->root, "/") == 0 ? 2 : 0) + cs_str_starts(m->point, "/sys/fs/cgroup");
}

static void add_mount(struct cg_host *host, struct candidate *seen, struct mount_line *m)
{
	bool v2 = strcmp(m->fstype, "cgroup2") == 0;
	struct cg_hier *h;
	size_t i = 0;

	/* A name that does not fit cannot be one of an ordinary host's. */
	if (strlen(m->point) >= sizeof(h->mountpoint) || strlen(m->dev) >= sizeof(seen->dev))
		return;
	while (i < host->n_hier && strcmp(seen[i].dev, m->dev) != 0)
		i++;
	if (i == CG_MAX_HIER || (i < host->n_hier && seen[i].rank >= mount_rank(m)))
		return;
	h = &host->hier[i];
	if (i == host->n_hier) {
		*h = (struct cg_hier){ .v2 = v2 };
		if (!v2)
			h->ctl = v1_controllers(m->opts, h->controllers, sizeof(h->controllers));
		if (!v2 && !h->ctl) /* "name=foo" */
			return;
		if (v2)
			host->v2 = (int)i;
		memcpy(seen[i].dev, m->dev, strlen(m->dev) + 1);
		host->n_hier++;
	}
	memcpy(h->mountpoint, m->point, strlen(m->point) + 1);
	seen[i].rank = mount_rank(m);
}

/* Lets each hierarchy's rel start behind the deepest folder common to all mount points; returns
 * that folder's length. */
static size_t split_root(struct cg_host *host)
{
	const char *first = host->hier[0].mountpoint;
	size_t len = strlen(first);

	for (size_t i = 1; i < host->n_hier; i++) {
		const char *p = host->hier[i].mountpoint;
		size_t n = 0;

		while (n < len && first[n] == p[n])
			n++;
		/* Both must end here or go on with a new component. */
		while (n > 0 && !((first[n] == '/' || !first[n]) && (p[n] == '/' || !p[n])))
			n--;
		len = n;
	}
	for (size_t i = 0; i < host->n_hier; i++)
		host->hier[i].rel = host->hier[i].mountpoint[len] == '/' ? len + 1 : len;
	return len;
}

int cg_host_parse(const char *mountinfo, struct cg_host *out, struct cs_err *err)
{
	struct candidate seen[CG_MAX_HIER] = { 0 };
	struct cg_host host = { .root = -EBADF, .v2 = -1 };
	cs_auto_free char *copy = strdup(mountinfo);
	char *rest = copy;
	char *line;

	if (!copy)
		return cs_err_set(err, ENOMEM, "read mountinfo: out of memory");
	while ((line = strsep(&rest, "\n"))) {
		struct mount_line m;

		/* Most lines are of other file systems: looked at no further. */
		if (strstr(line, " - cgroup") && split_line(line, &m) &&
		    cs_str_starts(m.fstype, "cgroup"))
			add_mount(&host, seen, &m);
	}
	if (host.n_hier > (host.v2 >= 0))
		host.mode = host.v2 >= 0 ? CG_HYBRID : CG_V1;
	else
		host.mode = CG_V2;
	*out = host;
	return 0;
}

/* Where /sys/fs/cgroup is the v2 tree itself, there is nothing more to find. Returns its fd or
 * -EBADF. Spares a host of a thousand mounts the reading of mountinfo. */
static int open_pure_v2(void)
{
	cs_auto_fd int fd = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs sb;

	if (fd < 0 || fstatfs(fd, &sb) < 0 || sb.f_type != CGROUP2_SUPER_MAGIC)
		return -EBADF;
	return cs_take_fd(&fd);
}

static int read_mountinfo(int procfd, char **out, struct cs_err *err)
{
	cs_auto_fd int fd = cs_path_proc_file(procfd, "self/mountinfo", O_RDONLY, err);

	if (fd < 0)
		return fd;
	return cs_fd_read_all(fd, MOUNTINFO_MAX, out, NULL, err);
}

int cg_host_open(int procfd, struct cg_host *out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	struct cg_host host = { .mode = CG_V2, .v2 = 0, .n_hier = 1 };
	char root[sizeof(host.hier[0].mountpoint)] = "/";
	size_t len;
	int ret;

	host.root = open_pure_v2();
	if (host.root >= 0) {
		host.hier[0] = (struct cg_hier){ .v2 = true, .mountpoint = "/sys/fs/cgroup" };
		host.hier[0].rel = strlen(host.hier[0].mountpoint);
		*out = host;
		return 0;
	}
	ret = read_mountinfo(procfd, &text, err);
	if (!ret)
		ret = cg_host_parse(text, &host, err);
	if (ret < 0)
		return cs_err_wrap(err, "find the host's cgroups");
	if (host.n_hier) {
		len = split_root(&host);
		if (len)
			memcpy(root, host.hier[0].mountpoint, len); /* zeroed behind */
		host.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (host.root < 0)
			/* cppcheck-suppress memleak ; nothing was opened */
			return cs_err_sys(err, "find the host's cgroups: open %s", root);
	}
	*out = host;
	return 0;
}

void cg_host_fini(struct cg_host *host)
{
	cs_close_fd(&host->root);
}
