#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "netns/foreign_int.h"
#include "netns/nft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int see(const struct net_nft_elem *e, void *arg, struct cs_err *err)
{
	size_t *sum = arg;

	(void)err;
	for (size_t i = 0; i < e->key_len; i++)
		*sum += ((const uint8_t *)e->key)[i];
	for (size_t i = 0; e->data && i < e->data_len; i++)
		*sum += ((const uint8_t *)e->data)[i];
	*sum += e->comment ? strlen(e->comment) : 0;
	return 0;
}

/* What the kernel says of a set's elements, and of the old iptables' rules; the first byte chooses.
 * In memory of its own, so that a read past its end is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t policies[2] = { 0, 152 };
	struct cs_err err = CS_ERR_INIT;
	struct foreign_table t;
	size_t sum = 0;
	void *copy;

	if (size < 1)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		(void)net_nft_elems_parse(copy, size - 1, see, &sum, &err);
	else
		(void)net_foreign_xt_parse(data[0] & 2, copy, size - 1, policies, "br0", &t, &err);
	free(copy);
	return 0;
}
