#include "runtime/mountopt.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

enum kind {
	NOTHING,   /* the default, or only about the kernel's log */
	ATTR_SET,  /* value: MOUNT_ATTR_* */
	ATTR_CLR,  /* value: MOUNT_ATTR_* */
	ATIME,	   /* value: one of the modes under MOUNT_ATTR__ATIME */
	ATIME_NOT, /* value: the mode that is not wanted */
	SB_SET,	   /* value: 1 << index in sb_names */
	SB_CLR,
	PROPAGATION, /* value: MS_SHARED, … */
	SWITCH,	     /* value: enum which */
};

/* The attributes of the r-forms are for the whole tree: a bit no MOUNT_ATTR_* uses. */
#define REC (1ULL << 63)

enum which {
	BIND,
	RBIND,
	REMOUNT,
	TMPCOPYUP,
	IDMAP,
	RIDMAP,
	COPY_SYMLINK,
	SRC_NOFOLLOW,
	DEST_NOFOLLOW,
};

/* By the name fsconfig(2) has for them. */
static const char *const sb_names[] = { "dirsync", "iversion", "lazytime", "mand", "sync" };
enum {
	SB_DIRSYNC = 1 << 0,
	SB_IVERSION = 1 << 1,
	SB_LAZYTIME = 1 << 2,
	SB_MAND = 1 << 3,
	SB_SYNC = 1 << 4,
};

/* Every known option, sorted: the one list behind the table and ctr_mountopt_names. */
#define OPTIONS(X)                                                   \
	X("async", SB_CLR, SB_SYNC)                                  \
	X("atime", ATIME_NOT, MOUNT_ATTR_NOATIME)                    \
	X("bind", SWITCH, BIND)                                      \
	X("copy-symlink", SWITCH, COPY_SYMLINK)                      \
	X("defaults", NOTHING, 0)                                    \
	X("dest-nofollow", SWITCH, DEST_NOFOLLOW)                    \
	X("dev", ATTR_CLR, MOUNT_ATTR_NODEV)                         \
	X("diratime", ATTR_CLR, MOUNT_ATTR_NODIRATIME)               \
	X("dirsync", SB_SET, SB_DIRSYNC)                             \
	X("exec", ATTR_CLR, MOUNT_ATTR_NOEXEC)                       \
	X("idmap", SWITCH, IDMAP)                                    \
	X("iversion", SB_SET, SB_IVERSION)                           \
	X("lazytime", SB_SET, SB_LAZYTIME)                           \
	X("loud", NOTHING, 0)                                        \
	X("mand", SB_SET, SB_MAND)                                   \
	X("noatime", ATIME, MOUNT_ATTR_NOATIME)                      \
	X("nodev", ATTR_SET, MOUNT_ATTR_NODEV)                       \
	X("nodiratime", ATTR_SET, MOUNT_ATTR_NODIRATIME)             \
	X("noexec", ATTR_SET, MOUNT_ATTR_NOEXEC)                     \
	X("noiversion", SB_CLR, SB_IVERSION)                         \
	X("nolazytime", SB_CLR, SB_LAZYTIME)                         \
	X("nomand", SB_CLR, SB_MAND)                                 \
	X("norelatime", ATIME_NOT, MOUNT_ATTR_RELATIME)              \
	X("nostrictatime", ATIME_NOT, MOUNT_ATTR_STRICTATIME)        \
	X("nosuid", ATTR_SET, MOUNT_ATTR_NOSUID)                     \
	X("nosymfollow", ATTR_SET, MOUNT_ATTR_NOSYMFOLLOW)           \
	X("private", PROPAGATION, MS_PRIVATE)                        \
	X("ratime", ATIME_NOT, REC | MOUNT_ATTR_NOATIME)             \
	X("rbind", SWITCH, RBIND)                                    \
	X("rdev", ATTR_CLR, REC | MOUNT_ATTR_NODEV)                  \
	X("rdiratime", ATTR_CLR, REC | MOUNT_ATTR_NODIRATIME)        \
	X("relatime", ATIME, MOUNT_ATTR_RELATIME)                    \
	X("remount", SWITCH, REMOUNT)                                \
	X("rexec", ATTR_CLR, REC | MOUNT_ATTR_NOEXEC)                \
	X("ridmap", SWITCH, RIDMAP)                                  \
	X("rnoatime", ATIME, REC | MOUNT_ATTR_NOATIME)               \
	X("rnodev", ATTR_SET, REC | MOUNT_ATTR_NODEV)                \
	X("rnodiratime", ATTR_SET, REC | MOUNT_ATTR_NODIRATIME)      \
	X("rnoexec", ATTR_SET, REC | MOUNT_ATTR_NOEXEC)              \
	X("rnorelatime", ATIME_NOT, REC | MOUNT_ATTR_RELATIME)       \
	X("rnostrictatime", ATIME_NOT, REC | MOUNT_ATTR_STRICTATIME) \
	X("rnosuid", ATTR_SET, REC | MOUNT_ATTR_NOSUID)              \
	X("rnosymfollow", ATTR_SET, REC | MOUNT_ATTR_NOSYMFOLLOW)    \
	X("ro", ATTR_SET, MOUNT_ATTR_RDONLY)                         \
	X("rprivate", PROPAGATION, MS_REC | MS_PRIVATE)              \
	X("rrelatime", ATIME, REC | MOUNT_ATTR_RELATIME)             \
	X("rro", ATTR_SET, REC | MOUNT_ATTR_RDONLY)                  \
	X("rrw", ATTR_CLR, REC | MOUNT_ATTR_RDONLY)                  \
	X("rshared", PROPAGATION, MS_REC | MS_SHARED)                \
	X("rslave", PROPAGATION, MS_REC | MS_SLAVE)                  \
	X("rstrictatime", ATIME, REC | MOUNT_ATTR_STRICTATIME)       \
	X("rsuid", ATTR_CLR, REC | MOUNT_ATTR_NOSUID)                \
	X("rsymfollow", ATTR_CLR, REC | MOUNT_ATTR_NOSYMFOLLOW)      \
	X("runbindable", PROPAGATION, MS_REC | MS_UNBINDABLE)        \
	X("rw", ATTR_CLR, MOUNT_ATTR_RDONLY)                         \
	X("shared", PROPAGATION, MS_SHARED)                          \
	X("silent", NOTHING, 0)                                      \
	X("slave", PROPAGATION, MS_SLAVE)                            \
	X("src-nofollow", SWITCH, SRC_NOFOLLOW)                      \
	X("strictatime", ATIME, MOUNT_ATTR_STRICTATIME)              \
	X("suid", ATTR_CLR, MOUNT_ATTR_NOSUID)                       \
	X("symfollow", ATTR_CLR, MOUNT_ATTR_NOSYMFOLLOW)             \
	X("sync", SB_SET, SB_SYNC)                                   \
	X("tmpcopyup", SWITCH, TMPCOPYUP)                            \
	X("unbindable", PROPAGATION, MS_UNBINDABLE)

struct option {
	const char *name;
	enum kind kind;
	uint64_t value;
};

#define ROW(name, kind, value) { name, kind, value },
#define NAME(name, kind, value) name,
static const struct option options[] = { OPTIONS(ROW) };
const char *const ctr_mountopt_names[] = { OPTIONS(NAME) };
const size_t ctr_mountopt_n_names = CS_LEN(ctr_mountopt_names);

static int option_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct option *)row)->name);
}

static const struct option *option_find(const char *name)
{
	return bsearch(name, options, CS_LEN(options), sizeof(options[0]), option_cmp);
}

/* "atime" says only that it is not noatime, and so on: it takes back that mode, not another one;
 * what is left is relatime, or, where relatime was taken back, whatever the mount has. */
static void atime_not(uint64_t *set, uint64_t *clr, uint64_t mode)
{
	if ((*clr & MOUNT_ATTR__ATIME) && (*set & MOUNT_ATTR__ATIME) != mode)
		return;
	*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	if (mode == MOUNT_ATTR_RELATIME)
		*clr &= ~(uint64_t)MOUNT_ATTR__ATIME;
	else
		*clr |= MOUNT_ATTR__ATIME;
}

static void attr_apply(struct ctr_mountopt *m, const struct option *o)
{
	uint64_t *set = o->value & REC ? &m->rec_attr_set : &m->attr_set;
	uint64_t *clr = o->value & REC ? &m->rec_attr_clr : &m->attr_clr;
	uint64_t v = o->value & ~REC;

	if (o->kind == ATTR_SET) {
		*set |= v;
		*clr &= ~v;
	} else if (o->kind == ATTR_CLR) {
		*set &= ~v;
		*clr |= v;
	} else if (o->kind == ATIME) {
		*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | v;
		*clr |= MOUNT_ATTR__ATIME;
	} else {
		atime_not(set, clr, v);
	}
	if (o->value == MOUNT_ATTR_RDONLY)
		m->sb_readonly = o->kind == ATTR_SET;
}

static void switch_apply(struct ctr_mountopt *m, enum which which)
{
	switch (which) {
	case RBIND:
		m->recursive_bind = true;
		m->bind = true;
		break;
	case BIND:
		m->bind = true;
		break;
	case REMOUNT:
		m->remount = true;
		break;
	case TMPCOPYUP:
		m->tmpcopyup = true;
		break;
	case IDMAP:
	case RIDMAP:
		m->idmap = true;
		m->idmap_recursive = which == RIDMAP;
		break;
	case COPY_SYMLINK:
		m->copy_symlink = true;
		break;
	case SRC_NOFOLLOW:
		m->src_nofollow = true;
		break;
	case DEST_NOFOLLOW:
		m->dest_nofollow = true;
		break;
	}
}

static void apply(struct ctr_mountopt *m, const struct option *o, unsigned int *sb)
{
	switch (o->kind) {
	case NOTHING:
		break;
	case ATTR_SET:
	case ATTR_CLR:
	case ATIME:
	case ATIME_NOT:
		attr_apply(m, o);
		break;
	case SB_SET:
		*sb |= (unsigned int)o->value;
		break;
	case SB_CLR:
		*sb &= ~(unsigned int)o->value;
		break;
	case PROPAGATION:
		m->propagation = (unsigned long)o->value;
		break;
	case SWITCH:
		switch_apply(m, (enum which)o->value);
		break;
	}
}

static int sb_flags(const struct cs_json_doc *doc, unsigned int sb, struct ctr_mountopt *m,
		    struct cs_err *err)
{
	const char **v;
	size_t n = 0;

	if (!sb)
		return 0;
	v = cs_json_alloc(doc, CS_LEN(sb_names) + 1, sizeof(*v));
	if (!v)
		return cs_err_set(err, ENOMEM, "mount options: out of memory");
	for (size_t i = 0; i < CS_LEN(sb_names); i++) {
		if (sb & (1U << i))
			v[n++] = sb_names[i];
	}
	m->sb_flags = v;
	return 0;
}

/* How many pieces @s may have at most. */
static size_t pieces(const char *s)
{
	size_t n = 1;

	for (; *s; s++)
		n += *s == ',';
	return n;
}

/* Cuts @s in place into @v; returns how many pieces. What is written never overtakes what is
 * read: quotes and empty pieces go. */
static size_t split(char *s, const char **v)
{
	char *start = s, *w = s;
	bool quoted = false;
	size_t n = 0;

	for (;; s++) {
		char c = *s;

		if (c == '"') {
			quoted = !quoted;
		} else if (c == '\\' && s[1]) {
			*w++ = c;
			*w++ = *++s;
		} else if (c && (c != ',' || quoted)) {
			*w++ = c;
		} else {
			*w++ = '\0';
			if (*start)
				v[n++] = start;
			start = w;
			if (!c)
				return n;
		}
	}
}

static int data(const struct cs_json_doc *doc, const char *const *opts, size_t max,
		struct ctr_mountopt *m, struct cs_err *err)
{
	const char **v = cs_json_alloc(doc, max + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return cs_err_set(err, ENOMEM, "mount options: out of memory");
	for (; *opts; opts++) {
		size_t len = strlen(*opts) + 1;
		char *copy;

		if (option_find(*opts))
			continue;
		copy = cs_json_alloc(doc, len, 1);
		if (!copy)
			return cs_err_set(err, ENOMEM, "mount options: out of memory");
		memcpy(copy, *opts, len);
		n += split(copy, v + n);
	}
	if (n)
		m->data = v;
	return 0;
}

int ctr_mountopt_parse(const struct cs_json_doc *doc, const char *const *opts,
		       struct ctr_mountopt *out, struct cs_err *err)
{
	struct ctr_mountopt m = { 0 };
	unsigned int sb = 0;
	size_t max = 0;
	int rc;

	for (size_t i = 0; opts && opts[i]; i++) {
		const struct option *o = option_find(opts[i]);

		if (o)
			apply(&m, o, &sb);
		else
			max += pieces(opts[i]);
	}
	rc = sb_flags(doc, sb, &m, err);
	if (rc == 0 && max)
		rc = data(doc, opts, max, &m, err);
	if (rc == 0)
		*out = m;
	return rc;
}
