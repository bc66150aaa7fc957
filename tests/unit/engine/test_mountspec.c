#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "engine/mountspec.h"
#include "engine/record.h"

enum how { V, MOUNT, TMPFS };

static int parse(struct cs_arena *a, enum how how, const char *text, struct eng_mount *m,
		 struct cs_err *err)
{
	if (how == V)
		return eng_mount_parse_volume(a, text, "/cwd", m, err);
	if (how == MOUNT)
		return eng_mount_parse_mount(a, text, "/cwd", m, err);
	return eng_mount_parse_tmpfs(a, text, m, err);
}

static const struct {
	enum how how;
	const char *text;
	struct eng_mount m;
} good[] = {
	{ V, "/data", { .type = ENG_MOUNT_VOLUME, .target = "/data", .anonymous = true } },
	{ V,
	  "/data:ro",
	  { .type = ENG_MOUNT_VOLUME, .target = "/data", .anonymous = true, .read_only = true } },
	{ V, "/a:/b", { .type = ENG_MOUNT_BIND, .source = "/a", .target = "/b", .create = true } },
	{ V,
	  "./x/../y:/b//c/./d/..",
	  { .type = ENG_MOUNT_BIND, .source = "/cwd/y", .target = "/b/c", .create = true } },
	{ V,
	  "/a:/b:ro,rslave,z",
	  { .type = ENG_MOUNT_BIND,
	    .source = "/a",
	    .target = "/b",
	    .create = true,
	    .read_only = true,
	    .options = "rslave,rro" } },
	{ V, "vol:/b", { .type = ENG_MOUNT_VOLUME, .source = "vol", .target = "/b" } },
	{ V,
	  "vol:/b:nocopy,noexec",
	  { .type = ENG_MOUNT_VOLUME,
	    .source = "vol",
	    .target = "/b",
	    .no_copy = true,
	    .options = "noexec" } },
	{ MOUNT,
	  "type=bind,src=/a,dst=/b",
	  { .type = ENG_MOUNT_BIND, .source = "/a", .target = "/b" } },
	{ MOUNT,
	  "type=bind,\"source=/a,b\",target=/b,readonly,bind-propagation=rshared",
	  { .type = ENG_MOUNT_BIND,
	    .source = "/a,b",
	    .target = "/b",
	    .read_only = true,
	    .options = "rshared,rro" } },
	{ MOUNT,
	  "type=bind,source=/a,target=/b,ro,bind-nonrecursive",
	  { .type = ENG_MOUNT_BIND,
	    .source = "/a",
	    .target = "/b",
	    .read_only = true,
	    .options = "bind" } },
	{ MOUNT,
	  "type=bind,source=/a,target=/b,ro,bind-recursive=writable",
	  { .type = ENG_MOUNT_BIND, .source = "/a", .target = "/b", .read_only = true } },
	{ MOUNT,
	  "target=/b,ro=false",
	  { .type = ENG_MOUNT_VOLUME, .target = "/b", .anonymous = true } },
	{ MOUNT,
	  "source=vol,destination=/b,volume-nocopy,volume-subpath=a/b,ro=true",
	  { .type = ENG_MOUNT_VOLUME,
	    .source = "vol",
	    .target = "/b",
	    .subpath = "a/b",
	    .no_copy = true,
	    .read_only = true } },
	{ MOUNT,
	  "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=0700",
	  { .type = ENG_MOUNT_TMPFS, .target = "/t", .options = "size=64m,mode=0700" } },
	{ TMPFS, "/t", { .type = ENG_MOUNT_TMPFS, .target = "/t" } },
	{ TMPFS,
	  "/t:rw,exec,size=65536k,mode=1770,uid=5",
	  { .type = ENG_MOUNT_TMPFS,
	    .target = "/t",
	    .options = "exec,size=65536k,mode=1770,uid=5" } },
	{ TMPFS,
	  "/t:ro,size=50%",
	  { .type = ENG_MOUNT_TMPFS, .target = "/t", .read_only = true, .options = "size=50%" } },
};

static const struct {
	enum how how;
	const char *text, *says;
} bad[] = {
	{ V, "", "empty" },
	{ V, "data", "absolute" },
	{ V, ":/b", "nothing before" },
	{ V, "/a:", "absolute" },
	{ V, "/a:b", "unknown option \"b\"" },
	{ V, "/a:/", "container's \"/\"" },
	{ V, "/a:/b/..", "container's \"/\"" },
	{ V, "/a:/b:rp", "unknown option \"rp\"" },
	{ V, "/a:/b:U", "\"U\" is not there" },
	{ V, "v1:/b:O", "\"O\" is not there" },
	{ V, "/a:/b:nocopy", "for volumes" },
	{ V, "a:/b", "no name of a volume" },
	{ V, "v/w:/b", "no name of a volume" },
	{ V, "-v:/b", "no name of a volume" },
	{ MOUNT, "", "empty" },
	{ MOUNT, "type=bind,src=/a", "target is missing" },
	{ MOUNT, "type=bind,dst=/b", "source is missing" },
	{ MOUNT, "type=bint,dst=/b", "type is bind" },
	{ MOUNT, "type=bind,src=/a,dst=/b,volume-nocopy", "only for type=volume" },
	{ MOUNT, "type=volume,dst=/b,tmpfs-size=1", "only for type=tmpfs" },
	{ MOUNT, "type=tmpfs,dst=/b,bind-propagation=shared", "only for type=bind" },
	{ MOUNT, "type=bind,src=/a,dst=/b,bind-propagation=x", "bind-propagation is" },
	{ MOUNT, "type=bind,src=/a,dst=/b,frob", "unknown key \"frob\"" },
	{ MOUNT, "type=bind,src=/a,dst=/b,ro=maybe", "true or false" },
	{ MOUNT, "type=bind,src=,dst=/b", "needs a value" },
	{ MOUNT, "type=volume,dst=/b,volume-opt=type=nfs", "volume create -o" },
	{ MOUNT, "type=volume,src=vv,dst=/b,volume-subpath=../x", "\"..\"" },
	{ MOUNT, "type=volume,src=vv,dst=/b,volume-subpath=/x", "relative" },
	{ MOUNT, "\"type=bind", "must end with" },
	{ MOUNT, "type=bi\"nd", "middle" },
	{ MOUNT, "type=tmpfs,dst=/t,tmpfs-size=many", "bad value" },
	{ MOUNT, "type=tmpfs,dst=/t,src=/x", "no source" },
	{ TMPFS, "t", "absolute" },
	{ TMPFS, "/t:size=x", "bad value" },
	{ TMPFS, "/t:mode=9", "bad value" },
	{ TMPFS, "/t:frob", "unknown option" },
	{ TMPFS, "/t:context=x", "unknown option" },
};

static void same(const char *what, const char *a, const char *b, const char *text)
{
	ck_assert_msg((!a && !b) || (a && b && strcmp(a, b) == 0), "%s: %s is %s, not %s", text,
		      what, a ? a : "NULL", b ? b : "NULL");
}

START_TEST(test_good)
{
	struct cs_arena *a = cs_arena_new(0);

	for (size_t i = 0; i < CS_LEN(good); i++) {
		const struct eng_mount *w = &good[i].m;
		struct cs_err err = CS_ERR_INIT;
		struct eng_mount m;

		ck_assert_msg(parse(a, good[i].how, good[i].text, &m, &err) == 0, "%s", err.msg);
		ck_assert_msg(m.type == w->type, "%s: type %d", good[i].text, (int)m.type);
		same("source", m.source, w->source, good[i].text);
		same("target", m.target, w->target, good[i].text);
		same("options", m.options, w->options, good[i].text);
		same("subpath", m.subpath, w->subpath, good[i].text);
		ck_assert_msg(m.read_only == w->read_only && m.no_copy == w->no_copy &&
				      m.anonymous == w->anonymous && m.create == w->create,
			      "%s: a flag", good[i].text);
	}
	cs_arena_free(a);
}
END_TEST

START_TEST(test_bad)
{
	struct cs_arena *a = cs_arena_new(0);

	for (size_t i = 0; i < CS_LEN(bad); i++) {
		struct cs_err err = CS_ERR_INIT;
		struct eng_mount m;

		ck_assert_msg(parse(a, bad[i].how, bad[i].text, &m, &err) < 0, "%s is taken",
			      bad[i].text);
		ck_assert_msg(strstr(err.msg, bad[i].says), "%s: %s", bad[i].text, err.msg);
		ck_assert_msg(bad[i].how != V || strncmp(err.msg, "-v", 2) == 0, "%s", err.msg);
	}
	cs_arena_free(a);
}
END_TEST

START_TEST(test_twice)
{
	static const struct eng_mount v[] = { { .target = "/a" }, { .target = "/a" } };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(eng_mounts_check(v, 1, &err), 0);
	ck_assert_int_eq(eng_mounts_check(v, 2, &err), -EINVAL);
}
END_TEST

UNIT_MAIN("engine/mountspec", test_good, test_bad, test_twice)
