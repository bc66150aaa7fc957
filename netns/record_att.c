#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "netns/addr.h"
#include "netns/portspec.h"
#include "netns/record.h"

/* A text of an attachment and where it goes. */
struct text {
	const char *key;
	char *out;
	size_t size;
};

static int take_texts(const struct cs_json *root, struct net_attachment *a, struct cs_err *err)
{
	const struct text texts[] = {
		{ "network", a->network, sizeof(a->network) },
		{ "bridge", a->bridge, sizeof(a->bridge) },
		{ "owner", a->owner, sizeof(a->owner) },
		{ "ifname", a->ifname, sizeof(a->ifname) },
		{ "hostif", a->hostif, sizeof(a->hostif) },
	};
	const char *s;

	for (size_t i = 0; i < CS_LEN(texts); i++) {
		int ret = cs_json_str(root, texts[i].key, &s, err);

		if (ret < 0)
			return ret;
		if (ret == 0 || strlen(s) >= texts[i].size)
			return cs_json_err(root, err, EINVAL, "has no %s that fits", texts[i].key);
		memcpy(texts[i].out, s, strlen(s) + 1);
	}
	return 0;
}

static int take_prefix(const struct cs_json *root, const char *key, uint8_t family,
		       struct net_prefix *out, struct cs_err *err)
{
	const char *s;
	int ret = cs_json_str(root, key, &s, err);

	if (ret <= 0)
		return ret;
	if (net_prefix_parse(s, out) < 0 || out->addr.family != family)
		return cs_json_err(cs_json_get(root, key), err, EINVAL,
				   "is no address with length");
	return 0;
}

static int take_addr(const struct cs_json *root, const char *key, uint8_t family,
		     struct net_addr *out, struct cs_err *err)
{
	const char *s;
	int ret = cs_json_str(root, key, &s, err);

	if (ret <= 0)
		return ret;
	if (net_addr_parse(s, out) < 0 || out->family != family)
		return cs_json_err(cs_json_get(root, key), err, EINVAL, "is no such address");
	return 0;
}

static int take_addrs(const struct cs_json *root, struct net_attachment *a, struct cs_err *err)
{
	const char *s;
	int ret = take_prefix(root, "ip4", AF_INET, &a->ip4, err);

	if (ret == 0)
		ret = take_prefix(root, "ip6", AF_INET6, &a->ip6, err);
	if (ret == 0)
		ret = take_addr(root, "gateway4", AF_INET, &a->gateway4, err);
	if (ret == 0)
		ret = take_addr(root, "gateway6", AF_INET6, &a->gateway6, err);
	if (ret == 0)
		ret = cs_json_u32(root, "mtu", &a->mtu, err);
	if (ret >= 0)
		ret = cs_json_str(root, "mac", &s, err);
	if (ret > 0 && net_mac_parse(s, &a->mac) < 0)
		return cs_json_err(cs_json_get(root, "mac"), err, EINVAL, "is no MAC address");
	return ret < 0 ? ret : 0;
}

static int take_names(const struct cs_json *root, struct net_attachment *a, struct cs_err *err)
{
	const struct cs_json *v = NULL, *e;
	const char *s;
	int ret = cs_json_str(root, "name", &s, err);

	if (ret > 0) {
		a->name = strdup(s);
		if (!a->name)
			return cs_err_set(err, ENOMEM, "out of memory");
	}
	if (ret >= 0)
		ret = cs_json_arr(root, "aliases", &v, err);
	if (ret <= 0 || !v->n)
		return ret < 0 ? ret : 0;
	a->aliases = calloc(v->n, sizeof(*a->aliases));
	if (!a->aliases)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (e, v) {
		if (cs_json_as_str(e, &s, err) < 0)
			return -err->code;
		a->aliases[a->n_aliases] = strdup(s);
		if (!a->aliases[a->n_aliases++])
			return cs_err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int take_ports(const struct cs_json *root, struct net_attachment *a, struct cs_err *err)
{
	const struct cs_json *v, *e;
	const char *s;
	int ret = cs_json_arr(root, "ports", &v, err);

	if (ret <= 0 || !v->n)
		return ret < 0 ? ret : 0;
	a->ports = calloc(v->n, sizeof(*a->ports));
	if (!a->ports)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (e, v) {
		if (cs_json_as_str(e, &s, err) < 0 ||
		    net_port_parse(s, &a->ports[a->n_ports], err) < 0)
			return -err->code;
		a->n_ports++;
	}
	return 0;
}

int net_attachment_parse(const char *buf, size_t len, struct net_attachment *out,
			 struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct net_attachment a = { 0 };
	int ret = cs_json_parse(buf, len, "attachment", &doc, err);

	if (ret < 0)
		return ret;
	if (doc.root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "attachment: must be an object");
	ret = take_texts(doc.root, &a, err);
	if (ret == 0)
		ret = take_addrs(doc.root, &a, err);
	if (ret == 0)
		ret = take_names(doc.root, &a, err);
	if (ret == 0)
		ret = take_ports(doc.root, &a, err);
	if (ret < 0) {
		net_attachment_fini(&a);
		return ret;
	}
	*out = a;
	return 0;
}

void net_attachment_fini(struct net_attachment *a)
{
	free(a->name);
	for (size_t i = 0; i < a->n_aliases; i++)
		free(a->aliases[i]);
	free(a->aliases);
	free(a->ports);
	*a = (struct net_attachment){ 0 };
}

static void write_prefix(struct cs_jw *w, const char *key, const struct net_prefix *p)
{
	char text[NET_PREFIX_TEXT];

	if (net_addr_is_set(&p->addr))
		cs_jw_str(w, key, net_prefix_text(p, text));
}

static void write_addr(struct cs_jw *w, const char *key, const struct net_addr *a)
{
	char text[NET_ADDR_TEXT];

	if (net_addr_is_set(a))
		cs_jw_str(w, key, net_addr_text(a, text));
}

void net_attachment_write(const struct net_attachment *a, struct cs_jw *w)
{
	char text[NET_PORT_TEXT];

	cs_jw_str(w, "network", a->network);
	cs_jw_str(w, "bridge", a->bridge);
	cs_jw_str(w, "owner", a->owner);
	cs_jw_str(w, "name", a->name);
	cs_jw_str(w, "ifname", a->ifname);
	cs_jw_str(w, "hostif", a->hostif);
	if (net_mac_is_set(&a->mac))
		cs_jw_str(w, "mac", net_mac_text(&a->mac, text));
	write_prefix(w, "ip4", &a->ip4);
	write_prefix(w, "ip6", &a->ip6);
	write_addr(w, "gateway4", &a->gateway4);
	write_addr(w, "gateway6", &a->gateway6);
	cs_jw_u64(w, "mtu", a->mtu);
	cs_jw_arr(w, "aliases");
	for (size_t i = 0; i < a->n_aliases; i++)
		cs_jw_str(w, NULL, a->aliases[i]);
	cs_jw_arr_end(w);
	cs_jw_arr(w, "ports");
	for (size_t i = 0; i < a->n_ports; i++)
		cs_jw_str(w, NULL, net_port_text(&a->ports[i], text));
	cs_jw_arr_end(w);
}
