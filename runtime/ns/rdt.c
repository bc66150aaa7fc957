#include "runtime/ns/rdt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "runtime/ns/rdt_int.h"
#include "runtime/spec.h"

enum { SCHEMATA_MAX = 64 << 10, STATUS_MAX = 4096 };

static const char mount_point[] = "/sys/fs/resctrl";

/* A piece of text, not terminated. */
struct span {
	const char *s;
	size_t len;
};

static struct span trimmed(const char *s, size_t len)
{
	while (len && isspace((unsigned char)*s))
		s++, len--;
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	return (struct span){ s, len };
}

/* Cuts the piece before the next @sep off *@rest; false when nothing is left. */
static bool cut(struct span *rest, char sep, struct span *out)
{
	const char *end;
	size_t len;

	if (!rest->len)
		return false;
	end = memchr(rest->s, sep, rest->len);
	len = end ? (size_t)(end - rest->s) : rest->len;
	*out = trimmed(rest->s, len);
	rest->s += len + (end != NULL);
	rest->len -= len + (end != NULL);
	return true;
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.s, b.s, a.len) == 0;
}

static struct span without_zeros(struct span v)
{
	while (v.len > 1 && *v.s == '0')
		v.s++, v.len--;
	return v;
}

/* The value of @key in "k=v;k=v…" */
static bool domain_is(struct span domains, struct span key, struct span value)
{
	struct span pair, k;

	while (cut(&domains, ';', &pair)) {
		if (!cut(&pair, '=', &k) || !same(without_zeros(k), without_zeros(key)))
			continue;
		return same(without_zeros(trimmed(pair.s, pair.len)), without_zeros(value));
	}
	return false;
}

/* The part behind "<resource>:" in the schemata. */
static bool resource_find(const char *schemata, struct span resource, struct span *domains)
{
	struct span rest = { schemata, strlen(schemata) }, line, name;

	while (cut(&rest, '\n', &line)) {
		if (!cut(&line, ':', &name) || !same(name, resource))
			continue;
		*domains = line;
		return true;
	}
	return false;
}

static bool line_matches(const char *schemata, struct span line)
{
	struct span resource, have, pair, key;

	if (!memchr(line.s, ':', line.len) || !cut(&line, ':', &resource) ||
	    !resource_find(schemata, resource, &have))
		return false;
	while (cut(&line, ';', &pair)) {
		if (!pair.len)
			continue;
		if (!cut(&pair, '=', &key) || !domain_is(have, key, trimmed(pair.s, pair.len)))
			return false;
	}
	return true;
}

bool ctr_rdt_matches(const char *schemata, const char *wanted)
{
	struct span rest = { wanted, strlen(wanted) }, line;

	while (cut(&rest, '\n', &line))
		if (line.len && !line_matches(schemata, line))
			return false;
	return true;
}

/* All lines to write, in the order of the spec; nothing if none is set. */
static int wanted_lines(const struct ctr_intel_rdt *rdt, struct cs_buf *out, struct cs_err *err)
{
	if (rdt->l3_cache_schema)
		cs_buf_addf(out, "%s\n", rdt->l3_cache_schema);
	if (rdt->mem_bw_schema)
		cs_buf_addf(out, "%s\n", rdt->mem_bw_schema);
	for (const char *const *s = rdt->schemata; s && *s; s++) {
		if (strchr(*s, '\n'))
			return cs_err_set(err, EINVAL,
					  "linux.intelRdt.schemata: a line break in \"%.40s\"", *s);
		cs_buf_addf(out, "%s\n", *s);
	}
	return cs_buf_ok(out, err);
}

/* A class is a folder of the root; what else lies there is none. */
static int clos_check(const char *name, struct cs_err *err)
{
	static const char *const other[] = { "", ".", "..", "info", "mon_groups", "mon_data" };

	if (strchr(name, '/') || cs_str_in(name, other, CS_LEN(other)))
		return cs_err_set(err, EINVAL, "linux.intelRdt.closID: \"%s\" cannot be a name",
				  name);
	return 0;
}

/* The kernel says why in a file of its own. */
static int refused(int root, int code, const char *what, struct cs_err *err)
{
	struct cs_err ignored = CS_ERR_INIT;
	cs_auto_free char *why = NULL;
	size_t len = 0;

	if (cs_file_read(root, "info/last_cmd_status", STATUS_MAX, &why, &len, &ignored) < 0 ||
	    !len || strcmp(why, "ok\n") == 0)
		return cs_err_errno(err, code, "linux.intelRdt: %s", what);
	why[strcspn(why, "\n")] = '\0';
	return cs_err_errno(err, code, "linux.intelRdt: %s: kernel says \"%s\"", what, why);
}

static int write_file(int root, int dir, const char *name, const char *text, struct cs_err *err)
{
	struct cs_err write_err = CS_ERR_INIT;
	char what[64];

	if (cs_file_write_str(dir, name, text, &write_err) == 0)
		return 0;
	snprintf(what, sizeof(what), "write %s", name);
	return refused(root, write_err.code, what, err);
}

static int open_folder(int dir, const char *name, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return cs_err_sys(err, "linux.intelRdt: open resctrl's %s", name);
	return cs_take_fd(&fd);
}

static int schemata_compare(int clos, const char *name, const char *wanted, struct cs_err *err)
{
	cs_auto_free char *have = NULL;
	size_t len = 0;
	int rc;

	rc = cs_file_read(clos, "schemata", SCHEMATA_MAX, &have, &len, err);
	if (rc < 0)
		return cs_err_wrap(err, "linux.intelRdt");
	if (!ctr_rdt_matches(have, wanted))
		return cs_err_set(err, EINVAL,
				  "linux.intelRdt: class \"%s\" exists with another schemata",
				  name);
	return 0;
}

/*
 * The class of service, by the spec's rules: without closID a new one of the container's own; a
 * named one is made if there is a schemata for it, and must have just these if it is there. *@made
 * says whether it was made here. Returns its O_PATH fd.
 */
static int clos_open(int root, const struct ctr_intel_rdt *rdt, const char *id, bool *made,
		     struct cs_err *err)
{
	const char *name = rdt->clos_id ? rdt->clos_id : id;
	cs_auto_buf struct cs_buf wanted = CS_BUF_INIT;
	cs_auto_fd int clos = -EBADF;
	bool deflt = rdt->clos_id && strcmp(rdt->clos_id, "/") == 0;
	int rc;

	rc = wanted_lines(rdt, &wanted, err);
	if (rc == 0 && !deflt)
		rc = clos_check(name, err);
	if (rc < 0)
		return rc;
	if (!deflt && (!rdt->clos_id || wanted.len)) {
		*made = mkdirat(root, name, 0755) == 0;
		if (!*made && (errno != EEXIST || !rdt->clos_id))
			return refused(root, errno, "make a class of service", err);
	}
	clos = open_folder(root, deflt ? "." : name, err);
	if (clos < 0)
		return clos;
	if (wanted.len && *made)
		rc = write_file(root, clos, "schemata", wanted.s, err);
	else if (wanted.len)
		rc = schemata_compare(clos, name, wanted.s, err);
	return rc < 0 ? rc : cs_take_fd(&clos);
}

static int monitor_make(int root, int clos, const char *id, const char *pid, struct cs_err *err)
{
	cs_auto_fd int groups = -EBADF;
	cs_auto_fd int group = -EBADF;
	int rc;

	groups = open_folder(clos, "mon_groups", err);
	if (groups < 0)
		return groups;
	if (mkdirat(groups, id, 0755) < 0)
		return refused(root, errno, "enableMonitoring: make a monitoring group", err);
	group = open_folder(groups, id, err);
	rc = group < 0 ? group : write_file(root, group, "tasks", pid, err);
	if (rc < 0)
		unlinkat(groups, id, AT_REMOVEDIR);
	return rc;
}

int ctr_rdt_create_at(int root, const struct ctr_intel_rdt *rdt, const char *id, pid_t pid,
		      struct cs_err *err)
{
	cs_auto_fd int clos = -EBADF;
	bool made = false;
	char text[16];
	int rc;

	snprintf(text, sizeof(text), "%d", (int)pid);
	clos = clos_open(root, rdt, id, &made, err);
	rc = clos < 0 ? clos : write_file(root, clos, "tasks", text, err);
	if (rc == 0 && rdt->enable_monitoring)
		rc = monitor_make(root, clos, id, text, err);
	if (rc < 0 && made)
		unlinkat(root, rdt->clos_id ? rdt->clos_id : id, AT_REMOVEDIR);
	return rc;
}

int ctr_rdt_join_at(int root, const struct ctr_intel_rdt *rdt, const char *id, pid_t pid,
		    struct cs_err *err)
{
	const char *name = rdt->clos_id ? rdt->clos_id : id;
	cs_auto_fd int groups = -EBADF;
	cs_auto_fd int clos = -EBADF;
	cs_auto_fd int mon = -EBADF;
	char text[16];
	int rc;

	snprintf(text, sizeof(text), "%d", (int)pid);
	clos = open_folder(root, strcmp(name, "/") == 0 ? "." : name, err);
	if (clos < 0)
		return clos;
	rc = write_file(root, clos, "tasks", text, err);
	if (rc < 0 || !rdt->enable_monitoring)
		return rc;
	groups = open_folder(clos, "mon_groups", err);
	if (groups < 0)
		return groups;
	mon = open_folder(groups, id, err);
	return mon < 0 ? mon : write_file(root, mon, "tasks", text, err);
}

static int remove_folder(int dir, const char *path, struct cs_err *err)
{
	if (unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return cs_err_sys(err, "linux.intelRdt: remove resctrl's %s", path);
	return 0;
}

int ctr_rdt_destroy_at(int root, const struct ctr_intel_rdt *rdt, const char *id,
		       struct cs_err *err)
{
	char path[512];
	int rc;

	/* with its class its monitoring groups go, too */
	if (!rdt->clos_id)
		return remove_folder(root, id, err);
	if (!rdt->enable_monitoring)
		return 0;
	rc = cs_str_fmt(path, sizeof(path), err, "./%s/mon_groups/%s", rdt->clos_id, id);
	return rc < 0 ? rc : remove_folder(root, path, err);
}

/* The mounted resctrl, or -ENOTSUP with @err set. */
static int root_open(struct cs_err *err)
{
	cs_auto_fd int root = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (root < 0 || fstatfs(root, &fs) < 0 || (unsigned long)fs.f_type != RDTGROUP_SUPER_MAGIC)
		return cs_err_set(err, ENOTSUP,
				  "linux.intelRdt: no resctrl at %s (a CPU with RDT and mount -t "
				  "resctrl resctrl %s are needed)",
				  mount_point, mount_point);
	return cs_take_fd(&root);
}

int ctr_rdt_create(const struct ctr_spec *spec, const char *id, pid_t pid, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;

	if (!spec->intel_rdt.present)
		return 0;
	root = root_open(err);
	return root < 0 ? root : ctr_rdt_create_at(root, &spec->intel_rdt, id, pid, err);
}

int ctr_rdt_join(const struct ctr_spec *spec, const char *id, pid_t pid, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;

	if (!spec->intel_rdt.present)
		return 0;
	root = root_open(err);
	return root < 0 ? root : ctr_rdt_join_at(root, &spec->intel_rdt, id, pid, err);
}

int ctr_rdt_destroy(const struct ctr_spec *spec, const char *id, struct cs_err *err)
{
	cs_auto_fd int root = -EBADF;
	struct cs_err absent = CS_ERR_INIT;

	if (!spec->intel_rdt.present)
		return 0;
	root = root_open(&absent);
	return root < 0 ? 0 : ctr_rdt_destroy_at(root, &spec->intel_rdt, id, err);
}
