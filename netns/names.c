#include "netns/names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "netns/addr.h"
#include "netns/names_int.h"

enum {
	FILE_MAX = 100000, /* of a hosts file */
};

/* Letters, digits, "-", "_" and "."; nothing a hosts file or a folder takes for something else. */
bool net_names_is_host(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && n <= NET_NAMES_HOST && s[n] == '\0' && s[0] != '.' && s[0] != '-';
}

int net_names_check(const char *name, struct cs_err *err)
{
	if (net_names_is_host(name))
		return 0;
	return cs_err_set(
		err, EINVAL,
		"\"%.64s\" is no name for a host: letters, digits, \"-\", \"_\" and \".\"", name);
}

static int check_names(const struct net_attachment *att, struct cs_err *err)
{
	if (net_names_check(att->owner, err) < 0 ||
	    (att->name && net_names_check(att->name, err) < 0))
		return -err->code;
	for (size_t i = 0; i < att->n_aliases; i++)
		if (net_names_check(att->aliases[i], err) < 0)
			return -err->code;
	return 0;
}

/* Opens, and makes, a folder that the server's user can read. */
int net_names_open_sub(int dir, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = -EBADF;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make folder %s", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return cs_err_sys(err, "open folder %s", name);
	return cs_take_fd(&fd);
}

/* "ADDRESS NAME ALIAS... ID" for each address. The first name is the one an address has. */
static void add_lines(struct cs_buf *b, const struct net_attachment *att, bool id)
{
	const struct net_addr *const addrs[] = { &att->ip4.addr, &att->ip6.addr };
	char text[NET_ADDR_TEXT];

	for (size_t i = 0; i < CS_LEN(addrs); i++) {
		if (!addrs[i]->family)
			continue;
		cs_buf_add(b, net_addr_text(addrs[i], text));
		if (att->name)
			cs_buf_addf(b, " %s", att->name);
		for (size_t n = 0; n < att->n_aliases; n++)
			cs_buf_addf(b, " %s", att->aliases[n]);
		if (id)
			cs_buf_addf(b, " %.*s", (int)net_names_id_len(att->owner), att->owner);
		cs_buf_add(b, "\n");
	}
}

static int write_file(int dir, const char *sub, const char *name, struct cs_buf *b,
		      struct cs_err *err)
{
	cs_auto_fd int fd = net_names_open_sub(dir, sub, err);
	struct stat st;

	if (fd < 0 || cs_buf_ok(b, err) < 0)
		return -err->code;
	if (cs_file_replace(fd, name, b->s, b->len, 0644, false, err) < 0)
		return cs_err_wrap(err, "write %s/%s", sub, name);
	/* whatever the umask is */
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 0777) != 0644 &&
	    fchmodat(fd, name, 0644, 0) < 0)
		return cs_err_sys(err, "make %s/%s readable", sub, name);
	return 0;
}

/* May a name stand in a line of dhcp-host? One that does not begin with a letter may be a time or
 * an address there, or none that it takes, which costs the whole line. */
static bool is_dhcp_name(const char *s)
{
	return isalpha((unsigned char)*s) && strcasecmp(s, "ignore") != 0 &&
	       strcasecmp(s, "infinite") != 0;
}

/* "MAC,IPV4,[IPV6],NAME", as dnsmasq's dhcp-host has it. Without the name it finds that in the
 * hosts file, by the address. */
static int write_dhcp(int dir, const struct net_attachment *att, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	char mac[NET_MAC_TEXT], addr[NET_ADDR_TEXT];

	cs_buf_add(&b, net_mac_text(&att->mac, mac));
	if (att->ip4.addr.family)
		cs_buf_addf(&b, ",%s", net_addr_text(&att->ip4.addr, addr));
	if (att->ip6.addr.family)
		cs_buf_addf(&b, ",[%s]", net_addr_text(&att->ip6.addr, addr));
	if (att->name && is_dhcp_name(att->name))
		cs_buf_addf(&b, ",%s", att->name);
	cs_buf_add(&b, "\n");
	return write_file(dir, "dhcp", att->owner, &b, err);
}

/* Has the folder a member? If not, what killed writers left in it is removed. */
static bool any_member(int dir, const char *sub)
{
	int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			return true;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(fd, e->d_name, 0);
	}
	return false;
}

int net_names_mend(int dir, const struct net_config *net, struct cs_err *err)
{
	if (!net->dns || !any_member(dir, "hosts"))
		return net_names_stop(dir, err);
	if (!net_names_have_server())
		return 0;
	return net_names_server_start(dir, net, any_member(dir, "dhcp"), err);
}

int net_names_stop(int dir, struct cs_err *err)
{
	return net_names_server_end(dir, err);
}

int net_names_add(int dir, const struct net_config *net, const struct net_attachment *att,
		  struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	bool id = true;

	if (check_names(att, err) < 0 || net_names_take(dir, att, &id, err) < 0)
		return -err->code;
	add_lines(&b, att, id);
	if (b.len == 0)
		return 0;
	if (write_file(dir, "hosts", att->owner, &b, err) < 0)
		return -err->code;
	if (!att->ifname[0] && net_mac_is_set(&att->mac) && write_dhcp(dir, att, err) < 0)
		return -err->code;
	if (net_names_mend(dir, net, err) < 0) {
		cs_log(CS_LOG_WARN,
		       "network %s: its members do not find each other by DNS, and nothing answers "
		       "DHCP: %s",
		       net->name, err->msg);
		cs_err_clear(err);
	}
	return 0;
}

/* 1 it was there, 0 not, or -errno. */
static int remove_file(int dir, const char *sub, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && unlinkat(fd, name, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : cs_err_sys(err, "remove %s/%s", sub, name);
}

int net_names_del(int dir, const struct net_config *net, const char *owner,
		  const struct net_attachment *att, struct cs_err *err)
{
	int host, lease;

	if (!net_names_is_host(owner))
		return cs_err_set(err, EINVAL, "\"%.64s\" is no id of a workload", owner);
	net_names_drop(dir, owner, att);
	lease = remove_file(dir, "dhcp", owner, err);
	if (lease < 0)
		return lease;
	if (lease)
		(void)any_member(dir, "dhcp");
	host = remove_file(dir, "hosts", owner, err);
	if (host < 0)
		return host;
	if (!any_member(dir, "hosts"))
		return net_names_server_leave(dir, err);
	/* It sees that a hosts file goes (since 2.88), but not that a lease does. */
	if (host || lease)
		return net_names_server_reload(dir, err);
	(void)net;
	return 0;
}

static int add_member(int hosts, const char *name, struct cs_buf *b, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;

	if (cs_file_read(hosts, name, FILE_MAX, &text, &len, err) < 0) {
		if (err->code != ENOENT)
			return -err->code;
		cs_err_clear(err); /* it left meanwhile */
		return 0;
	}
	cs_buf_add(b, text);
	return 0;
}

int net_names_hosts(int dir, const struct net_attachment *self, char **out, struct cs_err *err)
{
	int fd = openat(dir, "hosts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct dirent *e;

	if (check_names(self, err) < 0)
		return -err->code;
	cs_buf_add(&b, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	add_lines(&b, self, true);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, self->owner) != 0 &&
		    add_member(fd, e->d_name, &b, err) < 0)
			return -err->code;
	if (cs_buf_ok(&b, err) < 0)
		return -err->code;
	*out = cs_buf_take(&b);
	return 0;
}
