#include "images/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "images/base64.h"
#include "images/creds_int.h"

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void img_creds_fini(struct img_creds *c)
{
	wipe(&c->user);
	wipe(&c->secret);
	wipe(&c->identity);
}

int img_creds_from_text(const char *text, struct img_creds *out, struct cs_err *err)
{
	const char *colon = strchr(text, ':');
	struct img_creds c = IMG_CREDS_INIT;

	if (!*text || colon == text)
		return cs_err_set(err, EINVAL, "credentials without a user's name");
	c.user = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	c.secret = strdup(colon ? colon + 1 : "");
	if (!c.user || !c.secret) {
		img_creds_fini(&c);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	*out = c;
	return 0;
}

bool img_helper_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
				"");

	return n > 0 && n < IMG_HELPER_NAME && !name[n] && name[0] != '.' && name[0] != '-';
}

/* The credentials in an "auths" entry. Returns 1, or 0 when it is empty, as docker leaves it
 * where a helper has them. */
static int from_entry(const struct cs_json *e, struct img_creds *out, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const char *auth = "", *identity = "";
	struct img_creds c = IMG_CREDS_INIT;

	if (e->type != CS_JSON_OBJECT)
		return cs_json_err(e, err, EINVAL, "must be an object");
	if (cs_json_str(e, "auth", &auth, err) < 0 ||
	    cs_json_str(e, "identitytoken", &identity, err) < 0)
		return -err->code;
	if (!*auth && !*identity)
		return 0;
	if (*auth) {
		int ret = img_base64_get(&b, auth);

		if (ret < 0 || b.failed || strlen(b.s ? b.s : "") != b.len)
			return cs_json_err(e, err, EINVAL, "auth is no base64 of USER:PASSWORD");
		ret = img_creds_from_text(b.s ? b.s : "", &c, err);
		if (b.s)
			explicit_bzero(b.s, b.len);
		if (ret < 0)
			return ret;
	}
	if (*identity) {
		c.identity = strdup(identity);
		if (!c.identity) {
			img_creds_fini(&c);
			return cs_err_set(err, ENOMEM, "out of memory");
		}
	}
	*out = c;
	return 1;
}

/* Does a key mean the host in docker's way: "https://host/v1/", "host/v2"? */
static bool means_host(const char *key, const char *host)
{
	size_t n = strlen(host);

	if (strncasecmp(key, "https://", 8) == 0)
		key += 8;
	else if (strncasecmp(key, "http://", 7) == 0)
		key += 7;
	if (strncmp(key, host, n) != 0)
		return false;
	key += n;
	return !*key || strcmp(key, "/") == 0 || strcmp(key, "/v1") == 0 ||
	       strcmp(key, "/v1/") == 0 || strcmp(key, "/v2") == 0 || strcmp(key, "/v2/") == 0;
}

/* The entry for "host/a/b", "host/a", "host", the nearest first. */
static const struct cs_json *entry_of(const struct cs_json *auths, const char *host,
				      const char *path)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;
	const struct cs_json *e = NULL;

	cs_buf_addf(&b, "%s%s%s", host, *path ? "/" : "", path);
	while (b.s && !b.failed) {
		char *slash = strrchr(b.s, '/');

		e = cs_json_get(auths, b.s);
		if (e || !slash)
			break;
		*slash = '\0';
	}
	if (e || !auths)
		return e;
	cs_json_for_each (e, auths)
		if (means_host(e->key, host))
			return e;
	return NULL;
}

static int take_helper(const char *name, struct img_authfile *out, struct cs_err *err)
{
	if (!img_helper_name_ok(name))
		return cs_err_set(err, EINVAL,
				  "the name of a credential helper may only have "
				  "letters, digits, \"-\", \"_\" and \".\"");
	memcpy(out->helper, name, strlen(name) + 1);
	out->found = IMG_AUTHFILE_HELPER;
	return 0;
}

int img_authfile_look(const char *buf, size_t len, const char *host, const char *path,
		      struct img_authfile *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct cs_json *auths = NULL, *helpers = NULL, *e;
	const char *name = "", *store = "";
	int ret = cs_json_parse(buf, len, "auth file", &doc, err);

	if (ret < 0)
		return ret;
	if (doc.root->type != CS_JSON_OBJECT)
		return cs_json_err(doc.root, err, EINVAL, "must be an object");
	if (cs_json_obj(doc.root, "auths", &auths, err) < 0 ||
	    cs_json_obj(doc.root, "credHelpers", &helpers, err) < 0 ||
	    cs_json_str(helpers, host, &name, err) < 0 ||
	    cs_json_str(doc.root, "credsStore", &store, err) < 0)
		return -err->code;
	if (*name)
		return take_helper(name, out, err);
	e = entry_of(auths, host, path);
	ret = e ? from_entry(e, &out->creds, err) : 0;
	if (ret < 0)
		return ret;
	if (!ret && *store)
		return take_helper(store, out, err);
	if (ret)
		out->found = IMG_AUTHFILE_CREDS;
	return 0;
}

/* --- the files ---------------------------------------------------------------------------------
 */

/* Path number @i of the files to look in; "" is past the last, 1 means skip. */
static int nth_file(const char *authfile, size_t i, char *out, size_t size, struct cs_err *err)
{
	const char *given = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	const char *run = getenv("XDG_RUNTIME_DIR"), *conf = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	out[0] = '\0';
	if (given && *given)
		return i ? 0 : cs_str_fmt(out, size, err, "%s", given);
	if (i == 0 && run && *run == '/')
		return cs_str_fmt(out, size, err, "%s/containers/auth.json", run);
	if (i == 0)
		return cs_str_fmt(out, size, err, "/run/containers/%u/auth.json",
				  (unsigned int)getuid());
	if (i == 1 && conf && *conf == '/')
		return cs_str_fmt(out, size, err, "%s/containers/auth.json", conf);
	if (i > 2)
		return 0;
	if (!home || *home != '/')
		return 1;
	return cs_str_fmt(out, size, err,
			  i == 1 ? "%s/.config/containers/auth.json" : "%s/.docker/config.json",
			  home);
}

int img_authfile_path(const char *authfile, char *out, size_t size, struct cs_err *err)
{
	return nth_file(authfile, 0, out, size, err);
}

/* Follows a symlink, as many keep their settings elsewhere. */
int img_authfile_read(const char *path, char **text, size_t *len, struct cs_err *err)
{
	cs_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int ret;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return cs_err_sys(err, "open %s", path);
	ret = cs_fd_read_all(fd, IMG_AUTHFILE_MAX, text, len, err);
	return ret < 0 ? cs_err_wrap(err, "read %s", path) : 1;
}

/* Looks in one file. Returns 1 found, 0 not. */
static int look_in(const char *path, const char *host, const char *repo, struct img_creds *out,
		   struct cs_err *err)
{
	struct img_authfile f = IMG_AUTHFILE_INIT;
	cs_auto_free char *text = NULL;
	size_t len = 0;
	int ret = img_authfile_read(path, &text, &len, err);

	if (ret > 0) {
		ret = img_authfile_look(text, len, host, repo, &f, err);
		explicit_bzero(text, len);
	}
	if (ret < 0)
		return cs_err_wrap(err, "%s", path);
	if (f.found == IMG_AUTHFILE_HELPER)
		return img_helper_get(f.helper, host, out, err);
	*out = f.creds;
	return f.found == IMG_AUTHFILE_CREDS;
}

int img_creds_find(const char *authfile, const char *host, const char *path, struct img_creds *out,
		   struct cs_err *err)
{
	char file[PATH_MAX];

	for (size_t i = 0;; i++) {
		int ret = nth_file(authfile, i, file, sizeof(file), err);
		if (ret > 0)
			continue;
		if (ret < 0 || !file[0])
			return ret;
		ret = look_in(file, host, path, out, err);
		if (ret)
			return ret;
	}
}

int img_creds_where(const char *authfile, const char *host, const char *path, char *file,
		    size_t size, struct cs_err *err)
{
	for (size_t i = 0;; i++) {
		img_auto_creds struct img_creds c = IMG_CREDS_INIT;
		int ret = nth_file(authfile, i, file, size, err);

		if (ret > 0)
			continue;
		if (ret < 0 || !file[0])
			return ret;
		ret = look_in(file, host, path, &c, err);
		if (ret)
			return ret;
	}
}
