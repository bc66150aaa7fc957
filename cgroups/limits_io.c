#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cgroups/convert.h"

/* A file that takes weights and may be there: which one depends on the I/O schedulers the kernel
 * was built with. */
struct weight_file {
	const char *all;    /* "500" */
	const char *device; /* "8:0 500" */
	uint64_t (*convert)(uint64_t weight);
};

static uint64_t same(uint64_t weight)
{
	return weight;
}

static const struct weight_file weights_v1[] = {
	{ "blkio.weight", "blkio.weight_device", same },
	{ "blkio.bfq.weight", "blkio.bfq.weight_device", same },
};
static const struct weight_file weights_v2[] = {
	{ "io.bfq.weight", "io.bfq.weight", same },
	{ "io.weight", "io.weight", cg_convert_io_weight },
};

static bool is_v1(const struct cg *cg)
{
	return cg_v1_hier(cg->host, CG_CTL_BLKIO) >= 0;
}

/* Writes a weight, of @dev ("8:0") or (NULL) of all devices, to the first file that is there. */
static int set_weight(const struct cg *cg, const char *dev, uint64_t weight, struct cs_err *err)
{
	const struct weight_file *f = is_v1(cg) ? weights_v1 : weights_v2;
	const char *field = dev ? "blockIO.weightDevice" : "blockIO.weight";
	const char *name = NULL;
	int ret = -ENOENT;

	for (size_t i = 0; i < CS_LEN(weights_v1) && ret == -ENOENT; i++) {
		char text[CG_TEXT_MAX];

		name = dev ? f[i].device : f[i].all;
		snprintf(text, sizeof(text), "%s%s%" PRIu64, dev ? dev : "", dev ? " " : "",
			 f[i].convert(weight));
		ret = cg_limit_write(cg, CG_CTL_BLKIO, name, text);
	}
	return ret < 0 ? cg_limit_err(err, -ret, cg, CG_CTL_BLKIO, field, name) : 0;
}

static int set_device_weights(const struct cg *cg, const struct cg_resources *res,
			      struct cs_err *err)
{
	for (size_t i = 0; i < res->n_blkio_weights; i++) {
		const struct cg_blkio_weight *w = &res->blkio_weights[i];
		char dev[48], text[CG_TEXT_MAX];
		int ret = 0;

		snprintf(dev, sizeof(dev), "%" PRId64 ":%" PRId64, w->major, w->minor);
		if (w->has_weight && w->weight)
			ret = set_weight(cg, dev, w->weight, err);
		snprintf(text, sizeof(text), "%s %u", dev, w->leaf_weight);
		if (!ret && w->has_leaf_weight && w->leaf_weight)
			ret = cg_limit_set(cg, CG_CTL_BLKIO, "blockIO.weightDevice.leafWeight",
					   "blkio.leaf_weight_device", text, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static const struct {
	const char *field, *v1, *v2;
} rates[CG_RATE_COUNT] = {
	[CG_RATE_RBPS] = { "blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device",
			   "rbps" },
	[CG_RATE_WBPS] = { "blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device",
			   "wbps" },
	[CG_RATE_RIOPS] = { "blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device",
			    "riops" },
	[CG_RATE_WIOPS] = { "blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
			    "wiops" },
};

/* 0 lifts a limit on v1, "max" on v2. */
static int set_rate(const struct cg *cg, int kind, const struct cg_blkio_rate *r,
		    struct cs_err *err)
{
	char text[CG_TEXT_MAX], rate[24] = "max";

	if (is_v1(cg)) {
		snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %" PRIu64, r->major, r->minor,
			 r->rate);
		return cg_limit_set(cg, CG_CTL_BLKIO, rates[kind].field, rates[kind].v1, text, err);
	}
	if (r->rate)
		snprintf(rate, sizeof(rate), "%" PRIu64, r->rate);
	snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %s=%s", r->major, r->minor,
		 rates[kind].v2, rate);
	return cg_limit_set(cg, CG_CTL_BLKIO, rates[kind].field, "io.max", text, err);
}

int cg_limit_blkio(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int ret = 0;

	if (res->num[CG_BLKIO_WEIGHT])
		ret = set_weight(cg, NULL, (uint64_t)res->num[CG_BLKIO_WEIGHT], err);
	if (!ret)
		ret = set_device_weights(cg, res, err);
	for (int kind = 0; kind < CG_RATE_COUNT; kind++)
		for (size_t i = 0; i < res->n_blkio_rates[kind] && !ret; i++)
			ret = set_rate(cg, kind, &res->blkio_rates[kind][i], err);
	return ret;
}
