#include "runtime/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/lock.h"

enum { STATE_MAX_BYTES = 64 << 10, STATE_VERSION = 1 };

static bool id_char(char ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
	       ch == '_' || ch == '+' || ch == '-' || ch == '.';
}

int ctr_id_check(const char *id, struct cs_err *err)
{
	size_t len = strnlen(id, CTR_ID_MAX + 1);

	if (len == 0)
		return cs_err_set(err, EINVAL, "container id is empty");
	if (len > CTR_ID_MAX)
		return cs_err_set(err, EINVAL, "container id is longer than %d characters",
				  CTR_ID_MAX);
	for (size_t i = 0; i < len; i++)
		if (!id_char(id[i]))
			return cs_err_set(
				err, EINVAL,
				"container id \"%s\": only A-Z a-z 0-9 _ + - . are allowed", id);
	if (id[0] == '.') /* "." and "..", and the runtime's own files in the state root */
		return cs_err_set(err, EINVAL, "container id \"%s\": must not start with a dot",
				  id);
	return 0;
}

/* Makes each missing folder of @path; the last one private. */
static int make_root(const char *path, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(path);

	if (!copy)
		return cs_err_set(err, ENOMEM, "state root %s: out of memory", path);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0711) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make folder %s for the state root", copy);
		*p = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return cs_err_sys(err, "make state root %s", path);
	return 0;
}

int ctr_state_root_open(const char *root, bool make, struct cs_err *err)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make) {
		int rc = make_root(root, err);

		if (rc < 0)
			return rc;
		fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return cs_err_sys(err, "open state root %s", root);
	return fd;
}

static int open_dir(int root, const char *id)
{
	return openat(root, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* 1: state.json is there, 0: it is not. */
static int has_state(int dir, const char *id, struct cs_err *err)
{
	if (faccessat(dir, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return cs_err_sys(err, "container %s: look for state.json", id);
}

static int in_use(const char *id, struct cs_err *err)
{
	return cs_err_set(err, EEXIST,
			  "container with id %s exists already; delete it first or take another id",
			  id);
}

int ctr_state_still_there(int root, const char *id, int dir, struct cs_err *err)
{
	struct stat a, b;

	if (fstat(dir, &a) < 0)
		return cs_err_sys(err, "container %s: stat its state folder", id);
	if (fstatat(root, id, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cs_err_sys(err, "container %s: stat its state", id);
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int ctr_state_create(int root, const char *id, int *dir, int *lock, struct cs_err *err)
{
	cs_auto_fd int d = -EBADF;
	cs_auto_fd int l = -EBADF;
	bool made;
	int rc;

	made = mkdirat(root, id, 0700) == 0;
	if (!made && errno != EEXIST)
		return cs_err_sys(err, "container %s: make its state folder", id);
	d = open_dir(root, id);
	if (d < 0)
		return errno == ENOENT ? in_use(id, err) /* a delete is under way */
				       : cs_err_sys(err, "container %s: open its state folder", id);
	l = ctr_lock_try(d, CTR_LOCK_CREATE, err);
	if (l == -EWOULDBLOCK) {
		cs_err_clear(err);
		return in_use(id, err);
	}
	if (l < 0)
		return cs_err_wrap(err, "container %s", id);
	rc = made ? 1 : ctr_state_still_there(root, id, d, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return in_use(id, err);
	rc = has_state(d, id,
		       err); /* somebody may have been quicker, even if it was us who made it */
	if (rc < 0)
		return rc;
	if (rc)
		return in_use(id, err);
	*dir = cs_take_fd(&d);
	*lock = cs_take_fd(&l);
	return 0;
}

static int no_container(const char *id, struct cs_err *err)
{
	return cs_err_set(err, ENOENT, "container %s does not exist", id);
}

int ctr_state_open(int root, const char *id, int *dir, struct cs_err *err)
{
	cs_auto_fd int d = -EBADF;
	int rc;

	d = open_dir(root, id);
	if (d < 0)
		return errno == ENOENT ? no_container(id, err)
				       : cs_err_sys(err, "container %s: open its state folder", id);
	rc = has_state(d, id, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return no_container(id, err);
	*dir = cs_take_fd(&d);
	return 0;
}

int ctr_state_text(const struct ctr_state *st, char **out, size_t *len, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_u64(&w, "version", STATE_VERSION);
	cs_jw_str(&w, "id", st->id);
	cs_jw_str(&w, "ociVersion", st->oci_version);
	cs_jw_str(&w, "bundle", st->bundle);
	cs_jw_str(&w, "rootfs", st->rootfs);
	cs_jw_str(&w, "isolation", st->wall);
	cs_jw_str(&w, "cgroup", st->cgroup);
	cs_jw_bool(&w, "ownCgroup", st->own_cgroup);
	cs_jw_str(&w, "owner", st->owner);
	cs_jw_i64(&w, "createdNs", st->created_ns);
	cs_jw_i64(&w, "pid", st->pid);
	cs_jw_u64(&w, "startTime", st->start_time);
	cs_jw_bool(&w, "intelRdt", st->has_rdt);
	cs_jw_bool(&w, "systemdCgroup", st->systemd_cgroup);
	cs_jw_bool(&w, "noNewKeyring", st->no_new_keyring);
	cs_jw_bool(&w, "ownPidNamespace", st->own_pidns);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, len, err);
}

int ctr_state_write(int dir, const struct ctr_state *st, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;
	int rc;

	rc = ctr_state_text(st, &text, &len, err);
	return rc < 0 ? rc : cs_file_replace(dir, "state.json", text, len, 0600, false, err);
}

/* Copies a string member; a missing one stays NULL unless @needed. */
static int take_str(const struct cs_json *obj, const char *key, bool needed, char **out,
		    struct cs_err *err)
{
	const char *s = NULL;
	int rc = cs_json_str(obj, key, &s, err);

	if (rc < 0)
		return rc;
	if (!s)
		return needed ? cs_err_set(err, EINVAL, "%s: missing", key) : 0;
	*out = strdup(s);
	return *out ? 0 : cs_err_set(err, ENOMEM, "%s: out of memory", key);
}

static int take_strings(const struct cs_json *o, struct ctr_state *st, struct cs_err *err)
{
	const struct {
		const char *key;
		bool needed;
		char **out;
	} fields[] = {
		{ "id", true, &st->id },	  { "ociVersion", true, &st->oci_version },
		{ "bundle", true, &st->bundle },  { "rootfs", true, &st->rootfs },
		{ "isolation", true, &st->wall }, { "cgroup", false, &st->cgroup },
		{ "owner", false, &st->owner },
	};

	for (size_t i = 0; i < CS_LEN(fields); i++) {
		int rc = take_str(o, fields[i].key, fields[i].needed, fields[i].out, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_numbers(const struct cs_json *o, struct ctr_state *st, struct cs_err *err)
{
	uint64_t version = 0;
	int32_t pid = 0;

	if (cs_json_u64(o, "version", &version, err) < 0)
		return -err->code;
	if (version != STATE_VERSION)
		return cs_err_set(err, EINVAL,
				  "version %llu is not known here (this caisson writes %d)",
				  (unsigned long long)version, STATE_VERSION);
	if (cs_json_i64(o, "createdNs", &st->created_ns, err) < 0 ||
	    cs_json_i32(o, "pid", &pid, err) < 0 ||
	    cs_json_u64(o, "startTime", &st->start_time, err) < 0 ||
	    cs_json_bool(o, "ownCgroup", &st->own_cgroup, err) < 0 ||
	    cs_json_bool(o, "intelRdt", &st->has_rdt, err) < 0 ||
	    cs_json_bool(o, "systemdCgroup", &st->systemd_cgroup, err) < 0 ||
	    cs_json_bool(o, "noNewKeyring", &st->no_new_keyring, err) < 0 ||
	    cs_json_bool(o, "ownPidNamespace", &st->own_pidns, err) < 0)
		return -err->code;
	if (pid < 0)
		return cs_err_set(err, EINVAL, "pid: must not be negative");
	st->pid = pid;
	return 0;
}

int ctr_state_parse(const char *buf, size_t len, struct ctr_state *out, struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct ctr_state st = { 0 };
	int rc;

	rc = cs_json_parse(buf, len, "state.json", &doc, err);
	if (rc < 0)
		return rc;
	if (doc.root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "state.json: must be an object");
	rc = take_numbers(doc.root, &st, err);
	if (rc == 0)
		rc = take_strings(doc.root, &st, err);
	if (rc == 0)
		rc = ctr_id_check(st.id, err);
	if (rc < 0) {
		ctr_state_fini(&st);
		return cs_err_wrap(err, "state.json");
	}
	*out = st;
	return 0;
}

int ctr_state_read(int dir, struct ctr_state *out, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len;
	int rc;

	rc = cs_file_read(dir, "state.json", STATE_MAX_BYTES, &text, &len, err);
	if (rc < 0)
		return rc;
	return ctr_state_parse(text, len, out, err);
}

void ctr_state_fini(struct ctr_state *st)
{
	free(st->id);
	free(st->bundle);
	free(st->rootfs);
	free(st->oci_version);
	free(st->wall);
	free(st->cgroup);
	free(st->owner);
	*st = (struct ctr_state){ 0 };
}

int ctr_state_remove(int root, int dir, const char *id, struct cs_err *err)
{
	/* state.json first: without it there is no container, and what is left is taken over */
	static const char *const files[] = { "state.json", "config.json", "lock" };

	for (size_t i = 0; i < CS_LEN(files); i++)
		unlinkat(dir, files[i], 0);
	if (unlinkat(root, id, AT_REMOVEDIR) == 0)
		return 0;
	unlinkat(dir, "start.sock", 0); /* of a created one */
	if (unlinkat(root, id, AT_REMOVEDIR) == 0)
		return 0;
	return cs_file_rmtree(root, id, err); /* there was more in it, or it says why not */
}
