#include "engine/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/store.h"
#include "engine/strv.h"
#include "runtime/ns/idmap.h"

enum {
	AUTO_SIZE = 65536,
	AUTO_FIRST = 0x40000000, /* far from what people and distributions give out */
	AUTO_LAST = 0x6fff0000,
};

int eng_idmap_parse(const char *option, const char *text, struct ctr_idmap *out, struct cs_err *err)
{
	uint32_t v[3] = { 0 };
	const char *p = text;
	bool ok = true;

	for (size_t i = 0; ok && i < CS_LEN(v); i++) {
		size_t n = strcspn(p, ":");
		char one[12] = "";
		uint64_t number = 0;

		ok = n < sizeof(one) && (p[n] == ':') == (i < CS_LEN(v) - 1);
		if (ok)
			memcpy(one, p, n);
		ok = ok && cs_str_u64(one, &number) == 0 && number < UINT32_MAX;
		v[i] = (uint32_t)number;
		p += n + (ok && p[n] == ':');
	}
	if (!ok || v[2] == 0)
		return cs_err_set(err, EINVAL,
				  "%s %.64s: write CONTAINER-ID:HOST-ID:SIZE, three numbers",
				  option, text);
	*out = (struct ctr_idmap){ .container_id = v[0], .host_id = v[1], .size = v[2] };
	return 0;
}

bool eng_userns_own(const struct eng_record *r)
{
	return r->uidmap.n > 0 || r->gidmap.n > 0;
}

/* What is given for one kind of ids counts for the other, too, unless that has its own. */
static const struct eng_strv *maps_of(const struct eng_strv *mine, const struct eng_strv *other)
{
	return mine->n ? mine : other;
}

static int parse_all(const char *option, const struct eng_strv *v, struct ctr_idmap *out,
		     struct cs_err *err)
{
	for (size_t i = 0; i < v->n; i++) {
		int ret = eng_idmap_parse(option, v->v[i], &out[i], err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int root_of(const char *option, const struct eng_strv *v, uint32_t *out, struct cs_err *err)
{
	for (size_t i = 0; i < v->n; i++) {
		struct ctr_idmap m;
		int ret = eng_idmap_parse(option, v->v[i], &m, err);

		if (ret < 0)
			return ret;
		if (m.container_id == 0) {
			*out = m.host_id;
			return 0;
		}
	}
	return cs_err_set(err, EINVAL, "%s: the container's 0 must be mapped", option);
}

int eng_userns_root(const struct eng_record *r, uid_t *uid, gid_t *gid, struct cs_err *err)
{
	int ret;

	*uid = 0;
	*gid = 0;
	if (!eng_userns_own(r))
		return 0;
	ret = root_of("--uidmap", maps_of(&r->uidmap, &r->gidmap), uid, err);
	return ret < 0 ? ret : root_of("--gidmap", maps_of(&r->gidmap, &r->uidmap), gid, err);
}

int eng_userns_open(const struct eng_record *r, struct cs_err *err)
{
	const struct eng_strv *u = maps_of(&r->uidmap, &r->gidmap);
	const struct eng_strv *g = maps_of(&r->gidmap, &r->uidmap);
	cs_auto_free struct ctr_idmap *uids = NULL, *gids = NULL;
	cs_auto_fd int proc = -EBADF;
	int ret;

	if (!eng_userns_own(r))
		return -EBADF;
	uids = calloc(u->n, sizeof(*uids));
	gids = calloc(g->n, sizeof(*gids));
	if (!uids || !gids)
		return cs_err_set(err, ENOMEM, "user namespace: out of memory");
	ret = parse_all("--uidmap", u, uids, err);
	if (ret == 0)
		ret = parse_all("--gidmap", g, gids, err);
	if (ret < 0)
		return ret;
	proc = cs_path_proc_open(err);
	if (proc < 0)
		return proc;
	return ctr_idmap_userns(&(struct ctr_idmaps){ uids, u->n },
				&(struct ctr_idmaps){ gids, g->n }, proc, err);
}

int eng_userns_pass(const struct eng *e, const struct eng_record *r, int run, struct cs_err *err)
{
	if (!eng_userns_own(r))
		return 0;
	if (fchmod(run, 0711) < 0 || fchmod(e->run, 0711) < 0 || chmod(e->state, 0711) < 0)
		return cs_err_sys(err, "let the container's root pass %s/containers", e->state);
	return 0;
}

/* --- auto --------------------------------------------------------------------------------------
 */

struct range {
	uint64_t first, size;
};

/* "containers:FIRST:SIZE" of /etc/subuid or /etc/subgid. */
static bool sub_ids(const char *path, struct range *out)
{
	enum { MAX = 1 << 20 };
	static const char who[] = ENG_IDPOOL_USER ":";
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct cs_err err = CS_ERR_INIT;
	cs_auto_free char *text = NULL;
	char *rest, *line;

	if (fd < 0 || cs_fd_read_all(fd, MAX, &text, NULL, &err) < 0)
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *size;

		if (!cs_str_starts(line, who))
			continue;
		line += strlen(who);
		size = strchr(line, ':');
		if (!size)
			continue;
		*size++ = '\0';
		if (cs_str_u64(line, &out->first) == 0 && cs_str_u64(size, &out->size) == 0 &&
		    out->first < UINT32_MAX && out->size >= AUTO_SIZE &&
		    out->first + out->size < UINT32_MAX)
			return true;
	}
	return false;
}

struct eng_idpool eng_userns_pool(void)
{
	struct range u, g;

	if (sub_ids("/etc/subuid", &u) && sub_ids("/etc/subgid", &g) && u.first == g.first)
		return (struct eng_idpool){ u.first, u.size < g.size ? u.size : g.size, true };
	return (struct eng_idpool){ AUTO_FIRST, AUTO_LAST - AUTO_FIRST, false };
}

static bool overlaps(const struct eng_strv *v, uint64_t first)
{
	for (size_t i = 0; i < v->n; i++) {
		struct cs_err bad = CS_ERR_INIT;
		struct ctr_idmap m;

		if (eng_idmap_parse("", v->v[i], &m, &bad) == 0 && m.host_id < first + AUTO_SIZE &&
		    first < (uint64_t)m.host_id + m.size)
			return true;
	}
	return false;
}

/* Does another container have some of these ids? */
static int in_use(const struct eng *e, uint64_t first, struct cs_err *err)
{
	eng_auto_ids struct eng_ids ids = { 0 };
	int ret = eng_list(e, &ids, err);

	for (size_t i = 0; ret == 0 && i < ids.n; i++) {
		eng_auto_record struct eng_record r = ENG_RECORD_INIT;
		struct cs_err gone = CS_ERR_INIT;

		if (eng_record_load(e, ids.v[i], &r, &gone) < 0)
			continue;
		if (overlaps(&r.uidmap, first) || overlaps(&r.gidmap, first))
			ret = 1;
	}
	return ret;
}

int eng_userns_choose(const struct eng *e, struct cs_arena *a, struct eng_record *r,
		      struct cs_err *err)
{
	enum { TRIES = 64 };
	struct eng_idpool p;

	if (!r->userns || strcmp(r->userns, "auto") != 0 || eng_userns_own(r))
		return 0;
	p = eng_userns_pool();
	for (int i = 0; i < TRIES; i++) {
		const char *text;
		uint32_t random;
		uint64_t first;
		int ret;

		/* at random, so that two at once hardly want the same */
		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return cs_err_sys(err, "random numbers");
		first = p.first + random % (p.size / AUTO_SIZE) * AUTO_SIZE;
		ret = in_use(e, first, err);
		if (ret < 0)
			return ret;
		if (ret > 0)
			continue;
		text = eng_strf(a, err, "0:%llu:%d", (unsigned long long)first, AUTO_SIZE);
		return text ? eng_strv_add(a, &r->uidmap, text, err) : -ENOMEM;
	}
	return cs_err_set(
		err, EBUSY,
		"--userns=auto: other containers have all ids; give \"containers\" more in "
		"/etc/subuid and /etc/subgid");
}
