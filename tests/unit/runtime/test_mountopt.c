#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "runtime/mountopt.h"
#include "tests/unit/unit.h"

/* Options as one string, ';' between them; arrays as they are written, ';' between, NULL: none. */
struct row {
	const char *opts;
	uint64_t set, clr;
	uint64_t rec_set, rec_clr;
	unsigned long propagation;
	const char *sb;
	const char *data;
};

static void same_list(const char *what, const char *opts, const char *const *v, const char *want)
{
	char text[256] = "";

	for (size_t i = 0; v && v[i]; i++) {
		strncat(text, i ? ";" : "", sizeof(text) - strlen(text) - 1);
		strncat(text, v[i], sizeof(text) - strlen(text) - 1);
	}
	ck_assert_msg(!v == !want && strcmp(text, want ? want : "") == 0,
		      "%s: %s \"%s\", not \"%s\"", opts, what, text, want ? want : "(none)");
}

static struct ctr_mountopt parse(const struct cs_json_doc *doc, const char *opts)
{
	struct cs_err err = CS_ERR_INIT;
	struct ctr_mountopt m = { 0 };
	const char *v[32] = { NULL };
	char *copy = strdup(opts), *at = copy, *piece;
	size_t n = 0;

	ck_assert_ptr_nonnull(copy);
	while ((piece = strsep(&at, ";")))
		v[n++] = piece;
	ck_assert_int_eq(ctr_mountopt_parse(doc, v, &m, &err), 0);
	/* what is kept must not be the caller's text */
	memset(copy, 'x', strlen(opts));
	free(copy);
	return m;
}

static struct cs_json_doc new_doc(void)
{
	struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(cs_json_parse("{}", 2, "test", &doc, &err), 0);
	return doc;
}

#define RDONLY MOUNT_ATTR_RDONLY
#define NOSUID MOUNT_ATTR_NOSUID
#define NODEV MOUNT_ATTR_NODEV
#define NOEXEC MOUNT_ATTR_NOEXEC
#define NOATIME MOUNT_ATTR_NOATIME
#define STRICT MOUNT_ATTR_STRICTATIME
#define NODIR MOUNT_ATTR_NODIRATIME
#define NOSYM MOUNT_ATTR_NOSYMFOLLOW
#define AT MOUNT_ATTR__ATIME

START_TEST(rows)
{
	static const struct row table[] = {
		{ "", .set = 0 },
		{ "defaults;silent;loud;;", .set = 0 },
		{ "ro", .set = RDONLY },
		{ "rw", .clr = RDONLY },
		{ "ro;rw", .clr = RDONLY },
		{ "rw;ro", .set = RDONLY },
		{ "nosuid;nodev;noexec", .set = NOSUID | NODEV | NOEXEC },
		{ "suid;dev;exec", .clr = NOSUID | NODEV | NOEXEC },
		{ "nosuid;suid;nodev", .set = NODEV, .clr = NOSUID },
		{ "nosymfollow", .set = NOSYM },
		{ "symfollow", .clr = NOSYM },
		/* access times: one value, the mask always cleared */
		{ "noatime", .set = NOATIME, .clr = AT },
		{ "strictatime", .set = STRICT, .clr = AT },
		{ "relatime", .clr = AT },
		{ "noatime;relatime", .clr = AT },
		{ "noatime;strictatime", .set = STRICT, .clr = AT },
		{ "strictatime;noatime", .set = NOATIME, .clr = AT },
		{ "atime", .clr = AT },
		{ "noatime;atime", .clr = AT },
		{ "strictatime;atime", .set = STRICT, .clr = AT },
		{ "nostrictatime", .clr = AT },
		{ "noatime;nostrictatime", .set = NOATIME, .clr = AT },
		{ "strictatime;nostrictatime", .clr = AT },
		{ "norelatime", .clr = 0 },
		{ "relatime;norelatime", .clr = 0 },
		{ "noatime;norelatime", .set = NOATIME, .clr = AT },
		{ "nodiratime", .set = NODIR },
		{ "diratime", .clr = NODIR },
		{ "noatime;nodiratime", .set = NOATIME | NODIR, .clr = AT },
		/* the recursive kin */
		{ "rro", .rec_set = RDONLY },
		{ "rrw", .rec_clr = RDONLY },
		{ "ro;rrw", .set = RDONLY, .rec_clr = RDONLY },
		{ "rnosuid;rnodev;rnoexec;rnosymfollow;rnodiratime",
		  .rec_set = NOSUID | NODEV | NOEXEC | NOSYM | NODIR },
		{ "rsuid;rdev;rexec;rsymfollow;rdiratime",
		  .rec_clr = NOSUID | NODEV | NOEXEC | NOSYM | NODIR },
		{ "rnoatime", .rec_set = NOATIME, .rec_clr = AT },
		{ "rstrictatime", .rec_set = STRICT, .rec_clr = AT },
		{ "rrelatime", .rec_clr = AT },
		{ "rnoatime;ratime", .rec_clr = AT },
		{ "rstrictatime;rnostrictatime", .rec_clr = AT },
		{ "rrelatime;rnorelatime", .rec_clr = 0 },
		/* propagation */
		{ "shared", .propagation = MS_SHARED },
		{ "rprivate", .propagation = MS_PRIVATE | MS_REC },
		{ "slave;unbindable", .propagation = MS_UNBINDABLE },
		{ "private;runbindable;rslave", .propagation = MS_SLAVE | MS_REC },
		{ "rshared", .propagation = MS_SHARED | MS_REC },
		/* superblock */
		{ "sync;mand;lazytime;iversion;dirsync",
		  .sb = "dirsync;iversion;lazytime;mand;sync" },
		{ "sync;async;mand;nomand;lazytime;nolazytime;iversion;noiversion", .sb = NULL },
		{ "async;sync", .sb = "sync" },
		/* data */
		{ "mode=755;nosuid;size=64k;newinstance", .set = NOSUID,
		  .data = "mode=755;size=64k;newinstance" },
		{ "size=1m,mode=700,,nr_inodes=2,", .data = "size=1m;mode=700;nr_inodes=2" },
		{ "context=\"a:b:c1,c2\",x", .data = "context=a:b:c1,c2;x" },
		{ "lowerdir=/a\\,b:/c,upperdir=/u", .data = "lowerdir=/a\\,b:/c;upperdir=/u" },
		{ "a\\", .data = "a\\" },
		{ ",", .data = NULL },
		{ "\"\"", .data = NULL },
		{ "\"a,b", .data = "a,b" },
		{ "RO", .data = "RO" },
		{ "ro=1", .data = "ro=1" },
	};
	struct cs_json_doc doc = new_doc();

	for (size_t i = 0; i < CS_LEN(table); i++) {
		const struct row *r = &table[i];
		const struct ctr_mountopt m = parse(&doc, r->opts);

		ck_assert_msg(m.attr_set == r->set, "%s: set %lx", r->opts, m.attr_set);
		ck_assert_msg(m.attr_clr == r->clr, "%s: clr %lx", r->opts, m.attr_clr);
		ck_assert_msg(m.rec_attr_set == r->rec_set, "%s: rec %lx", r->opts, m.rec_attr_set);
		ck_assert_msg(m.rec_attr_clr == r->rec_clr, "%s: rec clr %lx", r->opts,
			      m.rec_attr_clr);
		ck_assert_msg(m.propagation == r->propagation, "%s: %lx", r->opts, m.propagation);
		ck_assert_msg(m.sb_readonly == ((r->set & RDONLY) != 0), "%s", r->opts);
		/* what mount_setattr(2) refuses: part of the atime mask */
		ck_assert((m.attr_clr & AT) == 0 || (m.attr_clr & AT) == AT);
		ck_assert((m.rec_attr_clr & AT) == 0 || (m.rec_attr_clr & AT) == AT);
		same_list("sb", r->opts, m.sb_flags, r->sb);
		same_list("data", r->opts, m.data, r->data);
	}
	cs_json_fini(&doc);
}
END_TEST

static bool same_switches(const struct ctr_mountopt *a, const struct ctr_mountopt *b)
{
	return a->bind == b->bind && a->recursive_bind == b->recursive_bind &&
	       a->remount == b->remount && a->tmpcopyup == b->tmpcopyup && a->idmap == b->idmap &&
	       a->idmap_recursive == b->idmap_recursive && a->copy_symlink == b->copy_symlink &&
	       a->src_nofollow == b->src_nofollow && a->dest_nofollow == b->dest_nofollow;
}

START_TEST(switches)
{
	static const struct {
		const char *opts;
		struct ctr_mountopt want;
	} table[] = {
		{ "bind", { .bind = true } },
		{ "rbind", { .bind = true, .recursive_bind = true } },
		{ "rbind;bind", { .bind = true, .recursive_bind = true } },
		{ "remount", { .remount = true } },
		{ "tmpcopyup", { .tmpcopyup = true } },
		{ "idmap", { .idmap = true } },
		{ "ridmap", { .idmap = true, .idmap_recursive = true } },
		{ "ridmap;idmap", { .idmap = true } },
		{ "copy-symlink", { .copy_symlink = true } },
		{ "src-nofollow", { .src_nofollow = true } },
		{ "dest-nofollow", { .dest_nofollow = true } },
	};
	struct cs_json_doc doc = new_doc();

	for (size_t i = 0; i < CS_LEN(table); i++) {
		const struct ctr_mountopt m = parse(&doc, table[i].opts);

		ck_assert_msg(same_switches(&m, &table[i].want), "%s", table[i].opts);
		ck_assert(!m.attr_set && !m.attr_clr && !m.rec_attr_set && !m.rec_attr_clr);
		ck_assert(!m.propagation && !m.sb_readonly && !m.sb_flags && !m.data);
	}
	cs_json_fini(&doc);
}
END_TEST

START_TEST(nothing)
{
	struct cs_json_doc doc = new_doc();
	struct cs_err err = CS_ERR_INIT;
	struct ctr_mountopt m = { .attr_set = 7, .bind = true, .data = ctr_mountopt_names };

	ck_assert_int_eq(ctr_mountopt_parse(&doc, NULL, &m, &err), 0);
	ck_assert(!m.attr_set && !m.bind && !m.data);
	cs_json_fini(&doc);
}
END_TEST

START_TEST(names)
{
	struct cs_json_doc doc = new_doc();

	ck_assert_uint_eq(ctr_mountopt_n_names, 65);
	for (size_t i = 0; i < ctr_mountopt_n_names; i++) {
		if (i > 0)
			ck_assert_int_lt(strcmp(ctr_mountopt_names[i - 1], ctr_mountopt_names[i]),
					 0);
		/* every one is found: none is taken for data */
		ck_assert_ptr_null(parse(&doc, ctr_mountopt_names[i]).data);
	}
	cs_json_fini(&doc);
}
END_TEST

UNIT_MAIN("runtime/mountopt", rows, switches, nothing, names)
