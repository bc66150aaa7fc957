#include "netns/ipam.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/proc.h"

static const char magic[16] = "caisson leases1";
static const char file_name[] = "leases";

static bool ended(const char *s, size_t size)
{
	return memchr(s, '\0', size);
}

/* Is a record one that we could have written? */
static bool lease_is_sound(const struct net_lease *l)
{
	return l->state <= NET_LEASE_LEAVING && ended(l->owner, sizeof(l->owner)) &&
	       ended(l->ifname, sizeof(l->ifname)) && ended(l->hostif, sizeof(l->hostif)) &&
	       ended(l->life.path, sizeof(l->life.path)) &&
	       (l->state == NET_LEASE_FREE || *l->hostif);
}

static int take_leases(const unsigned char *buf, size_t n, bool now, struct net_ipam *out,
		       struct cs_err *err)
{
	cs_auto_free struct net_lease *v = calloc(n ? n : 1, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "leases: out of memory");
	for (size_t i = 0; now && i < n; i++) {
		memcpy(&v[i], buf + (i + 1) * NET_LEASE_SIZE, sizeof(v[i]));
		if (!lease_is_sound(&v[i]))
			return cs_err_set(err, EBADMSG,
					  "leases: record %zu is damaged; with nothing attached "
					  "to the network, remove the file",
					  i);
	}
	out->v = cs_take_ptr(&v);
	out->n = n;
	return 0;
}

int net_ipam_parse(const void *buf, size_t len, const char *boot, struct net_ipam *out,
		   struct cs_err *err)
{
	size_t n = len / NET_LEASE_SIZE;
	struct net_ipam t = NET_IPAM_INIT;

	if (n == 0) { /* new, or killed while it was made */
		memcpy(t.head.magic, magic, sizeof(magic));
	} else {
		memcpy(&t.head, buf, sizeof(t.head));
		n--;
	}
	if (memcmp(t.head.magic, magic, sizeof(magic)) != 0 ||
	    !ended(t.head.boot, sizeof(t.head.boot)) || n > NET_LEASES_MAX)
		return cs_err_set(err, EBADMSG,
				  "leases: damaged; with nothing attached to the network, remove "
				  "the file");
	if (take_leases(buf, n, strcmp(t.head.boot, boot) == 0, &t, err) < 0)
		return -err->code;
	memset(t.head.boot, 0, sizeof(t.head.boot));
	memcpy(t.head.boot, boot, strnlen(boot, sizeof(t.head.boot) - 1));
	t.fd = out->fd;
	*out = t;
	return 0;
}

static int read_table(int fd, struct net_ipam *t, struct cs_err *err)
{
	static const size_t max = (size_t)(NET_LEASES_MAX + 1) * NET_LEASE_SIZE;
	cs_auto_free char *boot = NULL, *buf = NULL;
	struct stat sb;
	size_t len = 0;

	if (cs_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, &len, err) < 0)
		return -err->code;
	boot[strcspn(boot, "\n")] = '\0';
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "leases");
	if ((uint64_t)sb.st_size > max)
		return cs_err_set(err, EBADMSG, "leases: the file is too long");
	len = (size_t)sb.st_size;
	buf = malloc(len + 1);
	if (!buf)
		return cs_err_set(err, ENOMEM, "leases: out of memory");
	if (cs_fd_read_exact(fd, buf, len, err) < 0)
		return cs_err_wrap(err, "leases");
	return net_ipam_parse(buf, len, boot, t, err);
}

int net_ipam_open(struct net_ipam *t, int dir, struct cs_err *err)
{
	cs_auto_fd int fd = cs_file_lock(dir, file_name, false, err);
	struct net_ipam got = NET_IPAM_INIT;
	struct stat sb;

	if (fd < 0)
		return fd;
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "leases");
	if (sb.st_nlink == 0)
		return cs_err_set(err, ENOENT, "the network was removed meanwhile");
	if (read_table(fd, &got, err) < 0)
		return -err->code;
	got.fd = cs_take_fd(&fd);
	*t = got;
	return 0;
}

void net_ipam_close(struct net_ipam *t)
{
	cs_close_fd(&t->fd);
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

static int write_at(int fd, const void *p, size_t at, struct cs_err *err)
{
	ssize_t n;

	do
		n = pwrite(fd, p, NET_LEASE_SIZE, (off_t)(at * NET_LEASE_SIZE));
	while (n < 0 && errno == EINTR);
	if (n == NET_LEASE_SIZE)
		return 0;
	return n < 0 ? cs_err_sys(err, "write leases")
		     : cs_err_set(err, ENOSPC, "write leases: cut short");
}

int net_ipam_write(struct net_ipam *t, size_t slot, const struct net_lease *l, bool head,
		   struct cs_err *err)
{
	/* the head first: it says which boot the leases are of */
	if (head && write_at(t->fd, &t->head, 0, err) < 0)
		return -err->code;
	if (write_at(t->fd, l, slot + 1, err) < 0)
		return -err->code;
	if (slot < t->n)
		t->v[slot] = *l;
	return 0;
}

static bool lives(int procfd, uint32_t pid, uint64_t start)
{
	struct cs_err err = CS_ERR_INIT;
	uint64_t now;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return false;
	return cs_proc_start_time(procfd, (pid_t)pid, true, &now, &err) == 0 && now == start;
}

bool net_lease_lives(const struct net_lease *l, int procfd)
{
	if (l->state == NET_LEASE_FREE)
		return false;
	if (l->state != NET_LEASE_UP)
		return lives(procfd, l->busy_pid, l->busy_start);
	if (l->life.pid)
		return lives(procfd, l->life.pid, l->life.start);
	return *l->life.path && net_ns_is(l->life.path, &l->life.ns);
}

size_t net_ipam_find(const struct net_ipam *t, const char *owner, const char *ifname)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct net_lease *l = &t->v[i];

		if (l->state != NET_LEASE_FREE &&
		    (!owner || !*owner || strcmp(l->owner, owner) == 0) &&
		    (!ifname || !*ifname || strcmp(l->ifname, ifname) == 0))
			return i;
	}
	return SIZE_MAX;
}

size_t net_ipam_find_ns(const struct net_ipam *t, const struct net_ns_id *ns, const char *path,
			const char *ifname)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct net_lease *l = &t->v[i];
		bool same = ns ? l->life.ns.dev == ns->dev && l->life.ns.ino == ns->ino
			       : *l->life.path && strcmp(l->life.path, path) == 0;

		if (l->state != NET_LEASE_FREE && same &&
		    (!ifname || !*ifname || strcmp(l->ifname, ifname) == 0))
			return i;
	}
	return SIZE_MAX;
}
