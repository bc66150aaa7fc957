#include "netns/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "netns/addr.h"

enum { MTU_MIN = 68, MTU_MIN_V6 = 1280, MTU_MAX = 65535 };

static const char *const modes[] = {
	[NET_MODE_NAT] = "nat",
	[NET_MODE_ROUTED] = "routed",
	[NET_MODE_ISOLATED] = "isolated",
	[NET_MODE_BRIDGE] = "bridge",
};

const char *net_mode_name(enum net_mode mode)
{
	return modes[mode];
}

int net_name_check(const char *name, struct cs_err *err)
{
	static const char *const taken[] = { "container", "host", "none" };
	static const char more[] = "_.-";
	size_t len = strlen(name);

	if (len == 0 || len > NET_NAME_MAX)
		return cs_err_set(err, EINVAL, "a network's name has 1 to %d characters",
				  NET_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr(more, name[i])))
			return cs_err_set(err, EINVAL,
					  "a network's name is made of letters, digits, \"_\", "
					  "\".\" and \"-\", and begins with a letter or digit");
	if (cs_str_in(name, taken, CS_LEN(taken)))
		return cs_err_set(err, EINVAL,
				  "\"%s\" cannot be a network's name: it means something else",
				  name);
	return 0;
}

int net_ifname_check(const char *name, struct cs_err *err)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IF_NAMESIZE || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return cs_err_set(err, EINVAL, "an interface's name has 1 to %d characters",
				  IF_NAMESIZE - 1);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)name[i]) || strchr("/:%", name[i]))
			return cs_err_set(err, EINVAL,
					  "an interface's name has no blanks, \"/\", \":\" or "
					  "\"%%\"");
	return 0;
}

static void set_defaults(struct net_subnet *s, const struct net_addr *zero,
			 const struct net_addr *end)
{
	if (!net_addr_is_set(&s->gateway))
		net_addr_add(zero, 1, &s->gateway);
	if (!net_addr_is_set(&s->first))
		net_addr_add(zero, 1, &s->first);
	if (!net_addr_is_set(&s->last))
		s->last = *end;
}

int net_subnet_complete(struct net_subnet *s, struct cs_err *err)
{
	const struct net_addr *base = &s->subnet.addr;
	uint8_t bits = (uint8_t)(8 * net_addr_size(base->family));
	struct net_addr zero = net_addr_mask(base, s->subnet.len);
	struct net_addr end = net_addr_fill(base, s->subnet.len);
	char text[NET_PREFIX_TEXT];

	net_prefix_text(&s->subnet, text);
	if (!net_addr_equal(base, &zero))
		return cs_err_set(err, EINVAL,
				  "subnet %s has bits set behind its length: mistyped?", text);
	if (s->subnet.len > bits - 2 || s->subnet.len < 8)
		return cs_err_set(err, EINVAL, "subnet %s is too %s", text,
				  s->subnet.len < 8 ? "large" : "small");
	set_defaults(s, &zero, &end);
	if (!net_prefix_has(&s->subnet, &s->gateway) || net_addr_equal(&s->gateway, &zero) ||
	    (base->family == AF_INET && net_addr_equal(&s->gateway, &end)))
		return cs_err_set(err, EINVAL, "the gateway is not an address of %s", text);
	if (!net_prefix_has(&s->subnet, &s->first) || !net_prefix_has(&s->subnet, &s->last) ||
	    net_addr_cmp(&s->first, &s->last) > 0)
		return cs_err_set(err, EINVAL, "the range of addresses is not within %s", text);
	return 0;
}

int net_mtu_check(const struct net_config *c, struct cs_err *err)
{
	if (!c->mtu || c->mtu >= MTU_MIN_V6 || !net_addr_is_set(&c->v6.subnet.addr))
		return 0;
	return cs_err_set(err, EINVAL,
			  "an MTU of %u is too small for IPv6, which needs %d: give a larger one, "
			  "or --ipv6=no",
			  c->mtu, MTU_MIN_V6);
}

/* --- reading ------------------------------------------------------------------------------- */

/* A text that fits. 1, 0 when it is not there, or an error. */
static int get_text(const struct cs_json *o, const char *key, char *out, size_t size,
		    struct cs_err *err)
{
	const char *s;
	int ret = cs_json_str(o, key, &s, err);

	if (ret <= 0)
		return ret;
	if (strlen(s) >= size)
		return cs_json_err(cs_json_get(o, key), err, EINVAL, "is too long");
	memcpy(out, s, strlen(s) + 1);
	return 1;
}

static int need_text(const struct cs_json *o, const char *key, char *out, size_t size,
		     struct cs_err *err)
{
	int ret = get_text(o, key, out, size, err);

	if (ret == 0)
		return cs_json_err(o, err, EINVAL, "has no %s", key);
	return ret < 0 ? ret : 0;
}

static int get_addr(const struct cs_json *o, const char *key, uint8_t family, struct net_addr *out,
		    struct cs_err *err)
{
	struct net_addr a;
	const char *s;
	int ret = cs_json_str(o, key, &s, err);

	if (ret <= 0)
		return ret;
	if (net_addr_parse(s, &a) < 0 || (family && a.family != family))
		return cs_json_err(cs_json_get(o, key), err, EINVAL, "is no such address");
	*out = a;
	return 1;
}

static int get_prefix(const struct cs_json *o, const char *key, uint8_t family,
		      struct net_prefix *out, struct cs_err *err)
{
	struct net_prefix p;
	const char *s;
	int ret = cs_json_str(o, key, &s, err);

	if (ret <= 0)
		return ret;
	if (net_prefix_parse(s, &p) < 0 || (family && p.addr.family != family))
		return cs_json_err(cs_json_get(o, key), err, EINVAL, "is no address with length");
	*out = p;
	return 1;
}

static int get_mtu(const struct cs_json *o, uint32_t *out, struct cs_err *err)
{
	uint32_t v = 0;
	int ret = cs_json_u32(o, "mtu", &v, err);

	if (ret > 0 && v && (v < MTU_MIN || v > MTU_MAX))
		return cs_json_err(cs_json_get(o, "mtu"), err, EINVAL, "is no MTU");
	if (ret > 0)
		*out = v;
	return ret < 0 ? ret : 0;
}

static int get_subnet(const struct cs_json *o, bool has_gateway, struct net_config *out,
		      struct cs_err *err)
{
	struct net_subnet s = { 0 }, *to;
	uint8_t family;
	int ret;

	if (get_prefix(o, "subnet", 0, &s.subnet, err) <= 0)
		return err->code ? -err->code : cs_json_err(o, err, EINVAL, "has no subnet");
	family = s.subnet.addr.family;
	to = family == AF_INET ? &out->v4 : &out->v6;
	if (net_addr_is_set(&to->subnet.addr))
		return cs_json_err(o, err, EINVAL, "is a second one of its family");
	ret = get_addr(o, "gateway", family, &s.gateway, err);
	if (ret < 0 || get_addr(o, "first", family, &s.first, err) < 0 ||
	    get_addr(o, "last", family, &s.last, err) < 0 || net_subnet_complete(&s, err) < 0)
		return -err->code;
	if (ret == 0 && !has_gateway)
		s.gateway = (struct net_addr){ 0 };
	*to = s;
	return 0;
}

static int get_subnets(const struct cs_json *root, struct net_config *out, struct cs_err *err)
{
	const struct cs_json *v, *s;
	int ret = cs_json_arr(root, "subnets", &v, err);

	if (ret <= 0)
		return ret;
	cs_json_for_each (s, v) {
		if (s->type != CS_JSON_OBJECT)
			return cs_json_err(s, err, EINVAL, "must be an object");
		if (get_subnet(s, out->mode != NET_MODE_BRIDGE, out, err) < 0)
			return -err->code;
	}
	return 0;
}

static int get_labels(const struct cs_json *root, struct net_config *out, struct cs_err *err)
{
	const struct cs_json *v, *l;
	const char *s;
	int ret = cs_json_obj(root, "labels", &v, err);

	if (ret <= 0 || !v->n)
		return ret < 0 ? ret : 0;
	out->labels = calloc(v->n, sizeof(*out->labels));
	if (!out->labels)
		return cs_err_set(err, ENOMEM, "out of memory");
	cs_json_for_each (l, v) {
		struct net_label *to = &out->labels[out->n_labels];

		if (cs_json_as_str(l, &s, err) < 0)
			return -err->code;
		out->n_labels++;
		to->key = strdup(l->key);
		to->value = strdup(s);
		if (!to->key || !to->value)
			return cs_err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int get_mode(const struct cs_json *root, enum net_mode *out, struct cs_err *err)
{
	const char *s;
	int ret = cs_json_str(root, "mode", &s, err);

	if (ret < 0)
		return ret;
	for (size_t i = 0; ret > 0 && i < CS_LEN(modes); i++)
		if (strcmp(s, modes[i]) == 0) {
			*out = (enum net_mode)i;
			return 0;
		}
	return cs_json_err(root, err, EINVAL, "has no mode that this version knows");
}

static int config_take(const struct cs_json *root, struct net_config *c, struct cs_err *err)
{
	int ret = need_text(root, "name", c->name, sizeof(c->name), err);

	if (ret == 0)
		ret = net_name_check(c->name, err);
	if (ret == 0)
		ret = need_text(root, "id", c->id, sizeof(c->id), err);
	if (ret == 0)
		ret = get_mode(root, &c->mode, err);
	if (ret == 0)
		ret = need_text(root, "bridge", c->bridge, sizeof(c->bridge), err);
	if (ret == 0)
		ret = net_ifname_check(c->bridge, err);
	if (ret == 0)
		ret = get_mtu(root, &c->mtu, err);
	if (ret == 0)
		ret = get_subnets(root, c, err);
	if (ret == 0)
		ret = get_labels(root, c, err);
	if (ret < 0 || cs_json_bool(root, "isolate", &c->isolate, err) < 0 ||
	    cs_json_bool(root, "dns", &c->dns, err) < 0 ||
	    cs_json_i64(root, "created", &c->created, err) < 0)
		return -err->code;
	return 0;
}

int net_config_parse(const char *buf, size_t len, struct net_config *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct net_config c = { 0 };

	if (cs_json_parse(buf, len, "network.json", &doc, err) < 0)
		return -err->code;
	if (doc.root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "network.json: must be an object");
	if (config_take(doc.root, &c, err) < 0) {
		net_config_fini(&c);
		return -err->code;
	}
	*out = c;
	return 0;
}

void net_config_fini(struct net_config *c)
{
	for (size_t i = 0; i < c->n_labels; i++) {
		free(c->labels[i].key);
		free(c->labels[i].value);
	}
	free(c->labels);
	*c = (struct net_config){ 0 };
}

static void write_subnet(const struct net_subnet *s, struct cs_jw *w)
{
	char text[NET_PREFIX_TEXT];

	if (!net_addr_is_set(&s->subnet.addr))
		return;
	cs_jw_obj(w, NULL);
	cs_jw_str(w, "subnet", net_prefix_text(&s->subnet, text));
	if (net_addr_is_set(&s->gateway))
		cs_jw_str(w, "gateway", net_addr_text(&s->gateway, text));
	cs_jw_str(w, "first", net_addr_text(&s->first, text));
	cs_jw_str(w, "last", net_addr_text(&s->last, text));
	cs_jw_obj_end(w);
}

void net_config_write(const struct net_config *c, struct cs_jw *w)
{
	cs_jw_str(w, "name", c->name);
	cs_jw_str(w, "id", c->id);
	cs_jw_str(w, "mode", net_mode_name(c->mode));
	cs_jw_str(w, "bridge", c->bridge);
	cs_jw_i64(w, "created", c->created);
	cs_jw_u64(w, "mtu", c->mtu);
	cs_jw_bool(w, "isolate", c->isolate);
	cs_jw_bool(w, "dns", c->dns);
	cs_jw_arr(w, "subnets");
	write_subnet(&c->v4, w);
	write_subnet(&c->v6, w);
	cs_jw_arr_end(w);
	cs_jw_obj(w, "labels");
	for (size_t i = 0; i < c->n_labels; i++)
		cs_jw_str(w, c->labels[i].key, c->labels[i].value);
	cs_jw_obj_end(w);
}
