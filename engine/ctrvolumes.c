#include "engine/ctrvolumes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/userns.h"
#include "engine/volume.h"

/* A missing source of -v is made, as docker does. */
static int bind_ready(const struct eng_mount *m, struct cs_err *err)
{
	cs_auto_fd int top = -EBADF, fd = -EBADF;

	if (!m->create || access(m->source, F_OK) == 0 || errno != ENOENT)
		return 0; /* what else is wrong with it the mount will tell */
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return cs_err_sys(err, "open /");
	fd = cs_path_mkdirs(top, m->source, 0755, err);
	return fd < 0 ? cs_err_wrap(err, "make folder %s", m->source) : 0;
}

/* A new volume is the container's root's. */
static int volume_give(const struct eng *e, const struct eng_record *r, const char *name,
		       struct cs_err *err)
{
	char path[PATH_MAX];
	uid_t uid = 0;
	gid_t gid = 0;
	int ret = eng_userns_root(r, &uid, &gid, err);

	if (ret < 0 || (uid == 0 && gid == 0))
		return ret;
	ret = eng_volume_path(e, name, path, sizeof(path), err);
	if (ret == 0 && lchown(path, uid, gid) < 0)
		return cs_err_sys(err, "give volume %.100s to the container", name);
	return ret;
}

int eng_volume_ready(const struct eng *e, const struct eng_record *r, const struct eng_mount *m,
		     int rootfs, struct cs_err *err)
{
	const struct eng_volume v = { .name = m->source, .anonymous = m->anonymous };
	int made = eng_volume_create(e, &v, err);

	if (made < 0 || (made > 0 && volume_give(e, r, m->source, err) < 0))
		return -err->code;
	return m->no_copy ? eng_volume_settle(e, m->source, err)
			  : eng_volume_fill(e, m->source, rootfs, m->target, err);
}

int eng_volumes_ready(const struct eng *e, const struct eng_record *r, int rootfs,
		      struct cs_err *err)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];

		if (m->type == ENG_MOUNT_BIND && bind_ready(m, err) < 0)
			return cs_err_wrap(err, "container %s", r->name);
		if (m->type != ENG_MOUNT_VOLUME)
			continue;
		if (eng_volume_ready(e, r, m, rootfs, err) < 0)
			return cs_err_wrap(err, "container %s", r->name);
	}
	return 0;
}

/* Does another container's record name the volume? An eng_volume_used_fn; @arg: whose. */
struct owner {
	const struct eng *e;
	const struct eng_record *r;
};

static int used_by_other(const char *name, char *who, size_t size, void *arg, struct cs_err *err)
{
	const struct owner *o = arg;
	eng_auto_volume_uses struct eng_volume_uses uses = { 0 };

	const char *user;

	if (eng_volume_uses(o->e, &uses, err) < 0)
		return -err->code;
	user = eng_volume_user(&uses, name, o->r->name);
	if (!user)
		return 0;
	snprintf(who, size, "%s", user);
	return 1;
}

void eng_volumes_drop(const struct eng *e, const struct eng_record *r)
{
	struct owner o = { .e = e, .r = r };

	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];
		struct cs_err why = CS_ERR_INIT;

		if (m->type != ENG_MOUNT_VOLUME || !m->anonymous)
			continue;
		if (eng_volume_remove(e, m->source, used_by_other, &o, &why) < 0 &&
		    why.code != ENOENT && why.code != EBUSY)
			cs_log(CS_LOG_WARN, "container %s: %s", r->name, why.msg);
	}
}
