#include "cgroups/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

static int set_cpuset(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int ret = 0;

	if (res->cpus)
		ret = cg_limit_set(cg, CG_CTL_CPUSET, "cpu.cpus", "cpuset.cpus", res->cpus, err);
	if (!ret && res->mems)
		ret = cg_limit_set(cg, CG_CTL_CPUSET, "cpu.mems", "cpuset.mems", res->mems, err);
	return ret;
}

/* Both what is used and what is only reserved (Linux 5.7) is limited: a reservation that cannot be
 * used is a SIGBUS later. */
static int set_hugepage(const struct cg *cg, const struct cg_hugepage *p, struct cs_err *err)
{
	const char *suffix = cg_v1_hier(cg->host, CG_CTL_HUGETLB) >= 0 ? "limit_in_bytes" : "max";
	char field[CG_FILE_MAX], file[CG_FILE_MAX], text[CG_TEXT_MAX];
	int ret;

	snprintf(text, sizeof(text), "%" PRIu64, p->limit);
	snprintf(field, sizeof(field), "hugepageLimits \"%s\"", p->page_size);
	snprintf(file, sizeof(file), "hugetlb.%s.%s", p->page_size, suffix);
	ret = cg_limit_set(cg, CG_CTL_HUGETLB, field, file, text, err);
	if (ret < 0)
		return ret;
	snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", p->page_size, suffix);
	ret = cg_limit_write(cg, CG_CTL_HUGETLB, file, text);
	if (ret < 0 && ret != -ENOENT)
		return cg_limit_err(err, -ret, cg, CG_CTL_HUGETLB, field, file);
	return 0;
}

static int set_rdma(const struct cg *cg, const struct cg_rdma *r, struct cs_err *err)
{
	cs_auto_buf struct cs_buf text = CS_BUF_INIT;
	int ret;

	if (!r->has_handles && !r->has_objects)
		return 0;
	cs_buf_add(&text, r->device);
	if (r->has_handles)
		cs_buf_addf(&text, " hca_handle=%u", r->handles);
	if (r->has_objects)
		cs_buf_addf(&text, " hca_object=%u", r->objects);
	ret = cs_buf_ok(&text, err);
	return ret < 0 ? ret : cg_limit_set(cg, CG_CTL_RDMA, "rdma", "rdma.max", text.s, err);
}

static int set_net_prio(const struct cg *cg, const struct cg_net_prio *p, struct cs_err *err)
{
	cs_auto_buf struct cs_buf text = CS_BUF_INIT;
	int ret;

	cs_buf_addf(&text, "%s %u", p->name, p->priority);
	ret = cs_buf_ok(&text, err);
	return ret < 0 ? ret
		       : cg_limit_set(cg, CG_CTL_NET_PRIO, "network.priorities",
				      "net_prio.ifpriomap", text.s, err);
}

/* The controller of "memory.high"; CG_CTL_COUNT: none that can be enabled ("cgroup.max.depth"). */
static enum cg_ctl unified_ctl(const char *key)
{
	size_t len = strcspn(key, ".");

	for (unsigned int c = 0; c < CG_CTL_COUNT; c++) {
		const char *name = cg_ctl_name(c, true);

		if (strlen(name) == len && strncmp(name, key, len) == 0)
			return c;
	}
	return CG_CTL_COUNT;
}

static int unified_err(const struct cg *cg, const struct cg_unified *u, int code,
		       struct cs_err *err)
{
	int len = (int)strcspn(u->key, ".");

	if (code == ENOENT)
		return cs_err_set(
			err, ENOENT,
			"linux.resources.unified \"%s\": no such file in cgroup %s: the "
			"host has no %.*s controller in its v2 tree or the kernel no such "
			"setting",
			u->key, cg->path, len, u->key);
	cg_file_err(err, code, cg, (size_t)cg->host->v2, u->key, "write");
	return cs_err_wrap(err, "linux.resources.unified \"%s\"", u->key);
}

/* A value of several lines is several writes (io.max takes one device at a time). */
static int set_unified(const struct cg *cg, const struct cg_unified *u, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(u->value);
	enum cg_ctl ctl = unified_ctl(u->key);
	char *rest = copy, *line;

	if (!copy)
		return cs_err_set(err, ENOMEM, "linux.resources.unified: out of memory");
	if (cg->host->v2 < 0)
		return cs_err_set(err, ENOTSUP,
				  "linux.resources.unified \"%s\": this host has no cgroup v2 tree",
				  u->key);
	while ((line = strsep(&rest, "\n"))) {
		int ret;

		if (!*line && *u->value)
			continue;
		ret = cg_file_write(cg, (size_t)cg->host->v2, u->key, line);
		if (ret == -ENOENT && ctl != CG_CTL_COUNT && !cg_v2_enable(cg, ctl))
			ret = cg_file_write(cg, (size_t)cg->host->v2, u->key, line);
		if (ret < 0)
			return unified_err(cg, u, -ret, err);
	}
	return 0;
}

int cg_limit_lists(const struct cg *cg, const struct cg_resources *res, struct cs_err *err)
{
	int ret = set_cpuset(cg, res, err);

	for (size_t i = 0; i < res->n_hugepages && !ret; i++)
		ret = set_hugepage(cg, &res->hugepages[i], err);
	for (size_t i = 0; i < res->n_rdma && !ret; i++)
		ret = set_rdma(cg, &res->rdma[i], err);
	for (size_t i = 0; i < res->n_net_prios && !ret; i++)
		ret = set_net_prio(cg, &res->net_prios[i], err);
	for (size_t i = 0; i < res->n_unified && !ret; i++)
		ret = set_unified(cg, &res->unified[i], err);
	return ret;
}
