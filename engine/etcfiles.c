#include "engine/etcfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/userns.h"
#include "netns/addr.h"
#include "netns/names.h"
#include "netns/store.h"

enum { HOST_FILE_MAX = 1 << 20 };

static bool host_net(const struct eng_record *r)
{
	return r->network_mode && strcmp(r->network_mode, "host") == 0;
}

static int take(struct cs_buf *b, char **out, struct cs_err *err)
{
	int ret;

	/* an empty one is a text, too */
	cs_buf_add(b, "");
	ret = cs_buf_ok(b, err);
	if (ret < 0)
		return ret;
	*out = cs_buf_take(b);
	return 0;
}

int eng_etc_hostname(const struct eng_record *r, const struct eng_etc_host *h, char **out,
		     struct cs_err *err)
{
	bool hosts = host_net(r) || (r->uts && strcmp(r->uts, "host") == 0);
	char *name;

	if (r->hostname && *r->hostname)
		name = strdup(r->hostname);
	else if (hosts && h->hostname)
		name = strdup(h->hostname);
	else
		name = strndup(r->id ? r->id : "", ENG_ID_SHORT);
	if (!name)
		return cs_err_set(err, ENOMEM, "container's name of host: out of memory");
	*out = name;
	return 0;
}

/* "NAME:ADDRESS" or "NAME=ADDRESS"; the address may be in brackets, or "host-gateway". */
static int extra_host(struct cs_buf *b, const char *text, const struct eng_record *r,
		      const struct eng_etc_net *v, size_t n, struct cs_err *err)
{
	size_t len = strcspn(text, ":=");
	const char *value = text[len] ? text + len + 1 : "";
	char addr[NET_ADDR_TEXT];
	struct net_addr a = { 0 };

	if (!len || !*value || strpbrk(text, " \t\n#"))
		return cs_err_set(err, EINVAL, "--add-host %.100s: write NAME:ADDRESS", text);
	if (strcmp(value, "host-gateway") == 0) {
		for (size_t i = 0; i < n && !net_addr_is_set(&a); i++)
			a = net_addr_is_set(&v[i].att->gateway4) ? v[i].att->gateway4
								 : v[i].att->gateway6;
		if (!net_addr_is_set(&a) && host_net(r))
			net_addr_parse("127.0.0.1", &a);
		/* before it is attached there is none yet */
		if (!net_addr_is_set(&a))
			return 0;
	} else {
		char plain[NET_ADDR_TEXT + 2];
		size_t m = strlen(value);

		if (value[0] == '[' && value[m - 1] == ']') {
			value++;
			m -= 2;
		}
		if (cs_str_fmt(plain, sizeof(plain), err, "%.*s", (int)m, value) < 0)
			cs_err_clear(err);
		if (m >= sizeof(plain) || net_addr_parse(plain, &a) < 0)
			return cs_err_set(err, EINVAL,
					  "--add-host %.100s: an address, or host-gateway, belongs "
					  "behind the name",
					  text);
	}
	cs_buf_addf(b, "%s\t%.*s\n", net_addr_text(&a, addr), (int)len, text);
	return 0;
}

/* The container's own names behind one of its addresses. */
static void own_line(struct cs_buf *b, const struct net_prefix *ip, const struct eng_record *r,
		     const char *hostname)
{
	char addr[NET_ADDR_TEXT];

	if (!net_addr_is_set(&ip->addr))
		return;
	cs_buf_addf(b, "%s\t", net_addr_text(&ip->addr, addr));
	if (r->domainname && *r->domainname)
		cs_buf_addf(b, "%s.%s ", hostname, r->domainname);
	cs_buf_add(b, hostname);
	if (r->id && strncmp(hostname, r->id, ENG_ID_SHORT) != 0)
		cs_buf_addf(b, " %.*s", ENG_ID_SHORT, r->id);
	cs_buf_add(b, "\n");
}

int eng_etc_hosts(const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		  const struct eng_etc_host *h, char **out, struct cs_err *err)
{
	static const char local[] = "127.0.0.1\tlocalhost\n"
				    "::1\tlocalhost ip6-localhost ip6-loopback\n"
				    "fe00::\tip6-localnet\n"
				    "ff00::\tip6-mcastprefix\n"
				    "ff02::1\tip6-allnodes\n"
				    "ff02::2\tip6-allrouters\n";
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	cs_auto_free char *hostname = NULL;
	int ret = eng_etc_hostname(r, h, &hostname, err);

	cs_buf_add(&b, host_net(r) && h->hosts ? h->hosts : local);
	if (b.len && b.s[b.len - 1] != '\n')
		cs_buf_add(&b, "\n");
	for (size_t i = 0; ret == 0 && i < r->add_host.n; i++)
		ret = extra_host(&b, r->add_host.v[i], r, v, n, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < n; i++) {
		own_line(&b, &v[i].att->ip4, r, hostname);
		own_line(&b, &v[i].att->ip6, r, hostname);
		if (v[i].members)
			cs_buf_add(&b, v[i].members);
	}
	return take(&b, out, err);
}

/* Does a resolver on the host's own loopback listen there? */
static bool is_loopback(const char *text, size_t len)
{
	struct net_addr a;
	char s[NET_ADDR_TEXT];

	if (len >= sizeof(s))
		return false;
	memcpy(s, text, len);
	s[len] = '\0';
	s[strcspn(s, "%")] = '\0';
	if (net_addr_parse(s, &a) < 0)
		return false;
	if (net_addr_size(a.family) == 4)
		return a.b[0] == 127;
	for (size_t i = 0; i < 15; i++) {
		if (a.b[i])
			return false;
	}
	return a.b[15] == 1;
}

/* The host's lines of one kind ("nameserver", "search", "options"; "domain" is an old "search"). */
static void host_lines(struct cs_buf *b, const char *text, const char *kind, bool loopback)
{
	size_t k = strlen(kind);

	while (text && *text) {
		const char *line = text + strspn(text, " \t");
		size_t n = strcspn(line, "\n\r");

		text = line + n;
		text += *text != '\0';
		if (strncmp(line, kind, k) != 0 || !strchr(" \t", line[k]) || n <= k)
			continue;
		line += k;
		n -= k;
		while (n && strchr(" \t", *line)) {
			line++;
			n--;
		}
		if (strcmp(kind, "nameserver") == 0)
			n = strcspn(line, " \t\r\n#;");
		if (n && (loopback || !is_loopback(line, n)))
			cs_buf_addf(b, "%s %.*s\n", kind, (int)n, line);
	}
}

static void words(struct cs_buf *b, const char *kind, const struct eng_strv *v)
{
	cs_buf_add(b, kind);
	for (size_t i = 0; i < v->n; i++)
		cs_buf_addf(b, " %s", v->v[i]);
	cs_buf_add(b, "\n");
}

static int check_words(const char *option, const struct eng_strv *v, struct cs_err *err)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!*v->v[i] || strpbrk(v->v[i], " \t\r\n#;"))
			return cs_err_set(err, EINVAL, "%s \"%.64s\": one word an option", option,
					  v->v[i]);
	}
	return 0;
}

static int servers(struct cs_buf *b, const struct eng_record *r, const struct eng_etc_net *v,
		   size_t n, struct cs_err *err)
{
	char text[NET_ADDR_TEXT];
	struct net_addr a;

	for (size_t i = 0; i < r->dns.n; i++) {
		if (net_addr_parse(r->dns.v[i], &a) < 0)
			return cs_err_set(err, EINVAL, "--dns %.64s: that is no address",
					  r->dns.v[i]);
		cs_buf_addf(b, "nameserver %s\n", r->dns.v[i]);
	}
	for (size_t i = 0; r->dns.n == 0 && i < n; i++) {
		if (net_addr_is_set(&v[i].dns4))
			cs_buf_addf(b, "nameserver %s\n", net_addr_text(&v[i].dns4, text));
		else if (net_addr_is_set(&v[i].dns6))
			cs_buf_addf(b, "nameserver %s\n", net_addr_text(&v[i].dns6, text));
	}
	return 0;
}

int eng_etc_resolv(const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		   const struct eng_etc_host *h, char **out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	bool no_search = r->dns_search.n == 1 && strcmp(r->dns_search.v[0], ".") == 0;
	int ret = check_words("--dns-search", &r->dns_search, err);

	if (ret == 0)
		ret = check_words("--dns-option", &r->dns_option, err);
	if (ret == 0)
		ret = servers(&b, r, v, n, err);
	if (ret < 0)
		return ret;
	if (b.len == 0)
		host_lines(&b, h->resolv, "nameserver", host_net(r));
	if (r->dns_search.n && !no_search)
		words(&b, "search", &r->dns_search);
	else if (!no_search) {
		host_lines(&b, h->resolv, "search", true);
		host_lines(&b, h->resolv, "domain", true);
	}
	if (r->dns_option.n)
		words(&b, "options", &r->dns_option);
	else
		host_lines(&b, h->resolv, "options", true);
	return take(&b, out, err);
}

/* A file of the host; none is no error. */
static int read_host(const char *path, char **out, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return 0;
	return cs_fd_read_all(fd, HOST_FILE_MAX, out, NULL, err);
}

static int write_file(int dir, const char *name, const char *text, const struct eng_record *r,
		      struct cs_err *err)
{
	uid_t uid = 0;
	gid_t gid = 0;
	cs_auto_fd int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int ret;

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return cs_err_sys(err, "write the container's %s", name);
	ret = eng_userns_root(r, &uid, &gid, err);
	if (ret < 0)
		return ret;
	if ((uid || gid) && fchown(fd, uid, gid) < 0)
		return cs_err_sys(err, "give the container its %s", name);
	ret = cs_fd_write_all(fd, text, strlen(text), err);
	return ret < 0 ? cs_err_wrap(err, "write the container's %s", name) : 0;
}

/* systemd's resolver listens on loopback; the file beside has the servers it asks. */
static int host_resolv(const struct eng_record *r, char **out, struct cs_err *err)
{
	int ret = read_host("/etc/resolv.conf", out, err);

	if (ret == 0 && *out && !host_net(r) && strstr(*out, "nameserver 127.0.0.53")) {
		cs_auto_free char *text = NULL;

		ret = read_host("/run/systemd/resolve/resolv.conf", &text, err);
		if (ret == 0 && text) {
			free(*out);
			*out = cs_take_ptr(&text);
		}
	}
	return ret;
}

int eng_etc_write(int dir, const struct eng_record *r, const struct eng_etc_net *v, size_t n,
		  struct cs_err *err)
{
	cs_auto_free char *hosts = NULL, *resolv = NULL, *text = NULL, *name = NULL, *line = NULL;
	char host[HOST_NAME_MAX + 1] = "";
	struct eng_etc_host h = { 0 };
	int ret = host_net(r) ? read_host("/etc/hosts", &hosts, err) : 0;

	if (ret == 0 && r->dns.n == 0)
		ret = host_resolv(r, &resolv, err);
	if (ret < 0)
		return ret;
	if (gethostname(host, sizeof(host) - 1) == 0)
		h.hostname = host;
	h.hosts = hosts;
	h.resolv = resolv;
	ret = eng_etc_hosts(r, v, n, &h, &text, err);
	if (ret == 0)
		ret = write_file(dir, "hosts", text, r, err);
	free(cs_take_ptr(&text));
	if (ret == 0)
		ret = eng_etc_resolv(r, v, n, &h, &text, err);
	if (ret == 0)
		ret = write_file(dir, "resolv.conf", text, r, err);
	if (ret == 0)
		ret = eng_etc_hostname(r, &h, &name, err);
	if (ret < 0)
		return ret;
	if (asprintf(&line, "%s\n", name) < 0) {
		line = NULL;
		return cs_err_set(err, ENOMEM, "container's hostname: out of memory");
	}
	return write_file(dir, "hostname", line, r, err);
}

int eng_etc_net_init(const struct net_store *st, const struct net_attachment *att,
		     struct eng_etc_net *out, struct cs_err *err)
{
	net_auto_net struct net_net net = NET_NET_INIT;
	struct eng_etc_net n = { .att = att };
	cs_auto_fd int names = -EBADF;
	int ret = net_net_open(st, att->network, &net, err);

	if (ret < 0)
		return ret;
	if (net.c.dns) {
		names = net_net_names(&net, err);
		if (names < 0)
			return names;
	}
	if (net.c.dns && net_names_served(names)) {
		n.dns4 = net.c.v4.gateway;
		n.dns6 = net.c.v6.gateway;
	} else if (net.c.dns) {
		ret = net_names_hosts(names, att, &n.members, err);
	}
	if (ret == 0)
		*out = n;
	return ret;
}

void eng_etc_net_fini(struct eng_etc_net *n)
{
	free(n->members);
	n->members = NULL;
}
