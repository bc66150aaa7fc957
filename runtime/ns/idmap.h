#ifndef CS_RUNTIME_NS_IDMAP_H
#define CS_RUNTIME_NS_IDMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cs_err;
struct ctr_idmaps;
struct ctr_spec;

/* Writes linux.uidMappings and gidMappings for the user namespace of @pid, below the verified
 * procfs
 * @proc. Host side. */
int ctr_idmap_write(int proc, pid_t pid, const struct ctr_spec *spec, struct cs_err *err);

/* One map file ("uid_map", "gid_map") of @pid. */
int ctr_idmap_write_one(int proc, pid_t pid, const char *file, const struct ctr_idmaps *maps,
			struct cs_err *err);

/* A user namespace with these mappings and nobody in it, for id-mapped mounts. Returns an fd. */
int ctr_idmap_userns(const struct ctr_idmaps *uids, const struct ctr_idmaps *gids, int host_proc,
		     struct cs_err *err);

/* The id @id of the container on the host: false where it is not mapped. */
bool ctr_idmap_host(const struct ctr_idmaps *maps, uint32_t id, uint32_t *out);

#endif
