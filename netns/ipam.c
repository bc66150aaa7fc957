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

static int damaged(struct cs_err *err)
{
	return cs_err_set(err, EBADMSG,
			  "leases: damaged; with nothing attached to the network, remove the file");
}

/* The head as read, or zero for a file that is new or was killed while it was made; leaves it as it
 * is written next. The leases count if they are of this boot. */
static int take_head(struct net_ipam_head *h, bool new, const char *boot, bool *now,
		     struct cs_err *err)
{
	if (new)
		memcpy(h->magic, magic, sizeof(magic));
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || !ended(h->boot, sizeof(h->boot)))
		return damaged(err);
	*now = strcmp(h->boot, boot) == 0;
	memset(h->boot, 0, sizeof(h->boot));
	memcpy(h->boot, boot, strnlen(boot, sizeof(h->boot) - 1));
	return 0;
}

static int take_leases(struct net_lease *v, size_t n, bool now, struct cs_err *err)
{
	if (!now && n)
		memset(v, 0, n * sizeof(*v));
	for (size_t i = 0; now && i < n; i++)
		if (!lease_is_sound(&v[i]))
			return cs_err_set(err, EBADMSG,
					  "leases: record %zu is damaged; with nothing attached "
					  "to the network, remove the file",
					  i);
	return 0;
}

/* Records behind the head in a file of @len bytes. */
static size_t count(size_t len)
{
	return len < NET_LEASE_SIZE ? 0 : len / NET_LEASE_SIZE - 1;
}

int net_ipam_parse(const void *buf, size_t len, const char *boot, struct net_ipam *out,
		   struct cs_err *err)
{
	struct net_ipam t = { .fd = out->fd, .n = count(len) };
	cs_auto_free struct net_lease *v = NULL;
	bool now = false;

	if (t.n > NET_LEASES_MAX)
		return damaged(err);
	v = malloc((t.n ? t.n : 1) * sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "leases: out of memory");
	if (len >= NET_LEASE_SIZE)
		memcpy(&t.head, buf, sizeof(t.head));
	if (t.n)
		memcpy(v, (const unsigned char *)buf + NET_LEASE_SIZE, t.n * sizeof(*v));
	if (take_head(&t.head, len < NET_LEASE_SIZE, boot, &now, err) < 0 ||
	    take_leases(v, t.n, now, err) < 0)
		return -err->code;
	t.v = cs_take_ptr(&v);
	*out = t;
	return 0;
}

/* As net_ipam_parse(), but hundreds of members are not copied once more for each command; and what
 * is of another boot goes, before a head of this one could make it count. */
static int read_table(int fd, size_t len, const char *boot, struct net_ipam *t, struct cs_err *err)
{
	cs_auto_free struct net_lease *v = NULL;
	bool now = false;

	t->n = count(len);
	if (t->n > NET_LEASES_MAX)
		return damaged(err);
	v = malloc((t->n ? t->n : 1) * sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "leases: out of memory");
	if (len >= NET_LEASE_SIZE && (cs_fd_read_exact(fd, &t->head, sizeof(t->head), err) < 0 ||
				      cs_fd_read_exact(fd, v, t->n * sizeof(*v), err) < 0))
		return cs_err_wrap(err, "leases");
	if (take_head(&t->head, len < NET_LEASE_SIZE, boot, &now, err) < 0 ||
	    take_leases(v, t->n, now, err) < 0)
		return -err->code;
	if (!now && t->n && ftruncate(fd, NET_LEASE_SIZE) < 0)
		return cs_err_sys(err, "shorten leases");
	if (!now)
		t->n = 0;
	t->v = cs_take_ptr(&v);
	return 0;
}

/* Opens and locks the file, and says how long it is. */
static int open_locked(int dir, size_t *len, struct cs_err *err)
{
	cs_auto_fd int fd = cs_file_lock(dir, file_name, false, err);
	struct stat sb;

	if (fd < 0)
		return fd;
	if (fstat(fd, &sb) < 0)
		return cs_err_sys(err, "leases");
	if (sb.st_nlink == 0)
		return cs_err_set(err, ENOENT, "the network was removed meanwhile");
	*len = (size_t)sb.st_size;
	return cs_take_fd(&fd);
}

int net_ipam_open(struct net_ipam *t, int dir, const char *boot, struct cs_err *err)
{
	struct net_ipam got = NET_IPAM_INIT;
	size_t len = 0;

	got.fd = open_locked(dir, &len, err);
	if (got.fd < 0)
		return -err->code;
	if (read_table(got.fd, len, boot, &got, err) < 0) {
		net_ipam_close(&got);
		return -err->code;
	}
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

int net_ipam_replace(int dir, size_t slot, const char *hostif, const struct net_lease *l,
		     struct cs_err *err)
{
	struct net_lease now;
	cs_auto_fd int fd = -EBADF;
	size_t len = 0;

	fd = open_locked(dir, &len, err);
	if (fd < 0)
		return fd;
	if (slot >= count(len))
		return 0;
	if (pread(fd, &now, sizeof(now), (off_t)((slot + 1) * NET_LEASE_SIZE)) != sizeof(now))
		return cs_err_sys(err, "read leases");
	if (!lease_is_sound(&now) || now.state == NET_LEASE_FREE || strcmp(now.hostif, hostif) != 0)
		return 0;
	return write_at(fd, l, slot + 1, err) < 0 ? -err->code : 1;
}

static bool lives(int procfd, uint32_t pid, uint64_t start)
{
	struct cs_err err = CS_ERR_INIT;
	uint64_t now;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return false;
	return cs_proc_start_time(procfd, (pid_t)pid, true, &now, &err) == 0 && now == start;
}

static bool owner_lives(const struct net_life *life, int procfd)
{
	if (life->pid)
		return lives(procfd, life->pid, life->start);
	return *life->path && net_ns_is(life->path, &life->ns);
}

bool net_lease_lives(const struct net_lease *l, int procfd)
{
	if (l->state == NET_LEASE_FREE)
		return false;
	if (l->state != NET_LEASE_UP)
		return lives(procfd, l->busy_pid, l->busy_start);
	return owner_lives(&l->life, procfd);
}

/* Of two the one that is not being taken off. */
static size_t better(const struct net_ipam *t, size_t found, size_t i)
{
	return found == SIZE_MAX || t->v[found].state == NET_LEASE_LEAVING ? i : found;
}

size_t net_ipam_find(const struct net_ipam *t, const char *owner, const char *ifname)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < t->n; i++) {
		const struct net_lease *l = &t->v[i];

		if (l->state != NET_LEASE_FREE &&
		    (!owner || !*owner || strcmp(l->owner, owner) == 0) &&
		    (!ifname || !*ifname || strcmp(l->ifname, ifname) == 0))
			found = better(t, found, i);
	}
	return found;
}

/* Only where an owner lives does its namespace, and has no other one the same inode number. */
static bool is_of_ns(const struct net_life *life, const struct net_ns_id *ns, int procfd)
{
	return net_ns_same(&life->ns, ns) && owner_lives(life, procfd);
}

size_t net_ipam_find_ns(const struct net_ipam *t, const struct net_ns_id *ns, const char *path,
			const char *ifname, int procfd)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < t->n; i++) {
		const struct net_lease *l = &t->v[i];

		if (l->state != NET_LEASE_FREE &&
		    (!ifname || !*ifname || strcmp(l->ifname, ifname) == 0) &&
		    (ns ? is_of_ns(&l->life, ns, procfd)
			: *l->life.path && strcmp(l->life.path, path) == 0))
			found = better(t, found, i);
	}
	return found;
}
