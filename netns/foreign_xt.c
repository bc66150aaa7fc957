#include "netns/foreign_int.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"

#include <fcntl.h>

enum { NAMES_MAX = 4096, ENTRIES_MAX = 64 << 20 };

/* The parts of ipt_entry and ip6t_entry that are looked at. */
struct entry {
	size_t target, next; /* offsets from it */
	char in[IFNAMSIZ];
};

static bool read_entry(bool v6, const unsigned char *p, size_t room, struct entry *e)
{
	struct ipt_entry e4;
	struct ip6t_entry e6;

	if (room < (v6 ? sizeof(e6) : sizeof(e4)))
		return false;
	if (v6) {
		memcpy(&e6, p, sizeof(e6));
		*e = (struct entry){ e6.target_offset, e6.next_offset, "" };
		memcpy(e->in, e6.ipv6.iniface, sizeof(e->in));
	} else {
		memcpy(&e4, p, sizeof(e4));
		*e = (struct entry){ e4.target_offset, e4.next_offset, "" };
		memcpy(e->in, e4.ip.iniface, sizeof(e->in));
	}
	e->in[sizeof(e->in) - 1] = '\0';
	return e->target >= (v6 ? sizeof(e6) : sizeof(e4)) && e->next <= room &&
	       e->target <= e->next && e->next - e->target >= sizeof(struct xt_entry_target);
}

/* A target is named; the nameless one is a verdict, the one named "ERROR" begins a chain. */
static void see_target(const unsigned char *p, size_t room, const struct entry *e,
		       const bool policy[2], const char *bridge, struct foreign_table *t)
{
	struct xt_entry_target head;
	char chain[XT_FUNCTION_MAXNAMELEN] = "";
	int verdict = 0;
	bool accepts;

	memcpy(&head, p, sizeof(head));
	head.u.user.name[sizeof(head.u.user.name) - 1] = '\0';
	if (!head.u.user.name[0] && room >= sizeof(struct xt_standard_target))
		memcpy(&verdict, p + offsetof(struct xt_standard_target, verdict), sizeof(verdict));
	if (strcmp(head.u.user.name, XT_ERROR_TARGET) == 0 &&
	    room >= sizeof(head) + sizeof(chain)) {
		memcpy(chain, p + sizeof(head), sizeof(chain));
		chain[sizeof(chain) - 1] = '\0';
	}
	t->docker |= strcmp(chain, "DOCKER-USER") == 0;
	t->ufw |= strncmp(chain, "ufw", 3) == 0;
	accepts = verdict == -NF_ACCEPT - 1;
	if (strcmp(e->in, bridge) == 0) {
		t->names_bridge = true;
		t->lets_forward |= accepts;
		t->lets_input |= accepts;
	}
	if (policy[0] && verdict == -NF_DROP - 1)
		memcpy(t->forward, "FORWARD", sizeof("FORWARD"));
	if (policy[1] && verdict == -NF_DROP - 1)
		memcpy(t->input, "INPUT", sizeof("INPUT"));
}

int net_foreign_xt_parse(bool v6, const void *blob, size_t len, const uint32_t policies[2],
			 const char *bridge, struct foreign_table *t, struct cs_err *err)
{
	const unsigned char *p = blob;
	struct entry e;

	*t = (struct foreign_table){ .family = v6 ? NFPROTO_IPV6 : NFPROTO_IPV4,
				     .legacy = true,
				     .name = "filter" };
	for (size_t at = 0; at < len; at += e.next) {
		bool policy[2] = { at == policies[0], at == policies[1] };

		if (!read_entry(v6, p + at, len - at, &e))
			return cs_err_set(err, EINVAL, "iptables: a rule is malformed");
		see_target(p + at + e.target, e.next - e.target, &e, policy, bridge, t);
	}
	return 0;
}

/* The names file of a family lists tables that exist; asking the kernel for one would make it. */
static bool has_filter(bool v6)
{
	const char *path = v6 ? "/proc/net/ip6_tables_names" : "/proc/net/ip_tables_names";
	cs_auto_free char *names = NULL;
	struct cs_err err = CS_ERR_INIT;
	size_t len;

	if (cs_file_read(AT_FDCWD, path, NAMES_MAX, &names, &len, &err) < 0)
		return false;
	for (const char *name = names; *name; name += strcspn(name, "\n") + 1) {
		if (strncmp(name, "filter\n", 7) == 0)
			return true;
		if (!strchr(name, '\n'))
			break;
	}
	return false;
}

/* The options have the same numbers for both families, and their structs are the same but for the
 * entries themselves. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
		       offsetof(struct ipt_get_entries, entrytable) ==
			       offsetof(struct ip6t_get_entries, entrytable),
	       "iptables and ip6tables differ");

int net_foreign_xt_read(bool v6, const char *bridge, struct foreign_table *t, struct cs_err *err)
{
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct ipt_getinfo info = { .name = "filter" };
	socklen_t len = sizeof(info);
	cs_auto_fd int fd = -EBADF;
	cs_auto_free struct ipt_get_entries *get = NULL;
	uint32_t policies[2];
	int ret;

	if (!has_filter(v6))
		return 0;
	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0 || getsockopt(fd, level, IPT_SO_GET_INFO, &info, &len) < 0)
		return cs_err_sys(err, "read the rules of iptables");
	if (info.size > ENTRIES_MAX)
		return cs_err_set(err, EFBIG, "iptables has %u bytes of rules", info.size);
	len = (socklen_t)(sizeof(*get) + info.size);
	get = calloc(1, len);
	if (!get)
		return cs_err_set(err, ENOMEM, "read the rules of iptables: out of memory");
	memcpy(get->name, info.name, sizeof(get->name));
	get->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, get, &len) < 0)
		return cs_err_sys(err, "read the rules of iptables");
	policies[0] = info.underflow[NF_INET_FORWARD];
	policies[1] = info.underflow[NF_INET_LOCAL_IN];
	ret = net_foreign_xt_parse(v6, get->entrytable, info.size, policies, bridge, t, err);
	return ret < 0 ? ret : 1;
}
