#include "runtime/info.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

/* What is only read from the version of the specification that this runtime follows. */
static void put_state(struct cs_jw *w, const char *version, const char *id, pid_t pid,
		      enum ctr_status status, const char *bundle)
{
	cs_jw_str(w, "ociVersion", version);
	cs_jw_str(w, "id", id);
	if (pid)
		cs_jw_i64(w, "pid", pid);
	cs_jw_str(w, "status", ctr_status_name(status));
	cs_jw_str(w, "bundle", bundle);
}

static void put_annotations(struct cs_jw *w, const struct ctr_spec *spec)
{
	if (spec->n_annotations == 0)
		return;
	cs_jw_obj(w, "annotations");
	for (size_t i = 0; i < spec->n_annotations; i++)
		cs_jw_str(w, spec->annotations[i].key, spec->annotations[i].value);
	cs_jw_obj_end(w);
}

int ctr_oci_state_text(const struct ctr_spec *spec, const char *id, const char *bundle, pid_t pid,
		       enum ctr_status status, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	put_state(&w, spec->oci_version, id, pid, status, bundle);
	put_annotations(&w, spec);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, NULL, err);
}

int ctr_oci_process_state_text(const struct ctr_spec *spec, const char *id, const char *bundle,
			       pid_t pid, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "ociVersion", spec->oci_version);
	cs_jw_arr(&w, "fds");
	cs_jw_str(&w, NULL, "seccompFd");
	cs_jw_arr_end(&w);
	cs_jw_i64(&w, "pid", pid);
	if (spec->seccomp.listener_metadata)
		cs_jw_str(&w, "metadata", spec->seccomp.listener_metadata);
	cs_jw_obj(&w, "state");
	put_state(&w, spec->oci_version, id, pid, CTR_CREATING, bundle);
	put_annotations(&w, spec);
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, NULL, err);
}

static int annotations_text(const struct ctr_spec *spec, char **out, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;

	if (spec->n_annotations == 0)
		return 0;
	cs_jw_obj(&w, NULL);
	for (size_t i = 0; i < spec->n_annotations; i++)
		cs_jw_str(&w, spec->annotations[i].key, spec->annotations[i].value);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, NULL, err);
}

int ctr_info_get(const struct ctr_rt *rt, const char *id, struct ctr_info *out, struct cs_err *err)
{
	ctr_auto struct ctr c = CTR_INIT;
	struct ctr_info info = { 0 };
	int rc;

	rc = ctr_open(rt, id, true, &c, err);
	if (rc < 0)
		return rc;
	rc = ctr_status_get(&c, &info.status, err);
	if (rc == 0)
		rc = annotations_text(&c.spec, &info.annotations, err);
	if (rc < 0)
		return rc;
	info.state = c.state;
	c.state = (struct ctr_state){ 0 };
	if (info.status == CTR_STOPPED)
		info.state.pid = 0; /* it may be somebody else's by now */
	*out = info;
	return 0;
}

void ctr_info_fini(struct ctr_info *info)
{
	ctr_state_fini(&info->state);
	free(info->annotations);
	info->annotations = NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void ctr_ids_free(char **ids)
{
	for (char **p = ids; p && *p; p++)
		free(*p);
	free(ids);
}

/* Adds one id to the NULL-terminated list of *@n. */
static int add_id(char ***ids, size_t *n, const char *name)
{
	char **more = realloc(*ids, (*n + 2) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*ids = more;
	more[*n + 1] = NULL;
	more[*n] = strdup(name);
	if (!more[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

static int collect_ids(DIR *dir, int root, char ***ids, size_t *n, struct cs_err *err)
{
	const struct dirent *de;

	while (errno = 0, (de = readdir(dir)) != NULL) {
		struct cs_err bad = CS_ERR_INIT;
		char path[sizeof(de->d_name) + sizeof("/state.json")];

		if (ctr_id_check(de->d_name, &bad) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/state.json", de->d_name);
		if (faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* a container that never came to be */
		if (add_id(ids, n, de->d_name) < 0)
			return cs_err_set(err, ENOMEM, "list the containers: out of memory");
	}
	if (errno)
		return cs_err_sys(err, "read the state root");
	return 0;
}

int ctr_ids(const struct ctr_rt *rt, char ***ids, size_t *n, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;
	cs_auto_dir DIR *dir = NULL;
	char **list = calloc(1, sizeof(*list));
	size_t count = 0;
	int rc = 0;
	int fd;

	if (!list)
		return cs_err_set(err, ENOMEM, "list the containers: out of memory");
	root = ctr_state_root_open(rt->root, false, err);
	if (root == -ENOENT) {
		cs_err_clear(err);
	} else if (root < 0) {
		rc = root;
	} else {
		fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		dir = fd < 0 ? NULL : fdopendir(fd);
		rc = dir ? collect_ids(dir, root, &list, &count, err)
			 : cs_err_sys(err, "read state root %s", rt->root);
	}
	if (rc < 0) {
		ctr_ids_free(list);
		return rc;
	}
	qsort(list, count, sizeof(*list), compare_ids);
	*ids = list;
	*n = count;
	return 0;
}

/* RFC 3339 with nanoseconds, UTC, as Go writes it. */
static void put_time(struct cs_jw *w, const char *key, int64_t ns)
{
	enum { NS = 1000000000 };
	time_t s = (time_t)(ns / NS);
	char text[64], frac[16];
	struct tm tm;
	size_t n, end;

	gmtime_r(&s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(frac, sizeof(frac), ".%09d", (int)(ns % NS));
	end = strlen(frac);
	while (end > 1 && frac[end - 1] == '0')
		end--;
	frac[end > 1 ? end : 0] = '\0';
	snprintf(text + n, sizeof(text) - n, "%sZ", frac);
	cs_jw_str(w, key, text);
}

int ctr_state_json(const struct ctr_info *info, bool runc_extra, struct cs_jw *w,
		   struct cs_err *err)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	const struct ctr_state *st = &info->state;
	int rc;

	cs_jw_obj(w, NULL);
	cs_jw_str(w, "ociVersion", st->oci_version);
	cs_jw_str(w, "id", st->id);
	cs_jw_i64(w, "pid", st->pid);
	cs_jw_str(w, "status", ctr_status_name(info->status));
	cs_jw_str(w, "bundle", st->bundle);
	if (runc_extra) {
		cs_jw_str(w, "rootfs", st->rootfs);
		put_time(w, "created", st->created_ns);
	}
	if (info->annotations) {
		rc = cs_json_parse(info->annotations, strlen(info->annotations), "annotations",
				   &doc, err);
		if (rc < 0)
			return rc;
		cs_jw_value(w, "annotations", doc.root);
	}
	if (runc_extra)
		cs_jw_str(w, "owner", st->owner ? st->owner : "");
	cs_jw_obj_end(w);
	return 0;
}
