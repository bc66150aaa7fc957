/*
 * The two ends of a connection, for tests of networks:
 *
 *	netpeer serve WORD PROTO:PORT...   answers "WORD ADDRESS" with the client's address, over
 *both families, until killed; says "ready" when it listens netpeer ask PROTO ADDRESS PORT prints
 *the answer; 1 and "refused", "timeout" or "unreachable" if there is none netpeer has PROTO
 *0 if the kernel has such sockets
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_MAX = 64, TIMEOUT_MS = 400, WORDS = 256 };

static int proto_of(const char *s)
{
	if (strcmp(s, "udp") == 0)
		return IPPROTO_UDP;
	return strcmp(s, "sctp") == 0 ? IPPROTO_SCTP : IPPROTO_TCP;
}

static int type_of(int proto)
{
	return proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static int listen_on(const char *spec)
{
	const char *port = strchr(spec, ':');
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	char name[8] = "";
	int fd, off = 0, on = 1, proto;

	if (!port || port - spec >= (int)sizeof(name)) {
		errno = EINVAL;
		fail(spec);
	}
	memcpy(name, spec, (size_t)(port - spec));
	proto = proto_of(name);
	a.sin6_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
	fd = socket(AF_INET6, type_of(proto) | SOCK_CLOEXEC, proto);
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (proto != IPPROTO_UDP && listen(fd, 64) < 0))
		fail(spec);
	return fd;
}

static int words(const char *word, const struct sockaddr_in6 *from, char *out, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "?";
	const char *text = addr;

	(void)inet_ntop(AF_INET6, &from->sin6_addr, addr, sizeof(addr));
	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr))
		text = strrchr(addr, ':') + 1;
	return snprintf(out, size, "%s %s\n", word, text);
}

static void answer(int fd, const char *word)
{
	struct sockaddr_in6 from = { 0 };
	socklen_t len = sizeof(from), size = sizeof(int);
	char buf[WORDS];
	int type = 0, n, c;

	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	if (type == SOCK_DGRAM) {
		if (recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) < 0)
			return;
		n = words(word, &from, buf, sizeof(buf));
		(void)sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
		return;
	}
	c = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (c < 0)
		return;
	n = words(word, &from, buf, sizeof(buf));
	(void)send(c, buf, (size_t)n, MSG_NOSIGNAL);
	close(c);
}

static int serve(int argc, char **argv)
{
	struct pollfd p[SOCKETS_MAX];
	nfds_t n = 0;

	for (int i = 1; i < argc && n < SOCKETS_MAX; i++)
		p[n++] = (struct pollfd){ .fd = listen_on(argv[i]), .events = POLLIN };
	puts("ready");
	(void)fflush(stdout);
	while (poll(p, n, -1) >= 0)
		for (nfds_t i = 0; i < n; i++)
			if (p[i].revents)
				answer(p[i].fd, argv[0]);
	return 2;
}

static int give_up(int code)
{
	if (code == ECONNREFUSED)
		puts("refused");
	else if (code == EAGAIN || code == EINPROGRESS || code == ETIMEDOUT)
		puts("timeout");
	else if (code == EHOSTUNREACH || code == ENETUNREACH || code == EACCES)
		puts("unreachable");
	else
		puts(strerror(code));
	return 1;
}

static int ask(const char *proto, const char *addr, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	static struct addrinfo *ai; /* not lost when giving up */
	const char *slow = getenv("CAISSON_LAB");
	int ms = slow ? 10 * TIMEOUT_MS : TIMEOUT_MS, num = proto_of(proto);
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	char buf[WORDS];
	ssize_t n;
	int fd;

	if (getaddrinfo(addr, port, &hints, &ai) != 0)
		return give_up(EINVAL);
	fd = socket(ai->ai_family, type_of(num) | SOCK_CLOEXEC, num);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ||
	    connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		return give_up(errno);
	if (num == IPPROTO_UDP && send(fd, "?", 1, 0) < 0)
		return give_up(errno);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n < 0)
		return give_up(errno);
	(void)fwrite(buf, 1, (size_t)n, stdout);
	freeaddrinfo(ai);
	close(fd);
	return n == 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 2, argv + 2);
	if (argc == 5 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "has") == 0)
		return socket(AF_INET, type_of(proto_of(argv[2])), proto_of(argv[2])) < 0;
	(void)fputs(
		"usage: netpeer serve WORD PROTO:PORT... | ask PROTO ADDRESS PORT | has PROTO\n",
		stderr);
	return 2;
}
