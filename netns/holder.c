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

/* More lines than this are not looked at: it is only for a message. */
enum { LINES_MAX = 100000, COMM_MAX = 64 };

/* "  sl: LOCAL:PORT REMOTE:PORT ST TX:RX TR:WHEN RETRNSMT UID TIMEOUT INODE ..." (proc(5)). */
int net_socket_line_parse(const char *line, struct net_socket_line *out)
{
	unsigned int port, state;
	uint64_t inode;

	/* NOLINTNEXTLINE(cert-err34-c): hexadecimal of a bounded width */
	if (sscanf(line,
		   " %*[0-9]: %*32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*s %*s %*s %*s %*s "
		   "%20" SCNu64,
		   &port, &state, &inode) != 3)
		return -EINVAL;
	*out = (struct net_socket_line){ (uint16_t)port, inode, state };
	return 0;
}

static uint64_t inode_in(const char *path, uint8_t proto, uint16_t port)
{
	FILE *f = fopen(path, "re");
	char line[512];
	uint64_t found = 0;

	if (!f)
		return 0;
	for (int i = 0; !found && i < LINES_MAX && fgets(line, sizeof(line), f); i++) {
		struct net_socket_line l;

		if (net_socket_line_parse(line, &l) == 0 && l.port == port &&
		    (proto != IPPROTO_TCP || l.state == TCP_LISTEN))
			found = l.inode;
	}
	(void)fclose(f);
	return found;
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

const char *net_port_holder(uint8_t proto, uint16_t port, char *out, size_t size)
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
						  { "/proc/net/udp", "/proc/net/udp6" } };

	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP) {
		for (size_t i = 0; i < 2; i++) {
			uint64_t inode = inode_in(tables[proto == IPPROTO_UDP][i], proto, port);

			if (inode && find_process(inode, out, size))
				return out;
		}
	}
	(void)snprintf(out, size, "another program");
	return out;
}
