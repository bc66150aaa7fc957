#include "runtime/ns/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/spec.h"

int ctr_idmap_write_one(int proc, pid_t pid, const char *file, const struct ctr_idmaps *maps,
			struct cs_err *err)
{
	cs_auto_buf struct cs_buf text = CS_BUF_INIT;
	cs_auto_fd int fd = -EBADF;
	char path[32];
	int rc;

	for (size_t i = 0; i < maps->n; i++)
		cs_buf_addf(&text, "%u %u %u\n", maps->v[i].container_id, maps->v[i].host_id,
			    maps->v[i].size);
	rc = cs_buf_ok(&text, err);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%d/%s", pid, file);
	fd = cs_path_proc_file(proc, path, O_WRONLY, err);
	if (fd < 0)
		return -err->code;
	/* the kernel takes a mapping in one write only */
	if (write(fd, text.s, text.len) != (ssize_t)text.len)
		return cs_err_sys(err, "write %s", file);
	return 0;
}

int ctr_idmap_write(int proc, pid_t pid, const struct ctr_spec *spec, struct cs_err *err)
{
	if (spec->uid_maps.n == 0)
		return 0;
	if (ctr_idmap_write_one(proc, pid, "uid_map", &spec->uid_maps, err) < 0)
		return cs_err_wrap(err, "linux.uidMappings");
	if (ctr_idmap_write_one(proc, pid, "gid_map", &spec->gid_maps, err) < 0)
		return cs_err_wrap(err, "linux.gidMappings");
	return 0;
}

bool ctr_idmap_host(const struct ctr_idmaps *maps, uint32_t id, uint32_t *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct ctr_idmap *m = &maps->v[i];

		if (id < m->container_id || id - m->container_id >= m->size)
			continue;
		*out = m->host_id + (id - m->container_id);
		return true;
	}
	return false;
}
