#include "engine/cp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/ctrroot.h"
#include "engine/untar.h"
#include "engine/userns.h"
#include "images/tarw.h"

enum { LINKS_MAX = 40, CHUNK = 1 << 17 };

/* A side, opened. */
struct place {
	int root;		 /* borrowed, or owned by @own */
	int own;		 /* owned; "/" of the user */
	char path[PATH_MAX];	 /* beneath it, from "/", tidy */
	char name[NAME_MAX + 1]; /* its last component; "" for "/" */
	bool contents;		 /* "/." at its end: what is in it, without its name */
	bool folder;		 /* "/" at its end: it must be a folder */
};
#define PLACE_INIT ((struct place){ .root = -EBADF, .own = -EBADF })

static void place_fini(struct place *p)
{
	cs_close_fd(&p->own);
}
#define auto_place CS_CLEANUP(place_fini)

/* The user's own path from "/". */
static int own_path(const char *text, char *out, size_t size, struct cs_err *err)
{
	char cwd[PATH_MAX], full[2 * PATH_MAX];

	if (*text == '/')
		return eng_path_tidy(text, out, size, err);
	if (!getcwd(cwd, sizeof(cwd)))
		return cs_err_sys(err, "find the working folder");
	if (cs_str_fmt(full, sizeof(full), err, "%s/%s", cwd, text) < 0)
		return -err->code;
	return eng_path_tidy(full, out, size, err);
}

static int place_open(const struct eng_cp_side *s, struct place *p, struct cs_err *err)
{
	size_t len = strlen(s->text);
	const char *slash;

	if (len == 0)
		return cs_err_set(err, EINVAL, "a path is empty");
	p->folder = s->text[len - 1] == '/';
	p->contents =
		strcmp(s->text, ".") == 0 || (len >= 2 && strcmp(s->text + len - 2, "/.") == 0);
	if (s->ctr) {
		p->root = s->ctr->fd;
		memcpy(p->path, s->ctr->path, sizeof(p->path));
	} else {
		p->root = p->own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->root < 0)
			return cs_err_sys(err, "open /");
		if (own_path(s->text, p->path, sizeof(p->path), err) < 0)
			return -err->code;
	}
	slash = strrchr(p->path, '/');
	return cs_str_fmt(p->name, sizeof(p->name), err, "%s", slash + 1);
}

/* --- the source ------------------------------------------------------------------------------- */

struct source {
	struct place p;
	int dir;		 /* owned; the folder that it is in, or it itself */
	char name[NAME_MAX + 1]; /* in @dir; "." */
	struct stat sb;
};
#define SOURCE_INIT ((struct source){ .p = PLACE_INIT, .dir = -EBADF })

static void source_fini(struct source *s)
{
	place_fini(&s->p);
	cs_close_fd(&s->dir);
}
#define auto_source CS_CLEANUP(source_fini)

/* Opens the folder that @path is in; its last component is in @s->name. */
static int open_parent(struct source *s, const char *path, struct cs_err *err)
{
	const char *name = NULL;
	int dir;

	cs_close_fd(&s->dir);
	if (strcmp(path, "/") == 0 || cs_str_in(strrchr(path, '/'), (const char *[]){ "/.." }, 1)) {
		s->dir = cs_path_open(s->p.root, path, O_PATH | O_DIRECTORY, err);
		name = ".";
	} else {
		s->dir = cs_path_parent(s->p.root, path, false, &name, err);
	}
	dir = s->dir;
	if (dir < 0)
		return dir;
	if (cs_str_fmt(s->name, sizeof(s->name), err, "%s", name) < 0)
		return -err->code;
	if (fstatat(dir, s->name, &s->sb, AT_SYMLINK_NOFOLLOW) < 0)
		return cs_err_sys(err, "%s", path);
	return 0;
}

/* While it is a link: what it points to, taken from the root. */
static int follow(struct source *s, char path[PATH_MAX], struct cs_err *err)
{
	for (int i = 0; S_ISLNK(s->sb.st_mode); i++) {
		char target[PATH_MAX], next[2 * PATH_MAX];
		ssize_t n = readlinkat(s->dir, s->name, target, sizeof(target) - 1);
		const char *slash = strrchr(path, '/');

		if (n < 0)
			return cs_err_sys(err, "read link %s", path);
		if (i == LINKS_MAX)
			return cs_err_errno(err, ELOOP, "follow %s", path);
		target[n] = '\0';
		if (*target == '/')
			memcpy(next, target, (size_t)n + 1);
		else if (cs_str_fmt(next, sizeof(next), err, "%.*s/%s", (int)(slash - path), path,
				    target) < 0)
			return -err->code;
		if (eng_path_tidy(next, path, PATH_MAX, err) < 0 || open_parent(s, path, err) < 0)
			return -err->code;
	}
	return 0;
}

static int source_open(const struct eng_cp *cp, struct source *s, struct cs_err *err)
{
	char path[PATH_MAX];

	if (place_open(&cp->from, &s->p, err) < 0)
		return -err->code;
	memcpy(path, s->p.path, sizeof(path));
	if (open_parent(s, path, err) < 0)
		return -err->code;
	if ((cp->follow || s->p.contents || s->p.folder) && follow(s, path, err) < 0)
		return -err->code;
	if ((s->p.contents || s->p.folder) && !S_ISDIR(s->sb.st_mode))
		return cs_err_set(err, ENOTDIR, "%s is no folder", cp->from.text);
	if (S_ISSOCK(s->sb.st_mode))
		return cs_err_set(err, EINVAL, "%s is a socket", cp->from.text);
	if (!*s->p.name || strcmp(s->p.name, "..") == 0)
		s->p.contents = true;
	return 0;
}

/* As the tar's entry @as. */
static int send(const struct source *s, const char *as, img_bytes_fn fn, void *ctx,
		struct cs_err *err)
{
	struct img_tarw w = { .fn = fn, .ctx = ctx };
	cs_auto_fd int in = -EBADF;
	int ret;

	if (strcmp(as, ".") != 0) {
		ret = img_tarw_tree(&w, s->dir, s->name, as, err);
		return ret < 0 ? ret : img_tarw_end(&w, err);
	}
	in = openat(s->dir, s->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return cs_err_sys(err, "open folder %s", s->name);
	ret = img_tarw_tree(&w, in, ".", ".", err);
	return ret < 0 ? ret : img_tarw_end(&w, err);
}

/* --- the target ------------------------------------------------------------------------------- */

struct target {
	struct place p;
	char base[PATH_MAX];   /* the folder that is written to */
	char as[NAME_MAX + 1]; /* what the source is called in it */
	int file;	       /* owned; written in place */
};
#define TARGET_INIT ((struct target){ .p = PLACE_INIT, .file = -EBADF })

static void target_fini(struct target *t)
{
	place_fini(&t->p);
	cs_close_fd(&t->file);
}
#define auto_target CS_CLEANUP(target_fini)

/* Something is there, and no folder: a file is written to, whatever names it has. */
static int target_file(const struct eng_cp *cp, const struct source *s, struct target *t, int fd,
		       const struct stat *sb, struct cs_err *err)
{
	char self[40];

	if (S_ISDIR(s->sb.st_mode))
		return cs_err_set(err, ENOTDIR, "%s is a folder, and %s is none", cp->from.text,
				  cp->to.text);
	if (t->p.folder || t->p.contents)
		return cs_err_set(err, ENOTDIR, "%s is no folder", cp->to.text);
	if (!S_ISREG(s->sb.st_mode))
		return 0;
	if (!S_ISREG(sb->st_mode))
		return cs_err_set(err, EEXIST, "%s is no regular file", cp->to.text);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	t->file = open(self, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	return t->file < 0 ? cs_err_sys(err, "write %s", cp->to.text) : 0;
}

/* The name @t->p.name in its folder, which must be there. */
static int target_new(const struct eng_cp *cp, const struct source *s, struct target *t,
		      struct cs_err *err)
{
	char *slash;
	int fd;

	if ((t->p.folder || t->p.contents) && !S_ISDIR(s->sb.st_mode))
		return cs_err_set(err, ENOENT, "%s: there is no such folder", cp->to.text);
	memcpy(t->base, t->p.path, sizeof(t->base));
	slash = strrchr(t->base, '/');
	slash[slash == t->base ? 1 : 0] = '\0';
	memcpy(t->as, t->p.name, sizeof(t->as));
	fd = cs_path_open(t->p.root, t->base, O_PATH | O_DIRECTORY, err);
	if (fd < 0)
		return cs_err_wrap(err, "%s", cp->to.text);
	close(fd);
	return 0;
}

static int target_open(const struct eng_cp *cp, const struct source *s, struct target *t,
		       struct cs_err *err)
{
	struct cs_err why = CS_ERR_INIT;
	cs_auto_fd int fd = -EBADF;
	struct stat sb;

	if (place_open(&cp->to, &t->p, err) < 0)
		return -err->code;
	fd = cs_path_open(t->p.root, t->p.path, O_PATH, &why);
	if (fd < 0 && why.code != ENOENT) {
		*err = why;
		return -err->code;
	}
	if (fd >= 0 && fstat(fd, &sb) < 0)
		return cs_err_sys(err, "look at %s", cp->to.text);
	if (fd >= 0 && S_ISDIR(sb.st_mode)) {
		memcpy(t->base, t->p.path, sizeof(t->base));
		return cs_str_fmt(t->as, sizeof(t->as), err, "%s", s->p.contents ? "." : s->p.name);
	}
	if (fd >= 0 && target_file(cp, s, t, fd, &sb, err) < 0)
		return -err->code;
	return target_new(cp, s, t, err);
}

/* Whose the files are without --archive: a container's root's, or the caller's. */
static int set_owner(const struct eng_cp *cp, struct eng_untar_opts *o, struct cs_err *err)
{
	if (cp->to.ctr)
		return eng_userns_root(&cp->to.ctr->r, &o->uid, &o->gid, err);
	o->uid = geteuid();
	o->gid = getegid();
	return 0;
}

static int untar_new(const struct eng_cp *cp, const struct target *t, bool owners,
		     struct eng_untar **out, struct cs_err *err)
{
	struct eng_untar_opts o = {
		.root = t->p.root,
		.base = t->base,
		.follow = cp->to.ctr != NULL,
		.file = t->file,
		.owners = owners,
		.special = cp->archive || cp->to.ctr,
		.xattrs = cp->archive || cp->to.ctr,
	};

	/* what a container made is not to become a device or a setuid program of the host's */
	if (!cp->to.ctr && cp->from.ctr && !cp->archive)
		o.special = false;
	if (set_owner(cp, &o, err) < 0)
		return -err->code;
	return eng_untar_new(&o, out, err);
}

static int to_untar(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	return eng_untar_write(ctx, buf, len, err);
}

static int finish(struct eng_cp *cp, struct eng_untar *u, int ret, struct cs_err *err)
{
	if (ret == 0)
		ret = eng_untar_end(u, err);
	cp->bytes = eng_untar_bytes(u);
	cp->skipped = eng_untar_skipped(u);
	return ret;
}

int eng_cp(struct eng_cp *cp, struct cs_err *err)
{
	auto_source struct source s = SOURCE_INIT;
	auto_target struct target t = TARGET_INIT;
	eng_auto_untar struct eng_untar *u = NULL;

	if (source_open(cp, &s, err) < 0 || target_open(cp, &s, &t, err) < 0 ||
	    untar_new(cp, &t, cp->archive, &u, err) < 0)
		return -err->code;
	return finish(cp, u, send(&s, t.as, to_untar, u, err), err);
}

struct out {
	struct eng_cp *cp;
	int fd;
};

static int to_fd(void *ctx, const void *buf, size_t len, struct cs_err *err)
{
	const struct out *o = ctx;

	o->cp->bytes += len;
	return cs_fd_write_all(o->fd, buf, len, err);
}

int eng_cp_out(struct eng_cp *cp, int fd, struct cs_err *err)
{
	auto_source struct source s = SOURCE_INIT;
	struct out o = { .cp = cp, .fd = fd };

	if (source_open(cp, &s, err) < 0)
		return -err->code;
	return send(&s, s.p.contents ? "." : s.p.name, to_fd, &o, err);
}

int eng_cp_in(struct eng_cp *cp, int fd, struct cs_err *err)
{
	auto_source struct source none = SOURCE_INIT;
	auto_target struct target t = TARGET_INIT;
	eng_auto_untar struct eng_untar *u = NULL;
	cs_auto_free char *buf = malloc(CHUNK);
	ssize_t n = 1;
	int ret = 0;

	if (!buf)
		return cs_err_set(err, ENOMEM, "out of memory");
	none.sb.st_mode = S_IFDIR;
	none.p.contents = true;
	if (target_open(cp, &none, &t, err) < 0)
		return -err->code;
	if (strcmp(t.as, ".") != 0)
		return cs_err_set(err, ENOENT, "%s: there is no such folder", cp->to.text);
	if (untar_new(cp, &t, true, &u, err) < 0)
		return -err->code;
	while (ret == 0 && n != 0) {
		n = read(fd, buf, CHUNK);
		if (n > 0)
			ret = eng_untar_write(u, buf, (size_t)n, err);
		else if (n < 0 && errno != EINTR)
			ret = cs_err_sys(err, "read the tar");
	}
	return finish(cp, u, ret, err);
}
