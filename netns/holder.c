#include "netns/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

/* More lines than this are not looked at. */
enum { LINES_MAX = 100000, COMM_MAX = 64 };

static const char *const *tables(uint8_t proto)
{
	static const char *const tcp[] = { "/proc/net/tcp", "/proc/net/tcp6", NULL };
	static const char *const udp[] = { "/proc/net/udp", "/proc/net/udp6", NULL };
	static const char *const none[] = { NULL };

	return proto == IPPROTO_TCP ? tcp : proto == IPPROTO_UDP ? udp : none;
}

/* Words of 32 bits, each as a number of the machine's byte order. */
static bool parse_words(const char *s, struct net_addr *out)
{
	size_t n = strlen(s) / 8;

	if (strlen(s) != 8 && strlen(s) != 32)
		return false;
	*out = (struct net_addr){ .family = n == 1 ? AF_INET : AF_INET6 };
	for (size_t i = 0; i < n; i++) {
		char word[9] = "";
		uint32_t v;

		memcpy(word, s + 8 * i, 8);
		v = (uint32_t)strtoul(word, NULL, 16);
		memcpy(out->b + 4 * i, &v, sizeof(v));
	}
	return true;
}

/* "  sl: LOCAL:PORT REMOTE:PORT ST TX:RX TR:WHEN RETRNSMT UID TIMEOUT INODE ..." (proc(5)). */
int net_socket_line_parse(const char *line, struct net_socket_line *out)
{
	struct net_socket_line l = { 0 };
	unsigned int port;
	char addr[33];

	/* NOLINTNEXTLINE(cert-err34-c): hexadecimal of a bounded width */
	if (sscanf(line,
		   " %*[0-9]: %32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*s %*s %*s %*s %*s "
		   "%20" SCNu64,
		   addr, &port, &l.state, &l.inode) != 4 ||
	    !parse_words(addr, &l.addr))
		return -EINVAL;
	l.port = (uint16_t)port;
	*out = l;
	return 0;
}

/* Called for a socket that keeps others from the port; true ends it. */
typedef bool (*socket_fn)(const struct net_socket_line *l, void *arg);

static bool each_socket(uint8_t proto, uint16_t port, socket_fn fn, void *arg)
{
	for (const char *const *path = tables(proto); *path; path++) {
		FILE *f = fopen(*path, "re");
		struct net_socket_line l;
		char line[512];
		bool done = false;

		for (int i = 0; f && !done && i < LINES_MAX && fgets(line, sizeof(line), f); i++)
			done = net_socket_line_parse(line, &l) == 0 && l.port == port &&
			       (proto != IPPROTO_TCP || l.state == TCP_LISTEN) && fn(&l, arg);
		if (f)
			(void)fclose(f);
		if (done)
			return true;
	}
	return false;
}

struct spares {
	net_spare_fn fn;
	void *arg;
	size_t n;
};

static bool is_not_spared(const struct net_socket_line *l, void *arg)
{
	struct spares *s = arg;

	s->n++;
	return !s->fn(&l->addr, s->arg);
}

bool net_port_is_spared(uint8_t proto, uint16_t port, net_spare_fn spare, void *arg)
{
	struct spares s = { .fn = spare, .arg = arg };

	return !each_socket(proto, port, is_not_spared, &s) && s.n > 0;
}

/* Has the process one of its fds on the socket? */
static bool has_socket(int proc, const char *pid, const char *socket)
{
	cs_auto_dir DIR *d = NULL;
	const struct dirent *e;
	char path[64], link[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return false;
	}
	while ((e = readdir(d))) {
		ssize_t n = readlinkat(fd, e->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		if (strcmp(link, socket) == 0)
			return true;
	}
	return false;
}

static bool find_process(uint64_t inode, char *out, size_t size)
{
	cs_auto_dir DIR *d = opendir("/proc");
	const struct dirent *e;
	char socket[64], path[64];

	(void)snprintf(socket, sizeof(socket), "socket:[%" PRIu64 "]", inode);
	while (d && (e = readdir(d))) {
		struct cs_err err = CS_ERR_INIT;
		cs_auto_free char *comm = NULL;
		size_t len;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !has_socket(dirfd(d), e->d_name, socket))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		if (cs_file_read(AT_FDCWD, path, COMM_MAX, &comm, &len, &err) < 0)
			return false;
		comm[strcspn(comm, "\n")] = '\0';
		cs_str_plain(comm);
		(void)snprintf(out, size, "%s (process %s)", comm, e->d_name);
		return true;
	}
	return false;
}

struct holder {
	char *out;
	size_t size;
};

static bool name_holder(const struct net_socket_line *l, void *arg)
{
	const struct holder *h = arg;

	return l->inode && find_process(l->inode, h->out, h->size);
}

const char *net_port_holder(uint8_t proto, uint16_t port, char *out, size_t size)
{
	struct holder h = { out, size };

	if (!each_socket(proto, port, name_holder, &h))
		(void)snprintf(out, size, "another program");
	return out;
}
