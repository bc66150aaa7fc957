/*
 * netns/nl: any bytes as an answer of the kernel are refused with a message, or taken apart without
 * looking outside of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "netns/nl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok) ((ok) ? (void)0 : abort())

/* Looks at every attribute, and into those that are attributes again. */
static void look(const void *p, size_t len, int depth, unsigned *sum)
{
	const struct nlattr *a;
	size_t pos = 0;

	while ((a = net_nl_attr_next(p, len, &pos))) {
		const unsigned char *v;
		const char *s = net_nl_get_str(a);
		uint64_t u64;
		uint32_t u32;
		size_t n;

		v = net_nl_attr_data(a, &n);
		check(v >= (const unsigned char *)p && v + n <= (const unsigned char *)p + len);
		for (size_t i = 0; i < n; i++)
			*sum += v[i];
		*sum += (unsigned)(s ? strlen(s) : 0) + net_nl_get_u32(a, &u32) +
			net_nl_get_be64(a, &u64);
		if (depth < 8)
			look(v, n, depth + 1, sum);
	}
}

static int take(const struct nlmsghdr *h, const void *body, size_t len, void *arg,
		struct cs_err *err)
{
	const struct nlattr *tb[32];

	(void)h;
	(void)err;
	net_nl_attrs(tb, CS_LEN(tb), body, len);
	look(body, len, 0, arg);
	return 0;
}

static bool pass(unsigned index, int code, void *arg)
{
	(void)arg;
	check(index < 4 && code > 0);
	return code & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned sum = 0;
	struct net_nl_answer answer = { .fn = take, .pass = pass, .arg = &sum };
	struct net_nl_reply rep = { .seq = 0, .n = 4, .answer = &answer };
	struct cs_err err = CS_ERR_INIT;
	/* aligned, as what is received is */
	cs_auto_free void *copy = malloc(size ? size : 1);
	int ret;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	ret = net_nl_reply_take(&rep, copy, size, &err);
	check(ret == -err.code && (!err.code || *err.msg));
	return 0;
}
