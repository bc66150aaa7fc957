#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/config.h"
#include "engine/config_int.h"
#include "engine/strv.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void eng_cfg_put_strv(struct cs_jw *w, const char *name, const struct eng_strv *v)
{
	cs_jw_arr(w, name);
	for (size_t i = 0; i < v->n; i++)
		cs_jw_str(w, NULL, v->v[i]);
	cs_jw_arr_end(w);
}

static int set_fmt(struct cfg *c, const char *name, const char *value, struct cs_err *err)
{
	const char *pair = eng_strf(c->a, err, "%s=%s", name, value);

	return pair ? eng_strv_set(c->a, &c->env, pair, err) : -ENOMEM;
}

int eng_cfg_env(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	int ret = eng_strv_add(c->a, &c->env, DEFAULT_PATH, err);

	if (ret == 0 && c->hostname)
		ret = set_fmt(c, "HOSTNAME", c->hostname, err);
	if (ret == 0 && r->tty)
		ret = eng_strv_add(c->a, &c->env, "TERM=xterm", err);
	/* how systemd and others know where they are */
	if (ret == 0 && r->systemd)
		ret = eng_strv_add(c->a, &c->env, "container=caisson", err);
	for (size_t i = 0; ret == 0 && i < r->env.n; i++)
		ret = eng_strv_set(c->a, &c->env, r->env.v[i], err);
	if (ret == 0 && eng_strv_key(&c->env, "HOME") == c->env.n)
		ret = set_fmt(c, "HOME", c->user.home ? c->user.home : "/", err);
	return ret;
}

static int put_user(struct cfg *c, struct cs_err *err)
{
	const char *umask_text = c->r->umask;
	uint64_t gid;

	cs_jw_obj(&c->w, "user");
	cs_jw_u64(&c->w, "uid", c->user.uid);
	cs_jw_u64(&c->w, "gid", c->user.gid);
	if (umask_text) {
		size_t digits = strspn(umask_text, "01234567");

		if (digits == 0 || digits > 4 || umask_text[digits])
			return cs_err_set(err, EINVAL,
					  "--umask %.32s: give an octal number up to 0777",
					  umask_text);
		cs_jw_u64(&c->w, "umask", strtoul(umask_text, NULL, 8) & 0777);
	}
	cs_jw_arr(&c->w, "additionalGids");
	cs_jw_u64(&c->w, NULL, c->user.gid);
	for (size_t i = 0; i < c->user.n_groups; i++)
		cs_jw_u64(&c->w, NULL, c->user.groups[i]);
	for (size_t i = 0; i < c->gids.n; i++) {
		if (cs_str_u64(c->gids.v[i], &gid) == 0 && gid < UINT32_MAX)
			cs_jw_u64(&c->w, NULL, gid);
	}
	cs_jw_arr_end(&c->w);
	cs_jw_obj_end(&c->w);
	return 0;
}

static void put_args(struct cfg *c)
{
	const struct eng_record *r = c->r;

	cs_jw_arr(&c->w, "args");
	if (r->init && c->p && c->p->init) {
		cs_jw_str(&c->w, NULL, ENG_INIT_INSIDE);
		cs_jw_str(&c->w, NULL, "--");
	}
	for (size_t i = 0; i < r->entrypoint.n; i++)
		cs_jw_str(&c->w, NULL, r->entrypoint.v[i]);
	for (size_t i = 0; i < r->cmd.n; i++)
		cs_jw_str(&c->w, NULL, r->cmd.v[i]);
	cs_jw_arr_end(&c->w);
}

/* A limit's number; -1 and "unlimited" are none. */
static bool limit(const char *s, size_t len, uint64_t *out)
{
	char text[24];

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*out = UINT64_MAX;
		return true;
	}
	return cs_str_u64(text, out) == 0;
}

/* NAME=SOFT[:HARD] */
static int put_ulimit(struct cfg *c, const char *text, struct cs_err *err)
{
	static const char *const names[] = {
		"as",	"core",	  "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
		"nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
	};
	const char *equal = strchr(text, '='), *colon = equal ? strchr(equal, ':') : NULL;
	uint64_t soft, hard;
	char name[32] = "RLIMIT_";
	size_t i = 0;

	while (equal && i < CS_LEN(names) &&
	       !(strncasecmp(names[i], text, (size_t)(equal - text)) == 0 &&
		 names[i][equal - text] == '\0'))
		i++;
	if (!equal || i == CS_LEN(names))
		return cs_err_set(
			err, EINVAL,
			"--ulimit %.64s: write NAME=SOFT[:HARD], NAME as in ulimit(1p) or "
			"setrlimit(2): nofile, nproc, core, memlock, stack, ...",
			text);
	if (!limit(equal + 1, colon ? (size_t)(colon - equal - 1) : strlen(equal + 1), &soft) ||
	    (colon && !limit(colon + 1, strlen(colon + 1), &hard)))
		return cs_err_set(err, EINVAL,
				  "--ulimit %.64s: a limit is a number, or -1 for none", text);
	if (!colon)
		hard = soft;
	if (soft > hard)
		return cs_err_set(err, EINVAL,
				  "--ulimit %.64s: the soft limit is above the hard one", text);
	for (size_t j = 0; names[i][j]; j++)
		name[7 + j] = (char)(names[i][j] - 'a' + 'A');
	cs_jw_obj(&c->w, NULL);
	cs_jw_str(&c->w, "type", name);
	cs_jw_u64(&c->w, "soft", soft);
	cs_jw_u64(&c->w, "hard", hard);
	cs_jw_obj_end(&c->w);
	return 0;
}

/* The one that was given last counts, as on a shell's line. */
static int put_ulimits(struct cfg *c, struct cs_err *err)
{
	const struct eng_strv *v = &c->r->ulimits;
	struct eng_strv once = { 0 };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < v->n; i++) {
		/* podman's "--ulimit host" is how it is anyway */
		if (strcmp(v->v[i], "host") != 0)
			ret = eng_strv_set(c->a, &once, v->v[i], err);
	}
	if (once.n == 0)
		return ret;
	cs_jw_arr(&c->w, "rlimits");
	for (size_t i = 0; ret == 0 && i < once.n; i++)
		ret = put_ulimit(c, once.v[i], err);
	cs_jw_arr_end(&c->w);
	return ret;
}

/* The runtime makes it if it is missing. */
static const char *workdir(struct cfg *c, struct cs_err *err)
{
	const char *dir = c->r->workdir && *c->r->workdir ? c->r->workdir : "/";

	return dir[0] == '/' ? dir : eng_strf(c->a, err, "/%s", dir);
}

int eng_cfg_put_process(struct cfg *c, struct cs_err *err)
{
	const struct eng_record *r = c->r;
	const char *cwd = workdir(c, err);
	int ret;

	if (!cwd)
		return -ENOMEM;
	cs_jw_obj(&c->w, "process");
	cs_jw_bool(&c->w, "terminal", r->tty);
	ret = put_user(c, err);
	if (ret < 0)
		return ret;
	put_args(c);
	eng_cfg_put_strv(&c->w, "env", &c->env);
	cs_jw_str(&c->w, "cwd", cwd);
	eng_cfg_put_caps(c);
	ret = put_ulimits(c, err);
	if (ret < 0)
		return ret;
	cs_jw_bool(&c->w, "noNewPrivileges", r->no_new_privileges || c->sec.no_new_privileges);
	if (r->oom_score_adj)
		cs_jw_i64(&c->w, "oomScoreAdj", r->oom_score_adj);
	ret = eng_cfg_put_labels(c, err);
	cs_jw_obj_end(&c->w);
	return ret;
}
