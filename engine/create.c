#include "engine/create.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/imageconf.h"
#include "engine/record.h"
#include "engine/store.h"
#include "engine/strv.h"
#include "engine/userns.h"
#include "engine/volume.h"
#include "images/store.h"
#include "netns/portspec.h"

enum { NAME_TRIES = 16 };

static int choose_names(const struct eng *e, struct cs_arena *a, struct eng_record *r,
			struct cs_err *err)
{
	char *id = cs_arena_alloc(a, ENG_ID_LEN + 1);
	char *name = cs_arena_alloc(a, 64);
	int ret;

	if (!id || !name)
		return cs_err_set(err, ENOMEM, "out of memory");
	ret = eng_new_id(id, err);
	r->id = id;
	if (ret == 0 && !r->name) {
		ret = eng_new_name(e, name, 64, err);
		r->name = name;
	}
	return ret;
}

/* Anonymous volumes are volumes whose name nobody chose. */
static int name_volumes(struct cs_arena *a, struct eng_record *r, struct cs_err *err)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		struct eng_mount *m = &r->mounts[i];
		char *name;

		if (m->type != ENG_MOUNT_VOLUME || m->source)
			continue;
		name = cs_arena_alloc(a, ENG_ID_LEN + 1);
		if (!name)
			return cs_err_set(err, ENOMEM, "out of memory");
		if (eng_new_id(name, err) < 0)
			return -err->code;
		m->source = name;
		m->anonymous = true;
	}
	return 0;
}

static bool published(const struct eng_record *r, const struct net_port *want)
{
	for (size_t i = 0; i < r->ports.n; i++) {
		struct cs_err why = CS_ERR_INIT;
		struct net_port p;

		if (net_port_parse(r->ports.v[i], &p, &why) == 0 && p.proto == want->proto &&
		    want->port >= p.port && want->port < p.port + p.count)
			return true;
	}
	return false;
}

/* -P: every exposed port that is not published already, on a port that is chosen at the start. */
static int publish_all(struct cs_arena *a, struct eng_record *r, struct cs_err *err)
{
	for (size_t i = 0; i < r->expose.n; i++) {
		struct net_port p;

		if (net_port_parse(r->expose.v[i], &p, err) < 0)
			return cs_err_wrap(err, "exposed port");
		if (!published(r, &p) && eng_strv_add(a, &r->ports, r->expose.v[i], err) < 0)
			return -err->code;
	}
	return 0;
}

static int check_ports(const struct eng_record *r, struct cs_err *err)
{
	for (size_t i = 0; i < r->ports.n; i++) {
		struct net_port p;

		if (net_port_parse(r->ports.v[i], &p, err) < 0)
			return cs_err_wrap(err, "option --publish");
	}
	return 0;
}

static void let_go(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* The named volumes that are there are not removed between the last look at who uses them and the
 * record that says so. */
static int add(const struct eng *e, struct cs_arena *a, const struct eng_record *r,
	       struct cs_err *err)
{
	int *fds = cs_arena_alloc(a, (r->n_mounts + 1) * sizeof(*fds));
	size_t n = 0;
	int ret = 0;

	if (!fds)
		return cs_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; ret == 0 && i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];
		struct cs_err why = CS_ERR_INIT;
		int fd;

		if (m->type != ENG_MOUNT_VOLUME || m->anonymous)
			continue;
		fd = eng_volume_hold(e, m->source, &why);
		if (fd >= 0)
			fds[n++] = fd;
		else if (fd != -ENOENT) { /* it is made when the container starts */
			*err = why;
			ret = fd;
		}
	}
	if (ret == 0)
		ret = eng_store_add(e, r, err);
	let_go(fds, n);
	return ret;
}

/* A name that was made up may be taken by another create in the meantime: then another one. */
static int add_named(const struct eng *e, struct cs_arena *a, struct eng_record *r, bool made_up,
		     struct cs_err *err)
{
	int ret = add(e, a, r, err);

	for (int i = 0; ret == -EEXIST && made_up && i < NAME_TRIES; i++) {
		cs_err_clear(err);
		r->name = NULL;
		ret = choose_names(e, a, r, err);
		if (ret == 0)
			ret = add(e, a, r, err);
	}
	return ret;
}

int eng_create_plan(const struct eng *e, const struct img_image *im, struct cs_arena *a,
		    struct eng_record *r, struct cs_err *err)
{
	struct timespec t;
	int ret;

	clock_gettime(CLOCK_REALTIME, &t);
	r->created_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	r->image_id = im->rec->id;
	r->manifest = im->rec->digest;
	ret = eng_record_merge_image(r, &im->config, a, err);
	if (ret == 0)
		ret = choose_names(e, a, r, err);
	if (ret == 0)
		ret = name_volumes(a, r, err);
	if (ret == 0)
		ret = check_ports(r, err);
	if (ret == 0 && r->publish_all && !r->network_mode)
		ret = publish_all(a, r, err);
	if (ret == 0)
		ret = eng_userns_choose(e, a, r, err);
	/* what is wrong is told now, not when it is started */
	return ret < 0 ? ret : eng_config_check(e, r, err);
}

int eng_create(const struct eng *e, const struct img_image *im, struct cs_arena *a,
	       struct eng_record *r, struct cs_err *err)
{
	bool made_up = !r->name;
	int ret = eng_create_plan(e, im, a, r, err);

	if (ret == 0)
		ret = add_named(e, a, r, made_up, err);
	if (ret == 0)
		eng_event(e, "create", r, NULL, NULL);
	return ret;
}
