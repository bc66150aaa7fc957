#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/spec.h"

/*
 * A file per compiled filter: this head, the key, the code. Its name is the key's hash; two keys
 * of one hash take turns. Written and read on the same machine, so in its own byte order.
 */
struct entry_head {
	char magic[8];
	uint64_t key_len;
	uint64_t n_insns;
	uint64_t sum; /* of key and code: a damaged file shows */
};

static const char magic[8] = "csscmp1";

#define TEMP_NAME "new"

enum {
	NAME_LEN = 16, /* the hash in hex */
	KEY_MAX = 4 << 20,
	COMPILER = 1, /* to be raised with each change of what a filter is compiled to */
};

/* A quick 64-bit hash, eight bytes a step. Whoever could make collisions could write the folder. */
static uint64_t hash_more(uint64_t h, const void *p, size_t len)
{
	const unsigned char *s = p;
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);

	h ^= len * k;
	while (len) {
		size_t n = len < 8 ? len : 8;
		uint64_t w = 0;

		memcpy(&w, s, n);
		h = (h ^ w) * k;
		h ^= h >> 29;
		s += n;
		len -= n;
	}
	return h;
}

static void entry_name(const void *key, size_t len, char out[NAME_LEN + 1])
{
	snprintf(out, NAME_LEN + 1, "%016" PRIx64, hash_more(1, key, len));
}

static void put_u64(struct cs_buf *b, uint64_t v)
{
	cs_buf_add_mem(b, &v, sizeof(v));
}

void ctr_seccomp_key(const struct ctr_seccomp *sc, struct cs_buf *key)
{
	const struct scmp_version *lib = seccomp_version();

	/* what compiles: this program (its -ENOSYS stub too) and the library */
	cs_buf_add_mem(key, CS_VERSION, sizeof(CS_VERSION));
	put_u64(key, COMPILER);
	put_u64(key, SCMP_ARCH_NATIVE);
	put_u64(key, lib->major);
	put_u64(key, lib->minor);
	put_u64(key, lib->micro);

	put_u64(key, sc->default_action);
	put_u64(key, sc->n_archs);
	for (size_t i = 0; i < sc->n_archs; i++)
		put_u64(key, sc->archs[i]);
	put_u64(key, sc->n_rules);
	for (size_t i = 0; i < sc->n_rules; i++) {
		const struct ctr_seccomp_rule *r = &sc->rules[i];

		put_u64(key, r->action);
		put_u64(key, r->n_args);
		for (size_t k = 0; k < r->n_args; k++) {
			put_u64(key, r->args[k].index);
			put_u64(key, (uint64_t)r->args[k].op);
			put_u64(key, r->args[k].value);
			put_u64(key, r->args[k].value_two);
		}
		put_u64(key, r->n_names);
		for (size_t k = 0; k < r->n_names; k++)
			cs_buf_add_mem(key, r->names[k], strlen(r->names[k]) + 1);
	}
}

/* The whole entry, if the file is one that only we can have written. */
static char *entry_read(int dir, const char *name, size_t max, size_t *size)
{
	cs_auto_fd int fd = -EBADF;
	cs_auto_free char *buf = NULL;
	struct cs_err err = CS_ERR_INIT;
	struct stat sb;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &sb) < 0)
		return NULL;
	if (!S_ISREG(sb.st_mode) || sb.st_uid != geteuid() || (sb.st_mode & (S_IWGRP | S_IWOTH)) ||
	    sb.st_size < (off_t)sizeof(struct entry_head) || (size_t)sb.st_size > max)
		return NULL;
	*size = (size_t)sb.st_size;
	buf = malloc(*size);
	if (!buf || cs_fd_read_exact(fd, buf, *size, &err) < 0)
		return NULL;
	return cs_take_ptr(&buf);
}

bool ctr_seccomp_cache_get(int dir, const void *key, size_t len, struct ctr_seccomp_code *out)
{
	const size_t code_max = BPF_MAXINSNS * sizeof(struct sock_filter);
	char name[NAME_LEN + 1];
	cs_auto_free char *buf = NULL;
	struct entry_head head;
	size_t size = 0, code_size;
	const char *code;

	if (len > KEY_MAX)
		return false;
	entry_name(key, len, name);
	buf = entry_read(dir, name, sizeof(head) + len + code_max, &size);
	if (!buf)
		return false;
	memcpy(&head, buf, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) || head.key_len != len || !head.n_insns ||
	    head.n_insns > BPF_MAXINSNS)
		return false;
	code_size = head.n_insns * sizeof(struct sock_filter);
	code = buf + sizeof(head) + len;
	if (size != sizeof(head) + len + code_size || memcmp(buf + sizeof(head), key, len) ||
	    head.sum != hash_more(hash_more(2, key, len), code, code_size))
		return false;
	out->v = malloc(code_size);
	if (!out->v)
		return false;
	memcpy(out->v, code, code_size);
	out->n = head.n_insns;
	return true;
}

static bool is_entry(const char *name)
{
	return strspn(name, "0123456789abcdef") == NAME_LEN && !name[NAME_LEN];
}

/* Looks through the folder once: counts the entries, and names the oldest. */
static size_t entries_scan(DIR *d, char oldest[NAME_LEN + 1])
{
	struct timespec least = { .tv_sec = INT64_MAX };
	size_t n = 0;

	rewinddir(d);
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		struct stat sb;

		if (!is_entry(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		n++;
		if (sb.st_mtim.tv_sec < least.tv_sec ||
		    (sb.st_mtim.tv_sec == least.tv_sec && sb.st_mtim.tv_nsec < least.tv_nsec)) {
			least = sb.st_mtim;
			memcpy(oldest, e->d_name, NAME_LEN + 1);
		}
	}
	return n;
}

/* Keeps the folder bounded: one put adds one entry at most, so mostly one goes, or none. */
static void entries_bound(int dir)
{
	char oldest[NAME_LEN + 1];
	cs_auto_dir DIR *d = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	while (entries_scan(d, oldest) > CTR_SECCOMP_CACHE_MAX)
		if (unlinkat(dir, oldest, 0) < 0)
			return;
}

/* Gives the nameless file its name. */
static int put_nameless(int dir, int fd, const char *name, const struct cs_buf *text,
			struct cs_err *err)
{
	char path[32];
	int rc = cs_fd_write_all(fd, text->s, text->len, err);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	unlinkat(dir, name, 0); /* a damaged one */
	if (linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return cs_err_sys(err, "name it %s", name);
	return 0;
}

/*
 * Where files must have a name from birth (an overlay of Linux 6.1) it is the same one for all
 * writers, and who holds its lock is the writer: one that was killed leaves one file at most, which
 * the next one writes anew. A second writer at the same time leaves it, as does one whose file was
 * renamed, and so is an entry, before it had the lock.
 */
static int put_named(int dir, const char *name, const struct cs_buf *text, struct cs_err *err)
{
	const int flags = O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	cs_auto_fd int fd = openat(dir, TEMP_NAME, flags, 0600);
	struct stat own, named;
	int rc;

	if (fd < 0)
		return cs_err_sys(err, "make " TEMP_NAME);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return cs_err_sys(err, "lock " TEMP_NAME);
	if (fstat(fd, &own) < 0 || fstatat(dir, TEMP_NAME, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    own.st_ino != named.st_ino || own.st_dev != named.st_dev)
		return cs_err_set(err, EAGAIN, TEMP_NAME " is another writer's");
	if (ftruncate(fd, 0) < 0)
		return cs_err_sys(err, "empty " TEMP_NAME);
	rc = cs_fd_write_all(fd, text->s, text->len, err);
	if (rc < 0)
		return rc;
	if (renameat(dir, TEMP_NAME, dir, name) < 0)
		return cs_err_sys(err, "rename " TEMP_NAME " to %s", name);
	return 0;
}

/* Writes a file that has its name only when it is whole, whenever the writer is killed. */
static int put_file(int dir, const char *name, const struct cs_buf *text, struct cs_err *err)
{
	cs_auto_fd int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0)
		return put_nameless(dir, fd, name, text, err);
	if (errno == EOPNOTSUPP)
		return put_named(dir, name, text, err);
	return cs_err_sys(err, "make a file");
}

void ctr_seccomp_cache_put(int dir, const void *key, size_t len,
			   const struct ctr_seccomp_code *code)
{
	size_t code_size = code->n * sizeof(*code->v);
	struct entry_head head = {
		.key_len = len,
		.n_insns = code->n,
		.sum = hash_more(hash_more(2, key, len), code->v, code_size),
	};
	cs_auto_buf struct cs_buf text = CS_BUF_INIT;
	struct cs_err err = CS_ERR_INIT;
	char name[NAME_LEN + 1];

	if (len > KEY_MAX)
		return;
	memcpy(head.magic, magic, sizeof(magic));
	entry_name(key, len, name);
	cs_buf_add_mem(&text, &head, sizeof(head));
	cs_buf_add_mem(&text, key, len);
	cs_buf_add_mem(&text, code->v, code_size);
	if (cs_buf_ok(&text, &err) < 0 || put_file(dir, name, &text, &err) < 0) {
		cs_log(CS_LOG_DEBUG, "seccomp filter not cached: %s", err.msg);
		return;
	}
	entries_bound(dir);
}
