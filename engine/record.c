#include "engine/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

/*
 * The table of fields: one row reads and writes each. Names are those of record.json alone; what
 * inspect shows is another matter.
 */
enum kind { K_STR, K_STRV, K_BOOL, K_I64 };

struct field {
	const char *key;
	enum kind kind;
	size_t off;
};

#define FIELD(T, k, f, want)                                                                 \
	{                                                                                    \
		.key = #f, .kind = (k), .off = _Generic(((T *)0)->f, want : offsetof(T, f)), \
	}
#define STR(f) FIELD(struct eng_record, K_STR, f, const char *)
#define STRV(f) FIELD(struct eng_record, K_STRV, f, struct eng_strv)
#define BOOL(f) FIELD(struct eng_record, K_BOOL, f, bool)
#define I64(f) FIELD(struct eng_record, K_I64, f, int64_t)

static const struct field record_fields[] = {
	I64(version),
	STR(id),
	STR(name),
	STR(other_name),
	I64(created_ns),
	STR(image),
	STR(image_id),
	STR(manifest),
	STR(isolation),
	STR(kernel),
	STR(initrd),
	STR(append),
	STRV(command_line),
	STRV(entrypoint),
	STRV(cmd),
	STRV(env),
	STR(workdir),
	STR(user),
	STR(stop_signal),
	STR(umask),
	STRV(group_add),
	BOOL(tty),
	BOOL(stdin_open),
	BOOL(init),
	I64(stop_timeout_s),
	I64(timeout_s),
	STRV(labels),
	STRV(annotations),
	STR(hostname),
	STR(domainname),
	BOOL(privileged),
	BOOL(read_only),
	BOOL(no_new_privileges),
	STRV(cap_add),
	STRV(cap_drop),
	STRV(security_opt),
	STRV(devices),
	STRV(device_cgroup_rules),
	STRV(sysctl),
	STRV(ulimits),
	STRV(uidmap),
	STRV(gidmap),
	STR(userns),
	STR(pid),
	STR(ipc),
	STR(uts),
	STR(cgroupns),
	BOOL(systemd),
	I64(shm_size),
	STR(network_mode),
	STRV(ports),
	STRV(expose),
	BOOL(publish_all),
	STRV(add_host),
	STRV(dns),
	STRV(dns_search),
	STRV(dns_option),
	I64(memory),
	I64(memory_reservation),
	I64(memory_swap),
	I64(memory_swappiness),
	I64(nano_cpus),
	I64(cpu_period),
	I64(cpu_quota),
	I64(cpu_shares),
	STR(cpuset_cpus),
	STR(cpuset_mems),
	I64(pids_limit),
	I64(blkio_weight),
	STRV(blkio_weight_device),
	STRV(read_bps),
	STRV(write_bps),
	STRV(read_iops),
	STRV(write_iops),
	I64(oom_score_adj),
	BOOL(oom_kill_disable),
	STR(cgroup_parent),
	STR(log_driver),
	STRV(log_opt),
	STR(restart),
	I64(restart_max),
	BOOL(auto_remove),
	STR(pidfile),
};

static const struct field mount_fields[] = {
	FIELD(struct eng_mount, K_I64, type, int64_t),
	FIELD(struct eng_mount, K_STR, source, const char *),
	FIELD(struct eng_mount, K_STR, target, const char *),
	FIELD(struct eng_mount, K_STR, options, const char *),
	FIELD(struct eng_mount, K_STR, subpath, const char *),
	FIELD(struct eng_mount, K_BOOL, read_only, bool),
	FIELD(struct eng_mount, K_BOOL, no_copy, bool),
	FIELD(struct eng_mount, K_BOOL, anonymous, bool),
	FIELD(struct eng_mount, K_BOOL, create, bool),
};

static const struct field net_fields[] = {
	FIELD(struct eng_net, K_STR, network, const char *),
	FIELD(struct eng_net, K_STR, ip, const char *),
	FIELD(struct eng_net, K_STR, ip6, const char *),
	FIELD(struct eng_net, K_STR, mac, const char *),
	FIELD(struct eng_net, K_STR, ifname, const char *),
	FIELD(struct eng_net, K_STRV, aliases, struct eng_strv),
};

static int read_fields(const struct cs_json_doc *doc, const struct cs_json *obj,
		       const struct field *f, size_t n, void *base, struct cs_err *err)
{
	for (size_t i = 0; i < n; i++) {
		void *p = (char *)base + f[i].off;
		struct eng_strv *v = p;
		int ret = 0;

		switch (f[i].kind) {
		case K_STR:
			ret = cs_json_str(obj, f[i].key, p, err);
			break;
		case K_STRV:
			ret = cs_json_strv(doc, obj, f[i].key, &v->v, &v->n, err);
			break;
		case K_BOOL:
			ret = cs_json_bool(obj, f[i].key, p, err);
			break;
		case K_I64:
			ret = cs_json_i64(obj, f[i].key, p, err);
			break;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Only what is not as in @none: a record is read by every command. */
static void write_fields(const struct field *f, size_t n, const void *base, const void *none,
			 struct cs_jw *w)
{
	for (size_t i = 0; i < n; i++) {
		const int64_t *without = (const void *)((const char *)none + f[i].off);
		const void *p = (const char *)base + f[i].off;
		const struct eng_strv *v = p;

		if (f[i].kind == K_STR && *(const char *const *)p) {
			cs_jw_str(w, f[i].key, *(const char *const *)p);
		} else if (f[i].kind == K_BOOL && *(const bool *)p) {
			cs_jw_bool(w, f[i].key, true);
		} else if (f[i].kind == K_I64 && *(const int64_t *)p != *without) {
			cs_jw_i64(w, f[i].key, *(const int64_t *)p);
		} else if (f[i].kind == K_STRV && v->n > 0) {
			cs_jw_arr(w, f[i].key);
			for (size_t j = 0; j < v->n; j++)
				cs_jw_str(w, NULL, v->v[j]);
			cs_jw_arr_end(w);
		}
	}
}

/* A member that is an array of objects: structs of @size bytes. */
struct list {
	const char *key;
	const struct field *fields;
	size_t n_fields, size;
	const void *none; /* one that says nothing */
};

static const struct eng_mount no_mount;
static const struct eng_net no_net;

static const struct list mount_list = { "mounts", mount_fields, CS_LEN(mount_fields),
					sizeof(struct eng_mount), &no_mount };
static const struct list net_list = { "nets", net_fields, CS_LEN(net_fields),
				      sizeof(struct eng_net), &no_net };

/* Into the document's arena. */
static int read_list(const struct cs_json_doc *doc, const struct list *l, void **out, size_t *n,
		     struct cs_err *err)
{
	const struct cs_json *arr = NULL, *e;
	char *v;
	int ret = cs_json_arr(doc->root, l->key, &arr, err);

	if (ret <= 0 || arr->n == 0)
		return ret < 0 ? ret : 0;
	v = cs_json_alloc(doc, arr->n, l->size);
	if (!v)
		return cs_err_set(err, ENOMEM, "out of memory");
	*out = v;
	cs_json_for_each (e, arr) {
		if (e->type != CS_JSON_OBJECT)
			return cs_json_err(e, err, EINVAL, "must be an object");
		ret = read_fields(doc, e, l->fields, l->n_fields, v, err);
		if (ret < 0)
			return ret;
		v += l->size;
	}
	*n = arr->n;
	return 0;
}

static int check_id(const struct eng_record *r, struct cs_err *err)
{
	if (!r->id || strlen(r->id) != 64 || strspn(r->id, "0123456789abcdef") != 64)
		return cs_err_set(err, EINVAL, "id: must be 64 hex digits");
	if (!r->name)
		return cs_err_set(err, EINVAL, "name: is missing");
	if (r->other_name && eng_name_check(r->other_name, err) < 0)
		return cs_err_wrap(err, "other_name");
	return eng_name_check(r->name, err);
}

static int check_lists(const struct eng_record *r, struct cs_err *err)
{
	for (size_t i = 0; i < r->n_mounts; i++) {
		const struct eng_mount *m = &r->mounts[i];

		if (m->type < ENG_MOUNT_BIND || m->type > ENG_MOUNT_TMPFS)
			return cs_err_set(err, EINVAL, "mounts[%zu].type: unknown", i);
		if (!m->target || *m->target != '/')
			return cs_err_set(err, EINVAL, "mounts[%zu].target: must be absolute", i);
	}
	for (size_t i = 0; i < r->n_nets; i++)
		if (!r->nets[i].network)
			return cs_err_set(err, EINVAL, "nets[%zu].network: is missing", i);
	return 0;
}

static int read_all(struct eng_record *r, struct cs_err *err)
{
	const struct cs_json_doc *doc = &r->doc;
	void *mounts = NULL, *nets = NULL;
	int ret;

	if (doc->root->type != CS_JSON_OBJECT)
		return cs_err_set(err, EINVAL, "record.json: must be an object");
	ret = cs_json_i64(doc->root, "version", &r->version, err);
	if (ret == 0)
		return cs_err_set(err, EINVAL, "version: is missing");
	if (ret < 0)
		return ret;
	if (r->version > ENG_RECORD_VERSION)
		return cs_err_set(err, EOPNOTSUPP,
				  "written by a newer caisson (version %lld of the record, "
				  "this one knows %d)",
				  (long long)r->version, ENG_RECORD_VERSION);
	ret = read_fields(doc, doc->root, record_fields, CS_LEN(record_fields), r, err);
	if (ret == 0)
		ret = read_list(doc, &mount_list, &mounts, &r->n_mounts, err);
	if (ret == 0)
		ret = read_list(doc, &net_list, &nets, &r->n_nets, err);
	if (ret < 0)
		return ret;
	r->mounts = mounts;
	r->nets = nets;
	ret = check_id(r, err);
	return ret == 0 ? check_lists(r, err) : ret;
}

int eng_record_parse(const char *buf, size_t len, struct eng_record *out, struct cs_err *err)
{
	eng_auto_record struct eng_record r = ENG_RECORD_INIT;
	int ret;

	if (len > ENG_RECORD_MAX)
		return cs_err_set(err, EFBIG, "record.json: larger than %d MiB",
				  ENG_RECORD_MAX >> 20);
	ret = cs_json_parse(buf, len, "record.json", &r.doc, err);
	if (ret == 0)
		ret = read_all(&r, err);
	if (ret < 0)
		return ret;
	*out = r;
	r.doc = (struct cs_json_doc){ 0 };
	return 0;
}

static void write_list(struct cs_jw *w, const struct list *l, const void *v, size_t n)
{
	if (n == 0)
		return;
	cs_jw_arr(w, l->key);
	for (size_t i = 0; i < n; i++) {
		cs_jw_obj(w, NULL);
		write_fields(l->fields, l->n_fields, (const char *)v + i * l->size, l->none, w);
		cs_jw_obj_end(w);
	}
	cs_jw_arr_end(w);
}

void eng_record_write(const struct eng_record *r, struct cs_jw *w)
{
	static const struct eng_record none = { .stop_timeout_s = -1, .memory_swappiness = -1 };

	write_fields(record_fields, CS_LEN(record_fields), r, &none, w);
	write_list(w, &mount_list, r->mounts, r->n_mounts);
	write_list(w, &net_list, r->nets, r->n_nets);
}

int eng_record_text(const struct eng_record *r, char **out, size_t *len, struct cs_err *err)
{
	struct cs_jw w = { 0 };

	cs_jw_obj(&w, NULL);
	eng_record_write(r, &w);
	cs_jw_obj_end(&w);
	return cs_jw_take(&w, out, len, err);
}

void eng_record_fini(struct eng_record *r)
{
	cs_json_fini(&r->doc);
	r->doc = (struct cs_json_doc){ 0 };
}

bool eng_is_vm(const struct eng_record *r)
{
	return r->isolation && strcmp(r->isolation, "vm") == 0;
}

const char *eng_record_label(const struct eng_record *r, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < r->labels.n; i++)
		if (strncmp(r->labels.v[i], key, len) == 0 && r->labels.v[i][len] == '=')
			return r->labels.v[i] + len + 1;
	return NULL;
}

int eng_name_check(const char *name, struct cs_err *err)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name);
	size_t ok = strspn(name, word);

	if (ok > 0)
		while (ok < len && (strchr(word, name[ok]) || strchr("_.-", name[ok])))
			ok++;
	if (ok == 0 || ok < len || len > 128)
		return cs_err_set(err, EINVAL,
				  "name \"%.140s\": must be letters, digits, \"_\", \".\" and "
				  "\"-\", at most 128, and begin with a letter or digit",
				  name);
	if (len == 64 && strspn(name, "0123456789abcdef") == 64)
		return cs_err_set(err, EINVAL, "name \"%s\": looks like an id", name);
	return 0;
}
