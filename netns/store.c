#include "netns/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "netns/firewall.h"
#include "netns/fw_rules.h"
#include "netns/record.h"

enum { RECORD_MAX = 16 * 1024 * 1024, ID_LEN = 8, ID_MAX = 64 };

static const char config_name[] = "network.json";
static const char id_name[] = ".id";

/* A folder below @path, made with its parents. */
static int make_dirs(const char *path, mode_t mode, struct cs_err *err)
{
	cs_auto_free char *copy = strdup(path);
	int fd;

	if (!copy)
		return cs_err_set(err, ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (char *s = copy + 1; fd < 0 && errno == ENOENT; s++) {
		char c = *s;

		if (c && c != '/')
			continue;
		*s = '\0';
		if (mkdir(copy, c ? 0755 : mode) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make %s", copy);
		*s = c;
		if (!c)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		else
			errno = ENOENT;
	}
	return fd < 0 ? cs_err_sys(err, "open %s", path) : fd;
}

static int open_networks(const char *base, const char *id, mode_t mode, struct cs_err *err)
{
	cs_auto_buf struct cs_buf b = CS_BUF_INIT;

	cs_buf_addf(&b, "%s/networks%s%s", base, *id ? "/" : "", id);
	if (cs_buf_ok(&b, err) < 0)
		return -err->code;
	return make_dirs(b.s, mode, err);
}

static int read_id(int root, char id[ID_LEN + 1], struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = 0;

	if (cs_file_read(root, id_name, ID_MAX, &text, &len, err) < 0)
		return -err->code;
	if (strspn(text, "0123456789abcdef") != ID_LEN || strcmp(text + ID_LEN, "\n") != 0)
		return cs_err_set(err, EBADMSG, "networks/%s is not the id of a store", id_name);
	memcpy(id, text, ID_LEN);
	id[ID_LEN] = '\0';
	return 0;
}

static int make_id(int root, char id[ID_LEN + 1], struct cs_err *err)
{
	cs_auto_fd int lock = cs_file_lock(root, ".lock", false, err);
	char text[ID_LEN + 2];
	unsigned int r;
	int ret;

	if (lock < 0)
		return lock;
	ret = read_id(root, id, err); /* another command may have made it meanwhile */
	if (ret != -ENOENT)
		return ret;
	cs_err_clear(err);
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return cs_err_sys(err, "random bytes");
	snprintf(text, sizeof(text), "%08x\n", r);
	if (cs_file_replace(root, id_name, text, ID_LEN + 1, 0600, true, err) < 0)
		return -err->code;
	memcpy(id, text, ID_LEN);
	id[ID_LEN] = '\0';
	return 0;
}

static int open_store(struct net_store *s, const char *root, const char *state, struct cs_err *err)
{
	char id[ID_LEN + 1] = "";
	int ret;

	s->root = open_networks(root, "", 0700, err);
	if (s->root < 0)
		return s->root;
	ret = read_id(s->root, id, err);
	if (ret == -ENOENT) {
		cs_err_clear(err);
		ret = make_id(s->root, id, err);
	}
	if (ret < 0)
		return ret;
	snprintf(s->table, sizeof(s->table), FW_TABLES "%s", id);
	/* names are read by a server without rights */
	s->state = open_networks(state, id, 0755, err);
	if (s->state < 0)
		return s->state;
	s->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->proc < 0)
		return cs_err_sys(err, "open /proc");
	s->pid = getpid();
	if (cs_proc_start_time(s->proc, s->pid, false, &s->start, err) < 0)
		return -err->code;
	return cs_file_boot_id(s->boot, err);
}

int net_store_open(struct net_store *st, const char *root, const char *state, struct cs_err *err)
{
	struct net_store s = NET_STORE_INIT;

	if (open_store(&s, root, state, err) < 0) {
		net_store_close(&s);
		return -err->code;
	}
	*st = s;
	return 0;
}

void net_store_close(struct net_store *st)
{
	cs_close_fd(&st->root);
	cs_close_fd(&st->state);
	cs_close_fd(&st->proc);
}

struct net_fw net_store_fw(const struct net_store *st)
{
	return (struct net_fw){ .run_dir = st->state, .table = st->table };
}

static int open_dir(int at, const char *name, bool make, struct cs_err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
			return cs_err_sys(err, "make %s", name);
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		return cs_err_sys(err, "open %s", name);
	return fd;
}

static int load(struct net_net *n, const char *name, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	size_t len = 0;

	if (cs_file_read(n->dir, config_name, RECORD_MAX, &text, &len, err) < 0)
		return -err->code;
	if (net_config_parse(text, len, &n->c, err) < 0)
		return cs_err_wrap(err, "network %s", name);
	if (strcmp(n->c.name, name) != 0)
		return cs_err_set(err, EBADMSG, "network %s: its record is of \"%s\"", name,
				  n->c.name);
	return 0;
}

int net_net_open(const struct net_store *st, const char *name, struct net_net *out,
		 struct cs_err *err)
{
	struct net_net n = NET_NET_INIT;

	if (net_name_check(name, err) < 0)
		return -err->code;
	n.dir = open_dir(st->root, name, false, err);
	if (n.dir >= 0 && load(&n, name, err) == 0)
		n.run = open_dir(st->state, name, true, err);
	if (err->code) {
		int code = err->code;

		net_net_close(&n);
		if (code != ENOENT)
			return -code;
		cs_err_clear(err);
		return cs_err_set(err, ENOENT, "network %s does not exist", name);
	}
	memcpy(n.boot, st->boot, sizeof(n.boot));
	*out = n;
	return 0;
}

void net_net_close(struct net_net *n)
{
	net_config_fini(&n->c);
	cs_close_fd(&n->dir);
	cs_close_fd(&n->run);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int list_add(struct net_list *l, size_t *cap, const char *name, struct cs_err *err)
{
	if (l->n == *cap) {
		size_t more = *cap ? 2 * *cap : 16;
		void *v = reallocarray(l->v, more, sizeof(*l->v));

		if (!v)
			return cs_err_set(err, ENOMEM, "out of memory");
		l->v = v;
		*cap = more;
	}
	snprintf(l->v[l->n++], sizeof(*l->v), "%s", name);
	return 0;
}

int net_store_list(const struct net_store *st, struct net_list *out, struct cs_err *err)
{
	cs_auto_fd int fd = openat(st->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	net_auto_list struct net_list l = { 0 };
	cs_auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t cap = 0;

	if (!d)
		return cs_err_sys(err, "list networks");
	cs_take_fd(&fd);
	while ((e = readdir(d))) {
		char path[NET_NAME_MAX + 1 + sizeof(config_name)];

		if (*e->d_name == '.' || strlen(e->d_name) > NET_NAME_MAX)
			continue;
		snprintf(path, sizeof(path), "%s/%s", e->d_name, config_name);
		if (faccessat(st->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		    list_add(&l, &cap, e->d_name, err) < 0)
			return -err->code;
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*out = l;
	l = (struct net_list){ 0 };
	return 0;
}

void net_list_fini(struct net_list *l)
{
	free(l->v);
	*l = (struct net_list){ 0 };
}

static int att_name(const char *hostif, char *out, size_t size, struct cs_err *err)
{
	if (net_ifname_check(hostif, err) < 0)
		return -err->code;
	return cs_str_fmt(out, size, err, "%s.json", hostif);
}

int net_att_load(const struct net_net *n, const char *hostif, struct net_attachment *out,
		 struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	char name[IF_NAMESIZE + 8];
	size_t len = 0;

	if (att_name(hostif, name, sizeof(name), err) < 0 ||
	    cs_file_read(n->run, name, RECORD_MAX, &text, &len, err) < 0)
		return -err->code;
	if (net_attachment_parse(text, len, out, err) < 0)
		return cs_err_wrap(err, "attachment %s of network %s", hostif, n->c.name);
	return 0;
}

int net_att_save(const struct net_net *n, const struct net_attachment *a, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	char name[IF_NAMESIZE + 8];
	size_t len = 0;

	cs_jw_obj(&w, NULL);
	net_attachment_write(a, &w);
	cs_jw_obj_end(&w);
	if (att_name(a->hostif, name, sizeof(name), err) < 0 ||
	    cs_jw_take(&w, &text, &len, err) < 0)
		return -err->code;
	return cs_file_replace(n->run, name, text, len, 0600, false, err);
}

int net_att_drop(const struct net_net *n, const char *hostif, struct cs_err *err)
{
	char name[IF_NAMESIZE + 8];

	if (att_name(hostif, name, sizeof(name), err) < 0)
		return -err->code;
	if (unlinkat(n->run, name, 0) < 0 && errno != ENOENT)
		return cs_err_sys(err, "remove %s", name);
	return 0;
}

int net_store_gate(const struct net_store *st, bool exclusive, struct cs_err *err)
{
	cs_auto_fd int fd =
		openat(st->state, "gate", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret;

	if (fd < 0)
		return cs_err_sys(err, "open lock file gate");
	do
		ret = flock(fd, exclusive ? LOCK_EX : LOCK_SH);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? cs_err_sys(err, "lock gate") : cs_take_fd(&fd);
}

bool net_net_exists(const struct net_net *n)
{
	return faccessat(n->dir, config_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int net_net_lock(const struct net_net *n, struct cs_err *err)
{
	return cs_file_lock(n->run, "lock", false, err);
}

int net_net_names(const struct net_net *n, struct cs_err *err)
{
	return open_dir(n->run, "names", true, err);
}
