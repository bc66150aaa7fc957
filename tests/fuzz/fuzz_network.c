/*
 * netns/record and netns/ipam: any text is refused with a message, or becomes a record that,
 * written and read again, is the same; any bytes are refused, or become a table that addresses can
 * be chosen from, no two the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "netns/ipam.h"
#include "netns/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

static char *config_text(const struct net_config *c)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	char *out = NULL;

	cs_jw_obj(&w, NULL);
	net_config_write(c, &w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, &out, NULL, &err) == 0 ? out : NULL;
}

static void as_config(const char *text, size_t len)
{
	net_auto_config struct net_config c = { 0 }, again = { 0 };
	cs_auto_free char *one = NULL, *two = NULL;
	struct cs_err err = CS_ERR_INIT;

	if (net_config_parse(text, len, &c, &err) < 0) {
		check(err.code > 0 && *err.msg);
		return;
	}
	one = config_text(&c);
	if (!one)
		return;
	check(net_config_parse(one, strlen(one), &again, &err) == 0);
	two = config_text(&again);
	check(!two || strcmp(one, two) == 0);
}

static char *attachment_text(const struct net_attachment *a)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	struct cs_err err = CS_ERR_INIT;
	char *out = NULL;

	cs_jw_obj(&w, NULL);
	net_attachment_write(a, &w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, &out, NULL, &err) == 0 ? out : NULL;
}

static void as_attachment(const char *text, size_t len)
{
	net_auto_attachment struct net_attachment a = { 0 }, again = { 0 };
	cs_auto_free char *one = NULL, *two = NULL;
	struct cs_err err = CS_ERR_INIT;

	if (net_attachment_parse(text, len, &a, &err) < 0) {
		check(err.code > 0 && *err.msg);
		return;
	}
	one = attachment_text(&a);
	if (!one)
		return;
	check(net_attachment_parse(one, strlen(one), &again, &err) == 0);
	two = attachment_text(&again);
	check(!two || strcmp(one, two) == 0);
}

static void as_leases(const void *buf, size_t len)
{
	static const struct net_config net = {
		.v4 = { .subnet = { .addr = { .family = AF_INET, .b = { 10 } }, .len = 28 },
			.gateway = { .family = AF_INET, .b = { 10, 0, 0, 1 } },
			.first = { .family = AF_INET, .b = { 10, 0, 0, 1 } },
			.last = { .family = AF_INET, .b = { 10, 0, 0, 15 } } },
	};
	net_auto_ipam struct net_ipam t = NET_IPAM_INIT;
	const struct net_ipam_want want = { 0 };
	struct cs_err err = CS_ERR_INIT;
	struct net_lease l = { 0 };
	size_t slot;

	if (net_ipam_parse(buf, len, "b", &t, &err) < 0) {
		check(err.code > 0 && *err.msg);
		return;
	}
	if (net_ipam_choose(&t, &net, &want, &l, &slot, &err) < 0) {
		check(err.code == ENOSPC || err.code == ENOMEM);
		return;
	}
	check(slot <= t.n && l.has4 && l.ip4[0] == 10 && l.ip4[3] > 1 && l.ip4[3] < 15);
	for (size_t i = 0; i < t.n; i++)
		check(t.v[i].state == NET_LEASE_FREE || !t.v[i].has4 ||
		      memcmp(t.v[i].ip4, l.ip4, sizeof(l.ip4)) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_config((const char *)data, size);
	as_attachment((const char *)data, size);
	as_leases(data, size);
	return 0;
}
