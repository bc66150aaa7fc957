#include "cli/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/caisson.h"
#include "cli/container.h"
#include "cli/ctrview.h"
#include "cli/imgmount.h"
#include "cli/imguse.h"
#include "cli/imgview.h"
#include "cli/network.h"
#include "engine/engine.h"
#include "engine/life.h"
#include "engine/status.h"
#include "engine/store.h"
#include "engine/volume.h"
#include "images/gc.h"

static int one_container(const struct eng *e, const char *id, const struct cli_strv *filter,
			 struct cs_buf *out, struct cs_err *err)
{
	cli_auto_ctr struct cli_ctr c = CLI_CTR_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret = cli_ctr_load(e, id, &c, &why);

	if (ret == 0 && c.st.state != ENG_CREATED && c.st.state != ENG_EXITED)
		return 0;
	if (ret == 0 && filter) {
		ret = cli_ctr_filter(e, filter, &c, err);
		if (ret <= 0)
			return ret;
		ret = 0;
	}
	if (ret == 0)
		ret = eng_remove(e, id, false, false, &why);
	if (ret == 0)
		cs_buf_addf(out, "%s\n", id);
	else if (ret != -ENOENT) /* started meanwhile, or damaged: the others go on */
		cs_log(CS_LOG_WARN, "%s", why.msg);
	return 0;
}

int cli_prune_containers(const struct cli_call *call, const struct cli_strv *filter,
			 struct cs_buf *out, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_mend_all(&e, err) < 0 ||
	    eng_list(&e, &ids, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ids.n; i++)
		if (one_container(&e, ids.v[i], filter, out, err) < 0)
			return -err->code;
	return 0;
}

static bool any_network(const struct net_config *c, bool done, void *arg)
{
	if (done)
		cs_buf_addf(arg, "%s\n", c->name);
	return true;
}

int cli_prune_networks(const struct cli_call *call, struct cs_buf *out, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	int ret = cli_net_store(call, &st, err);

	return ret < 0 ? ret : net_network_prune(&st, any_network, out, err);
}

static void image_gone(void *ctx, enum img_gone_kind kind, const char *what)
{
	cs_buf_addf(ctx, "%s: %s\n", kind == IMG_GONE_NAME ? "Untagged" : "Deleted", what);
}

int cli_prune_images(struct cli_call *call, bool all, struct cs_buf *out, uint64_t *freed,
		     struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_list struct img_list l = IMG_LIST_INIT;
	uint64_t more = 0;
	const struct img_remove how = {
		.in_use = cli_imgmount_in_use,
		.needed = cli_imguse_needed,
		.ctx = call,
		.gone = image_gone,
		.gone_ctx = out,
		.freed = freed,
	};
	const struct img_record **v;
	size_t n = 0;
	int ret;

	if (cli_img_store(call, &st, err) < 0 || img_store_list(st, &l, err) < 0)
		return -err->code;
	v = calloc(l.n + 1, sizeof(*v)); /* NOLINT(bugprone-sizeof-expression): of pointers */
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < l.n; i++)
		if (all || !*l.v[i].name)
			v[n++] = &l.v[i];
	ret = img_remove_records(st, v, n, &how, err);
	free(v);
	if (ret == 0)
		ret = img_gc(st, 0, &more, err);
	*freed += more;
	return ret;
}

static int one_volume(struct eng *e, const char *name, struct cs_buf *out, struct cs_err *err)
{
	eng_auto_volume struct eng_volume v = ENG_VOLUME_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret = eng_volume_load(e, name, &v, &why);

	if (ret == 0 && !v.anonymous)
		return 0;
	if (ret == 0)
		ret = eng_volume_remove(e, name, eng_volume_used_now, e, &why);
	if (ret == 0)
		cs_buf_addf(out, "%s\n", name);
	if (ret == 0 || ret == -ENOENT || ret == -EBUSY)
		return 0;
	*err = why;
	return ret;
}

int cli_prune_volumes(const struct cli_call *call, struct cs_buf *out, struct cs_err *err)
{
	eng_auto_volume_list struct eng_volume_list l = { 0 };
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || eng_volume_tidy(&e, err) < 0 ||
	    eng_volume_list(&e, &l, err) < 0)
		return -err->code;
	for (size_t i = 0; i < l.n; i++)
		if (one_volume(&e, l.v[i], out, err) < 0)
			return -err->code;
	return 0;
}

/* --- leftovers -------------------------------------------------------------------------------- */

/* Is it a container's folder without a record? */
static bool is_leftover(const struct eng *e, const char *name)
{
	char path[ENG_ID_LEN + 16];
	struct stat sb;

	if (strlen(name) != ENG_ID_LEN || strspn(name, "0123456789abcdef") != ENG_ID_LEN)
		return false;
	snprintf(path, sizeof(path), "%s/record.json", name);
	return fstatat(e->containers, path, &sb, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* Below the state: what is mounted goes first, the files with that. */
static int drop_run(const struct eng *e, const char *id, struct cs_err *err)
{
	char path[4200];

	if (cs_str_fmt(path, sizeof(path), err, "%s/containers/%s/rootfs", e->state, id) < 0)
		return -err->code;
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	return cs_file_rmtree(e->run, id, err);
}

static bool is_empty(int dir, const char *id)
{
	int fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool empty = true;

	if (!d) {
		cs_close_fd(&fd);
		return false;
	}
	for (const struct dirent *f; empty && (f = readdir(d));)
		empty = strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0;
	return empty;
}

/* Is somebody at work in the folder? Whoever makes or removes a container has its lock; an empty
 * one is perhaps being made at this moment, if it is new. */
static bool in_work(int dir, const char *id)
{
	cs_auto_fd int folder = openat(dir, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int lock = -EBADF;
	struct stat sb;

	if (folder < 0)
		return false;
	if (faccessat(folder, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return is_empty(dir, id) && fstat(folder, &sb) == 0 &&
		       sb.st_mtime + 60 > time(NULL);
	lock = cs_file_lock(folder, "lock", true, &why);
	return lock == -EWOULDBLOCK;
}

/* All leftovers of one of the two folders. */
static int sweep(const struct eng *e, int dir, bool run, struct cs_buf *out, struct cs_err *err)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs_auto_dir DIR *d = own < 0 ? NULL : fdopendir(own);
	const struct dirent *f;
	int ret = 0;

	if (!d) {
		if (own >= 0)
			close(own);
		return cs_err_sys(err, "read the containers' folder");
	}
	while (ret == 0 && (f = readdir(d))) {
		struct cs_err why = CS_ERR_INIT;

		if (!is_leftover(e, f->d_name) ||
		    (run ? eng_live(e, f->d_name, &why) != 0 : in_work(dir, f->d_name)))
			continue;
		ret = run ? drop_run(e, f->d_name, err) : cs_file_rmtree(dir, f->d_name, err);
		if (ret == 0)
			cs_buf_addf(out, "leftover of container %.12s\n", f->d_name);
	}
	return ret;
}

int cli_prune_leftovers(const struct cli_call *call, struct cs_buf *out, struct cs_err *err)
{
	eng_auto struct eng e = ENG_INIT;

	if (cli_ctr_engine(call, &e, err) < 0 || sweep(&e, e.run, true, out, err) < 0)
		return -err->code;
	return sweep(&e, e.containers, false, out, err);
}
