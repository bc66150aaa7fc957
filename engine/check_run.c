#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/check_int.h"
#include "engine/create.h"
#include "engine/engine.h"
#include "engine/libexec.h"
#include "engine/life.h"
#include "engine/record.h"
#include "images/source.h"
#include "images/store.h"
#include "netns/network.h"

/*
 * Containers for real, by all that a user's go through: image store, overlay, monitor, runtime,
 * cgroup, network. They are in stores of the check's own, and in mount, pid and network namespaces
 * that end with the process: whatever is killed when, no mount, process, link or rule stays.
 */

struct run {
	const char *isolation;
	bool network;
	int ret;
	double ms;
	struct cs_err err;
};

enum { WAIT_MS = 50 * 1000 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int copy(const char *from, const char *to, struct cs_err *err)
{
	cs_auto_fd int in = open(from, O_RDONLY | O_CLOEXEC);
	cs_auto_fd int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char buf[16384];
	ssize_t n;

	if (in < 0 || out < 0)
		return cs_err_sys(err, "copy %s", from);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (cs_fd_write_all(out, buf, (size_t)n, err) < 0)
			return -err->code;
	return n < 0 ? cs_err_sys(err, "read %s", from) : 0;
}

/* An image with one program, the small init, which says by its status that it could run. */
static int make_image(const struct eng_check *c, struct img_store **st, struct img_image *im,
		      struct cs_err *err)
{
	static const char *const changes[] = { "CMD [\"/caisson-init\", \"--check\"]" };
	char dir[PATH_MAX], program[PATH_MAX], to[PATH_MAX], store[PATH_MAX], id[IMG_DIGEST_TEXT];
	struct img_import how = { .fd = -EBADF, .changes = changes, .n_changes = 1 };

	if (cs_str_fmt(dir, sizeof(dir), err, "%s/rootfs", c->tmp) < 0 ||
	    cs_str_fmt(to, sizeof(to), err, "%s/rootfs/caisson-init", c->tmp) < 0 ||
	    cs_str_fmt(store, sizeof(store), err, "%s/images", c->tmp) < 0 ||
	    eng_libexec("caisson-init", program, sizeof(program), err) < 0)
		return -err->code;
	if (mkdir(dir, 0755) == 0 && copy(program, to, err) < 0)
		return -err->code;
	how.path = dir;
	if (img_store_open(store, st, err) < 0 || img_import(*st, &how, id, err) < 0)
		return -err->code;
	return img_store_image(*st, id, im, err);
}

static int run_once(const struct eng *e, const struct img_image *im, struct run *run,
		    struct cs_err *err)
{
	static const char *const port[] = { "80", NULL };
	static struct eng_net net = { .network = NET_DEFAULT_NAME };
	struct eng_record r = ENG_RECORD_INIT;
	struct cs_arena *a = cs_arena_new(0);
	int code = -1, ret;
	double begin = now_ms();

	if (!a)
		return cs_err_set(err, ENOMEM, "out of memory");
	r.isolation = run->isolation;
	r.image = "check";
	r.network_mode = run->network ? NULL : "none";
	if (run->network) {
		r.nets = &net;
		r.n_nets = 1;
		r.ports = (struct eng_strv){ port, 1 };
	}
	ret = eng_create(e, im, a, &r, err);
	if (ret == 0)
		ret = eng_start(e, r.id, -EBADF, NULL, &code, err);
	if (ret == 0)
		ret = eng_wait(e, r.id, WAIT_MS, &code, err);
	if (ret == 0)
		ret = cs_err_set(err, ETIMEDOUT, "it does not end");
	if (ret > 0 && code != 0)
		ret = cs_err_set(err, ECHILD, "its program ended with %d, not 0", code);
	run->ms = now_ms() - begin;
	if (r.id) {
		struct cs_err why = CS_ERR_INIT;

		if (eng_remove(e, r.id, true, true, &why) < 0 && ret > 0) {
			*err = why;
			ret = -why.code;
		}
	}
	cs_arena_free(a);
	return ret < 0 ? ret : 0;
}

/* The network's name server ends, too. */
static int drop_network(const struct eng_check *c, struct cs_err *err)
{
	net_auto_store struct net_store st = NET_STORE_INIT;
	int ret = net_store_open(&st, c->tmp, c->tmp_run, err);

	return ret < 0 ? ret : net_network_remove(&st, NET_DEFAULT_NAME, true, err);
}

static int run_inside(const struct eng_check *c, struct run *run, struct cs_err *err)
{
	img_auto_store struct img_store *st = NULL;
	img_auto_image struct img_image im = IMG_IMAGE_INIT;
	eng_auto struct eng e = ENG_INIT;
	struct cs_err why = CS_ERR_INIT;
	int ret;

	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return cs_err_sys(err, "mount /proc");
	ret = make_image(c, &st, &im, err);
	if (ret == 0)
		ret = eng_open(&e, c->tmp, c->tmp_run, err);
	if (ret == 0)
		ret = run_once(&e, &im, run, err);
	if (run->network && drop_network(c, &why) < 0 && ret == 0) {
		*err = why;
		ret = -why.code;
	}
	return ret;
}

/* All in the pid namespace end when its first process does. */
static int try_run(const struct eng_check *c, void *arg, struct cs_err *err)
{
	struct run *run = arg;
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) < 0)
		return cs_err_sys(err, "unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cs_err_sys(err, "make mounts private");
	pid = fork();
	if (pid < 0)
		return cs_err_sys(err, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cs_err_clear(&run->err);
		run->ret = run_inside(c, run, &run->err);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (run->ret < 0)
		*err = run->err;
	return run->ret;
}

static void check_run(struct eng_check *c, struct run *run, const char *name)
{
	struct cs_err why = CS_ERR_INIT;

	run->ret = -ECHILD;
	cs_err_clear(&run->err);
	cs_err_set(&run->err, ECHILD, "the process was killed");
	if (eng_check_try(c, try_run, run, &why) == 0)
		eng_check_pass(c, name, "created, run and waited for in %.1f ms", run->ms);
	else if (strcmp(run->isolation, "vm") == 0)
		eng_check_warn(c, name, "see what is said of /dev/kvm and of the guest package",
			       "%s", why.msg);
	else
		eng_check_fail(c, name,
			       "mend what failed above; else caisson --debug check says "
			       "more",
			       "%s", why.msg);
}

void eng_check_run(struct eng_check *c)
{
	/* shared with the processes that run it */
	struct run *run =
		mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (run == MAP_FAILED || !*c->tmp || !*c->tmp_run) {
		eng_check_fail(c, "container", "mend what failed above", "cannot be tried");
		return;
	}
	run->isolation = "container";
	check_run(c, run, "container");
	run->network = true;
	check_run(c, run, "container with a network and a port");
	run->isolation = "vm";
	run->network = false;
	check_run(c, run, "machine (--isolation=vm)");
	munmap(run, sizeof(*run));
}
