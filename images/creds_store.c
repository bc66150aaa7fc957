#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "images/base64.h"
#include "images/creds.h"
#include "images/creds_int.h"

/* Writing auth.json: all that others have in it stays; 0600, whole or not at all, one writer at a
 * time. */

struct authfile {
	int dirfd; /* owned */
	int lock;  /* owned */
	char path[PATH_MAX];
	const char *name; /* in path */
	char *text;	  /* owned; NULL: there was none */
	struct cs_json_doc doc;
};

static void close_file(struct authfile *f)
{
	cs_close_fd(&f->lock);
	cs_close_fd(&f->dirfd);
	cs_json_fini(&f->doc);
	if (f->text)
		explicit_bzero(f->text, strlen(f->text));
	free(f->text);
	f->text = NULL;
}

/* Makes the folders above the file, private ones. */
static int make_parents(char *path, struct cs_err *err)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int ret;

		*p = '\0';
		ret = mkdir(path, 0700);
		if (ret < 0 && errno != EEXIST)
			ret = cs_err_sys(err, "make folder %s", path);
		else
			ret = 0;
		*p = '/';
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* A symlink is followed: the file it leads to is replaced, not the link. */
static int resolve(char path[PATH_MAX], struct cs_err *err)
{
	cs_auto_free char *real = realpath(path, NULL);

	if (!real)
		return errno == ENOENT ? 0 : cs_err_sys(err, "find %s", path);
	return cs_str_fmt(path, PATH_MAX, err, "%s", real);
}

static int open_file(const char *authfile, struct authfile *f, struct cs_err *err)
{
	char dir[PATH_MAX];
	size_t len = 0;
	char *slash;
	int ret;

	*f = (struct authfile){ .dirfd = -EBADF, .lock = -EBADF };
	ret = img_authfile_path(authfile, f->path, sizeof(f->path), err);
	if (!ret)
		ret = make_parents(f->path, err);
	if (!ret)
		ret = resolve(f->path, err);
	if (ret < 0)
		return ret;
	memcpy(dir, f->path, strlen(f->path) + 1);
	slash = strrchr(dir, '/');
	f->name = slash ? f->path + (slash - dir) + 1 : f->path;
	if (slash)
		slash[slash == dir] = '\0';
	f->dirfd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return cs_err_sys(err, "open folder %s", slash ? dir : ".");
	f->lock = cs_file_lock(f->dirfd, ".auth.json.lock", false, err);
	if (f->lock < 0)
		return f->lock;
	ret = img_authfile_read(f->path, &f->text, &len, err);
	if (ret <= 0)
		return ret;
	ret = cs_json_parse(f->text, len, f->path, &f->doc, err);
	if (!ret && f->doc.root->type != CS_JSON_OBJECT)
		ret = cs_err_set(err, EINVAL, "%s is no JSON object", f->path);
	return ret;
}

static void put_entry(struct cs_jw *w, const char *key, const struct img_creds *c)
{
	struct cs_buf pair = CS_BUF_INIT, auth = CS_BUF_INIT;

	cs_jw_obj(w, key);
	if (c->user) {
		cs_buf_addf(&pair, "%s:%s", c->user, c->secret);
		img_base64_put(&auth, pair.s, pair.len);
		cs_jw_str(w, "auth", auth.s);
		w->buf.failed |= pair.failed || auth.failed;
		if (pair.s)
			explicit_bzero(pair.s, pair.len);
		if (auth.s)
			explicit_bzero(auth.s, auth.len);
		cs_buf_fini(&pair);
		cs_buf_fini(&auth);
	}
	if (c->identity)
		cs_jw_str(w, "identitytoken", c->identity);
	cs_jw_obj_end(w);
}

/* Writes the file with @key's entry replaced by @c (NULL: without it; @key NULL: without any). */
static int write_file(const struct authfile *f, const char *key, const struct img_creds *c,
		      struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = { .pretty = true };
	const struct cs_json *m, *auths = cs_json_get(f->doc.root, "auths");
	cs_auto_free char *text = NULL;
	size_t len;
	int ret;

	cs_jw_obj(&w, NULL);
	if (f->doc.root)
		cs_json_for_each (m, f->doc.root)
			if (strcmp(m->key, "auths") != 0)
				cs_jw_value(&w, m->key, m);
	cs_jw_obj(&w, "auths");
	if (auths)
		cs_json_for_each (m, auths)
			if (key && strcmp(m->key, key) != 0)
				cs_jw_value(&w, m->key, m);
	if (c)
		put_entry(&w, key, c);
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &text, &len, err);
	if (ret < 0)
		return ret;
	ret = cs_file_replace(f->dirfd, f->name, text, len, 0600, true, err);
	explicit_bzero(text, len);
	return ret < 0 ? cs_err_wrap(err, "%s", f->path) : 0;
}

static int check_helper(const struct authfile *f, const char *name, struct cs_err *err)
{
	if (img_helper_name_ok(name))
		return 0;
	return cs_err_set(err, EINVAL,
			  "%s: the name of a credential helper may only have letters, digits, "
			  "\"-\", \"_\" and \".\"",
			  f->path);
}

/* The helper that the file names for @key; "" when none. */
static int helper_of(const struct authfile *f, const char *key, const char **out,
		     struct cs_err *err)
{
	const struct cs_json *helpers = NULL;

	*out = "";
	if (!f->doc.root)
		return 0;
	if (cs_json_obj(f->doc.root, "credHelpers", &helpers, err) < 0 ||
	    cs_json_str(f->doc.root, "credsStore", out, err) < 0 ||
	    cs_json_str(helpers, key, out, err) < 0)
		return -err->code;
	return **out ? check_helper(f, *out, err) : 0;
}

int img_creds_store(const char *authfile, const char *key, const struct img_creds *c,
		    struct cs_err *err)
{
	struct authfile f;
	const char *helper;
	int ret = open_file(authfile, &f, err);

	if (!ret)
		ret = helper_of(&f, key, &helper, err);
	if (!ret)
		ret = *helper ? img_helper_store(helper, key, c, err) : write_file(&f, key, c, err);
	close_file(&f);
	return ret;
}

/* Empties the helpers that the file names. Returns how many entries there were. */
static int erase_helpers(const struct authfile *f, struct cs_err *err)
{
	const struct cs_json *helpers = NULL, *e;
	const char *store = "", *name;
	int n = 0, ret;

	if (!f->doc.root)
		return 0;
	if (cs_json_obj(f->doc.root, "credHelpers", &helpers, err) < 0 ||
	    cs_json_str(f->doc.root, "credsStore", &store, err) < 0)
		return -err->code;
	if (helpers)
		cs_json_for_each (e, helpers) {
			ret = cs_json_as_str(e, &name, err);
			if (ret >= 0)
				ret = check_helper(f, name, err);
			if (!ret)
				ret = img_helper_erase(name, e->key, err);
			if (ret < 0)
				return ret;
			n++;
		}
	if (!*store)
		return n;
	ret = check_helper(f, store, err);
	if (!ret)
		ret = img_helper_erase_all(store, err);
	return ret < 0 ? ret : n + ret;
}

static int erase_all(const struct authfile *f, struct cs_err *err)
{
	const struct cs_json *auths = cs_json_get(f->doc.root, "auths"), *e;
	int n = erase_helpers(f, err), ret = 0, here = 0;

	if (n < 0)
		return n;
	if (auths)
		cs_json_for_each (e, auths)
			here++;
	if (here)
		ret = write_file(f, NULL, NULL, err);
	return ret < 0 ? ret : n + here;
}

static int erase_one(const struct authfile *f, const char *key, struct cs_err *err)
{
	const struct cs_json *auths = cs_json_get(f->doc.root, "auths");
	const char *helper = "";
	int ret = helper_of(f, key, &helper, err);

	if (ret < 0)
		return ret;
	if (*helper)
		ret = img_helper_erase(helper, key, err);
	else if (!auths || !cs_json_get(auths, key))
		return 0;
	else
		ret = write_file(f, key, NULL, err);
	return ret < 0 ? ret : 1;
}

int img_creds_erase(const char *authfile, const char *key, struct cs_err *err)
{
	struct authfile f;
	int ret = open_file(authfile, &f, err);

	if (ret >= 0)
		ret = key ? erase_one(&f, key, err) : erase_all(&f, err);
	close_file(&f);
	return ret;
}
