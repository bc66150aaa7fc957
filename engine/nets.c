#include "engine/nets.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/record.h"
#include "engine/store.h"

static size_t find(const struct eng_record *r, const char *network)
{
	size_t i = 0;

	while (i < r->n_nets && strcmp(r->nets[i].network, network) != 0)
		i++;
	return i;
}

int eng_nets_may_add(const struct eng_record *r, const char *network, struct cs_err *err)
{
	if (r->network_mode && strcmp(r->network_mode, "none") != 0)
		return cs_err_set(err, EINVAL,
				  "container %s has no network of its own (--network=%s): it is on "
				  "no other one",
				  r->name, r->network_mode);
	if (find(r, network) < r->n_nets)
		return cs_err_set(err, EEXIST, "container %s is on network %s already", r->name,
				  network);
	return 0;
}

/* Which of the first @n has the interface? */
static size_t holder(char (*taken)[IF_NAMESIZE], size_t n, const char *ifname)
{
	size_t i = 0;

	while (i < n && strcmp(taken[i], ifname) != 0)
		i++;
	return i;
}

/* They are attached one after the other, and those that have no name given get the first free of
 * eth0, eth1, ... */
static int check_ifnames(const struct eng_record *r, const struct eng_net *v, size_t n,
			 struct cs_err *err)
{
	cs_auto_free char(*taken)[IF_NAMESIZE] = calloc(n, sizeof(*taken));

	if (!taken)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!v[i].ifname) {
			unsigned int eth = 0;

			do
				snprintf(taken[i], sizeof(taken[i]), "eth%u", eth++);
			while (holder(taken, i, taken[i]) < i);
			continue;
		}
		snprintf(taken[i], sizeof(taken[i]), "%s", v[i].ifname);
		if (holder(taken, i, taken[i]) < i)
			return cs_err_set(err, EEXIST,
					  "interface %s of container %s is on network %s already",
					  taken[i], r->name, v[holder(taken, i, taken[i])].network);
	}
	return 0;
}

int eng_nets_add(const struct eng *e, struct eng_record *r, const struct eng_net *n,
		 struct cs_err *err)
{
	struct eng_net *v = cs_json_alloc(&r->doc, r->n_nets + 1, sizeof(*v));

	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < r->n_nets; i++)
		v[i] = r->nets[i];
	v[r->n_nets] = *n;
	if (check_ifnames(r, v, r->n_nets + 1, err) < 0)
		return -err->code;
	r->nets = v;
	r->n_nets++;
	r->network_mode = NULL;
	return eng_store_save(e, r, err);
}

int eng_nets_del(const struct eng *e, struct eng_record *r, const char *network, struct cs_err *err)
{
	size_t at = find(r, network);

	if (at == r->n_nets)
		return 0;
	r->n_nets--;
	for (size_t i = at; i < r->n_nets; i++)
		r->nets[i] = r->nets[i + 1];
	if (r->n_nets == 0)
		r->network_mode = "none";
	return eng_store_save(e, r, err) < 0 ? -err->code : 1;
}

int eng_nets_named(const struct eng *e, const char *network, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	bool named = false;
	int ret = eng_list(e, &ids, err);

	for (size_t i = 0; ret == 0 && !named && i < ids.n; i++) {
		eng_auto_record struct eng_record r = ENG_RECORD_INIT;
		struct cs_err why = CS_ERR_INIT;
		int got = eng_record_load(e, ids.v[i], &r, &why);

		named = got == 0 ? find(&r, network) < r.n_nets : got != -ENOENT;
	}
	return ret < 0 ? ret : named;
}
