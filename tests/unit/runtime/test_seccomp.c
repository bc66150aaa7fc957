#include "runtime/ns/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/spec.h"
#include "tests/unit/runtime/child.h"

/* Real filters on real processes. What a filter does on other architectures, and the cache, are in
 * test_seccomp_code.c and test_seccomp_cache.c. */

enum { SIGSYS_BY_SECCOMP = 1 }; /* SYS_SECCOMP of the kernel's siginfo.h */

static const char *const getppid_name[] = { "getppid", NULL };
static const char *const lseek_name[] = { "lseek", NULL };

static int install(const struct ctr_seccomp *sc, int *listener)
{
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return CHILD_SETUP;
	rc = ctr_seccomp_compile(sc, -EBADF, &prog, &err);
	if (rc == 0)
		rc = ctr_seccomp_install(&prog, listener, &err);
	ctr_seccomp_fini(&prog);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.msg);
	return rc < 0 ? CHILD_SETUP : 0;
}

/* A filter that lets all through but does @action to getppid. */
struct one {
	struct ctr_seccomp_rule rule;
	struct ctr_seccomp sc;
};

static struct one on_getppid(uint32_t action)
{
	return (struct one){
		.rule = { .names = getppid_name, .n_names = 1, .action = action },
		.sc = { .present = true, .default_action = SCMP_ACT_ALLOW, .n_rules = 1 },
	};
}

static int call_getppid(void *arg)
{
	struct one *o = arg;
	int listener = 0;
	long r;

	o->sc.rules = &o->rule;
	if (install(&o->sc, &listener))
		return CHILD_SETUP;
	if (listener != -EBADF)
		return 101;
	r = syscall(SYS_getppid);
	return r < 0 ? errno : 100;
}

START_TEST(test_actions)
{
	struct one o = on_getppid(SCMP_ACT_ERRNO(EXDEV));
	int status;

	ck_assert_int_eq(child_run(call_getppid, &o), EXDEV << 8);

	o = on_getppid(SCMP_ACT_LOG);
	ck_assert_int_eq(child_run(call_getppid, &o), 100 << 8);

	o = on_getppid(SCMP_ACT_KILL_PROCESS);
	status = child_run(call_getppid, &o);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);

	o = on_getppid(SCMP_ACT_KILL_THREAD);
	status = child_run(call_getppid, &o);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);

	o = on_getppid(SCMP_ACT_TRACE(7)); /* no tracer */
	ck_assert_int_eq(child_run(call_getppid, &o), ENOSYS << 8);

	o = on_getppid(SCMP_ACT_ERRNO(EXDEV));
	o.sc.filter_flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
			    SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	ck_assert_int_eq(child_run(call_getppid, &o), EXDEV << 8);
}
END_TEST

static void trapped(int signo, siginfo_t *si, void *context)
{
	(void)signo;
	(void)context;
	_exit(si->si_syscall == SYS_getppid && si->si_code == SIGSYS_BY_SECCOMP ? 42 : 43);
}

static int call_trapped(void *arg)
{
	struct sigaction sa = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGSYS, &sa, NULL) < 0)
		return CHILD_SETUP;
	return call_getppid(arg);
}

START_TEST(test_trap)
{
	struct one o = on_getppid(SCMP_ACT_TRAP);

	ck_assert_int_eq(child_run(call_trapped, &o), 42 << 8);
}
END_TEST

/* lseek on no file: EBADF from the kernel, EXDEV from the filter. */
struct seek {
	struct ctr_seccomp_arg args[3];
	size_t n_args;
	uint64_t offset;
	uint64_t whence;
};

static int call_lseek(void *arg)
{
	const struct seek *s = arg;
	const struct ctr_seccomp_rule rule = {
		.names = lseek_name,
		.n_names = 1,
		.action = SCMP_ACT_ERRNO(EXDEV),
		.args = s->args,
		.n_args = s->n_args,
	};
	const struct ctr_seccomp sc = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};
	int listener;

	if (install(&sc, &listener))
		return CHILD_SETUP;
	return syscall(SYS_lseek, -1, s->offset, s->whence) < 0 ? errno : 0;
}

static bool caught(const struct seek *s)
{
	struct seek copy = *s;
	int status = child_run(call_lseek, &copy);

	ck_assert(WIFEXITED(status));
	ck_assert(WEXITSTATUS(status) == EXDEV || WEXITSTATUS(status) == EBADF);
	return WEXITSTATUS(status) == EXDEV;
}

START_TEST(test_compare)
{
	static const uint64_t big = UINT64_C(0x123456789a);
	static const struct {
		int op;
		bool less, same, more;
	} ops[] = {
		{ SCMP_CMP_NE, true, false, true }, { SCMP_CMP_LT, true, false, false },
		{ SCMP_CMP_LE, true, true, false }, { SCMP_CMP_EQ, false, true, false },
		{ SCMP_CMP_GE, false, true, true }, { SCMP_CMP_GT, false, false, true },
	};

	for (size_t i = 0; i < CS_LEN(ops); i++) {
		struct seek s = { .args = { { .index = 1, .value = big, .op = ops[i].op } },
				  .n_args = 1 };

		s.offset = big - 1;
		ck_assert_msg(caught(&s) == ops[i].less, "op %d, less", ops[i].op);
		s.offset = big;
		ck_assert_msg(caught(&s) == ops[i].same, "op %d, same", ops[i].op);
		s.offset = big + 1;
		ck_assert_msg(caught(&s) == ops[i].more, "op %d, more", ops[i].op);
		/* the lower halves alone would compare the other way round */
		s.offset = big - (UINT64_C(1) << 32) + 1;
		ck_assert_msg(caught(&s) == ops[i].less, "op %d, upper half", ops[i].op);
	}
}
END_TEST

START_TEST(test_masked)
{
	struct seek s = {
		.args = { { .index = 1,
			    .value = UINT64_C(0xff000000f0),
			    .value_two = UINT64_C(0xab00000050),
			    .op = SCMP_CMP_MASKED_EQ } },
		.n_args = 1,
	};

	s.offset = UINT64_C(0x12ab12345651);
	ck_assert(caught(&s));
	s.offset = UINT64_C(0x12ab12345661);
	ck_assert(!caught(&s));
	s.offset = UINT64_C(0x12ac12345651);
	ck_assert(!caught(&s));
}
END_TEST

/* Comparisons of different arguments must all hold, those of one argument are alternatives. */
START_TEST(test_several_args)
{
	struct seek s = {
		.args = { { .index = 1, .value = 5, .op = SCMP_CMP_EQ },
			  { .index = 2, .value = 6, .op = SCMP_CMP_EQ } },
		.n_args = 2,
		.offset = 5,
		.whence = 6,
	};

	ck_assert(caught(&s));
	s.whence = 7;
	ck_assert(!caught(&s));
	s.args[1].index = 1;
	ck_assert(caught(&s));
	s.offset = 6;
	ck_assert(caught(&s));
	s.offset = 7;
	ck_assert(!caught(&s));
}
END_TEST

/* The child is the container, its parent the runtime, another child the agent. */
static const char socket_path[] = "agent.sock";
static const char state_json[] =
	"{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":4422,"
	"\"metadata\":\"opaque\",\"state\":{\"id\":\"c1\",\"status\":\"creating\"}}";

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* What the agent gets: the state and one notify fd, on which it answers one call. */
static int agent(int listening)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	struct cs_err err = CS_ERR_INIT;
	char text[1024] = "";
	size_t n = 0, len = sizeof(text) - 1;
	int conn = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	int fd = -1;

	if (conn < 0 || cs_fd_recv(conn, &fd, 1, &n, text, &len, &err) < 0 || n != 1)
		return 1;
	if (strcmp(text, state_json) != 0)
		return 2;
	if (read(conn, text, 1) != 0)
		return 3; /* one state a connection */
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return 4;
	if (req.data.nr != SYS_getppid)
		return 5;
	resp.id = req.id;
	resp.val = 4242;
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 ? 6 : 0;
}

static int notified(void *arg)
{
	struct one o = on_getppid(SCMP_ACT_NOTIFY);
	struct cs_err err = CS_ERR_INIT;
	int listener = -1;

	(void)arg;
	o.sc.rules = &o.rule;
	o.sc.uses_notify = true;
	/* a listener together with TSYNC is refused without TSYNC_ESRCH */
	o.sc.filter_flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (install(&o.sc, &listener))
		return CHILD_SETUP;
	if (listener < 0 || !(fcntl(listener, F_GETFD) & FD_CLOEXEC))
		return 1;
	if (ctr_seccomp_send_listener(socket_path, listener, state_json, &err) < 0)
		return 2;
	close(listener);
	return syscall(SYS_getppid) == 4242 ? 0 : 3;
}

START_TEST(test_notify)
{
	char dir[] = "/tmp/caisson-unit-XXXXXX";
	int listening, status;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	listening = listen_at(socket_path);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(agent(listening));
	status = child_run(notified, NULL);
	unlink(socket_path);
	rmdir(dir);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* An agent whose socket has a path longer than a socket address takes. */
START_TEST(test_listener_errors)
{
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(ctr_seccomp_send_listener("/nonexistent/agent", 0, "{}", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "linux.seccomp.listenerPath"));
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/agent"));
}
END_TEST

START_TEST(test_long_path)
{
	char dir[] = "/tmp/caisson-unit-XXXXXX";
	char deep[160], path[200];
	struct cs_err err = CS_ERR_INIT;
	int listening, null;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(deep, sizeof(deep), "%s/%0120d", dir, 0);
	ck_assert_int_eq(mkdir(deep, 0700), 0);
	ck_assert_int_eq(chdir(deep), 0);
	listening = listen_at("s");
	snprintf(path, sizeof(path), "%s/s", deep);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(ctr_seccomp_send_listener(path, null, "{}", &err), 0);
	close(null);
	close(listening);
	unlink("s");
	rmdir(deep);
	rmdir(dir);
}
END_TEST

START_TEST(test_refused)
{
	static const char *const names[] = { "read", NULL };
	const struct ctr_seccomp_arg arg = { .index = 6, .op = SCMP_CMP_EQ };
	const struct ctr_seccomp_rule rule = { .names = names,
					       .n_names = 1,
					       .action = SCMP_ACT_KILL_PROCESS,
					       .args = &arg,
					       .n_args = 1 };
	const struct ctr_seccomp sc = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};
	const struct ctr_seccomp bad = { .present = true, .default_action = 0x12345678 };
	struct ctr_seccomp_prog prog = { 0 };
	struct cs_err err = CS_ERR_INIT;

	ck_assert_int_eq(ctr_seccomp_compile(&sc, -EBADF, &prog, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "linux.seccomp.syscalls: args[0].index"));
	cs_err_clear(&err);
	ck_assert_int_eq(ctr_seccomp_compile(&bad, -EBADF, &prog, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "linux.seccomp.defaultAction"));
	ck_assert_ptr_null(prog.insns);
}
END_TEST

UNIT_MAIN("runtime/seccomp", test_actions, test_trap, test_compare, test_masked, test_several_args,
	  test_notify, test_listener_errors, test_long_path, test_refused)
