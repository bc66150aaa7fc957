#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/which.h"
#include "images/creds.h"
#include "images/creds_int.h"

/* docker-credential-NAME: a word on its command line, text on stdin, JSON or a message on stdout.
 */

enum {
	OUT_MAX = 65536,
	TIMEOUT_MS = 60000, /* it may ask somebody for a password */
};

static int find_program(const char *name, char out[PATH_MAX], struct cs_err *err)
{
	char program[NAME_MAX];
	int ret = cs_str_fmt(program, sizeof(program), err, "docker-credential-%s", name);

	if (ret < 0)
		return ret;
	if (!cs_which(program, out, PATH_MAX))
		return cs_err_set(err, ENOENT, "%s is not in $PATH", program);
	return 0;
}

/* Runs it; what it prints becomes *@out. Returns its exit status. */
static int run(const char *name, const char *verb, const char *in, char **out, struct cs_err *err)
{
	cs_auto_fd int mem = -EBADF;
	char path[PATH_MAX];
	const char *const argv[] = { path, verb, NULL };
	struct cs_proc_run r = {
		.path = path,
		.argv = argv,
		.envp = (const char *const *)environ,
		.in = in,
		.in_len = strlen(in),
		.timeout_ms = TIMEOUT_MS,
	};
	int status = 0;
	int ret = find_program(name, path, err);

	if (ret < 0)
		return ret;
	mem = memfd_create("output", MFD_CLOEXEC);
	if (mem < 0)
		return cs_err_sys(err, "make a file in memory");
	r.out_fd = mem;
	ret = cs_proc_run(&r, &status, err);
	if (ret < 0)
		return ret;
	if (lseek(mem, 0, SEEK_SET) < 0)
		return cs_err_sys(err, "rewind a file in memory");
	ret = cs_fd_read_all(mem, OUT_MAX, out, NULL, err);
	if (ret < 0)
		return cs_err_wrap(err, "docker-credential-%s", name);
	return cs_proc_exit_code(status);
}

static int failed(const char *name, const char *verb, char *out, struct cs_err *err)
{
	out[strcspn(out, "\n")] = '\0';
	cs_str_plain(out);
	return cs_err_set(err, EACCES, "docker-credential-%s %s: %.200s", name, verb,
			  *out ? out : "failed without a word");
}

static int parse_get(const char *name, const char *text, struct img_creds *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const char *user = "", *secret = "";
	struct img_creds c = IMG_CREDS_INIT;
	int ret = cs_json_parse(text, strlen(text), "its answer", &doc, err);

	if (!ret && (cs_json_str(doc.root, "Username", &user, err) < 0 ||
		     cs_json_str(doc.root, "Secret", &secret, err) < 0))
		ret = -err->code;
	if (ret < 0)
		return cs_err_wrap(err, "docker-credential-%s", name);
	if (!*user)
		return 0;
	if (strcmp(user, "<token>") == 0) {
		c.identity = strdup(secret);
	} else {
		c.user = strdup(user);
		c.secret = strdup(secret);
	}
	if (!c.identity && (!c.user || !c.secret)) {
		img_creds_fini(&c);
		return cs_err_set(err, ENOMEM, "out of memory");
	}
	*out = c;
	return 1;
}

int img_helper_get(const char *name, const char *server, struct img_creds *out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	int ret = run(name, "get", server, &text, err);

	if (ret < 0 || !text)
		return ret;
	if (ret > 0) {
		/* What the helpers' own library says when there is nothing. */
		if (strstr(text, "credentials not found"))
			return 0;
		return failed(name, "get", text, err);
	}
	ret = parse_get(name, text, out, err);
	explicit_bzero(text, strlen(text));
	return ret;
}

int img_helper_store(const char *name, const char *server, const struct img_creds *c,
		     struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *in = NULL, *text = NULL;
	int ret;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "ServerURL", server);
	cs_jw_str(&w, "Username", c->identity ? "<token>" : c->user);
	cs_jw_str(&w, "Secret", c->identity ? c->identity : c->secret);
	cs_jw_obj_end(&w);
	ret = cs_jw_take(&w, &in, NULL, err);
	if (ret < 0)
		return ret;
	ret = run(name, "store", in, &text, err);
	explicit_bzero(in, strlen(in));
	return ret > 0 && text ? failed(name, "store", text, err) : ret;
}

int img_helper_erase(const char *name, const char *server, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	int ret = run(name, "erase", server, &text, err);

	return ret > 0 && text ? failed(name, "erase", text, err) : ret;
}

int img_helper_erase_all(const char *name, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	cs_auto_free char *text = NULL;
	const struct cs_json *e;
	int n = 0, ret = run(name, "list", "", &text, err);

	if (ret < 0 || !text)
		return ret;
	if (ret > 0)
		return failed(name, "list", text, err);
	ret = cs_json_parse(text, strlen(text), "its answer", &doc, err);
	if (!ret && doc.root->type != CS_JSON_OBJECT)
		ret = cs_err_set(err, EPROTO, "its answer is no JSON object");
	if (ret < 0)
		return cs_err_wrap(err, "docker-credential-%s list", name);
	cs_json_for_each (e, doc.root) {
		ret = img_helper_erase(name, e->key, err);
		if (ret < 0)
			return ret;
		n++;
	}
	return n;
}
