#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "runtime/ns/seccomp.h"
#include "runtime/ns/seccomp_int.h"
#include "runtime/spec.h"
#include "tests/unit/unit.h"

static const char *const names[] = { "mkdir", "chdir", NULL };
static const struct ctr_seccomp_arg args[] = { { .index = 0, .value = 3, .op = SCMP_CMP_EQ } };
static const struct ctr_seccomp_rule rules[] = {
	{ .names = names, .n_names = 2, .action = SCMP_ACT_ALLOW, .args = args, .n_args = 1 },
};
static const struct ctr_seccomp profile = {
	.present = true,
	.default_action = SCMP_ACT_ERRNO(EPERM),
	.rules = rules,
	.n_rules = 1,
};

struct cache {
	char path[40];
	int dir;
	struct cs_buf key; /* of the profile */
	char name[32];	   /* the profile's entry, once there is one */
};

/* From now on no file of this process is born without a name, as on an overlay of Linux 6.1. */
static void refuse_nameless(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = CS_LEN(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
	ck_assert_int_lt(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), 0);
	ck_assert_int_eq(errno, EOPNOTSUPP);
}

static struct cache cache_new(bool named)
{
	struct cache c = { .path = "/tmp/caisson-unit-XXXXXX", .dir = -1 };

	if (named)
		refuse_nameless();
	ck_assert_ptr_nonnull(mkdtemp(c.path));
	c.dir = open(c.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(c.dir, 0);
	ctr_seccomp_key(&profile, &c.key);
	ck_assert(!c.key.failed);
	return c;
}

static void cache_free(struct cache *c)
{
	struct cs_err err = CS_ERR_INIT;

	int tmp = open("/tmp", O_PATH | O_CLOEXEC);

	ck_assert_int_eq(cs_file_rmtree(tmp, c->path + sizeof("/tmp"), &err), 0);
	close(tmp);
	close(c->dir);
	cs_buf_fini(&c->key);
}

/* Number of files; the last one's name in @name. */
static size_t count(int dir, char *name, size_t size)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		n++;
		if (name)
			ck_assert_int_lt(snprintf(name, size, "%.31s", e->d_name), 31);
	}
	closedir(d);
	return n;
}

static struct ctr_seccomp_prog compiled(const struct ctr_seccomp *sc, int dir)
{
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_msg(ctr_seccomp_compile(sc, dir, &prog, &err) == 0, "%s", err.msg);
	return prog;
}

/* Stores the profile with one instruction that compiling would never give. */
static void plant(struct cache *c)
{
	struct sock_filter kill = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	const struct ctr_seccomp_code code = { .v = &kill, .n = 1 };

	ctr_seccomp_cache_put(c->dir, c->key.s, c->key.len, &code);
	if (!*c->name)
		ck_assert_uint_eq(count(c->dir, c->name, sizeof(c->name)), 1);
}

/* Does the profile come from the planted entry? If not, it must be compiled right. */
static bool hit(const struct cache *c)
{
	struct ctr_seccomp_prog got = compiled(&profile, c->dir);
	struct ctr_seccomp_prog want = compiled(&profile, -EBADF);
	bool planted = got.n == 1 && got.insns[0].k == SECCOMP_RET_KILL_PROCESS;

	if (!planted) {
		ck_assert_uint_eq(got.n, want.n);
		ck_assert_mem_eq(got.insns, want.insns, want.n * sizeof(*want.insns));
	}
	ctr_seccomp_fini(&got);
	ctr_seccomp_fini(&want);
	return planted;
}

START_TEST(test_hit)
{
	struct cache c = cache_new(_i);
	struct ctr_seccomp_prog first = compiled(&profile, c.dir);
	struct ctr_seccomp_prog second;

	ck_assert_uint_eq(count(c.dir, NULL, 0), 1);
	second = compiled(&profile, c.dir);
	ck_assert_uint_eq(count(c.dir, NULL, 0), 1);
	ck_assert_uint_eq(first.n, second.n);
	ck_assert_mem_eq(first.insns, second.insns, first.n * sizeof(*first.insns));
	ctr_seccomp_fini(&first);
	ctr_seccomp_fini(&second);

	plant(&c); /* now an entry is what it says */
	ck_assert(hit(&c));
	cache_free(&c);
}
END_TEST

/* Any byte of the file that is changed, missing or too much is noticed, and the entry replaced. */
START_TEST(test_damaged)
{
	struct cache c = cache_new(_i);
	struct stat sb;

	plant(&c);
	ck_assert_int_eq(fstatat(c.dir, c.name, &sb, 0), 0);
	for (off_t at = 0; at <= sb.st_size; at += at < 48 || at > sb.st_size - 16 ? 1 : 11) {
		cs_auto_fd int fd = -EBADF;
		char byte = 'x';

		plant(&c);
		ck_assert(hit(&c));
		fd = openat(c.dir, c.name, O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		if (at < sb.st_size)
			ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		ck_assert_msg(!hit(&c), "byte %lld", (long long)at);
		plant(&c);
		close(cs_take_fd(&fd));
		fd = openat(c.dir, c.name, O_RDWR | O_CLOEXEC);
		ck_assert_int_eq(ftruncate(fd, at == sb.st_size ? at + 1 : at), 0);
		ck_assert_msg(!hit(&c), "cut at %lld", (long long)at);
	}
	cache_free(&c);
}
END_TEST

/* Files that others could have made are as if they were not there. */
START_TEST(test_not_ours)
{
	struct cache c = cache_new(_i);

	plant(&c);
	ck_assert_int_eq(fchmodat(c.dir, c.name, 0620, 0), 0);
	ck_assert(!hit(&c));
	plant(&c);
	ck_assert_int_eq(fchmodat(c.dir, c.name, 0602, 0), 0);
	ck_assert(!hit(&c));
	if (geteuid() == 0) {
		plant(&c);
		ck_assert_int_eq(fchownat(c.dir, c.name, 4711, 0, 0), 0);
		ck_assert(!hit(&c));
	}
	plant(&c);
	ck_assert_int_eq(renameat(c.dir, c.name, c.dir, "other"), 0);
	ck_assert_int_eq(symlinkat("other", c.dir, c.name), 0);
	ck_assert(!hit(&c));
	ck_assert_int_eq(unlinkat(c.dir, c.name, 0), 0);
	ck_assert_int_eq(mkfifoat(c.dir, c.name, 0600), 0);
	ck_assert(!hit(&c));
	cache_free(&c);
}
END_TEST

/* The entry of another profile that happens to have the same hash. */
START_TEST(test_collision)
{
	struct cache c = cache_new(_i);
	struct ctr_seccomp_prog prog;
	struct ctr_seccomp other = profile;
	char name[32];

	plant(&c);
	ck_assert_int_eq(unlinkat(c.dir, c.name, 0), 0);
	other.default_action = SCMP_ACT_ERRNO(ENOENT);
	prog = compiled(&other, c.dir);
	ck_assert_uint_eq(count(c.dir, name, sizeof(name)), 1);
	ck_assert_int_eq(renameat(c.dir, name, c.dir, c.name), 0);
	ck_assert(!hit(&c));
	ctr_seccomp_fini(&prog);
	cache_free(&c);
}
END_TEST

static void assert_keys_differ(const struct ctr_seccomp *a, const struct ctr_seccomp *b)
{
	cs_auto_buf struct cs_buf ka = CS_BUF_INIT, kb = CS_BUF_INIT;

	ctr_seccomp_key(a, &ka);
	ctr_seccomp_key(b, &kb);
	ck_assert(ka.len != kb.len || memcmp(ka.s, kb.s, ka.len) != 0);
}

/* Whatever changes the code changes the key. */
START_TEST(test_key)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86 };
	static const char *const joined[] = { "mkdi", "rchdir", NULL };
	struct ctr_seccomp sc = profile;
	struct ctr_seccomp_rule rule = rules[0];
	struct ctr_seccomp_arg arg = args[0];

	sc.default_action = SCMP_ACT_KILL;
	assert_keys_differ(&profile, &sc);
	sc = profile;
	sc.archs = archs;
	sc.n_archs = 1;
	assert_keys_differ(&profile, &sc);
	sc = profile;
	sc.n_rules = 0;
	assert_keys_differ(&profile, &sc);
	sc.n_rules = 1;
	sc.rules = &rule;
	rule.action = SCMP_ACT_LOG;
	assert_keys_differ(&profile, &sc);
	rule = rules[0];
	rule.n_names = 1;
	assert_keys_differ(&profile, &sc);
	rule = rules[0];
	rule.names = joined;
	assert_keys_differ(&profile, &sc);
	rule = rules[0];
	rule.n_args = 0;
	assert_keys_differ(&profile, &sc);
	rule.n_args = 1;
	rule.args = &arg;
	arg.value = 4;
	assert_keys_differ(&profile, &sc);
	arg = args[0];
	arg.value_two = 4;
	assert_keys_differ(&profile, &sc);
	arg = args[0];
	arg.index = 1;
	assert_keys_differ(&profile, &sc);
	arg = args[0];
	arg.op = SCMP_CMP_NE;
	assert_keys_differ(&profile, &sc);
}
END_TEST

/* The oldest entries and what dead writers left go; other files stay. */
START_TEST(test_bounded)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct cache c = cache_new(_i);

	plant(&c);
	ck_assert_int_eq(utimensat(c.dir, c.name, old, 0), 0);
	close(openat(c.dir, "README", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (uint32_t i = 100; i < 109 + CTR_SECCOMP_CACHE_MAX; i++) {
		struct ctr_seccomp sc = profile;
		struct ctr_seccomp_prog prog;

		sc.default_action = SCMP_ACT_ERRNO(i);
		prog = compiled(&sc, c.dir);
		ctr_seccomp_fini(&prog);
	}
	ck_assert_uint_eq(count(c.dir, NULL, 0), CTR_SECCOMP_CACHE_MAX + 1);
	ck_assert_int_eq(faccessat(c.dir, "README", F_OK, 0), 0);
	ck_assert_int_ne(faccessat(c.dir, c.name, F_OK, 0), 0);
	cache_free(&c);
}
END_TEST

/* A cache that cannot be written to is no error. */
START_TEST(test_no_room)
{
	struct cache c = cache_new(_i);
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ctr_seccomp_prog prog = compiled(&profile, proc);

	ck_assert_uint_gt(prog.n, 1);
	ctr_seccomp_fini(&prog);
	close(proc);
	cache_free(&c);
}
END_TEST

/* What a writer that was killed left is used by the next one; one at work is left alone. */
START_TEST(test_killed)
{
	struct cache c = cache_new(true);
	cs_auto_fd int fd = openat(c.dir, "new", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct stat sb;

	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	plant(&c);
	ck_assert(hit(&c));
	close(cs_take_fd(&fd));

	fd = openat(c.dir, "new", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(unlinkat(c.dir, c.name, 0), 0);
	plant(&c);
	ck_assert(!hit(&c));
	ck_assert_int_eq(fstat(fd, &sb), 0);
	ck_assert_int_eq(sb.st_size, 1 << 20);
	ck_assert_uint_eq(sb.st_nlink, 1);
	cache_free(&c);
}
END_TEST

static int trap_dir;

/* Another writer ends, and a third begins, between our opening its file and our locking it. */
static void on_flock(int sig)
{
	(void)sig;
	renameat(trap_dir, "new", trap_dir, "theirs");
	mknodat(trap_dir, "new", S_IFREG | 0600, 0);
}

/* The file of a writer that ended in the meantime is not written to. flock() itself is not done,
 * but returns its own number, which is no error. */
START_TEST(test_too_late)
{
	struct cache c = cache_new(true);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = CS_LEN(code), .filter = code };
	struct sock_filter kill = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	const struct ctr_seccomp_code one = { .v = &kill, .n = 1 };
	struct stat sb;

	trap_dir = c.dir;
	ck_assert(signal(SIGSYS, on_flock) != SIG_ERR);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
	ctr_seccomp_cache_put(c.dir, c.key.s, c.key.len, &one);
	ck_assert_int_eq(fstatat(c.dir, "theirs", &sb, 0), 0);
	ck_assert_int_eq(sb.st_size, 0);
	ck_assert_uint_eq(count(c.dir, NULL, 0), 2);
	cache_free(&c);
}
END_TEST

/* The second time, as where a file must have a name from birth. */
int main(void)
{
	const TTest *const tests[] = {
		test_hit,     test_damaged, test_not_ours, test_collision, test_key,
		test_bounded, test_no_room, test_killed,   test_too_late,
	};

	return unit_run_times("runtime/seccomp_cache", tests, CS_LEN(tests), 2);
}
