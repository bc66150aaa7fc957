#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "engine/volume_int.h"

static int oom(struct cs_err *err)
{
	return cs_err_set(err, ENOMEM, "volumes: out of memory");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Calls @fn with each name in the folder. */
static int each(int volumes, int (*fn)(int volumes, const char *name, void *arg, struct cs_err *),
		void *arg, struct cs_err *err)
{
	cs_auto_fd int fd = openat(volumes, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int ret = 0;

	if (!d)
		return cs_err_sys(err, "read the folder of volumes");
	cs_take_fd(&fd);
	while (ret == 0 && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ret = fn(volumes, entry->d_name, arg, err);
	}
	return ret;
}

static int add_name(int volumes, const char *name, void *arg, struct cs_err *err)
{
	struct eng_volume_list *l = arg;
	char path[ENG_VOLUME_NAME_MAX + 16];
	char **v;

	snprintf(path, sizeof(path), "%s/volume.json", name);
	if (name[0] == '.' || faccessat(volumes, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	v = realloc(l->v, (l->n + 1) * sizeof(*v));
	if (!v)
		return oom(err);
	l->v = v;
	v[l->n] = strdup(name);
	if (!v[l->n])
		return oom(err);
	l->n++;
	return 0;
}

int eng_volume_list(const struct eng *e, struct eng_volume_list *out, struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err);
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	int ret = volumes < 0 ? volumes : each(volumes, add_name, &l, err);

	if (ret < 0)
		return ret;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*out = l;
	l = (struct eng_volume_list){ 0 };
	return 0;
}

void eng_volume_list_fini(struct eng_volume_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct eng_volume_list){ 0 };
}

/* --- who uses them ------------------------------------------------------------------------------
 */

static int add_use(struct eng_volume_uses *u, const char *volume, const char *container,
		   struct cs_err *err)
{
	struct eng_volume_use *v = realloc(u->v, (u->n + 1) * sizeof(*v));

	if (!v)
		return oom(err);
	u->v = v;
	v[u->n] = (struct eng_volume_use){ strdup(volume), strdup(container) };
	u->n++;
	return v[u->n - 1].volume && v[u->n - 1].container ? 0 : oom(err);
}

static int add_record(struct eng_volume_uses *u, const struct eng_record *r, struct cs_err *err)
{
	const char *who = r->name ? r->name : r->id;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];

		if (m->type == ENG_MOUNT_VOLUME && m->source)
			ret = add_use(u, m->source, who ? who : "?", err);
	}
	return ret;
}

static int by_volume(const void *a, const void *b)
{
	return strcmp(((const struct eng_volume_use *)a)->volume,
		      ((const struct eng_volume_use *)b)->volume);
}

/* Its text, if it is whole: a version of tomorrow has volumes' names in it as ours has. */
static char *whole_text(const struct eng *e, const char *id)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	struct cs_err why = CS_ERR_INIT;
	char path[ENG_ID_LEN + 16];
	size_t len;

	snprintf(path, sizeof(path), "%.64s/record.json", id);
	if (cs_file_read_own(e->containers, path, ENG_RECORD_MAX, &text, &len, &why) < 0 ||
	    cs_json_parse(text, len, path, &doc, &why) < 0 || doc.root->type != CS_JSON_OBJECT)
		return NULL;
	return cs_take_ptr(&text);
}

static int add_unread(const struct eng *e, struct eng_volume_uses *u, const char *id,
		      struct cs_err *err)
{
	struct eng_volume_unread *v = realloc(u->unread, (u->n_unread + 1) * sizeof(*v));
	char who[64];

	if (!v)
		return oom(err);
	u->unread = v;
	snprintf(who, sizeof(who), "%.12s (its record cannot be read)", id);
	v[u->n_unread] = (struct eng_volume_unread){ whole_text(e, id), strdup(who) };
	u->n_unread++;
	return v[u->n_unread - 1].container ? 0 : oom(err);
}

int eng_volume_uses(const struct eng *e, struct eng_volume_uses *out, struct cs_err *err)
{
	eng_auto_volume_uses struct eng_volume_uses u = { 0 };
	eng_auto_ids struct eng_ids ids = { 0 };
	int ret = eng_list(e, &ids, err);

	for (size_t i = 0; ret == 0 && i < ids.n; i++) {
		eng_auto_record struct eng_record r = ENG_RECORD_INIT;
		struct cs_err why = CS_ERR_INIT;

		ret = eng_record_load(e, ids.v[i], &r, &why);
		if (ret == -ENOENT) /* removed meanwhile */
			ret = 0;
		else if (ret < 0)
			ret = add_unread(e, &u, ids.v[i], err);
		else
			ret = add_record(&u, &r, err);
	}
	if (ret < 0)
		return ret;
	if (u.n)
		qsort(u.v, u.n, sizeof(*u.v), by_volume);
	*out = u;
	u = (struct eng_volume_uses){ 0 };
	return 0;
}

void eng_volume_uses_fini(struct eng_volume_uses *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].volume);
		free(u->v[i].container);
	}
	free(u->v);
	for (size_t i = 0; i < u->n_unread; i++) {
		free(u->unread[i].text);
		free(u->unread[i].container);
	}
	free(u->unread);
	*u = (struct eng_volume_uses){ 0 };
}

const char *eng_volume_user(const struct eng_volume_uses *u, const char *volume, const char *but)
{
	char quoted[ENG_VOLUME_NAME_MAX + 3];

	/* not bsearch(): the first of several */
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->v[i].volume, volume) == 0 &&
		    (!but || strcmp(u->v[i].container, but) != 0))
			return u->v[i].container;
	snprintf(quoted, sizeof(quoted), "\"%s\"", volume);
	for (size_t i = 0; i < u->n_unread; i++)
		if (!u->unread[i].text || strstr(u->unread[i].text, quoted))
			return u->unread[i].container;
	return NULL;
}

int eng_volume_used_now(const char *name, char *who, size_t size, void *arg, struct cs_err *err)
{
	eng_auto_volume_uses struct eng_volume_uses u = { 0 };
	const struct eng *e = arg;
	const char *user;
	int ret = eng_volume_uses(e, &u, err);

	if (ret < 0)
		return ret;
	user = eng_volume_user(&u, name, NULL);
	if (!user)
		return 0;
	snprintf(who, size, "%s", user);
	return 1;
}

/* --- removed ------------------------------------------------------------------------------------
 */

int eng_volume_remove(const struct eng *e, const char *name, eng_volume_used_fn used, void *arg,
		      struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err), dir = -EBADF;
	char who[160] = "", random[65], old[80];
	int ret;

	if (volumes < 0)
		return volumes;
	if (name[0] == '.' || strchr(name, '/'))
		return cs_err_set(err, ENOENT, "no such volume: %.100s", name);
	dir = eng_volume_lock(volumes, name, LOCK_EX, err);
	if (dir < 0)
		return dir;
	ret = used ? used(name, who, sizeof(who), arg, err) : 0;
	if (ret > 0)
		return cs_err_set(err, EBUSY,
				  "volume %.100s is used by container %.100s: remove that first",
				  name, who);
	if (ret == 0)
		ret = eng_volume_new_name(random, err);
	if (ret < 0)
		return ret;
	snprintf(old, sizeof(old), ".old.%.32s", random);
	if (renameat2(volumes, name, volumes, old, RENAME_NOREPLACE) < 0)
		return cs_err_sys(err, "remove volume %.100s", name);
	ret = cs_file_rmtree(volumes, old, err);
	return ret < 0 ? cs_err_wrap(err, "remove volume %.100s", name) : 0;
}

/* Who makes or removes one has its lock. */
static int tidy_one(int volumes, const char *name, void *arg, struct cs_err *err)
{
	struct cs_err busy = CS_ERR_INIT;
	cs_auto_fd int dir = -EBADF;

	(void)arg;
	if (!cs_str_starts(name, ".new.") && !cs_str_starts(name, ".old."))
		return 0;
	dir = eng_volume_lock(volumes, name, LOCK_EX | LOCK_NB, &busy);
	return dir < 0 ? 0 : cs_file_rmtree(volumes, name, err);
}

int eng_volume_tidy(const struct eng *e, struct cs_err *err)
{
	cs_auto_fd int volumes = eng_volumes_dir(e, err);

	return volumes < 0 ? volumes : each(volumes, tidy_one, NULL, err);
}
