#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "images/http_int.h"
#include "images/url.h"

/* certs.d, as container engines share it: <folder>/<host:port>/ with *.crt, authorities to trust
 * besides the system's, and pairs of *.cert and *.key, the client's own. */

enum { CERT_MAX = 1 << 20 };

static const char *const folders[] = {
	"/etc/caisson/certs.d",
	"/etc/containers/certs.d",
	"/etc/docker/certs.d",
};

static bool ends(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n > t && strcmp(s + n - t, tail) == 0;
}

struct found {
	struct cs_buf ca;
	char *cert; /* name of the first *.cert */
};

static int add_ca(int dirfd, const char *name, struct found *f, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;
	int fd, ret;

	/* By openat() and not by cs_file_read(): it may well be a symlink. */
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	ret = cs_fd_read_all(fd, CERT_MAX, &text, &len, err);
	close(fd);
	if (ret < 0)
		return cs_err_wrap(err, "read %s", name);
	cs_buf_add_mem(&f->ca, text, strnlen(text, len));
	cs_buf_add(&f->ca, "\n");
	return 0;
}

static int scan(int dirfd, DIR *d, struct found *f, struct cs_err *err)
{
	const struct dirent *e;
	int ret = 0;

	while (!ret && (e = readdir(d))) {
		if (ends(e->d_name, ".crt")) {
			ret = add_ca(dirfd, e->d_name, f, err);
		} else if (ends(e->d_name, ".cert") &&
			   (!f->cert || strcmp(e->d_name, f->cert) < 0)) {
			free(f->cert);
			f->cert = strdup(e->d_name);
			if (!f->cert)
				ret = cs_err_set(err, ENOMEM, "out of memory");
		}
	}
	return ret;
}

/* Returns 1 when the folder is there, 0 when it is not. */
static int scan_folder(const char *path, struct found *f, struct cs_err *err)
{
	cs_auto_dir DIR *d = opendir(path);
	int ret;

	if (!d && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (!d)
		return cs_err_sys(err, "open %s", path);
	ret = scan(dirfd(d), d, f, err);
	return ret < 0 ? cs_err_wrap(err, "%s", path) : 1;
}

static int client_pair(const char *path, const char *name, char cert[PATH_MAX], char key[PATH_MAX],
		       struct cs_err *err)
{
	int ret = cs_str_fmt(cert, PATH_MAX, err, "%s/%s", path, name);

	if (!ret)
		ret = cs_str_fmt(key, PATH_MAX, err, "%s/%.*s.key", path,
				 (int)(strlen(name) - strlen(".cert")), name);
	if (!ret && access(key, R_OK) < 0)
		ret = cs_err_sys(err, "%s has no key beside it: %s", cert, key);
	return ret;
}

/* The folders for a host, by its port and, if that is the usual one, without. */
static int scan_standard(const struct img_url *url, char path[PATH_MAX], struct found *f,
			 struct cs_err *err)
{
	bool usual = url->port == 443;

	for (size_t i = 0; i < CS_LEN(folders); i++) {
		int ret = cs_str_fmt(path, PATH_MAX, err, "%s/%s:%u", folders[i], url->host,
				     (unsigned int)url->port);

		if (!ret)
			ret = scan_folder(path, f, err);
		if (!ret && usual)
			ret = cs_str_fmt(path, PATH_MAX, err, "%s/%s", folders[i], url->host);
		if (!ret && usual)
			ret = scan_folder(path, f, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Returns 1 if the path of a folder whose client's certificate may be shown is in @path. */
static int scan_for(const struct img_certs_for *c, char path[PATH_MAX], struct found *f,
		    struct cs_err *err)
{
	int ret;

	if (c->cert_dir && c->home) {
		ret = cs_str_fmt(path, PATH_MAX, err, "%s", c->cert_dir);
		return ret < 0 ? ret : scan_folder(path, f, err);
	}
	ret = scan_standard(c->url, path, f, err);
	if (ret || !c->cert_dir)
		return ret;
	ret = scan_folder(c->cert_dir, f, err);
	return ret < 0 ? ret : 0;
}

int img_certs_find(const struct img_certs_for *c, char **ca, char cert[PATH_MAX],
		   char key[PATH_MAX], struct cs_err *err)
{
	struct found f = { .ca = CS_BUF_INIT };
	char path[PATH_MAX];
	int ret;

	cert[0] = key[0] = '\0';
	if (!c->url->https)
		return 0;
	ret = scan_for(c, path, &f, err);
	if (ret > 0)
		ret = f.cert ? client_pair(path, f.cert, cert, key, err) : 0;
	if (!ret)
		ret = cs_buf_ok(&f.ca, err);
	if (!ret && f.ca.s)
		*ca = cs_buf_take(&f.ca);
	cs_buf_fini(&f.ca);
	free(f.cert);
	return ret;
}
