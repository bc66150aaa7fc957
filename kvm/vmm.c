/*
 * The virtual machine monitor: one process a machine, told all by one JSON config (kvm/config.h)
 * and the fds it is started with.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "kvm/config.h"
#include "kvm/jail.h"
#include "kvm/machine.h"
#include "kvm/virtio/fs.h"

enum {
	CONFIG_MAX = 1 << 20,
	STACK = 256 << 10, /* bytes, of each thread but the first */
	EXIT_USAGE = 2,
	EXIT_PANIC = 3,
	EXIT_TRIPLE = 4,
	EXIT_HANG = 5,
	EXIT_ERROR = 6,
};

static const char usage[] =
	"usage: vmm [--dump-config] [--log-level LEVEL] (CONFIG | --config-fd FD)\n"
	"\n"
	"Runs the virtual machine that the JSON file CONFIG describes, until it ends.\n"
	"\n"
	"  --config-fd FD     read the config from this open file\n"
	"  --dump-config      print the config with all defaults, and end\n"
	"  --log-level LEVEL  error, warning (default), info, debug\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 the machine ended by itself or was told to, 1 it could not be started,\n"
	"2 wrong usage, 3 its kernel panicked, 4 triple fault, 5 it hung, 6 the host could not go "
	"on.\n";

struct opts {
	const char *path; /* NULL: config_fd */
	int config_fd;
	bool dump;
	bool done; /* --help, --version */
	enum cs_log_level level;
};

static int exit_status(enum vm_reason reason)
{
	switch (reason) {
	case VM_REASON_PANIC:
		return EXIT_PANIC;
	case VM_REASON_TRIPLE:
		return EXIT_TRIPLE;
	case VM_REASON_HANG:
		return EXIT_HANG;
	case VM_REASON_NONE:
	case VM_REASON_ERROR:
		return EXIT_ERROR;
	case VM_REASON_EXIT:
	case VM_REASON_POWER_OFF:
	case VM_REASON_RESET:
	case VM_REASON_STOPPED:
	case VM_REASONS:
		break;
	}
	return EXIT_SUCCESS;
}

static int parse_level(const char *s, enum cs_log_level *out, struct cs_err *err)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; s && i < CS_LEN(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*out = (enum cs_log_level)i;
			return 0;
		}
	}
	return cs_err_set(err, EINVAL, "--log-level is error, warning, info or debug");
}

static int parse_fd(const char *s, int *out, struct cs_err *err)
{
	uint64_t v;

	if (!s || cs_str_u64(s, &v) < 0 || v > INT32_MAX)
		return cs_err_set(err, EINVAL, "--config-fd wants the number of an open file");
	*out = (int)v;
	return 0;
}

static int parse_opts(int argc, char **argv, struct opts *o, struct cs_err *err)
{
	int rc = 0;

	for (int i = 1; i < argc && rc == 0; i++) {
		const char *a = argv[i];

		if (strcmp(a, "--help") == 0 || strcmp(a, "--version") == 0) {
			fputs(a[2] == 'h' ? usage : "vmm " CS_VERSION "\n", stdout);
			o->done = true;
		} else if (strcmp(a, "--dump-config") == 0) {
			o->dump = true;
		} else if (strcmp(a, "--config-fd") == 0) {
			rc = parse_fd(argv[++i], &o->config_fd, err);
		} else if (strcmp(a, "--log-level") == 0) {
			rc = parse_level(argv[++i], &o->level, err);
		} else if (a[0] == '-' || o->path) {
			rc = cs_err_set(err, EINVAL, "unexpected '%s'", a);
		} else {
			o->path = a;
		}
	}
	if (rc == 0 && !o->done && (o->path != NULL) == (o->config_fd >= 0))
		rc = cs_err_set(err, EINVAL, "give a config file, or --config-fd");
	return rc;
}

static int read_config(const struct opts *o, struct cs_json_doc *doc, struct vm_config *cfg,
		       struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	cs_auto_fd int fd = o->path ? open(o->path, O_RDONLY | O_CLOEXEC) : o->config_fd;
	size_t len;
	int rc;

	if (fd < 0)
		return cs_err_sys(err, "open %s", o->path);
	rc = cs_fd_read_all(fd, CONFIG_MAX, &text, &len, err);
	if (rc < 0)
		return cs_err_wrap(err, "read the config");
	return vm_config_parse(text, len, doc, cfg, err);
}

static int dump(const struct vm_config *cfg, struct cs_err *err)
{
	cs_auto_free char *text = NULL;
	int rc = vm_config_dump(cfg, &text, err);

	if (rc == 0 && puts(text) < 0)
		rc = cs_err_sys(err, "print the config");
	return rc;
}

/* { "reason": "exit", "status": 0, "text": "", "counters": { … } } */
static int write_result(struct vm_machine *m, struct cs_err *err)
{
	cs_auto_jw struct cs_jw w = CS_JW_INIT;
	cs_auto_free char *text = NULL;
	size_t len;
	int rc;

	if (m->cfg->result_fd < 0)
		return 0;
	cs_jw_obj(&w, NULL);
	cs_jw_str(&w, "reason", vm_reason_name(m->end.reason));
	if (m->end.reason == VM_REASON_EXIT)
		cs_jw_u64(&w, "status", m->end.status);
	cs_jw_str(&w, "text", m->end.text);
	cs_jw_obj(&w, "counters");
	vm_machine_counters(m, &w);
	cs_jw_obj_end(&w);
	cs_jw_obj_end(&w);
	rc = cs_jw_take(&w, &text, &len, err);
	if (rc < 0)
		return rc;
	text[len] = '\n'; /* instead of the NUL */
	return cs_fd_write_all(m->cfg->result_fd, text, len + 1, err);
}

/* Makes and runs the machine in this process. Returns an exit status. */
static int run(const struct vm_config *cfg, struct cs_err *err)
{
	struct vm_machine m;
	int rc, status;

	rc = vm_machine_init(&m, cfg, err);
	if (rc < 0)
		return rc;
	rc = vm_machine_run(&m, cfg->jail ? vm_jail_thread : NULL, err);
	if (rc == 0)
		rc = write_result(&m, err);
	status = exit_status(m.end.reason);
	if (rc == 0 && status != EXIT_SUCCESS)
		cs_log(CS_LOG_ERROR, "%s: %s", vm_reason_name(m.end.reason), m.end.text);
	vm_machine_fini(&m);
	return rc < 0 ? rc : status;
}

/* Forks the server of a shared folder: it has to see the folder, so it comes before the machine's
 * jail, and goes into one of its own. It ends when the machine lets go of its end of the socket. */
static int fork_server(struct vm_fs_config *fs, struct cs_err *err)
{
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return cs_err_sys(err, "make a socket pair for a folder's server");
	pid = fork();
	if (pid < 0) {
		rc = cs_err_sys(err, "start a folder's server");
		close(pair[0]);
		close(pair[1]);
		return rc;
	}
	if (pid == 0) {
		rc = vio_fs_serve(pair[1], fs->root_fd, fs->readonly, err);
		if (rc < 0)
			cs_log(CS_LOG_ERROR, "folder %s: %s", fs->tag, err->msg);
		_exit(rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	close(pair[1]);
	fs->server_fd = pair[0];
	return 0;
}

static int fork_servers(struct vm_config *cfg, struct cs_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < cfg->n_devs && rc == 0; i++)
		if (cfg->dev[i].type == VM_DEV_FS)
			rc = fork_server(&cfg->dev[i].fs, err);
	return rc;
}

/* In a child that is jailed before it looks at a kernel; this process waits for it. */
static int run_jailed(struct vm_config *cfg, struct cs_err *err)
{
	pid_t child;
	int rc;

	if (cfg->kvm_fd < 0)
		cfg->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (cfg->kvm_fd < 0)
		return cs_err_sys(err, "open /dev/kvm");
	if (geteuid() != 0) {
		cfg->uid = geteuid();
		cfg->gid = getegid();
	}
	child = vm_jail_fork(cfg->uid, cfg->gid, err);
	if (child < 0)
		return (int)child;
	if (child > 0)
		return vm_jail_attend(child, err);
	rc = vm_jail_close(cfg->uid, cfg->gid, err);
	return rc < 0 ? rc : run(cfg, err);
}

static int start(const struct opts *o, struct vm_config *cfg, struct cs_err *err)
{
	int rc;

	if (o->dump)
		return dump(cfg, err);
	rc = fork_servers(cfg, err);
	if (rc < 0)
		return rc;
	return cfg->jail ? run_jailed(cfg, err) : run(cfg, err);
}

/* The usual 8 MiB of a thread's stack have room for a huge page, which its first use would clear
 * and keep. */
static int small_stacks(struct cs_err *err)
{
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc == 0)
		rc = pthread_attr_setstacksize(&attr, STACK);
	if (rc == 0)
		rc = pthread_setattr_default_np(&attr);
	return rc ? cs_err_errno(err, rc, "set the size of threads' stacks") : 0;
}

int main(int argc, char **argv)
{
	cs_auto_json struct cs_json_doc doc = CS_JSON_DOC_INIT;
	struct opts o = { .config_fd = -EBADF, .level = CS_LOG_WARN };
	struct cs_err err = CS_ERR_INIT;
	struct vm_config cfg = { 0 };
	int rc = parse_opts(argc, argv, &o, &err);

	cs_log_setup(STDERR_FILENO, CS_LOG_TEXT, o.level, "vmm");
	if (rc < 0) {
		cs_log(CS_LOG_ERROR, "%s; --help tells more", err.msg);
		return EXIT_USAGE;
	}
	if (o.done)
		return EXIT_SUCCESS;
	/* who reads a console may go: what the guest writes afterwards is lost, no more */
	(void)signal(SIGPIPE, SIG_IGN);
	/* one heap for all threads: they allocate little, and each heap is private memory */
	mallopt(M_ARENA_MAX, 1);
	rc = small_stacks(&err);
	if (rc < 0) {
		cs_log(CS_LOG_ERROR, "%s", err.msg);
		return EXIT_FAILURE;
	}
	rc = read_config(&o, &doc, &cfg, &err);
	if (rc == 0)
		rc = start(&o, &cfg, &err);
	if (rc < 0) {
		cs_log(CS_LOG_ERROR, "%s", err.msg);
		return EXIT_FAILURE;
	}
	return rc;
}
